// One CPU for some time: exceptions, interrupts, and in between the instruction loop (run.ts).
import { CORE_LIMIT_MASK, RUN_RUNNING, RUN_UNIMPLEMENTED } from "../abi";
import { lapicPending } from "../device/lapic";
import { Core, IO_IDLE } from "../memory/core";
import { countInterrupt } from "../memory/counters";
import { Cpu, DB, IF, NO_EXCEPTION, TF, raise } from "./cpu";
import { deliverException, deliverInterrupt } from "./exception";
import { copyCode } from "./fetch";
import { run } from "./run";

/** Cpu.shadow while the protected instruction runs. */
const IN_SHADOW: u32 = 2;

/**
 * Take what is pending: an exception first, else an interrupt that is let in. False = the CPU
 * cannot go on: delivery stalls, or it shut down.
 */
function takeEvents(core: usize): bool {
  const cpu = Cpu.of(core);
  if (cpu.pending != NO_EXCEPTION) return deliverException(core);
  // An access to a device is not torn from its answer (machine/, Core.ioState).
  if (!(cpu.rflags & IF) || cpu.shadow || Core.of(core).ioState != IO_IDLE) return true;
  const vector = lapicPending(core);
  if (vector < 0) return true;
  if (deliverInterrupt(core, <u32>vector)) {
    countInterrupt(core);
    return true;
  }
  return cpu.pending != NO_EXCEPTION && deliverException(core);
}

/** Exactly one instruction, before which no interrupt is taken (STI, MOV SS). */
function runProtected(core: usize): void {
  const c = Core.of(core);
  const cpu = Cpu.of(core);
  const before = c.instructions;
  cpu.shadow = IN_SHADOW;
  run(core, c.clock + 1);
  // The instruction may have begun a shadow of its own.
  if (cpu.shadow == IN_SHADOW) cpu.shadow = c.instructions == before ? 1 : 0;
}

/** DR6: the debug exception is that of a single step. */
const DR6_BS: u64 = 1 << 14;

/**
 * One instruction with TF set, then #DB (SDM Vol. 3B 17.3.1.4, "Single-Step Exception Condition").
 */
function runStepped(core: usize): void {
  const c = Core.of(core);
  const cpu = Cpu.of(core);
  const cpl = cpu.cpl;
  run(core, c.clock + 1);
  // A fault, a stall, HLT; or INT and SYSCALL, which have cleared TF before the trap.
  if (cpu.pending != NO_EXCEPTION || c.stall || c.run != RUN_RUNNING || cpu.cpl < cpl) return;
  cpu.dr6 |= DR6_BS;
  raise(core, DB);
}

/**
 * Run the CPU while its clock is below `limit`. Returns earlier when it cannot go on: Core.stall is
 * set, or Core.run is no longer RUN_RUNNING; or, where CORE_LIMIT_MASK was 0 on entry, after a
 * store.
 */
export function execute(core: usize, limit: u64): void {
  const c = Core.of(core);
  const mask = load<u64>(core, CORE_LIMIT_MASK);
  while (c.clock < limit) {
    if (!takeEvents(core)) break;
    if (c.clock >= limit) break;
    if (Cpu.of(core).shadow) runProtected(core);
    else if (Cpu.of(core).rflags & TF) runStepped(core);
    else run(core, limit);
    if (Cpu.of(core).pending != NO_EXCEPTION) continue;
    if (c.stall || c.run != RUN_RUNNING || c.selfModified) break;
    // The loop left early: something may be pending now, or code under way was written.
    if (!mask) break;
    store<u64>(core, mask, CORE_LIMIT_MASK);
  }
  if (c.run == RUN_UNIMPLEMENTED) reportUnimplemented(core);
}

/** Leave the instruction and its address for the host. */
function reportUnimplemented(core: usize): void {
  const cpu = Cpu.of(core);
  cpu.badRip = cpu.rip;
  copyCode(core, cpu.rip, core + offsetof<Cpu>("badBytes0"), 16);
}
