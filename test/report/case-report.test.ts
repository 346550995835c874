// Reports on failed runs: R001 beside the kernel's debug block and the trace, and the file that
// smpbox case --report writes. R003 has a test of its own.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { contextOf } from "../../src/cases/report-plan.ts";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { fieldOf } from "../../src/report/case-report-fields.ts";
import { reportPage } from "../../src/report/case-report-html.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import { reportOf } from "../../src/report/case-report.ts";
import {
  drawnOn, explainedOn, failed, fieldsOf, framesIn, hidden, linesOf, make, shapesOn, textsOf,
  tooWide,
} from "./report-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-report-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

it("R001: the reaper, its ring, the unread event, the order of the steps", async () => {
  const run = await failed(case001, {
    machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 2], rounds: 2000,
    memory: "tso",
  });
  const { session } = run;
  const report = await make(case001, run);
  expect(tooWide(reportLines(report))).toEqual([]);
  const page = reportPage(report, ["so:", "- one < two", "- three", "then", "- last"], []);
  expect(page).toContain([
    "<p>so:</p>", "<ul>", "<li>one &#60; two</li>", "<li>three</li>", "</ul>", "<p>then</p>",
    "<ul>", "<li>last</li>", "</ul>",
  ].join("\n"));
  expect(drawnOn(page)).toEqual(new Set(["bar store", "dot store", "dot load", "dot locked"]));
  expect(explainedOn(page)).toEqual(drawnOn(page));
  const fields = fieldsOf(report);
  const [context] = session.machine.debugBlock()!.kioctxs();
  expect(fields.get("ring.head")).toBe(BigInt(context.head));
  expect(fields.get("ring.tail")).toBe(BigInt(context.tail));
  expect(fields.get("ring.head")).not.toBe(fields.get("ring.tail"));
  expect(fields.get("ring_info.tail")).toBe(fields.get("ring.tail"));
  expect(fields.get("min_nr")! > fields.get("i")!).toBe(true);
  const [, rdx] = /RDX: (\w+)/.exec(linesOf(report, "the reaper").join("\n"))!;
  expect(fields.get("nr")).toBe(BigInt(`0x${rdx}`));
  expect(fields.get("nr")! >= fields.get("min_nr")!).toBe(true);
  expect(fields.get("res")).toBe(4096n);
  expect(linesOf(report, "who is queued").slice(1)).toHaveLength(1);
  const { claims, steps } = report.sections.find((section) => section.steps)!;
  expect(claims!.filter(({ holds }) => !holds)).toEqual([]);
  // The submitter itself completes, with its own reference in hand; the reaper looked, and slept.
  const step = (name: string) => steps!.findLast(({ label, kind }) => `${label} ${kind}` === name)!;
  const facts = textsOf(report, "since when, and after what");
  const [issued, looked] = ["A3 issue", "2 load"].map(step);
  // The submitter gives up its own reference afterwards.
  const puts = steps!.filter(({ label, kind, time }) => `${label} ${kind}` === "P issue" &&
    time > issued.time);
  expect(puts.map(({ value }) => value)).toEqual([1n, 0n]);
  expect(facts["completed (A3)"]).toBe(`by cpu${issued.cpu} at ${issued.time}`);
  expect(facts["asleep since"]).toContain(
    `at ${looked.time}: ${session.machine.view.now - looked.time} cycles`);
  expect(facts.ki_users).toBe("2 before the completion, 1 after it");
  // The stores wait together and B looks meanwhile: each bar has a row, with its cycles by name.
  const { bars, dots, names } = shapesOn(page);
  expect([...hidden(bars), ...hidden(names)]).toEqual([]);
  expect(dots.filter(({ y, step: what }) => /load|locked/.test(what) &&
    bars.some((bar) => bar.y === y))).toEqual([]);
  const visible = step("A3 commit");
  const name = names.find(({ text }) =>
    text === `A3 aio_ring.tail: ${visible.time - issued.time} cycles`)!;
  const [bar] = bars.filter(({ x, y }) => x === name.x && y === name.y);
  const [seen, look] = ["A3 commit", "B load"].map((what) =>
    dots.findLast((dot) => dot.step === what)!);
  expect([seen.x, seen.y]).toEqual([bar.end, bar.y]);
  expect(bar.x < look.x && look.x < bar.end).toBe(true);
  expect(bars.filter(({ x, end }) => x < look.x && look.x < end).length).toBeGreaterThan(2);
  const completer = linesOf(report, "who completed the request, just before A3");
  expect(completer.join("\n")).toMatch(new RegExp(`CPU: ${issued.cpu} +COMMAND: "w001"`));
  expect(textsOf(report, "the context of the completion, just before A3").context)
    .toBe("submitter, in io_submit (sys_io_submit is on its stack)");
  // Other contexts, by tasks that are there: they sleep with the functions on their stacks.
  const contextOfTask = (comm: string) => {
    const { place } = session.tasks.find((task) => task.comm === comm || task.idle && !comm)!;
    session.named.set("$one", place);
    return fieldOf(session, contextOf("$one")).text;
  };
  expect(contextOfTask("aio")).toBe("worker, a kernel thread (worker_thread is on its stack)");
  expect(contextOfTask("")).toMatch(/^not known: its stack has none of do_softirq, irq_dispatch,/);
  // What is asked for as the only one is not found where there are several.
  const pid = run.failure.what.match(/\d+/)![0];
  const other = await reportOf({
    id: "R", title: "", parts: [], find: [
      { as: "one", slab: "task", where: [["pid", pid]], only: true },
      { as: "any", slab: "task", where: [] }, { as: "none", slab: "task", where: [], only: true },
    ],
  }, session, run.failure, []);
  expect(other.sections).toEqual([{ title: "not found in the machine", lines: ["$none"] }]);
  // As in R003: the state, beside its stack.
  const [, , row] = linesOf(report, "the reaper");
  const [, asleep, on] = /^task (\d+) on CPU (\d+) sleeps/.exec(run.failure.what)!;
  expect(row).toMatch(new RegExp(`^ +${asleep} +\\d+ +${on} +\\w+ +IN .* w001$`));
  expect(framesIn(completer)).toEqual(
    expect.arrayContaining(["sys_io_submit", "syscall_dispatch"]));
  session.machine.close();
}, 180_000);

it("R001: a plain store at 1g is no fence, a locked look at 2 is a look", async () => {
  const run = await failed(case001, {
    machine: "clovertown", variant: "k0/i", workload: "W001i", pair: [0, 2], rounds: 2000,
    memory: "tso-adv",
  });
  const report = await make(case001, run);
  const { claims, steps } = report.sections.find((section) => section.steps)!;
  const words = (label: string) => new Set(steps!.filter((step) => step.label === label)
    .map((step) => `${step.kind}: ${step.words}`));
  expect(words("1g")).toEqual(new Set(["issue: state", "commit: state"]));
  expect(words("2")).toEqual(new Set(["locked: is there an event?"]));
  expect(claims!.map(({ text }) => text.replaceAll(/ at \d+/g, ""))).toEqual([
    "A3 issue before B load", "B load before A3 commit", "B load before 1e commit",
    "2 locked before A3 commit",
  ]);
});

it("smpbox case --report writes what the file's name says", () => {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const smpbox = (...words: string[]) =>
    spawnSync(process.execPath, [main, "case", ...words], { encoding: "utf8", cwd: folder });
  const words = ["002", "--seed", "1", "--rounds", "16", "--json", "--report", "r.json"];
  const run = smpbox(...words);
  expect(run.status, run.stderr).toBe(1);
  const file = JSON.parse(readFileSync(join(folder, "r.json"), "utf8"));
  expect(file.schema).toBe("smpbox-report-1");
  expect(JSON.parse(run.stdout).first.details).toEqual(file);
  expect(smpbox("002", "--report", "r.doc")).toMatchObject({ status: 2 });
}, 120_000);
