// The explanation of a hang: from a trace that shows store buffering, and from traces that do not.
import { describe, expect, it } from "vitest";
import { LABEL } from "../../src/cases/001-trace.ts";
import type { CaseRun } from "../../src/cases/case.ts";
import * as view from "../../src/core/trace.ts";
import { explainLostWakeup } from "../../src/report/lost-wakeup.ts";

const RING = 0x5000n;
const WAIT = 0x6000n;

function event(time: number, cpu: number, kind: number, label: number, phys = 0n, value = 0n) {
  return { time: BigInt(time), cpu, kind, label, size: 4, phys, value, extra: 0 };
}

/** CPU 0 submits, CPU 1 reaps; A3 is visible at `commit`. */
function trace(commit: number): view.TraceEvent[] {
  return [
    event(900, 1, view.TRACE_ISSUE, LABEL["1e"], WAIT + 40n),
    event(990, 0, view.TRACE_ISSUE, LABEL.A1, RING + 64n),
    event(995, 0, view.TRACE_ISSUE, LABEL.A2, 0x7000n, 5n),
    event(1000, 0, view.TRACE_ISSUE, LABEL.A3, RING + 12n, 5n),
    event(1010, 0, view.TRACE_LOAD, LABEL.B, WAIT + 40n, WAIT + 40n),
    event(1040, 1, view.TRACE_COMMIT, LABEL["1e"], WAIT + 40n),
    event(1045, 1, view.TRACE_LOCKED, LABEL["1g"], 0x8000n),
    event(1060, 1, view.TRACE_LOAD, LABEL["2"], RING + 12n, 4n),
    event(1070, 0, view.TRACE_COMMIT, LABEL.A1, RING + 64n),
    event(1075, 0, view.TRACE_COMMIT, LABEL.A2, 0x7000n, 5n),
    event(1080, 0, view.TRACE_REQUEST, 0, RING),
    event(1100, 1, view.TRACE_LOST, 0, RING),
    event(commit, 0, view.TRACE_COMMIT, LABEL.A3, RING + 12n, 5n),
  ];
}

function run(events: view.TraceEvent[]): CaseRun {
  const failure = {
    invariant: "I001",
    what: "task 2 sleeps",
    ringLine: RING,
    waitLine: WAIT,
    head: 4,
    tail: 5,
    events,
  };
  return { spec: { pair: [0, 1] }, failure } as unknown as CaseRun;
}

describe("a lost wake-up", () => {
  const text = explainLostWakeup(run(trace(1160)));

  it("tells what sat in the store buffer from when to when", () => {
    expect(text).toContain("A1  from -10 until +70");
    expect(text).toContain("A3  from +0 until +160");
  });

  it("tells the steps in order of time", () => {
    const order = [
      "1e ", "A3  stores ring.tail = 5", "B   reads", "2   reads ring.tail = 4", "loses its copy",
    ];
    const places = order.map((step) => text.indexOf(step));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });

  it("measures by how much", () => {
    expect(text).toContain("B read the list 30 cycles before 1e was visible");
    expect(text).toContain("100 cycles before A3 was visible");
    expect(text).toContain("40 cycles ahead of the invalidation");
  });

  it("fits 80 columns", () => {
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });
});

/** Without them there is no verdict. */
const DECISIVE = new Set([
  "the read at B", "the issue of A3", "the commit of A3", "the commit of 1e", "the read at step 2",
]);

describe("a trace that does not bear it out", () => {
  it("says so when A3 was visible before B read", () => {
    const text = explainLostWakeup(run(trace(1005)));
    expect(text).toContain("does not show store buffering: the order is another one");
  });

  const missing = /Not recorded: ([^.]*)\./;
  it.each([
    ["the read at B", LABEL.B, view.TRACE_LOAD],
    ["the issue of A3", LABEL.A3, view.TRACE_ISSUE],
    ["the request for the line of A3", 0, view.TRACE_REQUEST],
    ["the loss of the reaper's copy of that line", 0, view.TRACE_LOST],
    ["the commit of A3", LABEL.A3, view.TRACE_COMMIT],
    ["the issue of 1e", LABEL["1e"], view.TRACE_ISSUE],
    ["the commit of 1e", LABEL["1e"], view.TRACE_COMMIT],
    ["the exchange at 1g", LABEL["1g"], view.TRACE_LOCKED],
    ["the read at step 2", LABEL["2"], view.TRACE_LOAD],
  ])("names %s when it is missing", (name, label, kind) => {
    const events = trace(1160).filter((e) => e.label !== label || e.kind !== kind);
    const text = explainLostWakeup(run(events)).replaceAll("\n", " ");
    expect(text.match(missing)?.[1]).toContain(name);
    expect(text.match(missing)?.[1]).not.toContain("undefined");
    expect(text.includes("The trace does not show")).toBe(DECISIVE.has(name));
  });

  it("misses nothing in a whole trace", () => {
    expect(explainLostWakeup(run(trace(1160)))).not.toContain("Not recorded");
  });
});
