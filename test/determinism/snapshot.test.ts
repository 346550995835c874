// The state between two windows: what the I/O hub still has to do, what the disks hold, what a
// snapshot refuses, and that the home agents' replicas are compared.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { Machine } from "../../src/engine/machine.ts";
import { presetDocument } from "../../src/machine/preset.ts";
import { kernelFolder, load, loop } from "../support/tiny-kernel.ts";
import { finish, open, type Row, run } from "./workloads.ts";

const kernels = kernelFolder();
afterAll(async () => {
  kernels.remove();
  await Machine.shutdown();
});

/** It prints, so CPUs wait for answers of the I/O hub. */
const ROW: Row = { machine: "clovertown", image: "hello", exit: 0 };
const MIDDLE = 1_000_000n;
const WINDOW = 38n;
/** Of the first event: the hub block + HUB_EVENTS + 56 is its heap, the value is at 16. */
const EVENT_VALUE = 56 + 16;

const hubEvents = (machine: Machine) => machine.view.u32(abi.M_HUB_BASE) + abi.HUB_EVENTS;
const eventsOf = (machine: Machine) =>
  new DataView(machine.view.memory.buffer).getUint32(hubEvents(machine), true);

/** Runs on, window by window, until accesses are under way to the hub at a boundary. */
async function openWithAnswer(workers: number): Promise<Machine> {
  const machine = await open(ROW, { workers });
  while (machine.view.consoleWritten === 0) await machine.runTo(machine.view.now + 20_000n);
  for (let i = 0; eventsOf(machine) === 0; i++) {
    expect(i, "windows without an access to the hub").toBeLessThan(500);
    await machine.runTo(machine.view.now + WINDOW);
  }
  return machine;
}

it("carries what the hub still has to do", { timeout: 600_000 }, async () => {
  const whole = await run(ROW);
  for (const [from, to] of [[1, 2], [2, 1]]) {
    const machine = await openWithAnswer(from);
    const snapshot = await machine.snapshot();
    const other = await open(ROW, { workers: to }, snapshot);
    expect(eventsOf(other)).toBe(eventsOf(machine));
    expect(await finish(machine), `${from} workers went on`).toEqual(whole);
    expect(await finish(other), `restored with ${to} workers`).toEqual(whole);
  }
});

it("hashes it", { timeout: 600_000 }, async () => {
  const machine = await openWithAnswer(1);
  const before = machine.stateHash();
  const at = hubEvents(machine) + EVENT_VALUE;
  new DataView(machine.view.memory.buffer).setUint8(at, 0x5a);
  expect(machine.stateHash()).not.toBe(before);
  machine.close();
});

const FILTER_ENTRIES = 512;
const FETCH_ENTRIES = 256;
/** Tags of empty entries */
const NO_LINE = 1n;
const NO_CODE = 2n;

it.each([
  ["instructions", abi.CORE_FETCH, FETCH_ENTRIES, NO_CODE],
  ["data", abi.CORE_FILTER, FILTER_ENTRIES, NO_LINE],
] as const)("the filters are no state: %s", { timeout: 600_000 }, async (_, at, entries, empty) => {
  // The code is at 2 MiB, in two lines; a page 2 MiB above takes its place in the TLB.
  const image = kernels.file(loop(2000, Array.from({ length: 12 }, () => load(0x400000)).flat()));
  const row: Row = { machine: "uni1", image, exit: 0 };
  const whole = await run(row);
  const machine = await open(row);
  for (let cut = 1n; cut < 32n; cut++) {
    await machine.runTo((whole.cycles * cut) / 32n);
    const view = new DataView(machine.view.memory.buffer);
    const base = machine.view.u32(abi.M_CORES) + at;
    for (let i = 0; i < entries; i++) view.setBigUint64(base + 16 * i, empty, true);
  }
  expect(await finish(machine)).toEqual(whole);
});

it("stops at the first boundary at or after the cycle, wherever it stopped before", async () => {
  const row: Row = { machine: "clovertown", image: "pingpong", append: "-- n=1", exit: 0 };
  const straight = await open(row);
  const stepped = await open(row);
  for (let cycle = 10_000n; cycle < 400_000n; cycle += 7_001n) {
    await stepped.runTo(cycle);
    const boundary = ((cycle + WINDOW - 1n) / WINDOW) * WINDOW;
    expect(stepped.view.now).toBe(boundary);
  }
  await straight.runTo(stepped.view.now);
  expect(straight.view.now).toBe(stepped.view.now);
  expect(straight.stateHash()).toBe(stepped.stateHash());
  straight.close();
  stepped.close();
});

it("is the same bytes however many workers made it", { timeout: 600_000 }, async () => {
  const one = await open(ROW, { workers: 1 });
  await one.runTo(MIDDLE);
  const snapshot = await one.snapshot();
  one.close();
  const two = await open(ROW, { workers: 2 });
  await two.runTo(MIDDLE);
  expect(Buffer.compare((await two.snapshot()).bytes, snapshot.bytes), "two workers").toBe(0);
  two.close();
  const restored = await open(ROW, { workers: 2 }, snapshot);
  expect(Buffer.compare((await restored.snapshot()).bytes, snapshot.bytes), "restored").toBe(0);
  restored.close();
});

it("refuses another machine, and what is no snapshot, in one sentence", async () => {
  const machine = await open(ROW);
  await machine.runTo(100_000n);
  const snapshot = await machine.snapshot();
  machine.close();
  await expect(open({ ...ROW, machine: "conroe" }, {}, snapshot)).rejects.toThrow(
    "the snapshot is of another machine: restore it with the same options",
  );
  const cut = { ...snapshot, bytes: snapshot.bytes.slice(0, -9) };
  await expect(open(ROW, {}, cut)).rejects.toThrow("the snapshot is damaged: take it again");
});

it("goes on with other options of the host: tracing, counting, history", async () => {
  const row: Row = { machine: "clovertown", image: "pingpong", append: "-- n=1", exit: 0 };
  const whole = await run(row);
  const machine = await open(row);
  await machine.runTo(400_000n);
  const snapshot = await machine.snapshot();
  machine.close();
  const options = [
    { history: 16 }, { counters: true },
    { traceEvents: 64, traceKinds: -1, traceFrom: 500_000n, traceTo: 600_000n },
  ];
  for (const more of options) {
    expect(await finish(await open(row, more, snapshot)), Object.keys(more)[0]).toEqual(whole);
  }
});

/** Tables behind the first numbers of the machine block. */
const OTHERS: [string, (topology: Record<string, unknown[]>) => void][] = [
  ["memories elsewhere", ({ homes }) => homes.reverse()],
  ["other distances", ({ hops }) => hops.pop()],
];

it.each(OTHERS)("refuses a machine that differs in a table: %s", async (_, change) => {
  const machine = await open({ ...ROW, machine: "westmere-ex" });
  const snapshot = await machine.snapshot();
  machine.close();
  const document = presetDocument(loadPreset("westmere-ex"));
  change(document.topology as Record<string, unknown[]>);
  const folder = mkdtempSync(join(tmpdir(), "smpbox-snapshot-"));
  const file = join(folder, "other.json");
  writeFileSync(file, JSON.stringify(document));
  const restored = open({ ...ROW, machine: file }, {}, snapshot);
  await expect(restored).rejects.toThrow("the snapshot is of another machine");
  rmSync(folder, { recursive: true });
});

it("a replica of the home agents that differs ends the run", async () => {
  const row = { ...ROW, image: "bench", append: "-- bench scale=1" };
  const machine = await open(row, { workers: 2 });
  const view = new DataView(machine.view.memory.buffer);
  const replica = machine.view.u32(abi.M_HOME_BASES + 4);
  // The first bus of the second worker's replica is taken for a while.
  const damage = (now: bigint) => view.setBigUint64(replica, now + 5_000_000n, true);
  await expect(machine.run({ onProgress: damage })).rejects.toThrow("unreachable");
  machine.close();
});
