// Case 003's variants and workloads as data.
import type { IrqPolicy } from "../machine/disks.ts";
import { STORAGE_BYTES } from "../machine/topology.ts";

export const DESCRIPTIONS: Record<string, string> = {
  bug: "the completion looks for a waiter, then drops its reference; the count is atomic",
  f0: "decrement, look and wake-up under bio_lock: the upstream fix, both commits",
  "f0+bug_on": "the first commit only: a check looks at the request after the last reference",
  f1: "decrement and look under bio_lock, the wake-up after its release",
  x1: "a fence between the look and the decrement",
  x2: "bio_lock around the look",
  x2b: "bio_lock around the decrement",
  x3: "the decrement, then the look, without a lock",
  x4: "the decrement, then bio_lock and the look",
  x5: "x3, and the submitter publishes waiter and state by plain stores before it looks",
  x6: "as x5, with SFENCE after the stores",
  x6b: "as x5, with the state by exchange before the store of waiter",
  x7: "as x5, with the state by exchange after the store of waiter",
};

export function nameOf(text: string): string | undefined {
  const name = text.toLowerCase() === "fixed" ? "f0" : text.toLowerCase();
  return Object.hasOwn(DESCRIPTIONS, name) ? name : undefined;
}

interface Workload {
  what: string;
  /** The disk block at which the file system begins to give blocks away. */
  goal: number;
  /** Words of the program; bytes= is the size of a write. */
  words: string;
  model: string;
  irq: IrqPolicy;
  commitUs: number;
  /** Every request is looked at while it is there. */
  numbers?: boolean;
}

/** Of the two dumps of the report: where the first writer's first block is. */
const GOAL = { first: 0x1290c27, second: 0x1698f91e };
const OFFSET = { first: 0xb00200, second: 0x3900200 };
const MIB = 1 << 20;
const SMALL = 8192;

/**
 * A write cache that answers as fast as it is asked: a completion comes when its submitter is at W4
 * to W7 as often as it can. What comes from the seed is then the CPU of each interrupt, and some
 * cycles of its way. With the specification's 1 to 20 us and 50 ms (W003u) the two sides are near
 * each other an eighth as often: in 224 of 119,281 writes, and with W003r in 508 of 33,555; of 10
 * seeds each, which all hung.
 */
const CACHED = "instant";
const SPECIFIED = "uniform:1-20";
/**
 * Microseconds between commits: scaled, as the whole run is. Whether a write hangs does not depend
 * on it, but how many do: until the journal locks the transaction the other writers go on, and may
 * lose their wake-ups, too. So does everybody else, which is most of the cost of a run with iozone
 * in it. W003u has the specification's.
 */
const COMMIT_US = 2000;
const COMMIT_US_SPECIFIED = 50_000;

function words(tasks: Record<string, number>, bytes: number, offset: number): string {
  const { oracle = 1, iozone = 0, pdflush = 0, ls = 0, ...rest } = tasks;
  const others = Object.entries(rest).map(([key, value]) => ` ${key}=${value}`).join("");
  return `oracle=${oracle} iozone=${iozone} pdflush=${pdflush} ls=${ls} bytes=${bytes} ` +
    `offset=${offset}${others}`;
}

const rate = (extra: Record<string, number> = {}): Workload => ({
  what: "16 writers of 8 KiB into a hole",
  goal: GOAL.first,
  words: words({ oracle: 16, ...extra }, SMALL, OFFSET.first),
  model: CACHED,
  irq: "round-robin",
  commitUs: COMMIT_US,
});
const second = { oracle: 7, iozone: 16, pdflush: 1, ls: 1 };
const first = { oracle: 192, ls: 1 };
/** As many as in the second dump. More of them write, so one hangs as soon as with W003r. */
const crowd = { oracle: 16, iozone: 7, pdflush: 1, ls: 1 };

export const WORKLOADS: Record<string, Workload> = {
  W003c: {
    ...rate(), what: "16 writers of 8 KiB into a hole, and who else waits: 7 iozone, pdflush, ls",
    words: words(crowd, SMALL, OFFSET.first),
  },
  W003r: { ...rate(), what: "16 writers of 8 KiB into a hole, and nobody else" },
  W003u: {
    ...rate(), what: "as W003r, on a disk of 1 to 20 us, with a commit every 50 ms",
    model: SPECIFIED, commitUs: COMMIT_US_SPECIFIED,
  },
  W003: {
    ...rate(), what: "the second dump: 7 writers of 1 MiB, 16 iozone, pdflush, ls",
    goal: GOAL.second, words: words(second, MIB, OFFSET.second),
  },
  W003m: {
    ...rate(), what: "the first dump: 192 writers of 1 MiB, ls",
    words: words(first, MIB, OFFSET.first),
  },
  W003t: {
    ...rate(), what: "the tasks of the second dump, with writes of 8 KiB",
    goal: GOAL.second, words: words(second, SMALL, OFFSET.second),
  },
  W003tm: {
    ...rate(), what: "the tasks of the first dump, with writes of 8 KiB",
    words: words(first, SMALL, OFFSET.first),
  },
  W003n: {
    ...rate(), what: "one writer of 1 MiB: the numbers of the first dump",
    words: words({}, MIB, OFFSET.first), numbers: true,
  },
  W003n2: {
    ...rate(), what: "one writer of 1 MiB: the numbers of the second dump",
    goal: GOAL.second, words: words({}, MIB, OFFSET.second), numbers: true,
  },
  W003n7: {
    ...rate(), what: "the writers of the second dump alone: the numbers of each of their requests",
    goal: GOAL.second, words: words({ oracle: 7 }, MIB, OFFSET.second), numbers: true,
  },
  W003n192: {
    ...rate(), what: "the writers of the first dump alone: the numbers of each of their requests",
    words: words({ oracle: 192 }, MIB, OFFSET.first), numbers: true,
  },
  W003h: { ...rate({ holes: 0 }), what: "as W003r, where everything is written before" },
  W003e: { ...rate({ extend: 1 }), what: "as W003r, beyond the end of the file" },
  W003s: { ...rate({ sync: 1 }), what: "as W003r, by pwrite" },
  W003i: { ...rate(), what: "as W003r, interrupts to the CPU that submits", irq: "submitter" },
};

/** For the journal, the files of the others, and each log's first block. */
const OTHER_BYTES = 8 << 20;

/** A block is not used again, so this is how many writes of each writer the disk has room for. */
export function roundsMax(workload: string): number {
  const { words } = WORKLOADS[workload];
  const writers = Number(/\boracle=(\d+)/.exec(words)![1]);
  return Math.floor((STORAGE_BYTES - OTHER_BYTES) / (writers * Number(shapeOf(workload).bytes)));
}

/** How many tasks a workload's program starts, and the bytes of a write. */
export function shapeOf(workload: string): { tasks: number; bytes: bigint } {
  const { words } = WORKLOADS[workload];
  const tasks = [...words.matchAll(/\b(?:oracle|iozone|pdflush|ls)=(\d+)/g)];
  return {
    tasks: tasks.reduce((sum, [, number]) => sum + Number(number), 0),
    bytes: BigInt(/\bbytes=(\d+)/.exec(words)![1]),
  };
}
