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

/** How many tasks of each kind the program starts. */
interface Tasks {
  /** The writers. */
  oracle: number;
  iozone: number;
  pdflush: number;
  ls: number;
}

interface Workload {
  what: string;
  tasks: Tasks;
  /** Of a write of each writer. */
  bytes: number;
  dump: typeof FIRST;
  /** More words of the program. */
  words?: string;
  model: string;
  irq: IrqPolicy;
  commitUs: number;
  /** Every request is looked at while it is there. */
  numbers?: boolean;
}

/**
 * The two dumps of the report: the disk block at which the file system begins to give blocks away,
 * and the offset of each writer's first write.
 */
const FIRST = { goal: 0x1290c27, offset: 0xb00200 };
const SECOND = { goal: 0x1698f91e, offset: 0x3900200 };
const MIB = 1 << 20;
const SMALL = 8192;

/**
 * A write cache that answers as fast as it is asked: a completion comes when its submitter is at W4
 * to W7 as often as it can. What comes from the seed is then the CPU of each interrupt, and some
 * cycles of its way. With the specification's 1 to 20 us and 50 ms (W003u) the two sides are near
 * each other a seventh as often: in 171 of 98,220 writes, and with W003r in 554 of 44,820; of 10
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

const writers = (oracle: number): Tasks => ({ oracle, iozone: 0, pdflush: 0, ls: 0 });
const SECOND_TASKS = { oracle: 7, iozone: 16, pdflush: 1, ls: 1 };
const FIRST_TASKS = { ...writers(192), ls: 1 };
/** As many as in the second dump. More of them write, so one hangs as soon as with W003r. */
const CROWD = { ...SECOND_TASKS, oracle: 16, iozone: 7 };

const RATE: Workload = {
  what: "16 writers of 8 KiB into a hole, and nobody else",
  tasks: writers(16), bytes: SMALL, dump: FIRST,
  model: CACHED, irq: "round-robin", commitUs: COMMIT_US,
};

export const WORKLOADS: Record<string, Workload> = {
  W003c: {
    ...RATE, tasks: CROWD,
    what: "16 writers of 8 KiB into a hole, and who else waits: 7 iozone, pdflush, ls",
  },
  W003r: RATE,
  W003u: {
    ...RATE, what: "as W003r, on a disk of 1 to 20 us, with a commit every 50 ms",
    model: SPECIFIED, commitUs: COMMIT_US_SPECIFIED,
  },
  W003: {
    ...RATE, tasks: SECOND_TASKS, bytes: MIB, dump: SECOND,
    what: "the second dump: 7 writers of 1 MiB, 16 iozone, pdflush, ls",
  },
  W003m: {
    ...RATE, tasks: FIRST_TASKS, bytes: MIB, what: "the first dump: 192 writers of 1 MiB, ls",
  },
  W003t: {
    ...RATE, tasks: SECOND_TASKS, dump: SECOND,
    what: "the tasks of the second dump, with writes of 8 KiB",
  },
  W003tm: {
    ...RATE, tasks: FIRST_TASKS, what: "the tasks of the first dump, with writes of 8 KiB",
  },
  W003n: {
    ...RATE, tasks: writers(1), bytes: MIB, numbers: true,
    what: "one writer of 1 MiB: the numbers of the first dump",
  },
  W003n2: {
    ...RATE, tasks: writers(1), bytes: MIB, dump: SECOND, numbers: true,
    what: "one writer of 1 MiB: the numbers of the second dump",
  },
  W003n7: {
    ...RATE, tasks: writers(7), bytes: MIB, dump: SECOND, numbers: true,
    what: "the writers of the second dump alone: the numbers of each of their requests",
  },
  W003n192: {
    ...RATE, tasks: writers(192), bytes: MIB, numbers: true,
    what: "the writers of the first dump alone: the numbers of each of their requests",
  },
  W003h: { ...RATE, what: "as W003r, where everything is written before", words: "holes=0" },
  W003e: { ...RATE, what: "as W003r, beyond the end of the file", words: "extend=1" },
  W003s: { ...RATE, what: "as W003r, by pwrite", words: "sync=1" },
  W003i: { ...RATE, what: "as W003r, interrupts to the CPU that submits", irq: "submitter" },
};

/** A workload's program is started with these. */
export function wordsOf(workload: string, rounds: number): string {
  const { tasks: { oracle, iozone, pdflush, ls }, bytes, dump, words } = WORKLOADS[workload];
  return `w003 rounds=${rounds} oracle=${oracle} iozone=${iozone} pdflush=${pdflush} ls=${ls} ` +
    `bytes=${bytes} offset=${dump.offset}${words ? ` ${words}` : ""}`;
}

/** For the journal, the files of the others, and each log's first block. */
const OTHER_BYTES = 8 << 20;

/** A block is not used again, so this is how many writes of each writer the disk has room for. */
export function roundsMax(workload: string): number {
  const { tasks, bytes } = WORKLOADS[workload];
  return Math.floor((STORAGE_BYTES - OTHER_BYTES) / (tasks.oracle * bytes));
}

/** How many tasks a workload's program starts. */
export const tasksOf = (workload: string) =>
  Object.values(WORKLOADS[workload].tasks).reduce((sum, number) => sum + number, 0);
