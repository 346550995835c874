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
    ["the store of the state at 1g", LABEL["1g"], view.TRACE_LOCKED],
    ["the commit of 1g", LABEL["1g"], view.TRACE_LOCKED],
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

const ENTRY = 0x9000n;
const B_OF = { nobody: WAIT + 40n, somebody: ENTRY };
type Row = [time: number, cpu: number, kind: number, label: number, phys?: bigint, value?: bigint];

/** A3 issued at 1000 and visible at 1160; then what the variant's sides do. */
function traceOf(look: Row, ...reaper: Row[]): CaseRun {
  const rows: Row[] = [
    [990, 0, view.TRACE_ISSUE, LABEL.A1, RING + 64n],
    [1000, 0, view.TRACE_ISSUE, LABEL.A3, RING + 12n, 5n],
    [1160, 0, view.TRACE_COMMIT, LABEL.A3, RING + 12n, 5n],
    look, ...reaper,
  ];
  return run(rows.sort(([a], [b]) => a - b).map((row) => event(...row)));
}

const look = (time: number, value: bigint): Row =>
  [time, 0, view.TRACE_LOAD, LABEL.B, WAIT + 40n, value];
const enlist = (issue: number, commit: number): Row[] => [
  [issue, 1, view.TRACE_ISSUE, LABEL["1e"], WAIT + 40n, ENTRY],
  [commit, 1, view.TRACE_COMMIT, LABEL["1e"], WAIT + 40n, ENTRY],
];
const plainState = (issue: number, commit: number): Row[] => [
  [issue, 1, view.TRACE_ISSUE, LABEL["1g"], 0x8000n, 1n],
  [commit, 1, view.TRACE_COMMIT, LABEL["1g"], 0x8000n, 1n],
];
const xchg = (time: number): Row => [time, 1, view.TRACE_LOCKED, LABEL["1g"], 0x8000n];
const tail = (time: number, kind = view.TRACE_LOAD): Row =>
  [time, 1, kind, LABEL["2"], RING + 12n, 4n];
const oneLine = (hung: CaseRun) => explainLostWakeup(hung).replaceAll(/\s+/g, " ");

describe("the side whose store was late", () => {
  it("k7/c: the reaper's, which sets its state by a plain store", () => {
    const hung = traceOf(look(1200, B_OF.nobody), ...enlist(1020, 1300), ...plainState(1030, 1310),
      tail(1040));
    const text = oneLine(hung);
    expect(text).toContain("1g stores the task state: into the store buffer");
    expect(text).toContain("B read the list 100 cycles before 1e was visible");
    expect(text).toContain("120 cycles before A3 was visible: 1e was still in the store buffer");
    expect(text).toContain("In the store buffer of CPU 1 when step 2 read: 1e from +20 until +300");
    expect(text).not.toMatch(/xchg of the task state|A3 was still|1g was still|store at 1g|smp_mb/);
  });

  it("k7/h: the state's, where B saw the entry", () => {
    const hung = traceOf(look(1200, B_OF.somebody), ...enlist(1020, 1030),
      ...plainState(1032, 1350), tail(1040));
    const text = oneLine(hung);
    expect(text).toContain("B reads wait.task_list.next: somebody waits, so it is to be woken");
    expect(text).toContain("1g was visible 150 cycles after B");
    expect(text).toContain("120 cycles before A3 was visible: 1g was still in the store buffer");
    expect(text).not.toMatch(/nobody|1e was still|A3 was still/);
  });

  it("k7/g: the reaper's, whose xchg came before its entry", () => {
    const hung = traceOf(look(1200, B_OF.nobody), xchg(900), ...enlist(1020, 1300), tail(1040));
    const text = oneLine(hung);
    expect(text).toContain("1g xchg of the task state: its store buffer is empty");
    expect(text).toContain("1e was still in the store buffer when the younger load, step 2");
    expect(text).not.toContain("Not recorded: the store of the state");
  });

  it("k0/i: the completer's, and step 2 is a locked access", () => {
    const hung = traceOf(look(1010, B_OF.nobody), ...enlist(950, 1040), ...plainState(960, 1045),
      tail(1050, view.TRACE_LOCKED));
    const text = oneLine(hung);
    expect(text).toContain("2 reads ring.tail = 4, locked: no event");
    expect(text).toContain("110 cycles before A3 was visible: A3 was still in the store buffer");
    expect(text).not.toMatch(/the read at step 2|1e was still/);
  });

  it("k0/c: both", () => {
    const hung = traceOf(look(1010, B_OF.nobody), ...enlist(950, 1200), ...plainState(960, 1210),
      tail(980));
    expect(oneLine(hung)).toContain("A3 and 1e were still in their store buffers");
  });

  it.each([
    ["B read after 1e was visible", look(1250, B_OF.nobody), enlist(1020, 1240), tail(1040)],
    ["step 2 read after A3 was visible", look(1010, B_OF.nobody), enlist(1020, 1030), tail(1170)],
    ["neither store was late", look(1170, B_OF.nobody), enlist(1180, 1190), tail(1150)],
    ["B saw who was asleep", look(1320, B_OF.somebody), enlist(1020, 1030), tail(1040)],
  ] as const)("none: %s", (_, at, entry, read) => {
    const hung = traceOf(at, ...entry, ...plainState(1032, 1310), read);
    expect(oneLine(hung)).toContain("does not show store buffering: the order is another one");
  });

  it("k8/c: A3 by exchange, which asked for its line before", () => {
    const hung = run([
      event(990, 0, view.TRACE_ISSUE, LABEL.A1, RING + 64n),
      event(995, 1, view.TRACE_ISSUE, LABEL["1e"], WAIT + 40n, ENTRY),
      event(1000, 1, view.TRACE_LOAD, LABEL["2"], RING + 12n, 4n),
      event(1010, 0, view.TRACE_REQUEST, 0, RING),
      event(1060, 1, view.TRACE_LOST, 0, RING),
      event(1100, 0, view.TRACE_LOCKED, LABEL.A3, RING + 12n, 4n),
      event(1110, 0, view.TRACE_LOAD, LABEL.B, WAIT + 40n, B_OF.nobody),
      event(1200, 1, view.TRACE_COMMIT, LABEL["1e"], WAIT + 40n, ENTRY),
    ]);
    const text = oneLine(hung);
    expect(text).toContain("A3 stores ring.tail, locked: its store buffer is empty");
    expect(text).toContain("100 cycles before A3 was visible: 1e was still in the store buffer");
    expect(text).toContain("Step 2 was 60 cycles ahead");
    expect(text).toContain("Not recorded: the store of the state at 1g, the commit of 1g.");
  });
});
