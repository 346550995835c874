// A program's own variables in a crash session: their values, by the program's types, through the
// page tables of its process, and a refusal where nobody knows which process is meant.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { execute } from "../../src/report/crash/commands.ts";
import { Session } from "../../src/report/crash/session.ts";
import { hasTool } from "../support/tools.ts";

const ROUNDS = 0x12345;
let machine: Machine;
let session: Session;
const run = async (line: string) => (await execute(session, line)).join("\n");
const folder = mkdtempSync(join(tmpdir(), "smpbox-user-"));

/** Where the two sides of `sharing` count, on CPUs 2 and 4. */
beforeAll(async () => {
  const options = {
    image: "sharing", machine: "clovertown", seed: 1n, workers: 1 as const,
    append: `-- sharing a=2 b=4 n=${ROUNDS}`,
  };
  const whole = await Machine.create(options);
  const { cycles } = await whole.run();
  whole.close();
  machine = await Machine.create(options);
  expect(await machine.runTo((cycles * 9n) / 10n)).toBeUndefined();
  session = new Session({ machine, image: "sharing", seed: 1n, note: "" });
}, 60_000);
afterAll(async () => {
  machine.close();
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

it("px, pd and rd have the program's values, with its types", async () => {
  session.history.length = 0;
  expect(await run("px rounds")).toBe("rounds = $1 = 0x12345");
  expect(await run("pd rounds * 2")).toBe(`$2 = ${ROUNDS * 2}`);
  expect(await run("rd rounds")).toMatch(/: {2}0000000000012345 /);
  const near = machine.userVariable("near")!;
  const [received, sent] = [near.getBigUint64(0, true), near.getBigUint64(8, true)];
  expect(received).toBeGreaterThan(0n);
  expect(sent).toBeLessThan(BigInt(ROUNDS));
  const text = await run("pd near");
  expect(text).toContain(`near = $3 = {\n  received = ${received},\n  sent = ${sent},\n  pad = {`);
  expect(await run("pd near.sent")).toBe(`$4 = ${sent}`);
  expect(await run("px &near.sent")).toMatch(/^\$5 = \(u64 \*\) 0x/);
  expect(await run("pd *$5")).toBe(`$6 = ${sent}`);
  expect(await run("pd took[1].cycles")).toBe("$7 = 0");
  expect(await run("px main")).toMatch(/<main>$/);
  expect(await run("cache near")).toMatch(/^line [0-9a-f]+ \(physical [1-9a-f]/);
});

it("of whom it is is not guessed", async () => {
  const own = session.tasks.filter(({ pgd }) => pgd !== 0n);
  const [kernel] = session.tasks.filter(({ comm }) => comm === "aio");
  for (const command of ["px rounds", "rd rounds", "pd near", "dis main 1", "cache near"]) {
    session.context = kernel;
    await expect(run(command)).rejects
      .toThrow(`task ${kernel.pid} (aio) is the kernel's and has no program's memory: choose one`);
    // A second process, whose memory is the kernel's alone.
    session.context = undefined;
    const other = { ...own[0], pid: 4711, pgd: machine.view.cpu(0).cr3 & ~0xfffn };
    const tables = new Uint8Array(session.guest.ram.buffer, session.guest.ram.byteOffset);
    other.pgd = BigInt(tables.length - 4096);
    tables.fill(0, tables.length - 4096);
    session.tasks.push(other);
    await expect(run(command)).rejects.toThrow(/there are several processes: choose one with set/);
    await run("set 4711");
    await expect(run(command)).rejects.toThrow(/nothing is mapped there/);
    await run(`set ${own[0].pid}`);
    expect(await run(command)).not.toBe("");
    session.tasks.pop();
    session.context = undefined;
  }
  // An address needs no memory, and the kernel's variables no process.
  session.context = kernel;
  expect(await run("px &near")).toMatch(/ <near>$/);
  expect(await run("pd nr_cpus")).toContain("= 8");
  await expect(run("px *(u64 *)8")).rejects.toThrow("8: nothing is mapped there");
  session.context = undefined;
});

it("before the program is there, that is said", async () => {
  const early = await Machine.create({ image: "sharing", machine: "clovertown", seed: 1n });
  await early.runTo(1_000_000n);
  const before = new Session({ machine: early, image: "sharing", seed: 1n, note: "" });
  await expect(execute(before, "px rounds")).rejects
    .toThrow(/none runs at this cycle: choose --at/);
  early.close();
});

const PROGRAM = `
#include <mini.h>
struct order { int id; char name[8]; struct order *next; };
static volatile int count = -3;
struct order second = { 2, "second", 0 }, first = { 1, "first", &second };
enum colour { RED, GREEN } paint = GREEN;
int main(void)
{
  return count + first.id + first.next->id + paint - 1;
}
`;

describe.skipIf(!hasTool("gcc", "gcc"))("a program of the user's", () => {
  const opened = async (name: string, ...more: string[]) => {
    const source = join(folder, "orders.c");
    writeFileSync(source, PROGRAM);
    const main = join(packageRoot(), "dist", "src", "cli", "main.js");
    const flags = spawnSync(process.execPath, [main, "cflags"], { encoding: "utf8" }).stdout.trim();
    const out = join(folder, name);
    const { status, stderr } = spawnSync(
      "sh", ["-c", `gcc ${flags} ${more.join(" ")} -o ${out} ${source}`], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    const box = await Machine.create({ image: out, machine: "conroe", seed: 1n });
    const result = await box.run();
    expect(result.exit).toBe(0);
    return new Session({ machine: box, result, image: out, seed: 1n, note: "" });
  };

  it("its structs, pointers, enums and signs", async () => {
    const here = await opened("orders");
    const told = async (line: string) => (await execute(here, line)).join("\n");
    expect(await told("pd count")).toBe("count = $1 = -3");
    expect(await told("px first.next->name")).toBe('$2 = "second"');
    expect(await told("pd paint")).toBe("paint = $3 = GREEN");
    expect(await told("pd *first.next")).toContain("  id = 2,");
    const address = /0x(\w+)/.exec(await told("px &second"))![1];
    expect(await told(`struct order.id ${address}`)).toBe("  id = 2");
    expect(await told("pd sizeof(struct order)")).toMatch(/= 24$/);
    here.machine.close();
  }, 60_000);

  it("without debug information an address is not passed off as the value", async () => {
    const bare = await opened("bare", "-g0");
    const told = async (line: string) => (await execute(bare, line)).join("\n");
    await expect(told("px count")).rejects.toThrow(/no debug information of what this is/);
    await expect(told("px count + 1")).rejects.toThrow(/no debug information/);
    expect(await told("rd count")).toMatch(/fffffffd /);
    expect(await told("px &count")).toMatch(/^\$1 = \(void \*\) 0x\w+ <count>$/);
    expect(await told("pd *(int *)&count")).toBe("$2 = -3");
    bare.machine.close();
  }, 60_000);
});
