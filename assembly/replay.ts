// Entry of the build target "replay": the timing engine with one CPU, an instruction at a time,
// for tests that an instruction may stall anywhere and run again.
import {
  M_MAX_CYCLES, M_NOW, MACHINE_BASE, RUN_HALTED, STOP_BUDGET, STOP_QUIESCENT,
} from "./abi";
import { resetUser } from "./flat";
import { Cpu } from "./isa/cpu";
import { musterAll } from "./machine/crew";
import { layout, reset } from "./machine/topology";
import { runWorker } from "./machine/window";
import { Cluster } from "./memory/cluster";
import { Core, coreOf } from "./memory/core";
import { portReserve, portWrite } from "./memory/port";

export { setCpl } from "./isa/cpu";
export { getFlags, setFlags } from "./isa/flags";

export function layoutBytes(): u32 {
  return <u32>layout();
}

export function setup(): void {
  reset();
}

/** CPU 0 in ring 3 before the instruction at `rip`, with nothing in its TLB. */
export function begin(rip: u64, cr3: u64, cs: u32, ss: u32): usize {
  const core = coreOf(0);
  const c = Core.of(core);
  resetUser(core, rip, cr3, cs, ss);
  c.clock = load<u64>(<usize>(MACHINE_BASE + M_NOW));
  c.instructions = 0;
  c.recheck = 0;
  Cluster.of(0).nextEvent = 0;
  return core;
}

/** An older store in the buffer; false when that is full. */
export function press(phys: u64, size: u32, value: u64): bool {
  const core = coreOf(0);
  if (!portReserve(core, 1)) {
    Core.of(core).stall = 0;
    return false;
  }
  portWrite(core, phys, size, value);
  return true;
}

/** Runs for a window of one cycle; false if the machine cannot go on. */
function tick(): bool {
  const now = load<u64>(<usize>(MACHINE_BASE + M_NOW));
  store<u64>(<usize>(MACHINE_BASE + M_MAX_CYCLES), now + 1);
  musterAll();
  const stop = runWorker(0);
  return stop == STOP_BUDGET || stop == STOP_QUIESCENT;
}

/**
 * Runs until the CPU has left `rip`, or has executed it `times` times, for `windows` at most.
 * Returns the STALL_* that were met, as a mask; bit 31: it did not end.
 */
export function runOne(rip: u64, times: u64, windows: u32): u32 {
  const core = coreOf(0);
  const c = Core.of(core);
  let stalls: u32 = 0;
  for (let i: u32 = 0; i < windows; i++) {
    if (!tick()) break;
    stalls |= 1 << c.stall;
    if (!c.stall && (Cpu.of(core).rip != rip || c.instructions >= times)) return stalls & ~1;
  }
  return stalls | 0x80000000;
}

/** Halts the CPU and lets its stores become visible; false if they do not. */
export function settle(windows: u32): bool {
  const c = Core.of(coreOf(0));
  c.run = RUN_HALTED;
  for (let i: u32 = 0; i < windows && c.sbCount; i++) if (!tick()) return false;
  return !c.sbCount;
}
