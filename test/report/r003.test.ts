// R003 stands beside the crash(8) session of the bug report that case 003 comes from (Red Hat bug
// 451819). session-003.json has what the session shows of its two dumps, read from its text: each
// field of it is compared here, or stands in r003-fields.ts with the reason why it cannot be.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import { packageRoot } from "../../src/core/root.ts";
import { TRACE_COMMIT } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { numberOf } from "../../src/machine/preset.ts";
import { reportPage } from "../../src/report/case-report-html.ts";
import { reportLines } from "../../src/report/case-report-text.ts";
import type { Report } from "../../src/report/case-report.ts";
import { COMMANDS, execute } from "../../src/report/crash/commands.ts";
import type { Session } from "../../src/report/crash/session.ts";
import { type Dump, dumpsIn } from "./crash-session.ts";
import {
  COUNTERPARTS, ELSEWHERE, isSame, named, numberIn, OF_SIZE, REGISTERS_ELSEWHERE, RULES,
  SYS_ELSEWHERE, TEXTS,
} from "./r003-fields.ts";
import { checkQueues, checkStack } from "./r003-stack.ts";
import {
  drawnOn, explainedOn, type Failed, fieldsOf, framesIn, hungWriter, linesOf, make, readBack,
  textsOf,
} from "./report-tools.ts";

const DUMPS: Dump[] = JSON.parse(
  readFileSync(new URL("session-003.json", import.meta.url), "utf8"));
const SEEDS = join(packageRoot(), "..", "shared", "seeds");

describe("the session", () => {
  it("is the one in the bug report's text", ({ skip }) => {
    if (!existsSync(SEEDS)) return skip("the bug report's text is not here: ../shared/seeds");
    const file = readdirSync(SEEDS).find((name) => name.startsWith("003"))!;
    expect(dumpsIn(readFileSync(join(SEEDS, file), "utf8"))).toEqual(DUMPS);
  });

  it("keeps the rules by which the report is measured", () => {
    for (const dump of DUMPS) {
      const fields = named(dump);
      const waiting = dump.counts.j_wait_transaction_locked;
      const own: Record<string, string> = {
        ...fields, task: `0x${dump.stacks[0].task}`, waiting: `${waiting}`,
        tasks: `${waiting + 1}`, j_running_transaction: fields.h_transaction,
      };
      const rules = { ...RULES, ...OF_SIZE };
      const broken = Object.keys(rules).filter((name) =>
        !rules[name]((field) => numberIn(own[field])!));
      expect(broken).toEqual([]);
      expect(Object.keys(TEXTS).filter((name) => !TEXTS[name]((field) => own[field]))).toEqual([]);
      checkStack(dump, (field) => numberIn(own[field])!);
      checkQueues(dump);
      // No command of it is passed over.
      expect(dump.unread).toEqual([]);
    }
  });
});

afterAll(() => Machine.shutdown());

describe("R003", () => {
  let run: Failed;
  let session: Session;
  let report: Report;
  let fields: Map<string, bigint | undefined>;
  let back: Awaited<ReturnType<typeof readBack>>;

  beforeAll(async () => {
    run = await hungWriter();
    session = run.session;
    report = await make(case003, run);
    fields = fieldsOf(report);
    back = await readBack(session, report);
  }, 120_000);
  afterAll(() => session.machine.close());

  it("each field that the session shows is compared, or it is said why not", () => {
    const shown = new Set(DUMPS.flatMap((dump) => Object.keys(named(dump))));
    expect(shown.size).toBeGreaterThan(70);
    const [first, second] = DUMPS.map((dump) => named(dump));
    const texts = new Map(report.sections.flatMap(({ fields: all = [] }) => all)
      .map(({ name, text }) => [name, text]));
    const { count } = session.placeOf("$dio->pages")!.type as { count: number };
    const waiting = linesOf(report, "who waits for the transaction").length - 1;
    const blocked = textsOf(report, "how long it has been blocked")["seconds blocked"];
    const microseconds = Math.round(Number(/^[\d.]+/.exec(blocked)![0]) * 1e6);
    const more: Record<string, bigint> = {
      // 7 oracle, 16 iozone, pdflush and ls, as in the second dump.
      pages: BigInt(count), tasks: 25n, waiting: BigInt(waiting),
      task: session.named.get("$writer")!.lin, "seconds blocked": BigInt(microseconds),
    };
    const of = (name: string) => more[name] ?? fields.get(name) ??
      numberIn(back.own[name] ?? "") ?? -1n;
    const text = (name: string) => texts.get(name) ?? back.own[name] ?? "";
    const rules = { ...RULES, ...OF_SIZE };
    const wrong = [...shown].filter((name) => {
      if (Object.hasOwn(ELSEWHERE, name)) return false;
      // The same in both: then the request, or the bug, determines it.
      if (!Object.hasOwn(rules, name)) {
        if (Object.hasOwn(TEXTS, name)) return !TEXTS[name](text);
        return first[name] !== second[name] || !isSame(first[name], of(name), text(name));
      }
      return name === "seconds blocked" ? microseconds <= 0 : !rules[name](of);
    });
    expect(wrong).toEqual([]);
    // Nothing is excused that the session does not show or that the report has.
    expect(Object.keys(ELSEWHERE).filter((name) => !shown.has(name))).toEqual([]);
    const none = Object.keys(ELSEWHERE).filter((name) => ELSEWHERE[name].startsWith("none"));
    expect(none.filter((name) => fields.get(name) !== undefined || back.own[name])).toEqual([]);
    // And of what is "-" in the report the reason is there.
    const dashes = [...texts].flatMap(([name, text]) => (text === "-" ? [name] : []));
    expect(dashes).toEqual(["start_zero_done", "boundary", "end_io", "map_bh"]);
    expect(dashes.filter((name) => !Object.keys(ELSEWHERE).some((one) =>
      one === name || one.startsWith(`${name}.`)))).toEqual([]);
    checkStack(back.dump, of);
    checkQueues(back.dump);
    expect(of("runqueue.at")).toBe(session.placeOf(`cpus[${of("bt.CPU")}].rq`)!.lin);
  });

  it("the queue has the tasks of the second dump", () => {
    const comms = ({ queues }: Dump) =>
      queues.j_wait_transaction_locked.map((row) => row.split(" ")[3]).sort();
    expect(comms(back.dump)).toEqual(comms(DUMPS[1]));
    expect(back.dump.counts).toEqual(DUMPS[1].counts);
  });

  it("the writes are those of the second dump", () => {
    const offset = fields.get("aio_offset")!;
    // The first one is at 3900200, each other one behind the one before.
    expect((offset - 0x3900200n) % fields.get("aio_nbytes")!).toBe(0n);
    expect(offset >= 0x3900200n).toBe(true);
  });

  it("seconds blocked are those from the store of the waiter to the end", () => {
    const { steps } = report.sections.find((section) => section.steps)!;
    const said = steps!.findLast(({ label, kind }) => `${label} ${kind}` === "W7 issue")!;
    const { preset, view } = session.machine;
    const seconds = Number(view.now - said.time) / numberOf(preset, "megahertz") / 1e6;
    const text = textsOf(report, "how long it has been blocked")["seconds blocked"];
    expect(text).toMatch(new RegExp(`^${seconds.toFixed(6)} of virtual time.* cpu${said.cpu} `));
  });

  it("has the frames, registers and lines of sys that the session has", () => {
    const titles = ["the writer that hangs", "waitq j_wait_updates",
      "one that only reads a directory"];
    for (const { stacks, sys } of DUMPS) {
      stacks.forEach(({ comm, frames, registers }, i) => {
        const lines = linesOf(report, titles[i]);
        const own = framesIn(lines);
        const wanted = frames.flatMap((name) =>
          (name in COUNTERPARTS ? COUNTERPARTS[name] ?? [] : name));
        const places = wanted.map((name) => own.indexOf(name));
        expect(places, `${wanted} in ${own}`).not.toContain(-1);
        expect(places).toEqual([...places].sort((a, b) => a - b));
        const text = lines.join("\n");
        for (const [name, value] of Object.entries(registers)) {
          // Of io_submit RSI is how many requests there are.
          const isOwn = [name, `${comm}.${name}`].some((one) =>
            Object.hasOwn(REGISTERS_ELSEWHERE, one));
          expect(text).toMatch(new RegExp(`\\b${name}: ${isOwn ? "[0-9a-f]{4,16}" : value}\\b`));
        }
      });
      const machine = linesOf(report, "the machine").join("\n");
      const here = Object.keys(sys).filter((name) => machine.match(`(^|\n) *${name}: `));
      expect(Object.keys(sys).filter((name) => !here.includes(name)).sort())
        .toEqual(Object.keys(SYS_ELSEWHERE).sort());
      expect(machine).toContain(`CPUS: ${sys.CPUS}\n`);
      expect(machine).toContain("v003=bug");
    }
  });

  it("each command of the session is one here, and the chain is walked with them", async () => {
    const all = DUMPS.flatMap(({ commands }) => commands);
    expect(all.filter((command) => !Object.hasOwn(COMMANDS, command))).toEqual([]);
    const run = async (line: string) => (await execute(session, line)).join("\n");
    const address = (text: string) => /0x(\w+)$/.exec(text)![1];
    session.history.length = 0;
    const writer = session.named.get("$writer")!.lin.toString(16);
    const handle = address(await run(`px ((struct task *)0x${writer})->journal_info`));
    const chain = await run(`px ((struct handle *)0x${handle})->h_transaction`);
    expect(chain).toMatch(/^\$2 = \(struct transaction \*\) 0x/);
    const [journal] = /^\w+/m.exec((await run("mount | grep /fs")))!;
    expect(await run(`px ((struct journal *)0x${journal})->j_running_transaction`))
      .toBe(chain.replace("$2", "$3"));
    expect(await run("pd $3->t_updates")).toBe(`$4 = ${fields.get("t_updates")}`);
    const queue = address(await run(`px &((struct journal *)0x${journal})->j_wait_updates`));
    expect(await run(`waitq ${queue} | grep kjournald | wc -l`)).toBe("1");
    const iocb = session.named.get("$iocb")!.lin.toString(16);
    expect(await run(`px *(struct iocb *)0x${iocb}`)).toMatch(
      /^\$6 = \{\n[^]*aio_nbytes = 0x2000,\n[^]*\}$/);
    expect(await run(`ps | grep ${writer}`)).toMatch(/ UN .* oracle$/);
  });
  it("has the chain from the writer to all others", async () => {
    const writer = session.named.get("$writer")!.lin;
    // Without a name: the one that all others wait for.
    expect(session.task().place.lin).toBe(writer);
    expect(fields.get("waiter")).toBe(writer);
    expect(fields.get("h_transaction")).toBe(fields.get("j_running_transaction"));
    const blocked = linesOf(report, "who waits for the transaction");
    const count = Number(linesOf(report, "how many others wait for it").at(-1));
    expect(blocked.filter((line) => line.startsWith("PID: "))).toHaveLength(count);
    // 7 oracle, 16 iozone, pdflush, ls; the writers that hang hold a handle each.
    expect(count + Number(fields.get("t_updates"))).toBe(25);
    const pid = (name: string) => session.tasks.find(({ place }) =>
      place.lin === session.named.get(name)!.lin)!.pid;
    expect(linesOf(report, "who waits for whom")).toEqual([
      `${count} tasks (16 iozone, 6 oracle, pdflush, ls) wait for the transaction, which is locked`,
      `\`-- ${pid("$kjournald")} kjournald (UN) waits for the transaction's last handle`,
      `    \`-- ${pid("$writer")} oracle (UN) has that handle, ` +
        "and waits for the bios of its request",
    ]);
    // Of two handles the writer's is not the last one.
    const updates = session.placeOf("$transaction->t_updates")!.lin;
    const at = Number(updates - session.machine.debugBlock()!.base);
    session.machine.view.ram[at]++;
    const tree = linesOf(await make(case003, run), "who waits for whom");
    session.machine.view.ram[at]--;
    expect(tree[1]).toBe(`\`-- ${pid("$kjournald")} kjournald (UN): NOT SHOWN that it waits for ` +
      "the transaction's last handle");
    expect(tree[2]).not.toContain("NOT SHOWN");
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
    const pages = memory.getUint32(at, true);
    memory.setUint32(at, 0x102, true);
    const changed = await make(case003, run);
    memory.setUint32(at, pages, true);
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
    expect(page.match(/<svg [^>]*role="img"/g)).toHaveLength(1);
    expect(explainedOn(page)).toEqual(drawnOn(page));
    // A part for each CPU, a mark for each step.
    const steps = report.sections.find((section) => section.steps)!.steps!;
    expect(page.match(/class="cpu"/g)).toHaveLength(new Set(steps.map(({ cpu }) => cpu)).size);
    expect(page.match(/<(rect|circle) class="(store|load|locked)"/g)).toHaveLength(steps.length);
  });
});
