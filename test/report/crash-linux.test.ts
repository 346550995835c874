// The commands of the bug report's session (case 003), with its own names of types, on a machine
// that hangs as its dumps do: what this kernel can answer is answered, and what it cannot is said
// with the reason. And struct, px and * as crash(8) reads them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { bare } from "../../src/machine/dwarf/types.ts";
import { aliasNames } from "../../src/report/crash/aliases.ts";
import { execute } from "../../src/report/crash/commands.ts";
import { complete } from "../../src/report/crash/complete.ts";
import type { Session } from "../../src/report/crash/session.ts";
import { hungWriter } from "./report-tools.ts";

const SEEDS = join(packageRoot(), "..", "shared", "seeds");
/** Types that the session casts to and this kernel has nothing of. */
const WITHOUT = ["struct super_block", "struct ext3_sb_info"];

let session: Session;
/** The writer's task and its request, as addresses without 0x. */
let [task, dio] = ["", ""];

beforeAll(async () => {
  ({ session } = await hungWriter());
  task = session.task().place.lin.toString(16);
  dio = session.evaluate("$task->sleep.object").toString(16);
}, 120_000);
afterAll(async () => {
  session?.machine.close();
  await Machine.shutdown();
});

const run = async (line: string) => (await execute(session, line)).join("\n");
/** The value in "$4 = (struct x *) 0x12 <name>" or "$4 = 1". */
const result = async (line: string) =>
  /^\$\d+ = (?:\([^)]*\) )?(\w+)(?: <\w+>)?$/.exec(await run(line))![1];

it("goes from the writer to the journal by the session's names", async () => {
  const handle = await result(`px ((struct task_struct *)0x${task})->journal_info`);
  const transaction = await result(`px ((struct handle_s *)${handle})->h_transaction`);
  expect(transaction).toBe(await result(`px ((handle_t *)${handle})->h_transaction`));
  const journal = await result("px &fs_journal");
  expect(BigInt(journal)).toBe(session.guest.variable("fs_journal")!.lin);
  expect(await result(`px ((struct journal_s *)${journal})->j_running_transaction`))
    .toBe(transaction);
  const { guest } = session;
  const place = { lin: BigInt(transaction), type: guest.types.find("struct transaction")! };
  expect(await result(`pd ((transaction_t *)${transaction})->t_updates`))
    .toBe(`${guest.value(place, "t_updates")}`);
  // A plain number in memory, of which the kernel's enum says what it means.
  expect(guest.value(place, "t_state")).toBe(1n);
  expect(await result(`pd ((transaction_t *)${transaction})->t_state`)).toBe("T_LOCKED");
  expect(await run(`struct transaction_t ${transaction}`)).toContain("  t_state = T_LOCKED,\n");
  expect(await run(`struct transaction_s.t_state,t_updates ${transaction}`))
    .toMatch(/^ {2}t_state = T_LOCKED\n {2}t_updates = \d+$/);
  const updates = await run(`px &((struct journal_s *)${journal})->j_wait_updates`);
  const [, queue] = /^\$\d+ = \(wait_queue_head_t \*\) (0x\w+)$/.exec(updates)!;
  expect(await run(`waitq ${queue}`)).toMatch(/^PID: \d+ .*COMMAND: "kjournald"$/);
  expect(await run(`slab transaction_t`)).toContain(`\n  ${BigInt(transaction).toString(16)}`);
});

it("per_cpu__runqueues lists the run queue of each CPU, as crash does", async () => {
  const cpus = session.guest.elements(session.guest.variable("cpus")!);
  const kept = session.history.length;
  const lines = (await run("px per_cpu__runqueues")).split("\n");
  expect(lines.slice(0, 3)).toEqual(
    ["PER-CPU DATA TYPE:", "  struct rq per_cpu__runqueues;", "PER-CPU ADDRESSES:"]);
  expect(lines.slice(3)).toEqual(cpus.slice(0, session.machine.view.cpus).map((cpu, i) =>
    `  [${i}]: ${session.member(cpu, "rq").lin.toString(16)}`));
  expect(session.history).toHaveLength(kept);
  const row = await run(String.raw`px per_cpu__runqueues | grep "\[4\]"`);
  const [, rq] = /^ {2}\[4\]: (\w+)$/.exec(row)!;
  expect(await result(`px ((struct runqueue *)0x${rq})->idle`))
    .toBe(`0x${session.guest.value(cpus[4], "rq.idle")!.toString(16)}`);
  await expect(run("px per_cpu__runqueues.idle")).rejects.toThrow(/each CPU has one; px per_cpu/);
});

it("what this kernel has not is said with the reason, and a wrong name as before", async () => {
  for (const type of WITHOUT) {
    await expect(run(`px ((${type} *)0x104000fe800)->s`)).rejects.toThrow(/without a superblock/);
    await expect(run(type)).rejects.toThrow(/no such type.*without a superblock/);
  }
  for (const [type, member] of [["runqueue", "timestamp_last_tick"], ["task_struct", "last_ran"]]) {
    await expect(run(`px ((struct ${type} *)0x${task})->${member}`))
      .rejects.toThrow(/has no member \w+; this kernel keeps no such time/);
    await expect(run(`struct ${type}.${member}`)).rejects.toThrow(/keeps no such time/);
  }
  await expect(run("px ((struct nonsense_s *)0)->x")).rejects.toThrow(/types are those of its C/);
  await expect(run("struct nonsense_t")).rejects.toThrow(/no such type in the image; its types/);
  await expect(run("px ((struct handle_t *)0)->h_ref")).rejects.toThrow(/no type struct handle_t/);
});

it("each type of the session is known here, or said to be missing", ({ skip }) => {
  if (!existsSync(SEEDS)) return skip("the bug report's text is not here: ../shared/seeds");
  const file = readdirSync(SEEDS).find((name) => name.startsWith("003"))!;
  const lines = readFileSync(join(SEEDS, file), "utf8").match(/^crash> .*$/gm)!;
  const cast = new Set(lines.flatMap((line) =>
    [...line.matchAll(/\(((?:struct )?\w+) \*\)/g)].map(([, type]) => type)));
  expect(cast.size).toBeGreaterThan(8);
  expect([...cast].filter((type) => !session.typeNamed(type)).sort()).toEqual(WITHOUT.toSorted());
});

it("an alias is one everywhere, and Tab knows it", async () => {
  const { types } = session.guest;
  const names = aliasNames(types);
  expect(names).toEqual(expect.arrayContaining(
    ["struct task_struct", "struct runqueue", "struct handle_s", "transaction_t"]));
  for (const name of names) {
    const type = session.typeNamed(name)!;
    const of = bare(type);
    const own = of.kind === "struct" && of.name ? of.name : "wait_queue_head_t";
    const layout = await run(`struct ${own}`);
    expect(await run(`struct ${name.replace("struct ", "")}`), name).toBe(layout);
    expect(await run(`pd sizeof(${name})`)).toMatch(new RegExp(` = ${type.bytes}$`));
  }
  expect(complete(session, "struct task_st")).toEqual([["task_struct"], "task_st"]);
  expect(complete(session, "slab transac")[0]).toEqual(
    ["transaction", "transaction_s", "transaction_t"]);
  expect(complete(session, "struct task_struct.journal")).toEqual([["journal_info"], "journal"]);
  expect(complete(session, "px ((struct runq")).toEqual([["runqueue"], "runq"]);
  expect(complete(session, `px ((struct handle_s *)${dio})->h_tr`))
    .toEqual([["h_transaction"], "h_tr"]);
  expect(complete(session, "px per_cpu__")).toEqual([["per_cpu__runqueues"], "per_cpu__"]);
});

it("px *(struct dio *)ADDRESS, with and without 0x, and names of functions", async () => {
  const bodyOf = async (line: string) => (await run(line)).replace(/^\$\d+ = /, "");
  const body = await bodyOf(`px *(struct dio *)0x${dio}`);
  for (const form of [`*(struct dio *)${dio}`, `*(struct dio*)0x${dio}`, `*((struct dio *)${dio})`,
    `*(dio *)0x${dio}`, `*(struct dio *)${BigInt(`0x${dio}`)}`,
    "*(struct dio *)$task->sleep.object"]) {
    expect(await bodyOf(`px ${form}`), form).toBe(body);
  }
  expect(body).toMatch(/^\{\n {2}bio = 0x0,\n/);
  expect(body).toContain("\n  result = 0xe00,\n");
  const reap = session.evaluate(`((struct dio *)0x${dio})->bio_reap`);
  expect(session.machine.symbolAt(reap)!.lin).toBe(reap);
  expect(body).toContain(`\n  bio_reap = 0x${reap.toString(16)} <${session.symbolic(reap)}>,\n`);
  // The same numbers, in the base of the command.
  expect((await bodyOf(`struct -x dio ${dio}`)).replace("struct dio ", "")).toBe(body);
  expect(await bodyOf(`pd *(struct dio *)0x${dio}`)).toContain("\n  result = 3584,\n");
});

it("struct TYPE.member,member ADDRESS", async () => {
  const waiter = `  waiter = 0x${task}`;
  const count = (radix: string) => `  refcount = {\n    counter = ${radix}1\n  }`;
  expect(await run(`struct dio.refcount,waiter ${dio}`)).toBe(`${count("")}\n${waiter}`);
  expect(await run(`struct dio.refcount,waiter 0x${dio}`)).toBe(`${count("")}\n${waiter}`);
  expect(await run(`struct -x dio.refcount,waiter ${dio}`)).toBe(`${count("0x")}\n${waiter}`);
  expect(await run(`*dio.waiter,refcount ${dio}`)).toBe(`${waiter}\n${count("")}`);
  expect(await run(`* dio ${dio} | wc -l`)).toBe(await run(`struct dio ${dio} | wc -l`));
  expect(await run(`struct dio.refcount.counter,result,lock_type ${dio}`))
    .toBe("  refcount.counter = 1\n  result = 3584\n  lock_type = DIO_LOCKING");
  expect(await run(`struct -d dio.result $task->sleep.object`)).toBe("  result = 3584");
  const at = (path: string) => session.member({ lin: 0n, type: session.type("dio") }, path).lin;
  const row = (path: string) => `${`[${at(path)}]`.padStart(7)} `;
  const layout = (await run("struct dio.rw,waiter")).split("\n");
  expect(layout).toEqual(["struct dio {", `${row("rw")}u32 rw;`, "}",
    "struct dio {", `${row("waiter")}struct task *waiter;`, "}"]);
  await expect(run(`struct dio.rw,nonsense ${dio}`)).rejects.toThrow(/has no member nonsense/);
  for (const wrong of ["dio.", "dio.rw,", "dio..rw", "dio.,rw", ".rw"]) {
    await expect(run(`struct ${wrong} ${dio}`), wrong).rejects.toThrow(/usage: struct/);
  }
  expect(complete(session, "struct dio.refcount,wai")).toEqual([["waiter"], "wai"]);
  expect(complete(session, "struct dio.rw,bio_lock.sl")).toEqual([["slock"], "sl"]);
  expect(complete(session, "*dio.wai")).toEqual([["waiter"], "wai"]);
});
