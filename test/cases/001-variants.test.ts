// Names of variants, rows and rates of case 001.
import { describe, expect, it } from "vitest";
import { causeOf } from "../../src/cases/001-cause.ts";
import { LABEL } from "../../src/cases/001-trace.ts";
import { describe as describeVariant, nameOf, parametersOf, parseVariant } from
  "../../src/cases/001-variants.ts";
import { findCase, findRows } from "../../src/cases/index.ts";
import { wilson } from "../../src/cases/numbers.ts";
import { TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent } from "../../src/core/trace.ts";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { pairsByRelation, relationOf } from "../../src/machine/topology.ts";

describe("variants", () => {
  it.each([
    ["bug", "k0"], ["fixed", "k7"], ["k7/a/24", "k7"], ["k3/c", "k3/c"], ["k0/a/9", "k0/a/9"],
    ["k0/a/9/xchg", "k0/a/9/xchg"], ["F2", "k12"], ["f4", "k0/j"], ["k13/a/9", "k13/a/9"],
  ])("%s is %s", (text, name) => expect(nameOf(parseVariant(text))).toBe(name));

  it.each(["k14", "k1/k", "k1/a/25", "k1/a/24/lock", "k1/a/24/mov/x", "", "K0", "k13", "toString"])(
    "%j lists the valid ones",
    (text) => expect(() => parseVariant(text)).toThrow(/k13/),
  );

  it("reach the kernel's command line", () => {
    expect(parametersOf("k13/b/9")).toBe("v001k=13 v001r=b v001lay=9 unlock=mov");
    expect(describeVariant("k1/g/9")).toMatch(/SFENCE.*before the entry.*layout 9/);
  });
});

describe("cases and rows", () => {
  it("are found by pattern", () => {
    expect(findRows("E001.1").map(({ row }) => row.id)).toEqual(["E001.1"]);
    expect(findRows("E001.*").length).toBeGreaterThanOrEqual(12);
    expect(() => findRows("E009.*")).toThrow(/E001\.12/);
    expect(() => findCase("999")).toThrow(/known cases are 000, 001/);
  });
});

it("E001.4 has a pair for each relation of all machines with two CPUs or more", () => {
  const { setups } = findRows("E001.4", "001")[0].row;
  const asked = setups("full").flatMap(({ machine, memory, pairs }) => {
    expect(memory).toBe("sc");
    return pairs.map((pair) => `${machine} ${relationOf(loadPreset(machine), ...pair)}`);
  });
  const there = presetNames().flatMap((name) =>
    [...pairsByRelation(loadPreset(name)).keys()].map((relation) => `${name} ${relation}`));
  expect(there.length).toBeGreaterThan(25);
  expect(new Set(asked)).toEqual(new Set(there));
});

describe("the interval of a rate", () => {
  // Wilson 1927; the values of Newcombe 1998, table I.
  it.each([
    [81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718],
  ])("%i of %i", (failures, runs, low, high) => {
    const [from, to] = wilson(failures, runs);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });
});

describe("store buffer or interleaving", () => {
  const BASE = 0xffffffff80000000n;
  const LIST = 0x6028n;
  const at = (time: number, cpu: number, kind: number, label: number, value = 0n): TraceEvent =>
    ({ time: BigInt(time), cpu, kind, label, size: 8, phys: LIST, value, extra: 0 });
  const nobody = BASE + LIST;
  const tail = (time: number) => at(time, 0, TRACE_ISSUE, LABEL.A3);
  const look = (time: number, value: bigint) => at(time, 0, TRACE_LOAD, LABEL.B, value);
  const enlist = (time: number) => at(time, 1, TRACE_ISSUE, LABEL["1e"]);
  const state = (time: number, kind = TRACE_LOCKED) => at(time, 1, kind, LABEL["1g"]);
  const read = (time: number) => at(time, 1, TRACE_LOAD, LABEL["2"]);

  it("the tail was stored before it was read", () => {
    const events = [tail(1), look(2, nobody), enlist(3), state(4), read(5)];
    expect(causeOf(events, 1, BASE)).toBe("store buffer");
  });

  it("the entry was stored before the look", () => {
    const events = [enlist(1), read(2), tail(3), look(4, nobody)];
    expect(causeOf(events, 1, BASE)).toBe("store buffer");
  });

  it("the state was stored before the waker read it", () => {
    const events = [enlist(1), state(2, TRACE_ISSUE), read(3), tail(4), look(5, 1n)];
    expect(causeOf(events, 1, BASE)).toBe("store buffer");
  });

  it("a waiter that looks before it is in the list fails anywhere", () => {
    const events = [state(1), read(2), tail(3), look(4, nobody), enlist(5)];
    expect(causeOf(events, 1, BASE)).toBe("interleaving");
  });

  it("says when the trace does not tell", () => {
    expect(causeOf([tail(1), read(2)], 1, BASE)).toBe("not recorded");
  });
});
