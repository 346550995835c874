// Reports that go back. R002 has the bio that failed, which is gone at the end; R004 has the
// request as it was when the wake function took it out, when it was freed, and when it was used all
// the same. What they say is compared with the trace.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { case004 } from "../../src/cases/004.ts";
import { DIO } from "../../src/cases/dio-trace.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { reportPage } from "../../src/report/case-report-html.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import type { Report } from "../../src/report/case-report.ts";
import {
  drawnOn, explainedOn, type Failed, failed, framesIn, linesOf, make, textsOf,
} from "./report-tools.ts";

afterAll(() => Machine.shutdown());

const executed = ({ kind }: TraceEvent) =>
  kind === TRACE_ISSUE || kind === TRACE_LOAD || kind === TRACE_LOCKED;
/** "Q6 (S6) by cpu8 at 123" */
const said = (text: string) => {
  const [, step, cpu, time] = /^(\w+)(?: \(\w+\))? by cpu(\d+) at (\d+)/.exec(text)!;
  return { step, cpu: Number(cpu), time: BigInt(time) };
};

const EACH = "each bio that failed, of requests that went wrong (S3 +9: 9 cycles after S3)";
const offsetOfDio = ({ session }: Failed, object: bigint) => (object +
  session.machine.debugBlock()!.base -
  session.member({ lin: 0n, type: session.type("dio") }, "result").lin).toString(16);

/** What R002 says of each bio that failed, as numbers. */
function rowsOf(report: Report) {
  return report.sections.find(({ title }) => title === EACH)!.fields!.map(({ name, text }) => {
    const found = new RegExp("^offset (\\w+), size (\\d+), sector (\\d+); (-?\\d+) at (\\d+): " +
      "S3 ([+-]\\d+), S5 ([+-]\\d+), S6 ([+-]\\d+); the caller was told (-?\\d+) \\(S6\\); of ")
      .exec(text);
    expect(found, text).not.toBeNull();
    const [offset, size, sector, error, at, S3, S5, S6, told] = found!.slice(1).map(Number);
    return { dio: BigInt(`0x${name.slice(4)}`), offset, size, sector, error, at, S3, S5, S6, told };
  });
}

/** The times that are told are those of labelled accesses to the request's line. */
function expectTimes(
  rows: ReturnType<typeof rowsOf>, events: readonly TraceEvent[], base: bigint,
): void {
  const { S3, S5, S6, D1 } = DIO;
  const isAt = (label: number, time: number, dio: bigint) => events.some((event) =>
    executed(event) && event.label === label && event.time === BigInt(time) &&
    event.phys + base >= dio && event.phys + base < dio + 1024n);
  for (const row of rows) {
    expect(isAt(D1, row.at, row.dio)).toBe(true);
    expect([[S3, row.S3], [S5, row.S5], [S6, row.S6]].map(([label, since]) =>
      isAt(label, row.at - since, row.dio))).toEqual([true, true, true]);
  }
}

describe("R002", () => {
  it("the request that has no event, its bio when it failed, and who waits", async () => {
    const run = await failed(case002, {
      machine: "clovertown", variant: "bug", workload: "W002b", pair: [0, 1], rounds: 16,
      memory: "tso",
    });
    const report = await make(case002, run);
    const facts = textsOf(report, "what became of the requests");
    const { machine } = run.session;
    const stats = machine.userVariable("w002_stats")!;
    const [submitted, seen] = [0, 8].map((at) => Number(stats.getBigUint64(at, true)));
    expect(facts.submitted).toBe(`${submitted}`);
    expect(facts["events seen"]).toMatch(new RegExp(`^${seen}, `));
    // By the debug block: the contexts of the kernel, and their requests.
    const active = machine.debugBlock()!.kioctxs().reduce((sum, one) => sum + one.reqsActive, 0);
    expect(facts["still active"]).toBe(`${active}`);
    const kiocbs = linesOf(report, "its requests").filter((line) => /^[0-9a-f]{16}$/.test(line));
    expect(kiocbs).toHaveLength(active);
    const offsets = linesOf(report, "its requests").flatMap((line) =>
      /^ {2}ki_pos = (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    expect(new Set(offsets).size).toBe(active);
    // Of each request the dio: no bio left, the error in its result.
    const [titles, ...rows] = linesOf(report, "each struct dio in use")
      .map((line) => line.trim().split(/ +/));
    expect(titles).toEqual(
      ["dio", "offset", "size", "bio_count", "result", "io_error", "is_async", "waiter"]);
    expect(rows.map(([, offset]) => Number(offset)).sort((a, b) => a - b))
      .toEqual(offsets.sort((a, b) => a - b));
    for (const row of rows) expect(row.slice(3)).toEqual(["0", "-5", "0", "1", "0x0"]);
    expect(textsOf(report, "the context").reqs_active).toBe(`${active}`);
    const tally = "requests in the kernel, by struct kiocb";
    expect(textsOf(report, tally))
      .toEqual({ "in use": `${active}`, "with a ki_cancel": "0", cancelled: "0" });
    expect(facts["gone without an event"]).toBe("0");
    // As if io_cancel had reported the first of them.
    const { lin } = run.session.placeOf(`((struct kiocb *)0x${kiocbs[0]})->ki_flags`)!;
    const at = Number(lin - machine.debugBlock()!.base);
    machine.view.ram[at] |= 2;
    expect(textsOf(await make(case002, run), tally).cancelled).toBe("1");
    machine.view.ram[at] &= ~2;
    const dio = textsOf(report, "this request at the end");
    expect(dio).toMatchObject({ result: "-5", is_async: "1", waiter: "0x0", bio_count: "0" });
    expect(linesOf(report, "its requests")).toContain(BigInt(dio.iocb).toString(16));
    // Where the disk fails: three records of 128 sectors from the tenth on, a file's first block
    // at sector 0; the bio is gone afterwards.
    const bio = textsOf(report, "its bio just before (D1)");
    expect(BigInt(bio.bi_sector) * 512n).toBe(BigInt(dio.offset));
    expect(Number(bio.bi_sector)).toBeGreaterThanOrEqual(9 * 128);
    expect(Number(bio.bi_sector)).toBeLessThan(12 * 128);
    expect(bio).toMatchObject({ bi_flags: "0", bi_rw: "1", bi_size: "65536" });
    expect(linesOf(report, "bios of the request: none is found if they have ended"))
      .toContain("(there is none)");
    // On its way to D1: the callback jumps to the function that stores the error.
    expect(framesIn(linesOf(report, "who completed it"))[0])
      .toMatch(/^dio_bio_(end_aio|complete)$/);
    expect(textsOf(report, "the context of its completion").context)
      .toBe("softirq (do_softirq is on its stack)");
    expect(framesIn(linesOf(report, "who waits for events"))).toEqual(
      expect.arrayContaining(["schedule", "read_events", "sys_io_getevents"]));
    // The caller was told that all was well, then the bio failed: as the steps have it.
    const { steps } = report.sections.find((section) => section.steps)!;
    const of = (step: string) => steps!.find(({ label, kind }) => `${label} ${kind}` === step)!;
    expect([of("S6 load").value, of("f4 load").value]).toEqual([65536n, BigInt.asUintN(64, -5n)]);
    const [, told, failedAt, after] =
      /^65536 at (\d+) -5 at (\d+): .*S6 \+(\d+)$/.exec(
        `${facts["the caller was told (S6)"]} ${facts["a bio failed (D1)"]}`)!.map(Number);
    expect([told, failedAt]).toEqual([of("S6 load").time, of("D1 issue").time].map(Number));
    expect(after).toBe(failedAt - told);
    // Of each of them the bio that failed: the first sector of its record, as the disk fails it.
    const rows002 = rowsOf(report);
    expect(rows002.map(({ offset }) => offset).sort((a, b) => a - b)).toEqual(offsets);
    for (const row of rows002) {
      expect(row).toMatchObject({ size: 65536, sector: row.offset / 512, error: -5, told: 65536 });
    }
    expectTimes(rows002, run.events, machine.debugBlock()!.base);
    const first = rows002.find(({ offset }) => offset === Number(dio.offset))!;
    expect([first.at, first.S6]).toEqual([failedAt, after]);
    // Of one of which the trace has no error that is said.
    const [one] = run.failure.others!;
    const without = await make(case002,
      { ...run, failure: { ...run.failure, others: run.failure.others!.slice(1) } });
    const texts = Object.entries(textsOf(without, EACH));
    expect(texts).toHaveLength(rows002.length);
    expect(texts.filter(([, text]) => text.startsWith("in use at the end; not recorded")))
      .toEqual([[`dio ${offsetOfDio(run, one.object)}`, expect.stringContaining("(D1)")]]);
    machine.close();
  }, 240_000);

  it("a race: each bio that failed beside the steps of its submitter, by the trace", async () => {
    const run = await failed(case002, {
      machine: "clovertown", variant: "bug", workload: "W002m", pair: [0, 1], rounds: 64,
      memory: "tso",
    });
    const report = await make(case002, run);
    const rows = rowsOf(report);
    expect(rows.length).toBeGreaterThan(1);
    // The first of two bios of a record fails, on its first sector.
    for (const { offset, sector, error } of rows) {
      expect([sector, error]).toEqual([offset / 512, -5]);
      expect((offset / 65536) % 16).toBe(3);
    }
    expectTimes(rows, run.events, run.session.machine.debugBlock()!.base);
    run.session.machine.close();
  }, 240_000);

  it("has a title of its own where no event is lost", async () => {
    const run = await failed(case002, {
      machine: "clovertown", variant: "x3", workload: "W002m", pair: [0, 1], rounds: 64,
      memory: "tso",
    });
    const { invariant, what } = run.failure;
    expect(run.findings.counts!["failed writes without an event"] ?? 0).toBe(0);
    expect(`${invariant} ${what}`).toMatch(/^I002[ab] \d+ (requests are reported twice|writes)/);
    expect((await make(case002, run)).title).toBe(what.includes("twice")
      ? "a request is reported twice" : "a write failed, and is reported without its error");
    run.session.machine.close();
  }, 240_000);

});

it("R003 of a request that was used after its free is called so", async () => {
  const run = await failed(case003, {
    machine: "rhel16", variant: "x4", workload: "W003r", pair: [0, 1], rounds: 100, memory: "tso",
  });
  expect(run.failure.invariant).toBe("UAF");
  const report = await make(case003, run);
  expect(report.title).toBe("a request is used after it was freed");
  expect(linesOf(report, "the machine").join(" ")).toMatch(
    /PANIC: "" \(no panic: the program ended with exit code 0; failure: UAF\)/);
  run.session.machine.close();
}, 240_000);

describe("R004", () => {
  let run: Failed;
  let report: Report;
  let facts: Record<string, string>;
  /** Labelled accesses to the request's place. */
  let own: TraceEvent[];
  const labelOf = (event: TraceEvent) => run.session.labels.get(event.label)!;

  beforeAll(async () => {
    run = await failed(case004, {
      machine: "rhel16", variant: "bug", workload: "W004", pair: [0, 1], rounds: 100,
      memory: "tso",
    });
    report = await make(case004, run);
    facts = textsOf(report, "what was done to which request");
    const { machine } = run.session;
    const from = BigInt(facts.kiocb) - machine.debugBlock()!.base;
    const bytes = BigInt(run.session.type("kiocb").bytes);
    own = run.events.filter((event) => executed(event) && event.label !== 0 &&
      event.phys >= from && event.phys < from + bytes);
  }, 240_000);
  afterAll(() => run.session.machine.close());

  it("the request, its life and its count are those of the trace", () => {
    const [taken, freed, used] =
      ["taken out of its queue", "freed", "used"].map((name) => said(facts[name]));
    for (const { step, cpu, time } of [taken, freed, used]) {
      expect(own.filter((event) => event.time === time && event.cpu === cpu).map(labelOf))
        .toEqual([step]);
    }
    expect([taken.step, freed.step]).toEqual(["Q1", "Kf"]);
    // The wake function's steps under both names, what it did under one of three words.
    expect(facts.kind).toMatch(/^UAF \((use after free|kick of another request)\)$/);
    expect(facts["taken out of its queue"]).toMatch(/^Q1 \(S1\) by/);
    expect(facts.used).toMatch(new RegExp(`^${used.step} \\(S${used.step.slice(1)}\\) by`));
    expect(facts["ki_users as stored"]).not.toMatch(/\(S/);
    for (const told of [reportLines(report).join(" "), reportPage(report, [], [])]) {
      expect(told.replace(/\s+/g, " "))
        .toContain("Q1, Q3, Q4 and Q6 are the labels here of the wake function");
    }
    expect(taken.cpu).toBe(used.cpu);
    expect(freed.cpu).not.toBe(used.cpu);
    // Taken, freed, used, and nothing of the wake function in between that is left out.
    const next = own.find((event) => event.cpu === used.cpu && event.time > freed.time &&
      /^Q[346]$/.test(labelOf(event)));
    expect([next!.time, labelOf(next!)]).toEqual([used.time, used.step]);
    const births = own.filter((event) => labelOf(event) === "K0");
    const before = (time: bigint) => births.filter((event) => event.time <= time);
    const [then, now] = [before(taken.time).length, before(used.time).length];
    expect(facts["request in this place"].match(/\d+/g)!.map(Number))
      .toEqual(then === now ? [then] : [then, now]);
    const born = before(taken.time).at(-1)!;
    const history = own.filter((event) => event.time >= born.time && event.time <= freed.time &&
      ["K0", "P"].includes(labelOf(event)));
    expect(facts["ki_users as stored"]).toBe(history.map((event) =>
      `${event.value} (${labelOf(event)} by cpu${event.cpu} at ${event.time})`).join(", "));
    expect(facts["ki_users as stored"]).toMatch(/^2 .* 0 \(P/);
  });

  it("the order of the race is shown, and a claim needs the trace", async () => {
    const { claims, steps } = report.sections.find((section) => section.steps)!;
    expect(claims!.length).toBeGreaterThanOrEqual(4);
    expect(claims!.filter(({ holds }) => !holds)).toEqual([]);
    expect(steps!.map(({ label }) => label)).toEqual(
      expect.arrayContaining(["K0", "P0", "Q1", "P7", "A3", "P", "Kf"]));
    const { moments } = run.failure;
    const late = { ...moments!.freed!, time: moments!.used!.time + 1_000_000n };
    const other = await make(case004, {
      ...run, failure: { ...run.failure, moments: { ...moments, freed: late } },
    });
    const broken = other.sections.find((section) => section.steps)!.claims!;
    expect(broken.filter(({ holds }) => !holds).map(({ text }) => text))
      .toEqual([expect.stringMatching(/^Kf by .* NOT before Q/)]);
  }, 240_000);

  it("has the stores that were not visible at the late use, oldest first", () => {
    const lines = linesOf(report, "store buffers then");
    expect(lines[0]).toBe("crash> sb");
    const heads = lines.flatMap((line) => /^CPU \d+: (\d+) stores? wait/.exec(line)?.[1] ?? []);
    const ages = lines.flatMap((line) => / 0x\w+ +(\d+) {2}\S/.exec(line)?.[1] ?? []).map(Number);
    expect(ages.length).toBeGreaterThan(0);
    expect(ages.length).toBe(heads.map(Number).reduce((sum, count) => sum + count, 0));
    for (const head of heads.map(Number)) {
      const own = ages.splice(0, head);
      expect(own).toEqual([...own].sort((x, y) => y - x));
    }
  });

  it("goes back to the wake-up, to who freed the request and to who used it", () => {
    const { cpu: freeing } = said(facts.freed);
    const { cpu: using } = said(facts.used);
    // The wake function runs under the queue's lock, from before Q1 until it is through.
    const queue = textsOf(report, "the queue, when it was taken out");
    const taken = said(facts["taken out of its queue"]);
    const held = (text: string) =>
      /^held by cpu(\d+) in (\w+), (\S+), since (\d+)/.exec(text)!.slice(1);
    const [holder, taker, , since] = held(queue["q.lock"]);
    expect([Number(holder), taker]).toEqual([taken.cpu, "wake_up_key"]);
    const earlier = own.findLast(({ cpu, time }) => cpu === taken.cpu && time < taken.time);
    expect(BigInt(since)).toBeLessThan(taken.time);
    expect(BigInt(since)).toBeGreaterThan(earlier?.time ?? 0n);
    expect(textsOf(report, "the request then").ki_wait).toMatch(/^linked, next/);
    expect(textsOf(report, "the request then").ki_retry).toContain("<aio_pread>");
    const freer = linesOf(report, "who freed it");
    expect(freer.join("\n")).toMatch(new RegExp(`CPU: ${freeing} +COMMAND:`));
    expect(framesIn(freer).some((name) =>
      ["kiocb_release", "aio_put_req", "aio_complete", "__aio_run_iocbs"].includes(name)))
      .toBe(true);
    const user = linesOf(report, "who used it");
    expect(user.join("\n")).toMatch(new RegExp(`CPU: ${using} +COMMAND:`));
    expect(framesIn(user)).toEqual(
      expect.arrayContaining(["aio_wake_function", "wake_up_locked", "blk_done_softirq"]));
    const then = textsOf(report, "queue and context then");
    expect(held(then["q.lock"])).toEqual([
      `${using}`, "wake_up_key", /COMMAND: "(\S+)"/.exec(user.join("\n"))![1], since,
    ]);
    expect(then.ctx_lock).toMatch(/^(free|held by cpu\d+ in \w+, )/);
    expect(Number(then.reqs_active)).toBeGreaterThan(0);
    // Sixteen readers on the context, each with up to sixteen under way.
    expect(Number(then.reqs_active)).toBeLessThanOrEqual(16 * 16);
    // As it was for the wake function; at the end others have been there.
    expect(run.session.machine.view.now - said(facts.used).time).toBeGreaterThan(1000n);
  });

  it("its event is in the ring of its context, by name", () => {
    const { steps } = report.sections.find((section) => section.steps)!;
    const [event, ...more] = steps!.filter(({ label }) => label === "A3");
    expect(event.place).toBe("aio_ring.tail");
    // The moment is the store; that it became visible comes with it, as the trace has it.
    const visible = run.events.find(({ kind, cpu, time, extra }) => kind === TRACE_COMMIT &&
      cpu === event.cpu && time - BigInt(extra) === event.time)!;
    expect(more.map(({ kind, time }) => [kind, time])).toEqual([["commit", visible.time]]);
    expect(reportPage(report, [], [])).toContain(
      `A3 aio_ring.tail: ${visible.time - event.time} cycles`);
  });

  it("in 80 columns, and drawn", () => {
    expect(reportLines(report).filter((line) => line.length > 80)).toEqual([]);
    const page = reportPage(report, [], ["reproduce: this"]);
    const steps = report.sections.find((section) => section.steps)!.steps!;
    expect(page.match(/<(rect|circle) class="(store|load|locked)"/g)).toHaveLength(steps.length);
    expect([...drawnOn(page)]).toEqual(
      expect.arrayContaining(["bar store", "dot load", "dot locked"]));
    expect(explainedOn(page)).toEqual(drawnOn(page));
  });
});
