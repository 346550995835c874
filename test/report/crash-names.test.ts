// Names in a crash session: what a name stands for, of a name with several addresses that it is not
// guessed, arrays as a whole, and what Tab completes.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { COMMANDS, execute } from "../../src/report/crash/commands.ts";
import { complete } from "../../src/report/crash/complete.ts";
import { valueLines } from "../../src/report/crash/print.ts";
import { Session } from "../../src/report/crash/session.ts";

let session: Session;
let machine: Machine;
beforeAll(async () => {
  machine = await Machine.create({ image: "hello", machine: "clovertown", seed: 1n, workers: 1 });
  const result = await machine.run();
  session = new Session({ machine, result, image: "hello", seed: 1n, note: "" });
}, 180_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
});

const run = async (line: string) => (await execute(session, line)).join("\n");

it("a name that several functions have is not guessed", async () => {
  const twice = [...session.machine.kernel.ambiguous].find((name) => name.startsWith("dio_bio"))!;
  const listed = (await run(`sym ${twice}`)).split("\n");
  expect(listed.length).toBeGreaterThan(1);
  for (const command of ["dis", "rd", "px &", "cache"]) {
    await expect(run(`${command} ${twice}`)).rejects.toThrow(/duplicate symbols/);
  }
  const bodies = await Promise.all(listed.map(async (line) => {
    const [, lin, source] = /^(\w{16}) \(t\) \w+ {2}(kernel\/\S+: \d+)$/.exec(line)!;
    expect(await run(`sym ${lin}`)).toBe(line);
    const { bytes } = session.machine.symbolAt(BigInt(`0x${lin}`))!;
    // All of that one, and nothing of what is behind it.
    const code = (await run(`dis ${lin}`)).split("\n");
    expect(code.every((one) => one.includes(`<${twice}`))).toBe(true);
    expect(BigInt(code.at(-1)!.split(" ")[0])).toBeGreaterThanOrEqual(
      BigInt(`0x${lin}`) + BigInt(bytes - 15));
    return source;
  }));
  expect(new Set(bodies).size).toBe(listed.length);
  expect(await run("sym nr_cpus")).toMatch(/^\w{16} \([BD]\) nr_cpus$/);
  expect(await run("sym syscall_entry"))
    .toMatch(/ \(\w\) syscall_entry {2}kernel\/sys\/syscall\.S: \d+$/);
  await expect(run("sym no_such_name")).rejects.toThrow(/neither an address nor a symbol/);
});

it("source files have their paths, however they were included", () => {
  const { kernel, debugInfo } = machine;
  const files = new Set(kernel.named.flatMap(({ code, lin, bytes }) =>
    code ? [lin, lin + BigInt(bytes >> 1)] : []).flatMap((lin) =>
    debugInfo.kernel.lines.at(lin)?.file ?? []));
  expect(files.size).toBeGreaterThan(40);
  const sources = join(packageRoot(), "workloads");
  expect([...files].filter((file) =>
    !existsSync(join(sources, file)) || join(sources, file) !== `${sources}/${file}`)).toEqual([]);
});

it("dis names what is called and jumped to, and refuses data", async () => {
  const lines = (await run("dis io_schedule")).split("\n");
  const { lin } = machine.kernel.symbols.get("schedule")!;
  expect(lines.some((line) => line.endsWith(`call 0x${lin.toString(16)} <schedule>`))).toBe(true);
  const jumps = (await run("dis schedule")).split("\n").filter((line) => /: +j\w+ /.test(line));
  expect(jumps.length).toBeGreaterThan(3);
  for (const line of jumps) {
    const [, address, name] = /0x(\w+) <(schedule\+\d+)>$/.exec(line)!;
    expect(session.symbolic(BigInt(`0x${address}`)), line).toBe(name);
  }
  const long = machine.kernel.named.filter(({ code, local }) => code && !local)
    .reduce((one, other) => (other.name.length > one.name.length ? other : one));
  expect(long.name.length).toBeGreaterThan(24);
  const wide = (await run(`dis ${long.name}`)).split("\n");
  expect(wide.filter((line) => !/^0x\w+ <[\w.]+(\+\d+)?>: +\S/.test(line))).toEqual([]);
  await expect(run("dis nr_cpus")).rejects.toThrow(/nr_cpus: it is data/);
  expect(await run("dis main 3")).toMatch(/^0x40\w+ <main>: +\S/);
});

it("struct: one member, offsets, hexadecimal, unnamed unions, functions", async () => {
  const dio = session.type("dio");
  const { lin } = session.guest.variable("cpus")!;
  const at = (path: string) => session.member({ lin: 0n, type: dio }, path).lin;
  const rw = `[${at("rw")}]`.padStart(7);
  expect(await run("struct dio.rw")).toBe(`struct dio {\n${rw} u32 rw;\n}`);
  expect(await run("struct dio.refcount")).toContain(`[${at("refcount")}] `);
  expect(await run("struct dio")).toMatch(/\] union \{\n(.*;\n)* +\[\d+\] +atomic_t refcount;/);
  await expect(run("struct dio.nonsense")).rejects.toThrow(/; it has bio, target,/);
  await expect(run("struct -q dio")).rejects.toThrow(/usage: struct/);
  const there = lin.toString(16);
  const rwAt = (lin + at("rw")).toString(16);
  expect(await run(`struct -o dio.rw ${there}`)).toContain(`[${rwAt}] u32`);
  const before = (lin - at("offset")).toString(16);
  const value = session.guest.number(lin)!;
  expect(value).toBeGreaterThan(9n);
  expect(await run(`struct dio.offset ${before}`)).toBe(`  offset = ${value}`);
  expect(await run(`struct -x dio.offset ${before}`)).toBe(`  offset = 0x${value.toString(16)}`);
  const table = machine.kernel.symbols.get("console_operations")!.lin;
  const write = session.guest.number(table + 8n)!;
  const reap = (table + 8n - at("bio_reap")).toString(16);
  expect(machine.symbolAt(write)!.lin).toBe(write);
  expect(await run(`struct dio.bio_reap ${reap}`))
    .toBe(`  bio_reap = 0x${write.toString(16)} <${session.symbolic(write)}>`);
});

it("arrays are whole, and what repeats is said once", async () => {
  const dio = session.type("dio");
  expect(await run("struct dio")).toContain("] u8 *pages[64];\n");
  expect(await run("struct task")).toContain("] char comm[16];\n");
  const { lin } = session.guest.variable("cpus")!;
  const { type: pages } = session.member({ lin, type: dio }, "pages");
  const text = valueLines(session.guest, lin, pages, 16)
    .join(" ").replace(/(0x\w+) <repeats (\d+) times>/g, (_, value, count) =>
      Array(Number(count)).fill(value).join(", "));
  const words = Array.from({ length: 64 }, (_, i) =>
    `0x${session.guest.number(lin + BigInt(8 * i))!.toString(16)}`);
  expect(text.match(/0x\w+/g)).toEqual(words);
});

it("completes commands, types, members and symbols", () => {
  expect(complete(session, "wa")).toEqual([["waitq "], "wa"]);
  expect(complete(session, "help wa")).toEqual([["waitq"], "wa"]);
  expect(complete(session, "struct kioctx.ring_i")).toEqual([["ring_info"], "ring_i"]);
  expect(complete(session, "px ((struct tas")).toEqual([["task", "task_struct"], "tas"]);
  expect(complete(session, "px 1 + (cpus[0].rq.idle->st")).toEqual([["stack", "state"], "st"]);
  expect(complete(session, "ps -")[0]).toEqual(["-IN", "-RU", "-UN"]);
  const { pid } = session.tasks.find(({ idle }) => !idle)!;
  expect(complete(session, `bt ${pid}`)[0]).toContain(`${pid}`);
  expect(complete(session, "ps | gr")).toEqual([["grep "], "gr"]);
  expect(complete(session, "sys x")[0]).toEqual([]);
  expect(complete(session, "struct kioc")[0]).toContain("kioctx");
  expect(complete(session, "dis io_sched")[0]).toContain("io_schedule");
  expect(Object.keys(COMMANDS)).toContain("help");
});
