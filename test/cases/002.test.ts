// Case 002: the outcomes of a failed write, told apart by the order of the labelled accesses; names
// of variants. What comes out on the machine: rows.test.ts.
import { describe, expect, it } from "vitest";
import { case002 } from "../../src/cases/002.ts";
import { accountOf } from "../../src/cases/002-account.ts";
import { near, outcomeOf, overwrittenInBuffer } from "../../src/cases/002-outcome.ts";
import { DIO, type DioStep, dioRequests } from "../../src/cases/dio-trace.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, type TraceEvent } from "../../src/core/trace.ts";

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
  it.each([["fixed", "dio2620"], ["F0", "fix2006"], ["f2", "dio2620"], ["x3", "x3"]])(
    "%s is %s", (text, name) => expect(case002.variantOf(text)).toBe(name));
  it.each(["k7", "", "x9", "toString"])("%j lists the valid ones", (text) =>
    expect(() => case002.variantOf(text)).toThrow(/dio2620/));

  it("x5 is what a program does: the buggy kernel under W002t, and nothing elsewhere", () => {
    expect(case002.variantOf("x5", "W002t")).toBe("bug");
    expect(() => case002.variantOf("x5", "W002b")).toThrow(/use --workload W002t/);
    expect(() => case002.variantOf("x5")).toThrow(/use --workload W002t/);
  });
});
