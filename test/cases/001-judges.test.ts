// What the acceptance test of case 001 makes of runs: each judge with runs that hold, and with runs
// that differ from them in one thing.
import { describe, expect, it } from "vitest";
import {
  explained, finalPuts, onlyLastOfBatch, slowButNever, widths,
} from "../../src/cases/001-judges.ts";
import { LABEL } from "../../src/cases/001-trace.ts";
import { COMPLETERS, mayBeLate } from "../../src/cases/001-variants.ts";
import { LAYOUT_9_ONLY, MATRIX } from "../../src/cases/001-verdicts.ts";
import type { CaseRun, Failure } from "../../src/cases/case.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";

const LIST = 0x6028n;
const ENTRY = 0x9000n;

/** Times of the steps. */
interface Times {
  tail: [issue: number, commit: number];
  b: number;
  entry: [issue: number, commit: number];
  /** One time: a locked access. */
  state: [issue: number, commit: number] | [number];
  look: number;
}

function eventsOf({ tail, b, entry, state, look }: Times): TraceEvent[] {
  const at = (time: number, cpu: number, kind: number, label: number, value = 0n): TraceEvent =>
    ({ time: BigInt(time), cpu, kind, label, size: 8, phys: LIST, value, extra: 0 });
  const stored = (cpu: number, label: number, times: readonly number[], value = 0n) =>
    times.length === 1 ? [at(times[0], cpu, TRACE_LOCKED, label, value)]
      : [TRACE_ISSUE, TRACE_COMMIT].map((kind, i) => at(times[i], cpu, kind, label, value));
  return [
    ...stored(0, LABEL.A3, tail), at(b, 0, TRACE_LOAD, LABEL.B, LIST),
    ...stored(1, LABEL["1e"], entry, ENTRY), ...stored(1, LABEL["1g"], state),
    at(look, 1, TRACE_LOAD, LABEL["2"]),
  ].sort((a, c) => Number(a.time - c.time));
}

/** A3 waits, B looks meanwhile; the entry, the exchange at 1g and step 2 come in order. */
const K0: Times = { tail: [0, 200], b: 10, entry: [20, 50], state: [60], look: 70 };
/** A3 is visible when B looks; 1e waits, and step 2 looks meanwhile. */
const K7C: Times = { tail: [0, 200], b: 210, entry: [20, 250], state: [30, 260], look: 40 };

function run(shape: Partial<CaseRun>, variant = "k0", memory = "tso"): CaseRun {
  return {
    spec: { pair: [0, 1], variant, workload: "W001i", memory, seed: 1n }, rounds: 100, visited: 7,
    ...shape,
  } as CaseRun;
}

const hung = (times: Times, variant = "k0", shape: Partial<Failure> = {}) => run({
  failure: { cause: "store buffer", events: eventsOf(times), ...shape } as Failure,
}, variant);
const broken = run({ broken: "exit panic" });

describe("explained", () => {
  it("by the store that this code leaves late", () => {
    const good = explained([hung(K0), hung(K7C, "k7/c"), run({})]);
    expect(good).toEqual({ measured: "2/3, 2 of 2 by a late store", outcome: "holds" });
    // The same exchange before the entry is in the list.
    expect(explained([hung({ ...K7C, state: [15] }, "k7/g")]).outcome).toBe("holds");
  });

  it.each([
    ["A3 was visible when B looked", hung({ ...K0, tail: [0, 5], look: 3 })],
    ["step 2 came after A3 was visible", hung({ ...K0, look: 210 })],
    ["reaper a queues itself after step 2", hung({ ...K0, entry: [80, 90], state: [95] })],
    ["reaper a looks while its entry waits", hung({ ...K0, entry: [20, 90] })],
    ["reaper a looks before 1g", hung({ ...K0, state: [80] })],
    ["reaper g looks before 1g", hung({ ...K7C, state: [80] }, "k7/g")],
    ["with smp_mb() A3 is late", hung({ ...K7C, b: 190 }, "k7/c")],
    ["1e of a reaper a is late, A3 is not", hung(K7C, "k7")],
    ["the cause is an interleaving", hung(K0, "k0", { cause: "interleaving" })],
    ["nothing hangs", run({})],
  ])("missed: %s", (_, one) => {
    expect(explained([one]).outcome).toBe("missed");
    // One such hang is enough.
    if (one.failure) expect(explained([hung(K0), one]).outcome).toBe("missed");
  });

  it("missed: a broken run", () => {
    expect(explained([hung(K0), broken])).toMatchObject({ outcome: "missed" });
  });
});

it("a store that may be late is what lets a variant hang, as the engine explore finds", () => {
  const found = MATRIX.map((cells, k) => [...cells].map((_, r) => {
    const reaper = "abcdefghij"[r];
    const name = `k${k}/${reaper}${k === LAYOUT_9_ONLY ? "/9" : ""}`;
    const { tail, entry, state } = mayBeLate(name);
    // j reads the tail under the completer's lock, k11 and k12 queue up behind wait.lock.
    const hangs = (tail && reaper !== "j") || (entry && k !== 11 && k !== 12) || state;
    return hangs ? "H" : ".";
  }).join(""));
  expect(found).toEqual([...MATRIX]);
  expect(found).toHaveLength(Object.keys(COMPLETERS).length);
  expect(mayBeLate("k0/c/9/xchg")).toEqual({ tail: false, entry: false, state: true });
  expect(mayBeLate("k0/c/24/xchg")).toEqual({ tail: true, entry: false, state: true });
});

describe("onlyLastOfBatch", () => {
  const after = (reaped: number) => hung(K0, "k0", { reaped });

  it("holds where the 64th event of a batch is the one", () => {
    expect(onlyLastOfBatch([after(63), after(64 * 7 + 63)])).toEqual(
      { measured: "2/2", outcome: "holds" });
  });

  it.each([[62], [64], [0]])("is missed after %i events", (reaped) => {
    expect(onlyLastOfBatch([after(63), after(reaped)])).toEqual(
      { measured: "1 hangs before a batch's last event", outcome: "missed" });
  });

  it("is missed where nothing hangs, or a run is broken", () => {
    expect(onlyLastOfBatch([run({})]).outcome).toBe("missed");
    expect(onlyLastOfBatch([after(63), broken]).outcome).toBe("missed");
  });
});

describe("finalPuts", () => {
  const puts = (finalPuts: number, shape: Partial<CaseRun> = {}) => run({
    counters: { finalPuts: BigInt(finalPuts), completions: 100n, bEmpty: 50n } as never, ...shape,
  });

  it("holds where nearly all completions drop the last reference", () => {
    const { measured, outcome } = finalPuts([puts(95), puts(99)]);
    expect(outcome).toBe("holds");
    expect(measured).toContain("97 % dropped the last reference");
  });

  it("is missed where they do not, or where a run hangs", () => {
    expect(finalPuts([puts(90)]).outcome).toBe("missed");
    expect(finalPuts([run({})]).outcome).toBe("missed");
    const { failure } = hung(K0);
    expect(finalPuts([puts(95), puts(99, { failure })]).outcome).toBe("missed");
    expect(finalPuts([puts(95), { ...broken, counters: puts(95).counters }]).outcome)
      .toBe("missed");
  });

  it("is open where the two sides never came near", () => {
    expect(finalPuts([puts(95, { visited: 0 })]).outcome).toBe("open");
  });
});

describe("slowButNever", () => {
  it("holds where rounds waited for the limit and none hung", () => {
    const { measured, outcome } = slowButNever([run({ slowRounds: 2 }), run({ slowRounds: 3 })]);
    expect(outcome).toBe("holds");
    expect(measured).toContain("; 5 slow rounds");
  });

  it("is missed where no round was slow, or where a run hangs", () => {
    expect(slowButNever([run({ slowRounds: 0 }), run({})]).outcome).toBe("missed");
    expect(slowButNever([run({ slowRounds: 2 }), hung(K0)]).outcome).toBe("missed");
  });
});

describe("widths", () => {
  const scans = (...width: number[]) => width.map((w) => run({ scan: { width: w } as never }));

  it.each([
    [[0, 72, 96], "holds", "holds"], [[0, 96, 72], "missed", "holds"],
    [[0, 72, 72], "missed", "holds"], [[8, 72, 96], "missed", "missed"],
    [[0, 0, 96], "missed", "missed"], [[0, 72, 0], "missed", "missed"],
  ] as const)("of %j", (width, ordered, some) => {
    expect(widths(true)(scans(...width)).outcome).toBe(ordered);
    expect(widths(false)(scans(...width))).toEqual(
      { measured: `${width.join(", ")} cycles`, outcome: some });
  });

  it("are missed where a scan is missing, or broken", () => {
    expect(widths(false)([...scans(0, 72), run({})]).outcome).toBe("missed");
    const [a, b, c] = scans(0, 72, 96);
    expect(widths(true)([a, b, { ...c, broken: "exit panic" }]).outcome).toBe("missed");
  });
});
