// Case 003: who is told as hung (I003a), which bios are left of requests that do not count them
// (I003b), and which of the invariants a stopped machine breaks. Of file systems made here, in
// which each condition is missed once; on machines: planted.test.ts.
import { describe, expect, it } from "vitest";
import { biosOfEnded, hangOf, populationOf, stuckOf } from "../../src/cases/003-failure.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_RUNNING, TASK_UNINTERRUPTIBLE,
} from "../../src/machine/debug-block.ts";
import type { FsBlock } from "../../src/machine/fs-block.ts";

const [DIO, OTHER_DIO, NO_DIO] = [0x1000n, 0x2000n, 0x3000n];
const [WRITER, OTHER_TASK, TRANSACTION] = [0x10n, 0x20n, 0x90n];
const NOBODY = 0n;

/** Of a request, what the invariants ask for. */
interface Dio {
  refcount: bigint;
  waiter?: bigint;
}

/** The requests that are allocated, bi_private of each bio, and the tasks with a handle. */
interface Made {
  dios?: Record<string, Dio>;
  bios?: readonly bigint[];
  owners?: readonly bigint[];
}

function fsOf({ dios = {}, bios = [], owners = [] }: Made): FsBlock {
  const made: Pick<FsBlock, "biosOf" | "slab" | "transactionOf"> & { dio(at: bigint): Dio } = {
    slab: (type) => type === "struct dio" ? Object.keys(dios).map(BigInt) : [],
    biosOf: () => [...bios],
    // What is no request may have anything where a request has its count.
    dio: (address) => ({ waiter: NOBODY, ...dios[`${address}`] ?? { refcount: 1n } }),
    transactionOf: (task) => owners.includes(task) ? TRANSACTION : 0n,
  };
  return made as unknown as FsBlock;
}

const taskOf = (
  sleepKind: number, sleepObject = DIO, state = TASK_UNINTERRUPTIBLE, address = WRITER,
) => ({ address, state, sleepKind, sleepObject }) as Task;

describe("I003b", () => {
  const keptOf = (dios: Record<string, Dio>, ...bios: bigint[]) =>
    biosOfEnded(fsOf({ dios, bios }));

  it("is of each bio of a request with one reference", () => {
    expect(keptOf({ [`${DIO}`]: { refcount: 1n } }, DIO)).toBe(1);
    expect(keptOf({ [`${DIO}`]: { refcount: 1n } }, DIO, DIO)).toBe(2);
    const two = { [`${DIO}`]: { refcount: 1n }, [`${OTHER_DIO}`]: { refcount: 1n } };
    expect(keptOf(two, OTHER_DIO, DIO)).toBe(2);
  });

  it("is not of a request that has no bio left", () => {
    expect(keptOf({ [`${DIO}`]: { refcount: 1n } })).toBe(0);
  });

  it.each([0n, 2n, 3n])("is not of a bio whose request has %d references", (refcount) => {
    expect(keptOf({ [`${DIO}`]: { refcount } }, DIO)).toBe(0);
    const both = { [`${DIO}`]: { refcount }, [`${OTHER_DIO}`]: { refcount: 1n } };
    expect(keptOf(both, DIO, OTHER_DIO, DIO)).toBe(1);
  });

  it("is not of a bio whose bi_private is no request, whatever is there", () => {
    expect(keptOf({}, NO_DIO)).toBe(0);
    expect(keptOf({ [`${DIO}`]: { refcount: 1n } }, NO_DIO, 0n)).toBe(0);
  });
});

describe("I003a", () => {
  const HUNG = { [`${DIO}`]: { refcount: 1n, waiter: WRITER } };
  const writersOf = (made: Made, ...tasks: Task[]) => populationOf(fsOf(made), tasks).writers;

  it("is of who sleeps on a request of which only the sleeper's reference is left", () => {
    const made = { dios: HUNG, bios: [DIO, NO_DIO, DIO, OTHER_DIO], owners: [WRITER] };
    const task = taskOf(SLEEP_DISK);
    expect(writersOf(made, task)).toEqual([{ task, dio: DIO, bios: 2, transaction: TRANSACTION }]);
    expect(writersOf({ dios: HUNG }, task)).toEqual([{ task, dio: DIO, bios: 0, transaction: 0n }]);
  });

  it.each([0n, 2n, 3n])("is not of a request with %d references", (refcount) => {
    const dios = { [`${DIO}`]: { refcount, waiter: WRITER } };
    expect(writersOf({ dios }, taskOf(SLEEP_DISK))).toEqual([]);
  });

  it("is not of a request that another one waits for, or nobody", () => {
    for (const waiter of [OTHER_TASK, NOBODY]) {
      const dios = { [`${DIO}`]: { refcount: 1n, waiter } };
      expect(writersOf({ dios }, taskOf(SLEEP_DISK))).toEqual([]);
    }
  });

  it("is not of a task that runs, or sleeps on something else", () => {
    expect(writersOf({ dios: HUNG }, taskOf(SLEEP_DISK, DIO, TASK_RUNNING))).toEqual([]);
    for (const kind of [SLEEP_UPDATES, SLEEP_T_LOCKED]) {
      expect(writersOf({ dios: HUNG }, taskOf(kind))).toEqual([]);
    }
  });

  it("tells each of several from the others", () => {
    const dios = { ...HUNG, [`${OTHER_DIO}`]: { refcount: 2n, waiter: OTHER_TASK } };
    const [hung, waits] = [
      taskOf(SLEEP_DISK), taskOf(SLEEP_DISK, OTHER_DIO, TASK_UNINTERRUPTIBLE, OTHER_TASK),
    ];
    expect(writersOf({ dios }, waits, hung).map(({ task }) => task)).toEqual([hung]);
  });

  it("has who waits beside it, by what they wait for", () => {
    const [journal, blocked] = [taskOf(SLEEP_UPDATES), taskOf(SLEEP_T_LOCKED)];
    const awake = [SLEEP_UPDATES, SLEEP_T_LOCKED].map((kind) => taskOf(kind, DIO, TASK_RUNNING));
    expect(populationOf(fsOf({}), [blocked, ...awake, journal]))
      .toEqual({ writers: [], journal: [journal], blocked: [blocked] });
  });
});

describe("what is broken", () => {
  const owner = taskOf(SLEEP_DISK);

  it("is I003b where a bio is left, whoever sleeps", () => {
    expect(stuckOf([], 1)).toMatchObject({
      invariant: "I003b", what: expect.stringMatching(/^1 bios are of requests with one reference/),
    });
    expect(stuckOf([owner], 3)).toMatchObject({
      invariant: "I003b", what: expect.stringMatching(/^3 bios /),
    });
  });

  it("is I003c where none is, and owners of handles sleep", () => {
    expect(stuckOf([owner, owner], 0)).toMatchObject({
      invariant: "I003c", what: expect.stringMatching(/ all 2 owners of its handles sleep$/),
    });
  });

  it("is nothing where neither is", () => expect(stuckOf([], 0)).toBeUndefined());

  it("is I003a only with a writer", () => {
    const waits = { writers: [], journal: [owner], blocked: [owner] };
    expect(hangOf(waits, [], "tso")).toBeUndefined();
    const hung = { task: owner, dio: DIO, bios: 1, transaction: TRANSACTION };
    expect(hangOf({ ...waits, writers: [hung] }, [], "tso")).toMatchObject({ invariant: "I003a" });
  });
});
