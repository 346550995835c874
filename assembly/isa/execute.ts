// One CPU for some time: an exception, an interrupt, or the instruction loop (run.ts).
import { RUN_HALTED, RUN_RUNNING, RUN_UNIMPLEMENTED } from "../abi";
import { lapicPending } from "../device/lapic";
import { Core, IO_IDLE } from "../memory/core";
import { countInterrupt } from "../memory/counters";
import {
  Cpu, DB, IF, NO_EXCEPTION, RF, SHADOW_SS, SHADOW_STEP, SHADOW_TAKEN, TF, raise,
} from "./cpu";
import { deliverException, deliverInterrupt } from "./exception";
import { copyCode } from "./fetch";
import { run } from "./run";

/** Vector of an interrupt that is let in before the next instruction, or -1. */
// @ts-ignore: decorator
@inline
function admitted(core: usize): i32 {
  const cpu = Cpu.of(core);
  // An access to a device is not torn from its answer (machine/, Core.ioState).
  if (!(cpu.rflags & IF) || cpu.shadow || Core.of(core).ioState != IO_IDLE) return -1;
  return lapicPending(core);
}

/** DR6: the debug exception is that of a single step. */
const DR6_BS: u64 = 1 << 14;

/**
 * Run on where the next instruction is not like others: it is alone in the shadow of STI or MOV SS;
 * or TF is set, and #DB comes behind it (SDM Vol. 3B 17.3.1.4, "Single-Step Exception Condition");
 * or RF is set, which stays so only until it is complete (17.3.1.1, "Instruction-Breakpoint
 * Exception Condition").
 */
function runGuarded(core: usize, limit: u64): void {
  const c = Core.of(core);
  const cpu = Cpu.of(core);
  const before = c.instructions;
  const shadow = cpu.shadow;
  const flags = cpu.rflags;
  const stepped = (flags & TF) != 0;
  // First: what it saves of RF, an INT say, is from before it; a fault sets the bit by itself.
  cpu.rflags = flags & ~(<u64>RF);
  if (shadow) cpu.shadow = SHADOW_TAKEN;
  run(core, shadow || stepped ? c.clock + 1 : limit);
  const complete = c.instructions != before;
  const pending = cpu.pending != NO_EXCEPTION;
  if (!complete && !pending) cpu.rflags |= flags & RF;
  // The instruction may have begun a shadow of its own.
  const own = cpu.shadow;
  if (own == SHADOW_TAKEN) cpu.shadow = complete ? 0 : shadow;
  else if (own == SHADOW_STEP) cpu.shadow = 0;
  // An iteration of a string instruction, which leaves RF set, traps as the last one does.
  if (!stepped || pending || c.stall || !(complete || cpu.rflags & RF)) return;
  if (own == SHADOW_SS || own == SHADOW_STEP) return;
  if (c.run == RUN_HALTED) c.run = RUN_RUNNING; // the trap ends the HLT at once
  if (c.run != RUN_RUNNING) return;
  cpu.dr6 |= DR6_BS;
  raise(core, DB);
}

/**
 * The CPU takes the exception that is pending, else an interrupt that is let in, else it runs while
 * its clock is below `limit`. Returns before that where something may be pending now, a stall
 * (Core.stall) or a Core.run that is no longer RUN_RUNNING included: the caller comes again, with
 * the limit as it is then. A delivery is a call of its own because it stores, and a store that is
 * going to ask for its line moves the limit.
 */
export function execute(core: usize, limit: u64): void {
  const cpu = Cpu.of(core);
  if (cpu.pending != NO_EXCEPTION) {
    deliverException(core);
    return;
  }
  const vector = admitted(core);
  if (vector >= 0) {
    if (deliverInterrupt(core, <u32>vector)) countInterrupt(core);
    return;
  }
  if (<u64>cpu.shadow | (cpu.rflags & <u64>(TF | RF))) runGuarded(core, limit);
  else run(core, limit);
  if (Core.of(core).run == RUN_UNIMPLEMENTED) reportUnimplemented(core);
}

/** Leave the instruction and its address for the host. */
function reportUnimplemented(core: usize): void {
  const cpu = Cpu.of(core);
  cpu.badRip = cpu.rip;
  copyCode(core, cpu.rip, core + offsetof<Cpu>("badBytes0"), 16);
}
