// Recording a run as a capsule, and running a capsule again: is every checkpoint the same?
import { type Capsule, capsuleOf } from "./capsule.ts";
import {
  changedLines, type Checkpoint, type Difference, firstDifference, thinOut,
} from "./checkpoint.ts";
import { type CreateOptions, Machine, type RunResult } from "./machine.ts";
import type { RunHooks } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";

/** Cycles between the first checkpoints; twice as many whenever there are too many of them. */
const INTERVAL_CYCLES = 250_000n;
const CHECKPOINTS_MAX = 16;

/** Where the machine stands; `before`: the lines of the checkpoint before, if there is one. */
function checkpointOf(machine: Machine, before?: Uint32Array) {
  const { cpus, lines } = machine.components();
  const checkpoint: Checkpoint = {
    cycle: machine.view.now,
    stateHash: machine.stateHash(),
    cpus: cpus.map((hash, cpu) => ({ hash, rip: machine.view.cpu(cpu).rip })),
    lines: changedLines(before ?? new Uint32Array(lines.length), lines),
  };
  return { checkpoint, lines };
}

/**
 * Runs `machine`, made with `options`, to its end, with checkpoints on the way. `snapshotAt`: keep
 * the state at the first boundary at or after this cycle, too.
 */
export async function record(
  machine: Machine,
  options: CreateOptions,
  hooks: RunHooks = {},
  snapshotAt?: bigint,
): Promise<{ result: RunResult; capsule: Capsule }> {
  let interval = INTERVAL_CYCLES;
  let { checkpoint, lines } = checkpointOf(machine);
  let checkpoints = [checkpoint];
  let snapshot: Snapshot | undefined;
  let result: RunResult | undefined;
  while (!result) {
    const last = checkpoints.at(-1)!.cycle;
    const next = last + interval - (last % interval);
    if (snapshotAt !== undefined && !snapshot && snapshotAt <= next) {
      result = await machine.runTo(snapshotAt, hooks);
      if (result) break;
      snapshot = await machine.snapshot();
    }
    result = await machine.runTo(next, hooks);
    if (result) break;
    ({ checkpoint, lines } = checkpointOf(machine, lines));
    checkpoints.push(checkpoint);
    if (checkpoints.length > CHECKPOINTS_MAX) {
      checkpoints = thinOut(checkpoints);
      interval *= 2n;
    }
  }
  checkpoints.push(checkpointOf(machine, lines).checkpoint);
  return { result, capsule: await capsuleOf(options, result, checkpoints, snapshot) };
}

/** A capsule of a run that has ended, with a checkpoint at its end only. */
export function recordEnd(
  machine: Machine, options: CreateOptions, result: RunResult,
): Promise<Capsule> {
  return capsuleOf(options, result, [checkpointOf(machine).checkpoint]);
}

export interface Divergence extends Partial<Difference> {
  /** The last cycle at which both were the same; undefined when even the start differs. */
  after?: bigint;
  /** The cycle at which they were found to differ. */
  before: bigint;
  what: string;
  /** RIP of the CPU that differs, in this run. */
  rip?: bigint;
}

export interface Replay {
  result?: RunResult;
  divergence?: Divergence;
  /** Identical at every checkpoint up to this cycle. */
  through?: bigint;
}

/** Runs the machine of a capsule, just made, and compares. */
export async function replay(
  machine: Machine,
  { checkpoints, end }: Pick<Capsule, "checkpoints" | "end">,
  hooks: RunHooks = {},
): Promise<Replay> {
  const from = machine.view.now;
  let through: bigint | undefined;
  /** What differs from checkpoint `index`, in the machine as it is now. */
  const differ = (index: number): Divergence => {
    const difference = firstDifference(checkpoints, index, machine.components());
    const { cpu } = difference;
    return {
      ...difference,
      after: through,
      before: checkpoints[index].cycle,
      what: "the state is another one",
      rip: cpu && machine.view.cpu(cpu.index).rip,
    };
  };
  let result: RunResult | undefined;
  for (const [index, { cycle, stateHash }] of checkpoints.entries()) {
    if (cycle < from || cycle >= end.cycles) continue;
    if (cycle > machine.view.now) result = await machine.runTo(cycle, hooks);
    if (result) break;
    if (machine.stateHash() !== stateHash) return { through, divergence: differ(index) };
    through = cycle;
  }
  result ??= await machine.run(hooks);
  if (result.exit === "cancelled") return { result, through };
  const { exit, cycles, instructions, stateHash } = result;
  if (exit !== end.exit || cycles !== end.cycles) {
    const what = `it ends with ${exit} at cycle ${cycles}, the recorded run with ${end.exit} ` +
      `at cycle ${end.cycles}`;
    const before = cycles < end.cycles ? cycles : end.cycles;
    return { result, through, divergence: { after: through, before, what } };
  }
  if (instructions === end.instructions && stateHash === end.stateHash) {
    return { result, through: cycles };
  }
  const divergence = checkpoints.length
    ? differ(checkpoints.length - 1)
    : { after: through, before: cycles, what: "the state is another one" };
  return { result, through, divergence };
}
