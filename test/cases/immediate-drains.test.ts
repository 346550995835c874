// The cause of a failure: what its deciding loads would have read with immediate drains. On made-up
// records, and in runs whose stores are then recorded all, not only those with a label.
import { afterAll, describe, expect, it } from "vitest";
import type { CaseRun, CaseSpec } from "../../src/cases/case.ts";
import { causeOfHang, meetingsOf } from "../../src/cases/003-story.ts";
import { dioRequests } from "../../src/cases/dio-trace.ts";
import { causeByLoads, readAtOnce } from "../../src/cases/immediate-drains.ts";
import { findCase } from "../../src/cases/index.ts";
import { optionsOf, runOnce } from "../../src/cases/runner.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { TRACE_ALL_STORES } from "../../assembly/trace-kinds.ts";

const TIMEOUT_MS = 120_000;
const PLACE = 0x740018n;
const at = (
  time: number, cpu: number, kind: number, value: bigint, more: Partial<TraceEvent> = {},
): TraceEvent => ({
  time: BigInt(time), cpu, kind, label: 44, size: 8, phys: PLACE, value, extra: 0, ...more,
});
const stored = (issue: number, commit: number, value: bigint, cpu = 1) => [
  at(issue, cpu, TRACE_ISSUE, value),
  at(commit, cpu, TRACE_COMMIT, value, { extra: commit - issue }),
];
const sorted = (...events: TraceEvent[]) => events.sort((a, b) => Number(a.time - b.time));

describe("a load", () => {
  const load = at(50, 2, TRACE_LOAD, 0n);
  const cause = (...events: TraceEvent[]) => causeByLoads(sorted(load, ...events), [load]);

  it("that misses a store in another CPU's buffer would have read it", () => {
    expect(readAtOnce(sorted(load, ...stored(20, 90, 7n)), load)).toBe(7n);
    expect(cause(...stored(20, 90, 7n))).toBe("store buffer");
    expect(cause(at(20, 1, TRACE_ISSUE, 7n))).toBe("store buffer");
  });

  it("reads the same where the store was visible, comes later, or is its own CPU's", () => {
    expect(cause(...stored(20, 40, 0n))).toBe("interleaving");
    expect(cause(...stored(60, 90, 7n))).toBe("interleaving");
    expect(cause(at(20, 2, TRACE_ISSUE, 0n), at(90, 2, TRACE_COMMIT, 0n, { extra: 70 })))
      .toBe("interleaving");
    expect(cause(at(20, 1, TRACE_LOCKED, 7n))).toBe("interleaving");
    expect(cause()).toBe("interleaving");
  });

  it("is asked for the last store, and for its own one's end", () => {
    // The first is visible at 40 and the second, of the same CPU, only after the load.
    expect(cause(...stored(20, 40, 0n), ...stored(30, 90, 7n))).toBe("store buffer");
    // The one that was hidden stored what the load read.
    expect(cause(...stored(20, 90, 0n))).toBe("interleaving");
    expect(cause(...stored(20, 90, 7n), ...stored(45, 48, 0n, 3))).toBe("interleaving");
  });

  it("of a part of what was stored reads that part, and of more nothing is known", () => {
    const wide = { phys: PLACE - 4n, value: 0x1_0000_0000n };
    const half = { ...load, size: 4 };
    expect(readAtOnce([at(20, 1, TRACE_ISSUE, 0n, wide), half], half)).toBe(1n);
    expect(readAtOnce([at(20, 1, TRACE_ISSUE, 0n, { ...wide, size: 8 }), load], load))
      .toBeUndefined();
  });

  it("that is not in the trace says nothing", () => {
    expect(causeByLoads([], [load])).toBe("not recorded");
    expect(causeByLoads([], [undefined])).toBe("not recorded");
    expect(causeByLoads([load], [load, undefined])).toBe("not recorded");
    expect(causeByLoads([], [])).toBe("not recorded");
  });
});

/** The same run, with every store from `from` on. */
async function allStores(spec: CaseSpec, id: string, from: bigint, to: bigint) {
  const options = await optionsOf(findCase(id), spec);
  const machine = await Machine.create({
    ...options, traceKinds: options.traceKinds! | TRACE_ALL_STORES, traceFrom: from,
    traceTo: to + 1n,
  });
  try {
    await machine.runTo(to);
    expect(machine.view.traceLost).toBe(0);
    return machine.view.trace();
  } finally {
    machine.close();
  }
}

describe("in a run", () => {
  afterAll(() => Machine.shutdown());
  const specOf = (id: string, workload: string, seed: bigint): CaseSpec => ({
    machine: "rhel16", variant: "bug", workload, pair: [0, 1], rounds: 100, memory: "tso", seed,
  });
  const failed = async (id: string, spec: CaseSpec) => {
    const run: CaseRun = await runOnce(findCase(id), spec);
    expect(run.failure).toBeDefined();
    return run.failure!;
  };

  it("of case 003 a waiter is hidden in the store buffer, by all stores, too",
    { timeout: TIMEOUT_MS }, async () => {
      // A seed of which one writer hangs, and by the store buffer: most hang by the order alone.
      const spec = specOf("003", "W003r", 6n);
      const failure = await failed("003", spec);
      const hung = meetingsOf(dioRequests(failure.events)).filter(({ request }) => !request.freed);
      expect(hung.map(causeOfHang)).toEqual(["store buffer"]);
      expect(failure.cause).toBe("store buffer");
      const [{ request, looked, published }] = hung;
      const all = await allStores(spec, "003", request.events[0].time, looked!.time);
      expect(all.filter(({ label }) => label === 0).length).toBeGreaterThan(100);
      expect([looked!.value, readAtOnce(all, looked!)]).toEqual([0n, published!.value]);
      expect(causeByLoads(all, [looked])).toBe("store buffer");
    });

  it("of case 004 the tries would have read the same, by all stores, too",
    { timeout: TIMEOUT_MS }, async () => {
      const spec = specOf("004", "W004", 2n);
      const { cause, moments, object, events } = await failed("004", spec);
      expect(cause).toBe("interleaving");
      const { taken, used } = moments!;
      const loads = events.filter(({ kind, phys, cpu, label }) => kind === TRACE_LOAD &&
        cpu !== used!.cpu && phys >= object! && phys < object! + 256n && label !== 0);
      expect(loads.length).toBeGreaterThan(0);
      const all = await allStores(spec, "004", taken!.time - 20_000n, used!.time);
      expect(causeByLoads(all, loads)).toBe("interleaving");
    });
});
