// The illumos form of AIO, in what case 000 does not ask for: a port is its process's, and who
// comes too late with a process's first call gives back what it has allocated.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";
import { hasTool } from "../support/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-illumos-"));
afterAll(async () => {
  await Machine.shutdown();
  rmSync(folder, { recursive: true });
});

/** Two copies: each makes a port, and tries its own and the other's when both are there. */
const PORTS = `
#include <mini.h>

#define TURNS 200000

static u8 sector[512] __attribute__((aligned(512)));
static struct { s64 result; int error; u32 pad; } result;

static long read_to(s64 port)
{
	struct { u64 resultp; s64 port; u64 user; } args = { (u64)&result, port, 7 };

	return SYSCALL(400, 0, sys_open("/dev/vd0"), sector, sizeof(sector), 0, &args);
}

int main(void)
{
	s64 own = SYSCALL(401), other = 1 - own;
	u64 event[2];
	long none, read, taken;

	for (int turns = 0; turns < TURNS; turns++)
		asm volatile("pause");
	none = SYSCALL(402, other, event, 1, 0);
	read = read_to(other);
	if (read_to(own))
		return 1;
	taken = SYSCALL(402, own, event, 1, 1);
	print("port %ld: own %ld %lu, other's %ld %ld\\n", own, taken, event[1], none, read);
	return 0;
}
`;

const THREADS = 8;
/** The calls fail, after each has looked for its process's aio_t: there is no such file. */
const FIRST = `
#include <mini.h>

static struct thread threads[${THREADS}];
static u32 here;

static void call(void *argument)
{
	struct { u64 resultp; s64 port; u64 user; } args = { 0, -1, 0 };

	pin_to_cpu((u64)argument);
	__atomic_fetch_add(&here, 1, __ATOMIC_SEQ_CST);
	while (READ_ONCE(here) < ${THREADS})
		SYSCALL(24);
	SYSCALL(400, 0, 99, 0, 512, 0, &args);
}

int main(void)
{
	for (u64 i = 0; i < ${THREADS}; i++)
		thread_start(&threads[i], call, (void *)i);
	for (u64 i = 0; i < ${THREADS}; i++)
		thread_join(&threads[i]);
	return 0;
}
`;

async function run(name: string, source: string, machineName: string, append: string) {
  const [file, image] = [join(folder, `${name}.c`), join(folder, name)];
  writeFileSync(file, source);
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const flags = execFileSync(process.execPath, [main, "cflags"], { encoding: "utf8" }).trim();
  execFileSync("sh", ["-c", `gcc ${flags} -o ${image} ${file}`], { stdio: "pipe" });
  const machine = await Machine.create({
    machine: machineName, image, workers: 1, maxCycles: 400_000_000n, append,
    disks: parseDisks(1, "model=uniform:15-40"),
  });
  let text = "";
  const onConsole = (bytes: Uint8Array) => (text += new TextDecoder().decode(bytes));
  const { exit } = await machine.run({ onConsole });
  return { machine, exit, text: text.replaceAll("\r", "").trim() };
}

/** workloads/kernel/core/page.c: the freed runs of so many pages. */
function freedRuns(machine: Machine, pages: number): bigint[] {
  const lists = machine.kernelVariable("free_runs")!;
  const block = machine.debugBlock()!;
  const runs: bigint[] = [];
  let at = 8 * pages < lists.byteLength ? lists.getBigUint64(8 * pages, true) : 0n;
  for (; at; at = block.kernelMemory(at, 8).getBigUint64(0, true)) runs.push(at);
  return runs;
}

describe.skipIf(!hasTool("gcc", "gcc"))("of two processes and of many threads", () => {
  it("a port is not there for another process", async () => {
    const { machine, exit, text } = await run("ports", PORTS, "conroe", "copies=2");
    machine.close();
    expect(exit).toBe(0);
    expect(text.split("\n").sort()).toEqual([
      "port 0: own 1 7, other's -22 -9", "port 1: own 1 7, other's -22 -9",
    ]);
  }, 60_000);

  it("who makes an aio_t, and is too late, frees its requests, too", async () => {
    const { machine, exit } = await run("first", FIRST, "clovertown", "");
    /** AIO_REQS_MAX requests of 7 lines. */
    const requests = freedRuns(machine, (256 * 7 * 64) / 4096);
    machine.close();
    expect(exit).toBe(0);
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.length).toBeLessThan(THREADS);
    expect(new Set(requests).size).toBe(requests.length);
  }, 60_000);
});
