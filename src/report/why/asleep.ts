// Why tasks sleep for ever, without all accesses of the run. Of a whole run only the stores are
// recorded, which costs little: they tell when each task was left for the last time. Around those
// cycles the run is recorded once more with all accesses, each time from a snapshot.
import { TRACE_ALL_STORES, TRACE_ISSUE } from "../../../assembly/trace-kinds.ts";
import { TraceReader } from "../../core/trace-reader.ts";
import { Accesses, follow, granuleOf } from "../../engine/accesses.ts";
import type { Machine, RunResult } from "../../engine/machine.ts";
import type { RunHooks } from "../../engine/session.ts";
import { Session } from "../crash/session.ts";
import { NEAR_CYCLES } from "./meetings.ts";
import { episodesOf, lostWakeups, switchedAt } from "./sleepers.ts";
import { Teller } from "./story.ts";
import { rightWaitsOf } from "./waits.ts";
import type { Explanation } from "./explanation.ts";
import { lostWakeup, RunDiffers, WHY_OPTIONS, withoutRepeats } from "./why.ts";

const STORES = 1 << 20;

/** With these a machine has to be made that leftAt() runs. */
export const STORE_OPTIONS = {
  // One, so that no store is lost between two pieces of the run.
  workers: 1, traceEvents: STORES, traceKinds: (1 << TRACE_ISSUE) | TRACE_ALL_STORES,
  traceFrom: 0n, traceTo: 0n, history: 0,
} as const;
/** A look before the sleep, the store that it missed, and the look of who stored it. */
const MARGIN_CYCLES = 3 * NEAR_CYCLES;

/** A task that sleeps at the end, and the cycle of its last switch. */
export interface Left {
  pid: number;
  time: number;
}

/**
 * Runs a machine made with STORE_OPTIONS to its end: which threads of programs sleep then, but for
 * those that wait rightly?
 */
export async function leftAt(
  machine: Machine, hooks: RunHooks = {},
): Promise<{ result: RunResult; left: Left[] }> {
  const reader = new TraceReader(machine.view);
  const stores = new Map<number, number>();
  // A CPU makes one store a cycle at most.
  const piece = BigInt(Math.floor(STORES / machine.view.cpus));
  let result: RunResult | undefined;
  do {
    result = await machine.runTo(machine.view.now + piece, hooks);
    const lost = reader.take((time, _cpu, _kind, _label, _size, phys) => {
      const granule = granuleOf(phys);
      // Of several CPUs the records are not in the order of their times.
      if ((stores.get(granule) ?? -1) < time) stores.set(granule, time);
    });
    if (lost > 0) throw new Error(`the trace lost ${lost} stores: a bug of smpbox`);
  } while (!result);
  const { guest, tasks } = new Session({ machine, result, image: "", seed: 0n, note: "" });
  const right = new Set(rightWaitsOf(machine).map(({ pid }) => pid));
  const asked = tasks.filter(({ pgd, pid }) => pgd !== 0n && !right.has(pid));
  const left = asked.flatMap((task): Left[] => {
    const granule = granuleOf(switchedAt(guest, task) ?? 0);
    const time = granule ? stores.get(granule) : undefined;
    return time === undefined ? [] : [{ pid: task.pid, time }];
  });
  return { result, left };
}

/** Of a run that hangs: the wake-ups that were lost. `machine` tells what run it is. */
export async function whyAsleep(
  machine: Machine, left: readonly Left[], hooks: RunHooks = {},
): Promise<Explanation[]> {
  const found: Explanation[] = [];
  const walker = await machine.again(
    { ...STORE_OPTIONS, traceEvents: 0, traceKinds: undefined, counters: false });
  try {
    for (const [from, to] of windowsOf(left.map(({ time }) => time))) {
      if (hooks.signal?.aborted || (await walker.runTo(from, hooks))) break;
      found.push(...await between(walker, to, left, hooks));
    }
  } finally {
    walker.close();
  }
  return found;
}

/** Around each time, those that meet made one; in their order. */
export function windowsOf(times: readonly number[]): [from: bigint, to: bigint][] {
  const windows: [number, number][] = [];
  for (const time of [...times].sort((a, b) => a - b)) {
    const last = windows.at(-1);
    if (last && time - MARGIN_CYCLES <= last[1]) last[1] = time + MARGIN_CYCLES;
    else windows.push([Math.max(1, time - MARGIN_CYCLES), time + MARGIN_CYCLES]);
  }
  return windows.map(([from, to]) => [BigInt(from), BigInt(to)]);
}

/** From where `walker` stands, which goes there, too: both have to arrive at the same state. */
async function between(
  walker: Machine, to: bigint, left: readonly Left[], hooks: RunHooks,
): Promise<Explanation[]> {
  const { now } = walker.view;
  const machine = await walker.again(
    { ...WHY_OPTIONS, traceFrom: now, traceTo: to }, await walker.snapshot());
  try {
    const accesses = new Accesses();
    const result = await follow(machine, accesses, hooks, to);
    await walker.runTo(to, hooks);
    if (hooks.signal?.aborted) return [];
    const arrived = walker.view.now === machine.view.now;
    if (arrived && walker.stateHash() !== machine.stateHash()) throw new RunDiffers();
    const session = new Session({ machine, result, image: "", seed: 0n, note: "" });
    // Of a task that sleeps now and is woken later nothing was lost.
    const episodes = episodesOf(session.guest, session.tasks, accesses).filter(({ task, until }) =>
      left.some(({ pid, time }) => pid === task.pid && time === until));
    const teller = new Teller(session);
    return withoutRepeats(lostWakeups(session.guest, episodes, accesses, teller.kindOf))
      .map((one) => lostWakeup(one, session, teller));
  } finally {
    machine.close();
  }
}

/** For a machine that hangs, of one of its tasks or of all; empty if the sleep explains nothing. */
export async function whyAsleepAgain(
  machine: Machine, pid?: number, hooks: RunHooks = {},
): Promise<Explanation[]> {
  const again = await machine.again({ ...STORE_OPTIONS, counters: false });
  try {
    const { left } = await leftAt(again, hooks);
    if (again.stateHash() !== machine.stateHash()) throw new RunDiffers();
    const wanted = left.filter((one) => pid === undefined || one.pid === pid);
    return await whyAsleep(machine, wanted, hooks);
  } finally {
    again.close();
  }
}
