// Entry of the build target "stress": the timing engine's memory system and windows with random
// accesses in the place of instructions (machine/stress.ts).
import { M_CPUS, M_NOW, MACHINE_BASE, RUN_RUNNING } from "./abi";
import { layout, reset } from "./machine/topology";
import { added } from "./machine/stress";
import { Core, coreOf } from "./memory/core";
import { param } from "./memory/params";

export { coherence } from "./machine/invariant";
export { stateHash } from "./machine/hash";
export { runWorker } from "./machine/window";

export function layoutBytes(): u32 {
  return <u32>layout();
}

/** Every CPU begins at once. */
export function setup(): void {
  reset();
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const c = Core.of(coreOf(cpu));
    c.run = RUN_RUNNING;
    c.clock = load<u64>(<usize>(MACHINE_BASE + M_NOW));
  }
}

/** Accesses of the CPU that made the fewest: none starves. */
export function fewest(): u64 {
  let least = u64.MAX_VALUE;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    least = min(least, Core.of(coreOf(cpu)).instructions);
  }
  return least;
}

/** Locked additions to `counter` over all CPUs. */
export function additions(counter: u32): u64 {
  let sum: u64 = 0;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) sum += added(coreOf(cpu), counter);
  return sum;
}
