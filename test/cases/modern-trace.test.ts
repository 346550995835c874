// Case M in the trace: rounds in which both sides were in their windows, and the kind of a failure,
// in made-up records and in runs.
import { afterAll, describe, expect, it } from "vitest";
import { caseModern } from "../../src/cases/modern.ts";
import { causeOf, STEP, visitedBy } from "../../src/cases/modern-trace.ts";
import { runOnce } from "../../src/cases/runner.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

const PAIR = [0, 2] as const;
type Step = keyof typeof STEP;
const WORK = 0x1000n;
const WAITING = 0x2000n;

function record(
  time: number, cpu: number, kind: number, step: Step, phys: bigint, value: number, extra = 0,
): TraceEvent {
  return {
    time: BigInt(time), cpu, kind, label: STEP[step], size: 4, phys, value: BigInt(value), extra,
  };
}

/** A round of each side: its store and when that is visible, its look and what it reads. */
const publish = (store: number, visible: number, look: number, asleep: number, n = 1) => [
  record(store, 0, TRACE_ISSUE, "PUBLISH", WORK, n),
  record(visible, 0, TRACE_COMMIT, "PUBLISH", WORK, n, visible - store),
  record(look, 0, TRACE_LOAD, "ASLEEP", WAITING, asleep),
];
const enlist = (store: number, visible: number, look: number, there: number) => [
  record(store, 2, TRACE_ISSUE, "ENLIST", WAITING, 1),
  record(visible, 2, TRACE_COMMIT, "ENLIST", WAITING, 1, visible - store),
  record(look, 2, TRACE_LOAD, "CHECK", WORK, there),
];
const sorted = (...events: TraceEvent[]) => events.sort((a, b) => Number(a.time - b.time));

describe("rounds in the window", () => {
  const visits = (...events: TraceEvent[]) => visitedBy(sorted(...events), PAIR, "none/or");

  it("are those whose windows overlap", () => {
    expect(visits(...publish(100, 101, 110, 0), ...enlist(105, 106, 115, 1))).toBe(1);
    expect(visits(...publish(100, 101, 110, 0), ...enlist(111, 112, 115, 1))).toBe(0);
    expect(visits(...enlist(80, 81, 99, 0), ...publish(100, 101, 110, 1))).toBe(0);
  });

  it("last until the store is visible, behind the look", () => {
    expect(visits(...publish(100, 150, 110, 0), ...enlist(120, 121, 130, 0))).toBe(1);
    expect(visits(...enlist(80, 120, 99, 0), ...publish(110, 111, 115, 0))).toBe(1);
  });

  it("need a look: resume() of another thread has none", () => {
    const [store, visible] = publish(50, 90, 91, 0);
    const round = publish(100, 101, 110, 0, 2);
    expect(visits(store, visible, ...enlist(60, 61, 70, 0), ...round)).toBe(0);
    expect(visits(store, visible, ...enlist(99, 104, 105, 0), ...round)).toBe(1);
  });

  it("are counted each, and a round of the sleeper may meet two", () => {
    expect(visits(
      ...publish(100, 101, 110, 0), ...publish(200, 201, 210, 0, 2), ...publish(300, 301, 310, 1),
      ...enlist(108, 109, 205, 0),
    )).toBe(2);
  });

  it("begin in wM6 when the lock is first tried", () => {
    const take = (time: number, cpu: number) =>
      record(time, cpu, TRACE_LOCKED, "TAKE", 0x3000n, 0);
    expect(visits(take(100, 0), ...publish(101, 102, 110, 0), take(105, 2),
      ...enlist(130, 131, 140, 1))).toBe(1);
    expect(visits(take(100, 0), ...publish(101, 102, 110, 0), take(125, 2),
      ...enlist(130, 131, 140, 1))).toBe(0);
  });

  it("are in wM2 those in which the waiter passes the completer", () => {
    const entry = (time: number, cpu: number, kind: number, step: Step) =>
      record(time, cpu, kind, step, 0x4000n, 1);
    const waiter = [entry(105, 2, TRACE_LOAD, "CHECK"), entry(108, 2, TRACE_ISSUE, "REUSE")];
    const unlink = entry(100, 0, TRACE_ISSUE, "UNLINK");
    const task = (time: number) => entry(time, 0, TRACE_LOAD, "TASK");
    const visited = (variant: string, ...events: TraceEvent[]) =>
      visitedBy(sorted(...events), PAIR, variant);
    expect(visited("unlink-first", unlink, task(110), ...waiter)).toBe(1);
    expect(visited("unlink-first", unlink, task(101), ...waiter)).toBe(0);
    // Of the round before, cut off at the trace's start.
    expect(visited("unlink-first", task(1), unlink, task(101), ...waiter)).toBe(0);
    expect(visited("wake-first", task(99), unlink, ...waiter)).toBe(0);
    expect(visited("wake-first", task(99), { ...unlink, time: 106n }, ...waiter)).toBe(1);
  });
});

describe("the cause of a lost wake-up", () => {
  const cause = (...events: TraceEvent[]) => causeOf(sorted(...events), PAIR, "none/none");

  it("is the store buffer if a look misses a store that was executed before it", () => {
    expect(cause(...publish(100, 150, 110, 0), ...enlist(120, 121, 130, 0))).toBe("store buffer");
    expect(cause(...enlist(90, 150, 95, 0), ...publish(100, 101, 110, 0))).toBe("store buffer");
  });

  it("is the interleaving if every look reads what was executed last", () => {
    const reset = record(50, 2, TRACE_ISSUE, "RESET", WAITING, 0);
    expect(cause(reset, ...publish(100, 101, 110, 0), ...enlist(120, 121, 130, 1)))
      .toBe("interleaving");
    // An old round's look does not count.
    expect(cause(...publish(10, 40, 11, 0, 7), ...enlist(12, 13, 14, 0), reset,
      ...publish(100, 101, 110, 0), ...enlist(120, 121, 130, 1))).toBe("interleaving");
  });

  it("is compared byte by byte, and a locked store is visible at once", () => {
    const byte = { ...record(100, 0, TRACE_ISSUE, "PUBLISH", WORK, 0x00), size: 1 };
    const locked = record(100, 0, TRACE_LOCKED, "PUBLISH", WORK, 0);
    const look = record(105, 0, TRACE_LOAD, "ASLEEP", WAITING, 0);
    expect(cause(byte, look, ...enlist(110, 111, 120, 0x201))).toBe("store buffer");
    expect(cause(byte, look, ...enlist(110, 111, 120, 0x200))).toBe("interleaving");
    // What it stored is not recorded; what was there before is gone.
    expect(cause(...publish(50, 51, 52, 0, 7), locked, look, ...enlist(110, 111, 120, 5)))
      .toBe("interleaving");
  });

  it("is not recorded without the looks", () => {
    expect(cause(...publish(100, 101, 110, 0))).toBe("not recorded");
  });
});

describe("in a run", () => {
  it.each(["wM1", "wM4", "wM5", "wM6", "wM7", "wM8"])("%s: they meet", async (workload) => {
    const run = await runOnce(caseModern, {
      machine: "clovertown", variant: caseModern.variantOf("fixed", workload), workload,
      pair: [0, 2], seed: 3n, rounds: 600, memory: "tso",
    });
    expect([run.failure, run.broken]).toEqual([undefined, undefined]);
    expect(run.visited).toBeGreaterThan(0);
    expect(run.visited).toBeLessThan(600);
  }, 60_000);

  it.each(["none/or", "mb/none", "mb/before", "mb/unlock", "lock/unlock", "wake/none"])(
    "wM1 %s: the wake-up is lost behind a store buffer", async (variant) => {
      const run = await runOnce(caseModern, {
        machine: "clovertown", variant, workload: "wM1", pair: [0, 2], seed: 1n, rounds: 3000,
        memory: "tso-adv",
      });
      expect(run.failure).toMatchObject({ invariant: "I001", cause: "store buffer" });
      expect(run.visited).toBeGreaterThan(0);
    }, 60_000);
});
