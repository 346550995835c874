// Case 004 in the trace: what a wake function does with a request that is gone. And what its rows
// ask for where nothing fails.
import { describe, expect, it } from "vitest";
import { KICK, type KickStep } from "../../src/cases/004-life.ts";
import { kicksIn } from "../../src/cases/004-trace.ts";
import { case004, differs } from "../../src/cases/004.ts";
import type { CaseRun, Setup } from "../../src/cases/case.ts";
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

describe("the rows where nothing fails", () => {
  const setupOf = (id: string, workload: string, machine = "rhel16") =>
    case004.rows.find((row) => row.id === id)!.setups("short").find((setup) =>
      setup.workload === workload && setup.machine === machine)!;
  const [TRIES, DIRECT, FULL] =
    ["tries that had to wait", "requests by O_DIRECT", "requests answered in full"];
  const outcomeOf = (setup: Setup, rounds: number, counts: Record<string, number>, more = {}) =>
    setup.judge([{
      spec: { ...setup, pair: [0, 1], seed: 1n }, rounds, visited: 0, counts, ...more,
    } as unknown as CaseRun]).outcome;

  it("fsx has done its operations, both ways, and had to wait", () => {
    const setup = setupOf("E004.2", "W004h");
    // 20 operations of eight files.
    const good = { [TRIES]: 1, [DIRECT]: 147, [FULL]: 488 };
    expect(outcomeOf(setup, 488, good)).toBe("holds");
    for (const less of [{ [TRIES]: 0 }, { [DIRECT]: 0 }, { [DIRECT]: 488 }, { [FULL]: 487 }]) {
      expect(outcomeOf(setup, 488, { ...good, ...less }), JSON.stringify(less)).toBe("missed");
    }
    expect(outcomeOf(setup, 319, { ...good, [FULL]: 319 })).toBe("missed");
    expect(outcomeOf(setup, 488, good, { failure: { invariant: "I004a" } })).toBe("missed");
  });

  it("in full, a wake-up must have come near a try, or the row is open", () => {
    const setup = case004.rows.find((row) => row.id === "E004.2")!.setups("full")
      .find(({ workload }) => workload === "W004h")!;
    const counts = { [TRIES]: 1, [DIRECT]: 147, [FULL]: 300_000 };
    expect(outcomeOf(setup, 300_000, counts)).toBe("open");
    expect(setup.mayBeOpen).toBeUndefined();
    expect(outcomeOf(setup, 300_000, counts, { visited: 1 })).toBe("holds");
  });

  it("the kernel's own count of warnings is the trace's", () => {
    expect(differs(2, 2)).toBeUndefined();
    expect(differs(1, 2)).toMatch(/warned 1 times, and the trace has 2 requests queued again$/);
  });

  it("no request has to wait where that is said, and all are done", () => {
    // 50 records of 16 readers.
    for (const [workload, direct] of [["W004d", 800], ["W004s", 0], ["W004c", 0]] as const) {
      const setup = setupOf("E004.4", workload);
      const good = { [TRIES]: 0, [DIRECT]: direct, [FULL]: 800 };
      expect(outcomeOf(setup, 800, good), workload).toBe("holds");
      expect(outcomeOf(setup, 800, { ...good, [TRIES]: 1 }), workload).toBe("missed");
      expect(outcomeOf(setup, 799, { ...good, [FULL]: 799 }), workload).toBe("missed");
    }
    expect(outcomeOf(setupOf("E004.4", "W004d"), 800, { [DIRECT]: 799, [FULL]: 800 }))
      .toBe("missed");
  });

  it("on one CPU requests have to wait", () => {
    const setup = setupOf("E004.4", "W004", "uni1");
    expect(outcomeOf(setup, 800, { [TRIES]: 1, [FULL]: 800 })).toBe("holds");
    expect(outcomeOf(setup, 800, { [TRIES]: 0, [FULL]: 800 })).toBe("missed");
  });
});

describe("the rows where something fails", () => {
  const setupsOf = (id: string) => case004.rows.find((row) => row.id === id)!.setups("full");
  const [UAF, REUSED, WARN] = ["uses of a freed request", "kicks of another request in its place",
    "requests queued again (WARN)"];
  const run = (invariant?: string, counts: Record<string, number> = {}) => ({
    spec: { seed: 1n }, rounds: 1, visited: 1, counts, failure: invariant && { invariant },
  }) as unknown as CaseRun;

  it("E004.1 asks for all three, and is known only where two of them are", () => {
    const setup = setupsOf("E004.1").find(({ expected }) => expected.endsWith("and WARN"))!;
    const all = { [UAF]: 1, [REUSED]: 1, [WARN]: 1 };
    expect(setup.judge([run("I004a", all)]).outcome).toBe("holds");
    for (const missing of [UAF, REUSED, WARN]) {
      const runs = [run("I004a", { ...all, [missing]: 0 })];
      expect(setup.judge(runs).outcome).toBe("missed");
      expect(setup.bound!(runs)).toBe(missing === WARN);
    }
  });

  it("on the virtual machine without a WARN nothing is said", () => {
    const [bug, x6, ...others] = ["E004.1", "E004.3"].flatMap((id) =>
      setupsOf(id).filter(({ changes }) => changes));
    expect(others).toEqual([]);
    for (const [setup, counts] of [[bug, { [UAF]: 1, [REUSED]: 1 }], [x6, {}]] as const) {
      expect([setup.known, setup.bound].every((x) => x === undefined)).toBe(true);
      expect(setup.judge([run("I004b", { ...counts, [WARN]: 1 })]).outcome).toBe("holds");
      expect(setup.judge([run("I004c", counts)]).outcome).toBe("open");
    }
    expect(x6.judge([run("I004b", { [WARN]: 1 }), run("I004c")]).outcome).toBe("holds");
    expect(x6.judge([run("I004a", { [WARN]: 1, [UAF]: 1 })]).outcome).toBe("missed");
    for (const missing of [UAF, REUSED]) {
      const counts = { [UAF]: 1, [REUSED]: 1, [WARN]: 1, [missing]: 0 };
      expect(bug.judge([run("I004a", counts)]).outcome).toBe("missed");
    }
  });

  it("E004.3 asks for what the report saw: in most runs, and of x2 in one", () => {
    const [good, other] = [run("I004a"), run("I004d")];
    const judged = (variant: string, ...runs: CaseRun[]) =>
      setupsOf("E004.3").find((setup) => setup.variant === variant)!.judge(runs).outcome;
    for (const variant of ["x1", "x3", "x4", "x5"]) {
      expect(judged(variant, good, run("I004c"), run())).toBe("holds");
      expect(judged(variant, good, other)).toBe("missed");
    }
    expect(judged("x2", good, run(), run())).toBe("holds");
    expect(judged("x2", other, run(), run())).toBe("missed");
    expect(judged("x6", run(undefined, { [WARN]: 1 }))).toBe("holds");
    expect(judged("x6", run("I004a", { [WARN]: 1, [UAF]: 1 }))).toBe("missed");
  });
});
