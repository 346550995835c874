// The exported functions of the timing engine, and nothing else.
import { MACHINE_BASE, M_NOW, WAIT_PARKED } from "./abi";
import { Cpu, resetLongMode } from "./isa/cpu";
import { getFlags } from "./isa/flags";
import { Core, coreOf } from "./memory/core";
import { countWait } from "./memory/counters";
import { layout, reset } from "./machine/topology";

export { runWorker } from "./machine/window";
export { cpuHash, lineHashes } from "./machine/components";
export { stateHash } from "./machine/hash";
export {
  clearDisks, diskBlocks, diskBlocksAt, diskKeysAt, replicaBytes, restoreDisks, rewind,
} from "./machine/snapshot";

/** Bytes of shared memory that the machine described in the machine block needs. */
export function layoutBytes(): u32 {
  return <u32>layout();
}

/** Brings the machine to reset. The memory above the machine block must be zero. */
export function setup(): void {
  reset();
}

/** CPU 0 begins at `rip` by the Linux 64-bit boot protocol, with RSI = `rsi`. */
export function startBsp(rip: u64, rsi: u64, cr3: u64): void {
  const core = coreOf(0);
  resetLongMode(core, rip, rsi, cr3);
  const c = Core.of(core);
  c.clock = load<u64>(MACHINE_BASE + M_NOW);
  countWait(core, WAIT_PARKED, c.clock);
}

/** EFLAGS of a CPU, the status flags included. */
export function flagsOf(cpu: u32): u32 {
  const core = coreOf(cpu);
  return <u32>Cpu.of(core).rflags | getFlags(core);
}
