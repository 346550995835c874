// Case 003: which invariant a stopped machine breaks, if any.
import type { FsBlock } from "../machine/fs-block.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_UNINTERRUPTIBLE,
} from "../machine/debug-block.ts";
import type { MemoryModel } from "../machine/topology.ts";
import type { Population } from "./003-account.ts";
import { causeOfHang, causeOfUse, type DioStory, type Meeting } from "./003-story.ts";
import type { Failure } from "./case.ts";

/** I003a: asleep on a request of which only the sleeper's reference is left. */
export function populationOf(fs: FsBlock, tasks: readonly Task[]): Population {
  const asleep = (kind: number) =>
    tasks.filter((task) => task.state === TASK_UNINTERRUPTIBLE && task.sleepKind === kind);
  const bios = fs.biosOf();
  const writers = asleep(SLEEP_DISK).flatMap((task) => {
    const dio = task.sleepObject;
    const { waiter, refcount } = fs.dio(dio);
    if (waiter !== task.address || refcount !== 1n) return [];
    const own = bios.filter((owner) => owner === dio).length;
    return [{ task, dio, bios: own, transaction: fs.transactionOf(task.address) }];
  });
  return { writers, journal: asleep(SLEEP_UPDATES), blocked: asleep(SLEEP_T_LOCKED) };
}

/** I003b, when nothing is pending: bios whose request has no reference for them. */
export function biosOfEnded(fs: FsBlock): number {
  // bi_private of other bios is no request.
  const ended = new Set(fs.slab("struct dio").filter((dio) => fs.dio(dio).refcount === 1n));
  return fs.biosOf().filter((owner) => ended.has(owner)).length;
}

export function hangOf(
  { writers, journal, blocked }: Population, unfinished: readonly Meeting[], memory: MemoryModel,
): Failure | undefined {
  if (writers.length === 0) return undefined;
  const causes = new Set(unfinished.map(causeOfHang).map((cause) =>
    // In sc, too, a store is visible some time after it was issued; its CPU waits meanwhile.
    memory === "sc" && cause === "store buffer" ? "interleaving" : cause));
  // Of several hangs: without store buffers one would be left.
  const cause = causes.size === 1 ? [...causes][0]
    : causes.has("interleaving") ? "interleaving" : "not recorded";
  return {
    invariant: "I003a",
    what: `${writers.length} writer${writers.length > 1 ? "s sleep" : " sleeps"} on a request ` +
      `whose bios have ended; kjournald (${journal.length}) waits for the handle, ` +
      `${blocked.length} tasks wait for kjournald`,
    events: [], cause,
  };
}

/** Where no writer sleeps as I003a says: of the journal, or of a bio that nobody counts. */
export function stuckOf(stuck: readonly Task[], kept: number): Failure | undefined {
  if (kept > 0) {
    return {
      invariant: "I003b", what: `${kept} bios are of requests with one reference, the submitter's`,
      title: "bios are left of a request that counts none",
      events: [], cause: "not recorded",
    };
  }
  if (stuck.length === 0) return undefined;
  return {
    invariant: "I003c",
    what: `the transaction is locked, and all ${stuck.length} owners of its handles sleep`,
    title: "the journal waits for handles whose owners sleep",
    events: [], cause: "not recorded",
  };
}

const USED = "a request is used after it was freed";

export function useOf({ late, firstUse, shadow: { count, first } }: DioStory): Failure | undefined {
  if (!firstUse && first) {
    return {
      invariant: "UAF", title: USED,
      what: `a request is accessed ${count} times after it was freed`,
      events: [first.freed, first.event], cause: "not recorded", moments: { used: first.event },
    };
  }
  if (!firstUse) return undefined;
  return {
    invariant: "UAF", title: USED,
    what: `a request is looked at ${late} times after it was freed`,
    events: [...firstUse.events, ...firstUse.late], cause: causeOfUse(firstUse),
    moments: { used: firstUse.late[0] },
  };
}
