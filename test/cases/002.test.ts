// Case 002: the outcomes of a failed write, told apart by the order of the labelled accesses; names
// of variants. What comes out on the machine: rows.test.ts.
import { afterAll, describe, expect, it } from "vitest";
import type { Case, CaseSpec } from "../../src/cases/case.ts";
import { ANSWERED, INJECTED } from "../../src/cases/002-rows.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { case002 } from "../../src/cases/002.ts";
import { accountOf } from "../../src/cases/002-account.ts";
import { injectedIn, unfounded, unreported } from "../../src/cases/002-injected.ts";
import { near, outcomeOf, overwrittenInBuffer } from "../../src/cases/002-outcome.ts";
import { causeOf, judgedOf, type Shown, violationOf } from "../../src/cases/002-violation.ts";
import { DIO, type DioStep, dioRequests } from "../../src/cases/dio-trace.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, type TraceEvent } from "../../src/core/trace.ts";

import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";

afterAll(() => Machine.shutdown());

const SIZE = 65536n;
const EIO = -5n;
const LINE = 0x740000n;

type Access = [DioStep, number, bigint];
const load = (step: DioStep, value: bigint): Access => [step, TRACE_LOAD, value];
const issue = (step: DioStep, value: bigint): Access => [step, TRACE_ISSUE, value];
const commit = (step: DioStep, value: bigint): Access => [step, TRACE_COMMIT, value];

const eventsOf = (accesses: Access[], line = LINE): TraceEvent[] =>
  accesses.map(([step, kind, value], i) => ({
    time: BigInt(100 * i), cpu: 0, kind, label: DIO[step], size: 8, phys: line + 56n,
    value: BigInt.asUintN(64, value), extra: 0,
  }));
const request = (...accesses: Access[]) => dioRequests(eventsOf(accesses))[0];

const begin: Access[] = [issue("S1", 0n), commit("S1", 0n)];
const fail: Access[] = [issue("D1", EIO), commit("D1", EIO)];
const sum = (value: bigint): Access[] =>
  [load("S3", value - SIZE), issue("S3", value), commit("S3", value)];
const decide = (value: bigint): Access[] => [load("S5", value), load("S6", value)];
const end = (value: bigint): Access[] => [load("f1", value), load("f4", value)];
const free: Access[] = [issue("Df", 0n)];

describe("a write with a failed bio", () => {
  it.each([
    ["lost", [...begin, ...sum(SIZE), ...decide(SIZE), ...fail, ...end(EIO)]],
    ["early", [...begin, ...sum(SIZE), load("S5", SIZE), ...fail, load("S6", EIO), ...end(EIO)]],
    ["short", [
      ...begin, ...fail, ...sum(SIZE + EIO), ...decide(SIZE + EIO), ...end(SIZE + EIO), ...free,
    ]],
    ["overwritten", [
      ...begin, load("S3", 0n), ...fail, issue("S3", SIZE), commit("S3", SIZE), ...decide(SIZE),
      ...end(SIZE), ...free,
    ]],
    ["twice", [
      ...begin, ...sum(SIZE), load("S5", SIZE), ...fail, load("S6", EIO), ...end(EIO), ...free,
    ]],
    ["reported", [
      ...begin, ...sum(SIZE), ...decide(SIZE), ...fail, load("f1", SIZE), load("f2", EIO),
      load("f4", SIZE), ...free,
    ]],
  ] as Array<[string, Access[]]>)("%s", (outcome, accesses) => {
    expect(outcomeOf(request(...accesses))).toBe(outcome);
  });

  it("is partial where less than its size was under way, whoever looks at the error", () => {
    const part = 3584n;
    for (const look of [[], [load("f2", EIO)]]) {
      const events = [
        ...begin, ...sum(SIZE), ...decide(part), ...fail, load("f1", part), ...look,
        load("f4", part), ...free,
      ];
      expect(outcomeOf({ ...request(...events), bytes: SIZE })).toBe("partial");
      expect(outcomeOf({ ...request(...events), bytes: part })).not.toBe("partial");
    }
  });

  it("says which of the two orders overwrote the error", () => {
    const buffered = request(
      ...begin, load("S3", 0n), issue("S3", SIZE), ...fail, commit("S3", SIZE), ...decide(SIZE),
      ...end(SIZE), ...free,
    );
    expect(outcomeOf(buffered)).toBe("overwritten");
    expect(overwrittenInBuffer(buffered)).toBe(true);
    const plain = request(
      ...begin, load("S3", 0n), ...fail, issue("S3", SIZE), commit("S3", SIZE), ...decide(SIZE),
      ...end(SIZE), ...free,
    );
    expect(overwrittenInBuffer(plain)).toBe(false);
  });

  it("is a race only before S6", () => {
    expect(near(request(...begin, ...fail, ...sum(SIZE + EIO), ...decide(SIZE + EIO)))).toBe(true);
    expect(near(request(...begin, ...sum(SIZE), ...decide(SIZE), ...fail))).toBe(false);
  });

  it("has its story told in order", () => {
    const lost = request(...begin, ...sum(SIZE), ...decide(SIZE), ...fail, ...end(EIO));
    const text = accountOf([lost], { submitted: 3, events: 2, eio: 0, full: 2, active: 1 });
    expect(text.match(/\b(S1|S3|S5|S6|D1|f1|f4)\b(?= )/g)!.slice(1))
      .toEqual(["S3", "S3", "S5", "S6", "D1", "f1", "f4"]);
  });
});

describe("requests in the trace", () => {
  it("an access after the end is late", () => {
    const [first, second] = dioRequests(eventsOf([
      ...begin, ...free, commit("Df", 0n), load("E3", 0n), ...begin, load("W4", 2n),
    ]));
    expect(first.late.map(({ label }) => label)).toEqual([DIO.E3]);
    expect([second.late.length, second.freed]).toEqual([0, false]);
  });

  it("one that failed in nothing has no outcome", () => {
    expect(outcomeOf(request(...begin, ...sum(SIZE), ...decide(SIZE), ...end(SIZE), ...free)))
      .toBeUndefined();
  });
});

describe("variants", () => {
  it.each([["fixed", "dio2620"], ["F0", "fix2006"], ["f2", "dio2620"], ["X3", "x3"],
    ["BUG", "bug"], ["DIO2620", "dio2620"]])(
    "%s is %s", (text, name) => expect(case002.variantOf(text)).toBe(name));
  it.each(["k7", "", "x9", "toString"])("%j lists the valid ones", (text) =>
    expect(() => case002.variantOf(text)).toThrow(/dio2620/));

  it("x5 is what a program does: the buggy kernel under W002t, and nothing elsewhere", () => {
    expect(case002.variantOf("x5", "W002t")).toBe("bug");
    expect(() => case002.variantOf("x5", "W002b")).toThrow(/use --workload W002t/);
    expect(() => case002.variantOf("x5")).toThrow(/use --workload W002t/);
  });
});

describe("injected errors", () => {
  const plan = (...words: string[]) =>
    ({ disks: parseDisks(1, ...words), records: 64, recordSectors: 128, stages: 15 });

  it("are those of the records with a bad sector, in each stage of their direction", () => {
    const writes = plan("error=write:1152-1408");
    expect([64, 127, 128, 191, 192, 256].map((submitted) => injectedIn(writes, submitted)))
      .toEqual([3, 3, 3, 3, 6, 6]);
    expect(injectedIn(plan("error=read:1152-1407"), 256)).toBe(4);
    expect(injectedIn(plan("error=both:127-128", "error=both:128-128"), 128)).toBe(4);
    expect(injectedIn({ ...writes, stages: 5 }, 128)).toBe(6);
    expect(injectedIn(plan("error=write:8192-9000"), 256)).toBe(0);
  });

  it("of a drive that goes, or of several files, are not known", () => {
    expect(injectedIn(plan("error=write:0-1", "gone=9"), 256)).toBeUndefined();
    expect(injectedIn({ ...plan(), disks: parseDisks(2, "error=write:0-1") }, 256)).toBeUndefined();
  });

  it("that are neither reported nor missing are lost", () => {
    const counted = { submitted: 256, eio: 3, missing: 1, unread: 0 };
    expect(unreported(6, counted)).toBe(2);
    expect(unreported(6, { ...counted, unread: 2 })).toBe(0);
    expect([unreported(4, counted), unreported(undefined, counted)]).toEqual([0, 0]);
  });

  it("that nobody injected are not to be answered", () => {
    const counted = { submitted: 65, eio: 3, other: 0 };
    const [writes, reads] = [plan("error=write:1152-1408"), plan("error=read:0-1")];
    expect([3, 2].map((failed) => unfounded(writes, failed, counted))).toEqual([0, 1]);
    expect([unfounded(reads, 3, counted), unfounded(writes, 3, { ...counted, other: 2 })])
      .toEqual([2, 2]);
    expect(unfounded(plan("gone=9"), 3, counted)).toBe(0);
  });

  it("of which the trace has nothing are I002b, too", async () => {
    // Sectors that the host calls bad, and the machine does not know of: the kernel had no error.
    const spec: CaseSpec = {
      machine: "clovertown", variant: "dio2620", workload: "W002b", pair: [0, 1], rounds: 64,
      memory: "tso", seed: 1n,
    };
    const good = await runOnce(case002, spec);
    expect([good.failure, good.broken]).toEqual([undefined, undefined]);
    expect([good.counts![INJECTED], good.counts![ANSWERED]]).toEqual([6, 6]);
    const deaf: Case = {
      ...case002, disks: (one) => ({ ...case002.disks!(one)!, disks: parseDisks(1) }),
    };
    const lost = await runOnce(deaf, spec);
    expect(lost.counts![ANSWERED]).toBe(0);
    expect(lost.failure).toMatchObject({ invariant: "I002b", what: expect.stringMatching(/^6 /) });
  }, 120_000);
});

it("a run that was cut short has its requests judged only when they were freed", () => {
  const [done] = dioRequests(eventsOf([...begin, ...free]));
  const [open] = dioRequests(eventsOf(begin));
  expect(judgedOf([done, open], true)).toEqual([done, open]);
  expect(judgedOf([done, open], false)).toEqual([done]);
});

const NOTHING: Shown = {
  counts: {}, active: 0, missing: 0, leaked: 0, unseen: 0, unfounded: 0, wrong: 0, late: 0,
  strangers: 0, holes: false, compared: { events: 0, masked: 0, unfounded: 0, twice: 0 },
};

it.each<[string, Partial<Shown>]>([
  ["I002a", { active: 1, missing: 1, leaked: 1, late: 1 }],
  ["I002a", { counts: { twice: 1 }, unseen: 1 }],
  ["I002a", { compared: { events: 2, masked: 0, unfounded: 0, twice: 1 } }],
  ["I002b", { counts: { short: 1 } }],
  // One error is masked, and one is nobody's: their sum is as injected.
  ["I002b", { compared: { events: 2, masked: 1, unfounded: 1, twice: 0 } }],
  ["I002b", { compared: { events: 1, masked: 0, unfounded: 1, twice: 0 } }],
  ["I002b", { unfounded: 1 }], ["I002b", { wrong: 1 }], ["I002b", { unseen: 1, leaked: 1 }],
  ["I002c", { leaked: 1, late: 1 }], ["UAF", { late: 1 }], ["UAF", { strangers: 1 }],
])("%s is violated by %o", (invariant, shown) =>
  expect(violationOf({ ...NOTHING, ...shown })?.invariant).toBe(invariant));

it("nothing is violated where nothing is shown", () =>
  expect(violationOf(NOTHING)).toBeUndefined());

it("requests that have their event, and never end, are not told as missing", () => {
  const shown = { ...NOTHING, active: 4 };
  expect(violationOf({ ...shown, missing: 4 })!.what).toMatch(/^4 requests have no event/);
  expect(violationOf({ ...shown, missing: 0 })!.what).toMatch(/^4 requests have their event/);
});

it("a part that is reported as done is a race only if its error came before the report", () => {
  const of = (time: number, label: number, kind: number, value: bigint): TraceEvent =>
    ({ time: BigInt(time), cpu: 0, kind, label, size: 8, phys: 0n, extra: 0, value });
  const requestOf = (failed: number) => ({
    line: 0n, freed: true, bytes: 65536n, late: [], states: [], events: [
      of(1, DIO.S1, TRACE_ISSUE, 0n), of(2, DIO.S3, TRACE_ISSUE, 4096n),
      of(failed, DIO.D1, TRACE_ISSUE, -5n), of(20, DIO.S6, TRACE_LOAD, 4096n),
    ].sort((a, b) => Number(a.time - b.time)),
  });
  expect(causeOf([requestOf(30)])).toBe("no race");
  expect(causeOf([requestOf(10)])).toBe("interleaving");
});
