// Case 000: a run until its first wrong result, and that result's way in the trace. What the rows
// E000.* ask for is in rows.test.ts.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case000 } from "../../src/cases/000.ts";
import { accountOf } from "../../src/cases/000-account.ts";
import { COUNTS } from "../../src/cases/000-judges.ts";
import { rows000 } from "../../src/cases/000-rows.ts";
import { causeOf, LABEL, POINT, storyOf } from "../../src/cases/000-trace.ts";
import type { CaseRun, CaseSpec } from "../../src/cases/case.ts";
import { runAll } from "../../src/cases/runner.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_POINT, type TraceEvent } from
  "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { reportOf } from "../../src/report/case-report.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import {
  type Failed, failed, framesIn, linesOf, make, textsOf, tooWide,
} from "../report/report-tools.ts";

const LOADED = "the four fields as its reader loaded them (1.7)";
/** workloads/kernel/aio/illumos/illumos.h */
const B_ERROR = 4;
const TIMEOUT_MS = 600_000;
/** More than ten times what the first wrong result takes. */
const ROUNDS_MAX = 60_000;

afterAll(() => Machine.shutdown());

const spec = (shape: Partial<CaseSpec>): CaseSpec => ({
  machine: "illumos32", variant: "bug", workload: "W000x", pair: [0, 31], seed: 1n,
  rounds: ROUNDS_MAX, memory: "tso", ...shape,
});

describe("as it was", () => {
  let run: Failed;
  beforeAll(async () => {
    run = await failed(case000, spec({}), 1n);
  }, TIMEOUT_MS);
  afterAll(() => run.session.machine.close());

  it("E000.1: a transfer of 0 bytes, and why", () => {
    const { findings, failure } = run;
    expect(findings.broken).toBeUndefined();
    expect(findings.counts).toMatchObject({ [COUNTS.wrong]: 1, [COUNTS.zero]: 1 });
    const { callbacks, readsFreed, readsTaken } = findings.counters!;
    expect(readsFreed, "I000a: every callback reads a free request").toBe(callbacks);
    expect(readsTaken, "I000b").toBeGreaterThan(0n);
    const { events, cause, account } = failure;
    expect(cause).toBe("interleaving");
    const { freed, taken, zeroed, read, refilled } = storyOf(events, 0)!;
    const times = [freed, taken, zeroed, read, refilled].map((event) => Number(event!.time));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(taken!.cpu).not.toBe(freed!.cpu);
    expect(account).toContain("reads iov_len = 0");
    expect(account).toMatch(/where 43 are usual,\nas (an interrupt|the release of the mutex) /);
  });

  it("R000: the request before it was free and when it was read, who took it and who read it", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const report = await make(case000, run);
    expect(tooWide(reportLines(report))).toEqual([]);
    const { freed, taken, read } = storyOf(run.failure.events, 0)!;
    const facts = textsOf(report, "whose result is wrong");
    expect(facts).toMatchObject({ aio_return: "0", aio_errno: "0", expected: "1024" });
    const loaded = textsOf(report, LOADED);
    expect(loaded.iov_len).toBe(`0 by cpu${read.cpu} at ${read.time}`);
    const [, flags, flagged] = new RegExp(`^(0x\\w+) by cpu${read.cpu} at (\\d+)$`)
      .exec(loaded.b_flags)!;
    expect(Number(flags) & B_ERROR).toBe(0);
    expect(BigInt(flagged)).toBeLessThan(read.time);
    expect(loaded.b_error).toBe(`not loaded: b_flags as loaded has no error bit (${B_ERROR})`);
    // It has no label: with it the result that the program was given comes out.
    const [, resid, at] = new RegExp(`^(\\d+) by cpu${read.cpu} at (\\d+)$`).exec(loaded.b_resid)!;
    expect(`${read.value - BigInt(resid)}`).toBe(facts.aio_return);
    expect(BigInt(at)).toBeGreaterThan(read.time);
    const before = textsOf(report, "the request before it was free (1.5)");
    const then = textsOf(report, "the request just before that (1.7)");
    // The whole length, the user's place for the result; both gone with the zeroing.
    expect(before).toMatchObject({ iov_len: "0x400", b_error: "0x0", b_resid: "0x0" });
    expect(BigInt(before.aio_req_resultp)).toBeGreaterThan(0n);
    // Freed and taken: the request is another one.
    expect(Number(then.generation)).toBeGreaterThan(Number(before.generation));
    expect(Number(then.generation)).toBeLessThanOrEqual(Number(before.generation) + 2);
    const { claims, steps } = report.sections.find((section) => section.steps)!;
    expect(claims!.map(({ holds }) => holds)).toEqual([true, true, true, true, true]);
    const req = run.session.named.get("$req")!.lin;
    const object = Number(req - run.session.machine.debugBlock()!.base);
    expect(facts.reqp).toBe(`0x${req.toString(16)}`);
    const bytes = run.session.type("aio_req").bytes;
    const inside = ({ phys }: TraceEvent) => Number(phys) - object;
    expect(inside(read)).toBeGreaterThan(0);
    expect(inside(read)).toBeLessThan(bytes);
    expect(steps!.some(({ time, label }) => label === "1_5" && time === freed!.time)).toBe(true);
    for (const [title, event, name] of [
      ["who took it", taken!, "sys_aiorw"],
      ["who read its result all the same", read, "sys_port_getn"],
    ] as const) {
      const lines = linesOf(report, title);
      expect(lines.join("\n")).toMatch(new RegExp(`CPU: ${event.cpu} +COMMAND: "w000"`));
      expect(framesIn(lines)).toContain(name);
    }
  });

  it("R000: a field that is not loaded, and a run that is not the same, are called so", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { find, parts } = case000.report!;
    const [part] = parts.flatMap((one) => ("loads" in one ? [one] : []));
    const loads = part.loads.map(({ unless: _, ...field }) => field);
    const plan = { id: "", title: "", find: find.slice(0, 1), parts: [{ ...part, loads }] };
    const { session, failure, events } = run;
    const loadsOf = async (moments: typeof failure.moments) => textsOf(
      await reportOf(plan, session, { ...failure, moments }, events), LOADED);
    const { flagged, read } = failure.moments!;
    expect((await loadsOf(failure.moments)).b_error).toBe(
      `not loaded by cpu${read!.cpu} from ${flagged!.time} to ${read!.time + 20_000n}`);
    const other = { ...failure.moments, flagged: { ...flagged!, value: flagged!.value + 1n } };
    expect(new Set(Object.values(await loadsOf(other)))).toEqual(
      new Set(["not recorded: with all loads recorded the run came out different"]));
  });

  it("R000: the request at 1.3, and the program's aiocb, in its memory", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { session, failure, events } = run;
    const report = await make(case000, run);
    expect(report.title).toMatch(/read from a request that was free, and taken by somebody else$/);
    const facts = textsOf(report, "whose result is wrong");
    // Of the records of all steps the last 1.3 in this request before it was free.
    const { lin } = session.named.get("$req")!;
    const object = lin - session.machine.debugBlock()!.base;
    const { freed } = storyOf(failure.events, 0)!;
    const called = events.findLast(({ kind, label, phys, time }) => kind === TRACE_ISSUE &&
      session.labels.get(label) === "1_3" && time <= freed!.time &&
      phys > object && phys < object + BigInt(session.type("aio_req").bytes))!;
    expect(facts["its callback began (1.3)"]).toBe(`by cpu${called.cpu} at ${called.time}`);
    const begun = textsOf(report, "the request when its callback began (1.3)");
    const before = textsOf(report, "the request before it was free (1.5)");
    expect(begun).toMatchObject({
      generation: before.generation, aio_req_resultp: before.aio_req_resultp, iov_len: "0x400",
    });
    // 1.3 stores NULL there.
    expect(BigInt(begun.aio_req_portkev)).toBeGreaterThan(0n);
    expect(before.aio_req_portkev).toBe("0x0");
    const aiocb = textsOf(report, "the aiocb of the program at the end");
    expect(aiocb).toMatchObject({
      aiocb: before.aio_req_resultp, aio_return: "0", aio_errno: "0", nbytes: facts.expected,
      thread: facts.thread,
    });
    expect(session.member({ lin: 0n, type: session.type("aiocb") }, "result").lin).toBe(0n);
    expect(linesOf(report, "the machine").join(" ").replace(/ +/g, " ")).toContain(
      'PANIC: "" (no panic: the program ended with exit code 1; failure: I000b)');
  });

  it("R000 of a result that the trace has lost tells of no other request", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { session, failure } = run;
    const later = failure.moments!.read!.time + 1n;
    const spec = { machine: "illumos32", variant: "bug" } as CaseSpec;
    const view = Object.create(session.machine.view, {
      trace: { value: (filter: (kind: number, label: number) => boolean) =>
        session.machine.view.trace(filter).filter(({ time }) => time > later) },
    });
    const machine = Object.create(session.machine, { view: { value: view } }) as Machine;
    const { failure: lost } = case000.examine({
      machine, spec, result: session.subject.result!, console: run.console,
    });
    expect(lost).toMatchObject({ cause: "not recorded", object: undefined, moments: undefined });
    const report = await make(case000, { ...run, failure: lost! });
    expect(report.title).toMatch(/whose the request was by then is not recorded$/);
    expect(textsOf(report, "whose result is wrong").reqp).toMatch(/^not recorded: the trace does/);
    expect(linesOf(report, "the way of the request")).toEqual(["(not recorded)"]);
    expect(textsOf(report, "the request at the end").generation).toBe("(not found)");
  });

  it("x5, which zeroes a request when it frees it: nobody has to take it", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const shape = spec({ variant: "x5", rounds: 20_000 });
    let other = await failed(case000, shape, 1n);
    // Somebody has taken one, and it does not matter.
    for (let seed = 2n; seed <= 8n && !other.findings.counters!.readsTaken; seed++) {
      other.session.machine.close();
      other = await failed(case000, shape, 1n, seed);
    }
    expect(other.findings.counters!.readsTaken).toBeGreaterThan(0n);
    const { cause, invariant, moments, account } = other.failure;
    expect([cause, invariant, moments!.taken]).toEqual(["no race", "I000a", undefined]);
    expect(moments!.wiped).toMatchObject({ cpu: moments!.read!.cpu, value: 0n });
    expect(account).toContain("The callback itself zeroes the request");
    expect(account).not.toContain("usual");
    const report = await make(case000, other);
    expect(report.title).toBe("a result was read from a request that its own callback had zeroed");
    expect(report.sections.find((section) => section.steps)!.claims!.map(({ text, holds }) =>
      [holds, text.replace(/ by cpu\d+ at \d+/g, "")]))
      .toEqual([[true, "2_4b before 1_5"], [true, "1_5 before 1_7l"]]);
    expect(report.sections.map(({ title }) => title)).not.toContain("who took it");
    other.session.machine.close();
  });

  it("a panic is a broken run and no evidence", { timeout: TIMEOUT_MS }, async () => {
    const unknown = { ...case000, bootParameters: () => "v000=y1 -- w000" };
    const [run] = await runAll(unknown, [spec({ machine: "quad4", pair: [0, 3] })], {});
    expect(run).toMatchObject({ failure: undefined, broken: "exit panic after 0 completions" });
  });
});

describe("the way of a wrong result", () => {
  const REQUEST = 0x6000n;
  const LENGTH = REQUEST + 104n;
  const at = (
    time: number, cpu: number, kind: number, label: number, value: bigint, phys = LENGTH,
  ): TraceEvent => ({ time: BigInt(time), cpu, kind, label, size: 8, phys, value, extra: 0 });
  const freed = (time: number) =>
    at(time, 0, TRACE_ISSUE, LABEL["1.5"], 0xffffffff80000000n + REQUEST, 0x100n);
  const zero = (time: number, kind: number) => at(time, 1, kind, LABEL["2.4b"], 0n);
  const fill = (time: number, kind: number) => at(time, 1, kind, LABEL["2.5"], 1024n);
  const read = (time: number, value: bigint) => at(time, 0, TRACE_LOAD, LABEL["1.7"], value);

  const wrong = [
    freed(1), at(2, 0, TRACE_POINT, POINT.SLOW, 0n), zero(3, TRACE_ISSUE), zero(4, TRACE_COMMIT),
    read(5, 0n), fill(6, TRACE_ISSUE), fill(7, TRACE_COMMIT),
  ];

  it("is found, with what held the reader up", () => {
    const story = storyOf(wrong, 0)!;
    expect(story.meanwhile.map(({ label }) => label)).toEqual([POINT.SLOW]);
    expect([story.freed, story.zeroed, story.read, story.refilled].map((e) => e!.time))
      .toEqual([1n, 4n, 5n, 7n]);
    expect(causeOf(wrong, 0)).toBe("interleaving");
    expect(accountOf(story, "bug")).toContain("read 4 cycles after the request was free,\n" +
      "where 43 are usual,\nas the release of the mutex");
    // Another callback takes another time; and what is not in the trace is no reason.
    const bare = storyOf(wrong.filter(({ label }) => label !== POINT.SLOW), 0);
    expect(accountOf(bare, "x2")).toContain("read 4 cycles after the request was free.\nBefore");
  });

  it("is one of the store buffer if the new length was stored before the read", () => {
    const events = [
      freed(1), zero(2, TRACE_ISSUE), zero(3, TRACE_COMMIT), fill(4, TRACE_ISSUE), read(5, 0n),
      fill(6, TRACE_COMMIT),
    ];
    expect(causeOf(events, 0)).toBe("store buffer");
  });

  const link = (time: number, phys: bigint) => at(time, 1, TRACE_LOAD, LABEL.link, 0n, phys);
  const take = (time: number) => at(time, 1, TRACE_ISSUE, LABEL["2.4a"], 0n, 0x100n);
  const old = (value: bigint) => at(0, 0, TRACE_ISSUE, LABEL["2.5"], value);
  /** x6: taken, not zeroed, and as long as another one. */
  const dirty = [
    old(512n), freed(1), link(2, REQUEST + 48n), take(3), fill(4, TRACE_ISSUE),
    fill(5, TRACE_COMMIT), read(6, 1024n),
  ];

  it("is found where a request was not zeroed but has another length by then", () => {
    const { taken, zeroed, refilled } = storyOf(dirty, 1024)!;
    expect([taken!.time, zeroed, refilled!.time]).toEqual([3n, undefined, 5n]);
    expect(causeOf(dirty, 1024)).toBe("interleaving");
  });

  it("is not one where the length is the same, or the next request was taken", () => {
    expect(storyOf([old(1024n), ...dirty.slice(1)], 1024)).toBeUndefined();
    const next = dirty.map((event) =>
      event.label === LABEL.link ? { ...event, phys: event.phys + 448n } : event);
    expect(storyOf(next, 1024)).toBeUndefined();
  });

  it("of a request that its own callback has zeroed needs nobody else", () => {
    const wiped = [zero(0, TRACE_ISSUE), freed(1), read(2, 0n)];
    expect(storyOf(wiped, 0)).toMatchObject({ wiped: { time: 0n }, taken: undefined });
    expect(causeOf(wiped, 0)).toBe("no race");
  });

  it("is not made up where nobody has taken the request", () => {
    expect(storyOf([freed(1), read(2, 0n)], 0)).toBeUndefined();
    expect(causeOf([freed(1), read(2, 0n)], 0)).toBe("not recorded");
  });
});

it("disks that fail are no disks of case 000", () => {
  expect(() => case000.disks!(spec({ disk: ["error=both:0-400"] }))).toThrow(/leave out error=/);
  expect(() => case000.disks!(spec({ disk: ["3:gone=5"] }))).toThrow(/and gone=/);
  expect(case000.disks!(spec({ disk: ["model=sas15k"] }))!.disks).toHaveLength(30);
});

describe("variants", () => {
  it.each([["fixed", "f0"], ["F3", "f3"], ["bug", "bug"]])("%s is %s", (text, name) =>
    expect(case000.variantOf(text)).toBe(name));
  it("an unknown one lists the valid ones", () => {
    expect(() => case000.variantOf("f4")).toThrow(/bug, f0.*x6/);
    expect(() => case000.bootParameters(spec({ inflight: 0 }))).toThrow(/1 to 120/);
  });
});

describe("rows", () => {
  const counted = (counts: Record<string, number>, rounds: number): CaseRun =>
    ({ spec: spec({}), rounds, counts, failure: undefined }) as unknown as CaseRun;
  const of = (taken: number, wrong: number, zero: number, other: number, rounds = 10_000) =>
    counted({
      [COUNTS.taken]: taken, [COUNTS.wrong]: wrong, [COUNTS.zero]: zero, [COUNTS.other]: other,
    }, rounds);

  it("E000.4: what four CPUs are known for is the same bug, and seldom", () => {
    const bound = rows000.find(({ id }) => id === "E000.4")!.setups("full")[0].bound!;
    expect(bound([of(1, 1, 1, 0), of(0, 0, 0, 0)])).toBe(true);
    expect(bound([of(3, 1, 1, 0, 5000)]), "as often as on 32 CPUs").toBe(false);
    expect(bound([of(1, 1, 0, 1)]), "another value").toBe(false);
    expect(bound([of(0, 1, 1, 0)]), "of a request that is the reader's").toBe(false);
  });

  it("E000.5: the rate must rise, and nothing be wrong with few in flight", () => {
    const { judge, bound } = rows000.find(({ id }) => id === "E000.5")!.setups("full")[0];
    const swept = (...taken: Array<[inflight: number, taken: number, wrong: number]>) =>
      taken.map(([inflight, late, wrong]) =>
        ({ ...of(late, wrong, wrong, 0), spec: spec({ inflight }) }));
    const judged = (runs: CaseRun[]) => [judge(runs).outcome, bound!(runs)];
    expect(judged(swept([8, 2, 0], [20, 20, 0], [60, 56, 8]))).toEqual(["holds", true]);
    expect(judged(swept([8, 2, 0], [16, 13, 3], [60, 56, 8])), "no step").toEqual(["missed", true]);
    expect(judged(swept([8, 2, 1], [20, 20, 2], [60, 56, 8]))).toEqual(["missed", false]);
    expect(judged(swept([8, 20, 0], [20, 20, 0], [60, 20, 8])), "flat").toEqual(["missed", false]);
    expect(judged(swept([8, 2, 0], [20, 60, 0], [60, 28, 8])), "falls").toEqual(["missed", false]);
    expect(judged(swept([8, 2, 0], [20, 20, 0], [60, 56, 0]))[0], "none wrong").toBe("missed");
  });

  it("E000.9: x3 and x4 are wrong if a result is of another request, not if it is late", () => {
    const setups = rows000.find(({ id }) => id === "E000.9")!.setups("full");
    for (const variant of ["x3", "x4", "x6"]) {
      const { judge } = setups.find((setup) => setup.variant === variant)!;
      expect(judge([of(9, 0, 0, 0)]).outcome, variant).toBe("missed");
      expect(judge([of(9, 1, 0, 1)]).outcome, variant).toBe("holds");
    }
  });
});
