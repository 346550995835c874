// Case 004 in the trace: what a wake function does with a request that is gone.
import { describe, expect, it } from "vitest";
import { KICK, type KickStep } from "../../src/cases/004-life.ts";
import { kicksIn } from "../../src/cases/004-trace.ts";
import { TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent } from
  "../../src/core/trace.ts";

const BASE = 0xffffffff80000000n;
const BYTES = 256;
const OBJECT = 0x431000n;
const ENTRY = OBJECT + 0x68n;
const SOFTIRQ = 2;
const WORKER = 1;

const at = (
  time: number, cpu: number, step: KickStep, kind: number, phys = OBJECT, value = 0n,
): TraceEvent => ({
  time: BigInt(time), cpu, kind, label: KICK[step], size: 8, phys, value, extra: 0,
});
const born = (time: number) => at(time, WORKER, "K0", TRACE_ISSUE);
const taken = (time: number) => at(time, SOFTIRQ, "Q1", TRACE_ISSUE, ENTRY);
const marked = (time: number) => at(time, SOFTIRQ, "Q3", TRACE_LOCKED);
const looked = (time: number, value = ENTRY + BASE) =>
  at(time, SOFTIRQ, "Q4", TRACE_LOAD, ENTRY, value);
const queued = (time: number) => at(time, SOFTIRQ, "Q6", TRACE_LOAD);
const decided = (time: number) => at(time, WORKER, "P7", TRACE_LOAD);
const freed = (time: number) => at(time, WORKER, "Kf", TRACE_ISSUE);
const kindsIn = (...events: TraceEvent[]) =>
  kicksIn(events, BYTES, BASE).violations.map(({ kind }) => kind);

describe("a wake-up", () => {
  it("that is through before the request ends is sound", () => {
    expect(kindsIn(born(1), decided(2), taken(3), marked(4), looked(5), queued(6), freed(7)))
      .toEqual([]);
  });

  it("uses freed memory", () => {
    expect(kindsIn(born(1), taken(2), decided(3), freed(4), marked(5), queued(6)))
      .toEqual(["use after free", "use after free"]);
  });

  it("kicks the next request in the same place", () => {
    expect(kindsIn(born(1), taken(2), marked(3), freed(4), born(5), queued(6)))
      .toEqual(["kick of another request"]);
  });

  it("finds the request in a queue again", () => {
    expect(kindsIn(born(1), taken(2), marked(3), looked(4, ENTRY + BASE + 64n), queued(5)))
      .toEqual(["queued again"]);
  });

  it("is told with the request's life as it was then", () => {
    const [{ life, now, taken: out }] = kicksIn([
      born(1), taken(2), marked(3), looked(4, ENTRY + BASE + 64n), decided(5), freed(6), born(7),
    ], BYTES, BASE).violations;
    expect([out!.time, life.born!.time, life.generation, now.generation]).toEqual([2n, 1n, 1, 1]);
    expect([life.decided, life.freed]).toEqual([undefined, undefined]);
  });

  it("is not blamed for what the one who tries does on the same CPU", () => {
    const own = [at(7, SOFTIRQ, "P7", TRACE_LOAD), at(8, SOFTIRQ, "Q6", TRACE_LOAD)];
    expect(kindsIn(born(1), taken(2), marked(3), freed(4), born(5), ...own)).toEqual([]);
  });

  it("is near a try's decision within a thousand cycles, on another CPU", () => {
    const nearOf = (...events: TraceEvent[]) => kicksIn(events, BYTES, BASE).near;
    expect(nearOf(born(1), decided(10), taken(1010))).toBe(1);
    expect(nearOf(born(1), decided(10), taken(1011))).toBe(0);
    expect(nearOf(born(1), taken(10), decided(300))).toBe(1);
  });
});
