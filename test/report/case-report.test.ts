// Reports on failed runs. R003 stands beside the crash(8) session of the bug report that case 003
// comes from (Red Hat bug 451819): every field that the session shows is there, and those that the
// request determines are equal.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { case003 } from "../../src/cases/003.ts";
import { packageRoot } from "../../src/core/root.ts";
import { TRACE_COMMIT } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { reportPage } from "../../src/report/case-report-html.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import type { Report } from "../../src/report/case-report.ts";
import type { Session } from "../../src/report/crash/session.ts";
import { type Failed, failed, fieldsOf, framesIn, linesOf, make, textsOf } from "./report-tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-report-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

describe("R003", () => {
  let run: Failed;
  let session: Session;
  let report: Report;
  let fields: Map<string, bigint | undefined>;

  beforeAll(async () => {
    // The second dump's tasks. A machine whose XCHG is slow: the write's submitter is about to
    // sleep when its bio ends, where otherwise one of a thousand is; nothing else is different.
    // Without it, 210 writes of 1 MiB take a minute, and in none of them the two came near each
    // other, neither with --irq round-robin nor with same-die. In full, row E003.1 goes on for as
    // long as it takes on the machine as it is.
    run = await failed(case003, {
      machine: "rhel16", variant: "bug", workload: "W003", pair: [0, 1], rounds: 30,
      memory: "tso", changes: new Map([["cost.xchg", 9000]]), irq: "same-die",
    });
    session = run.session;
    report = await make(case003, run);
    fields = fieldsOf(report);
  }, 120_000);
  afterAll(() => session.machine.close());

  /** struct dio and struct iocb as the session prints them, and what it computes by hand. */
  const SHOWN = `bio inode rw i_size lock_type blkbits blkfactor start_zero_done pages_in_io size
    block_in_file blocks_available final_block_in_request first_block_in_page boundary
    reap_counter get_blocks end_io final_block_in_bio next_block_for_io map_bh cur_page
    cur_page_offset cur_page_len cur_page_block curr_page total_pages curr_user_address pages[0]
    head tail page_errors refcount bio_lock bio_list waiter iocb is_async io_error result
    aio_data aio_key aio_reserved1 aio_lio_opcode aio_reqprio aio_fildes aio_buf aio_nbytes
    aio_offset aio_reserved2 aio_reserved3 journal_info h_transaction j_running_transaction
    t_updates t_state b_blocknr`.split(/\s+/);

  it("has every field that the session shows", () => {
    expect([...SHOWN].filter((name) => !fields.has(name))).toEqual([]);
    // What this kernel has nothing like, and no others.
    expect([...SHOWN].filter((name) => fields.get(name) === undefined)).toEqual([
      "lock_type", "start_zero_done", "boundary", "reap_counter", "end_io", "map_bh",
    ]);
  });

  /** Of both dumps. */
  const SAME: Record<string, bigint> = {
    bio: 0n, rw: 1n, blkbits: 9n, blkfactor: 3n, pages_in_io: 0x102n, size: 0x100000n,
    blocks_available: 0n, first_block_in_page: 7n, cur_page: 0n, cur_page_offset: 0n,
    cur_page_len: 0xc00n, curr_page: 0x40n, total_pages: 0x101n, head: 0x40n, tail: 0x40n,
    page_errors: 0n, refcount: 1n, bio_lock: 1n, bio_list: 0n, is_async: 1n, io_error: 0n,
    result: 0xe00n, aio_key: 0n, aio_lio_opcode: 1n, aio_reqprio: 0n, aio_nbytes: 0x100000n,
    t_state: 1n,
  };

  it("has the session's numbers where the request determines them", () => {
    const equal = Object.keys(SAME).map((name) => [name, fields.get(name)]);
    expect(Object.fromEntries(equal)).toEqual(SAME);
    const of = (name: string) => fields.get(name)!;
    // The second dump's writes: the first one is at 3900200, each other one a MiB behind.
    const offset = of("aio_offset");
    expect((offset - 0x3900200n) % 0x100000n).toBe(0n);
    expect(offset >= 0x3900200n).toBe(true);
    // At 3900200: 1c808 and 1d001, as there.
    expect(of("block_in_file")).toBe(0x1c808n + (offset - 0x3900200n) / 512n);
    expect(of("final_block_in_request")).toBe(0x1d001n + (offset - 0x3900200n) / 512n);
    // b4c7c8f2 is 1698f91e * 8 + 2, and b4c7c8f8 six behind it.
    expect(of("cur_page_block")).toBe(of("b_blocknr") * 8n + 2n);
    expect(of("final_block_in_bio")).toBe(of("cur_page_block") + 6n);
    expect(of("next_block_for_io")).toBe(of("final_block_in_bio"));
    expect(of("aio_buf") % 4096n).toBe(0xe00n);
    expect(of("i_size") >= offset + 0x100000n).toBe(true);
  });

  it("has the chain from the writer to all others", () => {
    const writer = session.named.get("$writer")!.lin;
    expect(fields.get("waiter")).toBe(writer);
    expect(fields.get("h_transaction")).toBe(fields.get("j_running_transaction"));
    const blocked = linesOf(report, "the others wait for the transaction");
    const count = Number(/^(\d+) waiting$/.exec(blocked.at(-1)!)![1]);
    // 7 oracle, 16 iozone, pdflush, ls; the writers that hang hold a handle each.
    expect(count + Number(fields.get("t_updates"))).toBe(25);
    for (const name of ["oracle", "iozone", "pdflush", "ls"]) {
      expect(blocked.join("\n")).toContain(`COMMAND: "${name}"`);
    }
    expect(linesOf(report, "waitq j_wait_updates")[1]).toContain('COMMAND: "kjournald"');
    expect(linesOf(report, "bios of the request: none is found if it has ended"))
      .toContain("(there is none)");
    expect(framesIn(linesOf(report, "the writer that hangs"))).toEqual(expect.arrayContaining(
      ["schedule", "io_schedule", "dio_await_one", "direct_write", "aio_run_iocb",
        "sys_io_submit"]));
    expect(framesIn(linesOf(report, "one that only reads a directory"))).toEqual(
      expect.arrayContaining(["schedule", "journal_start", "sys_getdents64"]));
    const text = linesOf(report, "the writer that hangs").join("\n");
    expect(text).toMatch(/ORIG_RAX: 00000000000000d1/);
    expect(linesOf(report, "the machine").join("\n")).toMatch(/CPUS: 16/);
  });

  it("the race line is the one of the scenario", () => {
    const { claims, steps } = report.sections.find((section) => section.steps)!;
    expect(claims!.map(({ holds }) => holds)).toEqual([true, true]);
    const value = (step: string) => steps!.findLast(({ label, kind }) =>
      `${label} ${kind}` === step)!.value;
    expect([value("E1 load"), value("W6 load")]).toEqual([0n, 2n]);
    expect(value("W7 issue")).toBe(fields.get("waiter"));
  });

  it("is read from the machine's memory, and a claim from the trace", async () => {
    const { machine } = session;
    const at = Number(session.placeOf("$dio->total_pages")!.lin - machine.debugBlock()!.base);
    const memory = new DataView(machine.view.ram.buffer, machine.view.ram.byteOffset);
    memory.setUint32(at, 0x102, true);
    const changed = await make(case003, run);
    memory.setUint32(at, 0x101, true);
    expect(fieldsOf(changed).get("total_pages")).toBe(0x102n);
    // W7 visible before E1 looked: that is not what happened, and so it must not be claimed.
    const early = run.events.map((event) =>
      event.kind === TRACE_COMMIT && session.labels.get(event.label) === "W7"
        ? { ...event, time: event.time - 1_000_000n } : event);
    const other = await make(case003, { ...run, events: early });
    expect(other.sections.find(({ steps }) => steps)!.claims![0].holds).toBe(false);
  });

  it("as text and as a page that stands alone", () => {
    const lines = reportLines(report);
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    expect(lines).toContain("  t_state   = T_LOCKED");
    const page = reportPage(report, ["because"], ["reproduce: this"]);
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/(src|href)=|@import|url\(/);
    expect(page.match(/<svg /g)).toHaveLength(1);
    // A lane for each CPU, a mark for each step.
    const steps = report.sections.find((section) => section.steps)!.steps!;
    expect(page.match(/class="lane"/g)).toHaveLength(new Set(steps.map(({ cpu }) => cpu)).size);
    expect(page.match(/<(rect|circle) class="(store|load|locked)"/g)).toHaveLength(steps.length);
  });
});

it("R001: the reaper, its ring, the unread event, the order of the steps", async () => {
  const run = await failed(case001, {
    machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 2], rounds: 2000,
    memory: "tso",
  });
  const { session } = run;
  const report = await make(case001, run);
  const fields = fieldsOf(report);
  const [context] = session.machine.debugBlock()!.kioctxs();
  expect(fields.get("ring.head")).toBe(BigInt(context.head));
  expect(fields.get("ring.tail")).toBe(BigInt(context.tail));
  expect(fields.get("ring.head")).not.toBe(fields.get("ring.tail"));
  expect(fields.get("ring_info.tail")).toBe(fields.get("ring.tail"));
  expect(fields.get("min_nr")! > fields.get("i")!).toBe(true);
  expect(fields.get("res")).toBe(4096n);
  expect(linesOf(report, "who is queued").at(-1)).toBe("1 waiting");
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
  const completer = linesOf(report, "who completed the request, just before A3");
  expect(completer.join("\n")).toMatch(new RegExp(`CPU: ${issued.cpu} +COMMAND: "w001"`));
  expect(framesIn(completer)).toEqual(
    expect.arrayContaining(["sys_io_submit", "syscall_dispatch"]));
  session.machine.close();
}, 60_000);

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
