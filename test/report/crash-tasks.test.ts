// Tasks in a crash session on a machine that hangs: whom commands without a PID are about, what a
// row of ps says, source lines of frames.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { SLEEP_AIO, SLEEP_DISK, SLEEP_PAUSE } from "../../src/machine/debug-block.ts";
import { execute } from "../../src/report/crash/commands.ts";
import { Session } from "../../src/report/crash/session.ts";
import { hungReaper } from "./report-tools.ts";

const PAGE = 4096n;
/** USER_MMAP_BASE and USTACK_PAGES of the kernel (memlayout.h, param.h) */
const MMAP_BASE = 0x7f00_0000_0000n;
const STACK_BYTES = 64n * PAGE;

let session: Session;
let machine: Machine;
/** Of the task that sleeps for ever. */
let pid: number;

beforeAll(async () => {
  session = await hungReaper();
  machine = session.machine;
  pid = machine.debugBlock()!.tasks().find(({ sleepKind }) => sleepKind === SLEEP_AIO)!.pid;
}, 180_000);
afterAll(async () => {
  machine.close();
  await Machine.shutdown();
});

const run = async (line: string) => (await execute(session, line)).join("\n");

it("bt has source lines behind its frames with -l only, as crash has them", async () => {
  const plain = (await run(`bt ${pid}`)).split("\n");
  const told = (await run(`bt -l ${pid}`)).split("\n");
  const isLine = (line: string) => /^ {4}\S+\.[chS]: \d+$/.test(line);
  expect(plain.filter(isLine)).toEqual([]);
  expect(told.filter((line) => !isLine(line))).toEqual(plain);
  // The words of the frames, and lines, in any order of the options.
  const all = (await run(`bt -l -f ${pid}`)).split("\n");
  expect(all.filter((line) => !isLine(line)).join("\n")).toBe(await run(`bt -f ${pid}`));
  const frames = told.flatMap((line, i) => {
    const [, name] = /^ +#\d+ \[\w+\] (\w+) at/.exec(line) ?? [];
    return name ? [{ name, source: told[i + 1] }] : [];
  });
  for (const { name, source } of frames) {
    const [, file, line] = /^ {4}(\S+): (\d+)$/.exec(source)!;
    const text = readFileSync(join(packageRoot(), "workloads", file), "utf8").split("\n");
    expect(text.length, source).toBeGreaterThanOrEqual(Number(line));
    // The call is in that line, or in one before it that it goes on from.
    if (name === "io_schedule") expect(text[Number(line) - 1]).toContain("schedule(");
  }
  await expect(run("bt -x")).rejects.toThrow(/usage: bt/);
  await expect(run(`bt ${pid} 1`)).rejects.toThrow(/usage: bt/);
});

it("ps has the memory of a process as crash has it, and none of the kernel's threads", async () => {
  const [title, ...rows] = (await run("ps")).split("\n");
  expect(title.trim().split(/ +/)).toEqual(
    ["PID", "TGID", "CPU", "TASK", "ST", "%MEM", "VSZ", "RSS", "COMM"]);
  // What the kernel gave: the program's segments, its stack and what was mapped later.
  const segments = machine.program.segments.flatMap(({ lin, memoryBytes }) => {
    const [first, end] = [lin / PAGE, (lin + BigInt(memoryBytes) + PAGE - 1n) / PAGE];
    return Array.from({ length: Number(end - first) }, (_, i) => first + BigInt(i));
  });
  const mapped = session.evaluate("$task->process->mm.mmap_next") - MMAP_BASE;
  const kib = (BigInt(new Set(segments).size) * PAGE + STACK_BYTES + mapped) / 1024n;
  const part = Number(kib * 1024n * 100n) / machine.view.ram.length;
  const memory = (comm: string) => rows.filter((row) => row.endsWith(`  ${comm}`))
    .map((row) => row.slice(title.indexOf("%MEM") - 1).trim().split(/ +/).slice(0, 3));
  expect(memory("w001")).toEqual(Array(2).fill([part.toFixed(1), `${kib}`, `${kib}`]));
  expect(memory("aio")).toEqual(Array(8).fill(["0.0", "0", "0"]));
});

it("without a PID it is about the task that hangs, not one that may sleep for ever", async () => {
  // The submitter is in pause(), has the smaller PID, and is no hang.
  expect(paused().pid).toBeLessThan(pid);
  expect(session.task().pid).toBe(pid);
  expect(session.evaluate("$task->pid")).toBe(BigInt(pid));
  expect(await run("set")).toContain(`PID: ${pid}\n`);
  expect(await run("bt")).toMatch(/ read_events__a at /);
});

const paused = () => session.tasks.find(({ pid: id }) =>
  machine.debugBlock()!.tasks().some(({ pid: other, comm, sleepKind }) =>
    id === other && comm === "w001" && sleepKind === SLEEP_PAUSE))!;

it("of several it is the one with unread events, or whatever waits for a disk", () => {
  const { place } = paused();
  const { base } = machine.debugBlock()!;
  const { buffer, byteOffset } = machine.view.ram;
  const kind = session.member(place, "sleep.kind").lin - base;
  const memory = new DataView(buffer, byteOffset + Number(kind));
  const was = memory.getUint32(0, true);
  // On a ring that is none, and so without events: the other one's has some.
  memory.setUint32(0, SLEEP_AIO, true);
  expect(session.task().pid).toBe(pid);
  memory.setUint32(0, SLEEP_DISK, true);
  expect(session.task().place.lin).toBe(place.lin);
  memory.setUint32(0, was, true);
  expect(session.task().pid).toBe(pid);
});

it("after a panic it is the task that panicked, after an exit the one that runs", async () => {
  for (const [append, wanted] of [["v001k=99", "[swapper/0]"], ["", "init"]]) {
    const box = await Machine.create({ image: "hello", machine: "conroe", append, seed: 1n });
    const result = await box.run();
    const ended = new Session({ machine: box, result, image: "hello", seed: 1n, note: "" });
    expect((await execute(ended, "set")).join("\n")).toContain(`COMMAND: "${wanted}"`);
    box.close();
  }
}, 60_000);
