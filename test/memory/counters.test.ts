// The counters against programs of which every access is known. A count is taken as the difference
// between two lengths of the same program: what comes before and after the loop drops out.
import { afterAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import type { Counters, CpuCounters } from "../../src/core/counters.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { countersText } from "../../src/report/counters.ts";
import {
  kernelFolder, load, LOAD_NEXT_LINE, lockIncrement, loop, MFENCE, store, WBINVD,
} from "../support/tiny-kernel.ts";

const kernels = kernelFolder();
afterAll(async () => {
  kernels.remove();
  await Machine.shutdown();
});

const A = 0x500000;
const ROUNDS = 200;

async function run(options: CreateOptions): Promise<Counters> {
  const machine = await Machine.create({
    machine: "uni1", workers: 1, counters: true, ...options,
  });
  const { exit } = await machine.run();
  const counters = machine.counters();
  machine.close();
  expect(exit).toBe(0);
  return counters;
}

/** What ROUNDS more rounds of `body` on one CPU add. */
async function added(body: number[], of: (cpu: CpuCounters) => number, options = {}) {
  const [short, long] = await Promise.all(
    [50, 50 + ROUNDS].map((count) => run({ image: kernels.file(loop(count, body)), ...options })),
  );
  return of(long.cpus[0]) - of(short.cpus[0]);
}

describe("accesses by where they were served", () => {
  it("loads that hit the L1, and stores to an owned line", async () => {
    const body = [...load(A), ...load(A + 8), ...store(A + 64)];
    expect(await added(body, (c) => c.loads.total)).toBe(2 * ROUNDS);
    expect(await added(body, (c) => c.loads.l1)).toBe(2 * ROUNDS);
    expect(await added(body, (c) => c.stores.total)).toBe(ROUNDS);
    expect(await added(body, (c) => c.stores.l1)).toBe(ROUNDS);
    expect(await added(body, (c) => c.instructions)).toBe(5 * ROUNDS);
  });

  it("loads forwarded from the store buffer", async () => {
    const body = [...store(A), ...load(A)];
    expect(await added(body, (c) => c.loads.buffer)).toBe(ROUNDS);
  });

  it("loads of new lines come from DRAM", async () => {
    expect(await added(LOAD_NEXT_LINE, (c) => c.loads.dram)).toBe(ROUNDS);
  });

  it("lines that do not fit into a set of the L1 come from the shared cache", async () => {
    // Sixteen lines of one set of eight ways, in turn
    const body = Array.from({ length: 16 }, (_, i) => load(A + i * 4096)).flat();
    expect(await added(body, (c) => c.loads.llc)).toBe(16 * ROUNDS);
  });

  it("locked accesses", async () => {
    expect(await added(lockIncrement(A), (c) => c.locked.l1)).toBe(ROUNDS);
  });

  it.each([[1, "local"], [2, "remote"]] as const)(
    "a ping-pong with CPU %i: a HITM, %s, for each hand-over", async (b, place) => {
      const [short, long] = await Promise.all([100, 100 + ROUNDS].map((n) =>
        run({ machine: "clovertown", image: "pingpong", append: `-- pingpong a=0 b=${b} n=${n}` }),
      ));
      for (const cpu of [0, b]) {
        const more = long.cpus[cpu].loads.hitm[place] - short.cpus[cpu].loads.hitm[place];
        // What the kernel does around them meets in the one run and not in the other.
        expect(Math.abs(more - ROUNDS), `cpu${cpu}`).toBeLessThanOrEqual(3);
      }
    });
});

describe("waiting", () => {
  it("for the store buffer: before a fence and before a locked access", async () => {
    const body = (next: number[]) => [...store(A), ...next];
    const retire = 8;
    const fenced = await added(body(MFENCE), (c) => c.cycles.fenceDrain);
    expect(fenced).toBeGreaterThan(ROUNDS * (retire - 2));
    expect(fenced).toBeLessThan(ROUNDS * (retire + 2));
    const locked = await added(body(lockIncrement(A)), (c) => c.cycles.lockDrain);
    expect(locked).toBeGreaterThan(ROUNDS * (retire - 2));
    const serial = await added(body(WBINVD), (c) => c.cycles.serialDrain);
    expect(serial).toBeGreaterThan(ROUNDS * (retire - 2));
    // Each wait is one cause's only.
    expect(await added(body(lockIncrement(A)), (c) => c.cycles.fenceDrain)).toBe(0);
    expect(await added(body(MFENCE), (c) => c.cycles.serialDrain + c.cycles.lockDrain)).toBe(0);
    expect(await added(body(WBINVD), (c) => c.cycles.fenceDrain + c.cycles.lockDrain)).toBe(0);
    expect(await added(body([]), (c) => c.cycles.sc, { memory: "sc" })).toBe(0);
  });

  it("for a full store buffer", async () => {
    // Lines of one set, so each store is a miss; more of them than there are entries
    const body = Array.from({ length: 24 }, (_, i) => store(A + i * 4096)).flat();
    expect(await added(body, (c) => c.cycles.full)).toBeGreaterThan(ROUNDS * 10);
    expect(await added(body, (c) => c.cycles.fenceDrain)).toBe(0);
  });

  it("before the entry of an exception", async () => {
    const { cpus } = await run({ image: "system" });
    expect(cpus[0].cycles.entryDrain).toBeGreaterThan(0);
  });

  it("is the part of the clock in which nothing is executed", async () => {
    const hits = [...load(A), ...load(A + 8)];
    // Two loads of 3 cycles, dec and jnz
    expect(await added(hits, (c) => c.cycles.executing)).toBe(ROUNDS * (2 * 3 + 2));
    expect(await added(hits, (c) => c.cycles.load)).toBe(0);
    expect(await added(LOAD_NEXT_LINE, (c) => c.cycles.load)).toBeGreaterThan(ROUNDS * 200);
  });
});

describe("the store buffer", () => {
  const total = (values: number[]) => values.reduce((sum, value) => sum + value, 0);

  it("has each store once in its histograms", async () => {
    const { cpus } = await run({ machine: "clovertown", image: "hello" });
    for (const { stores, storeBuffer } of cpus) {
      expect(total(storeBuffer.residence)).toBe(stores.total);
      expect(total(storeBuffer.occupancy)).toBe(stores.total);
      expect(storeBuffer.occupancy.length - 1).toBeLessThanOrEqual(20);
    }
    expect(cpus[0].stores.total).toBeGreaterThan(1000);
  });

  it("holds a store for as long as it takes to retire", async () => {
    // Alone, to an owned line: 8 cycles
    const alone = await added([...store(A), ...MFENCE], (c) => c.storeBuffer.residenceSum);
    expect(alone).toBe(8 * ROUNDS);
    const body = [...store(A), ...store(A + 8), ...store(A + 16), ...MFENCE];
    expect(await added(body, (c) => c.storeBuffer.occupancy[3])).toBe(ROUNDS);
  });

  it("gets its lines together when stores ask early", async () => {
    // Eight stores to lines that nobody has: one after the other, or nearly at once
    const body = Array.from({ length: 8 }, (_, i) => store(A + i * 4096)).flat();
    const longest = async (early: number) => {
      const changes = new Map([["core.rfoPrefetch", early]]);
      const { cpus } = await run({ image: kernels.file(loop(1, [...body, ...MFENCE])), changes });
      return cpus[0].storeBuffer.residenceMax;
    };
    const dram = 213;
    expect(await longest(0)).toBeGreaterThan(6 * dram);
    expect(await longest(3)).toBeLessThan(3 * dram);
    expect(await longest(10)).toBeLessThan(2 * dram);
  });
});

it("counters are no state, and fit into 80 columns", async () => {
  const machine = await Machine.create({ image: "hello", workers: 1, counters: true });
  const { stateHash } = await machine.run();
  const text = countersText(machine.counters());
  expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  const titles = [
    "cycles of", "loads", "stores", "store buffer", "stores by entries", "stores by cycles",
    "clusters", "buses",
  ];
  for (const title of titles) {
    expect(text).toMatch(new RegExp(`^${title}`, "m"));
  }
  const before = machine.stateHash();
  const core = machine.view.u32(abi.M_CORES);
  const bytes = new Uint8Array(machine.view.memory.buffer);
  bytes.fill(0x5a, core + abi.CORE_COUNTERS, core + abi.CORE_BYTES);
  bytes.fill(0x5a, core + abi.CORE_LOAD_HITS, core + abi.CORE_LOAD_HITS + 8);
  expect(machine.stateHash()).toBe(before);
  machine.close();
  const without = await Machine.create({ image: "hello", workers: 1 });
  expect((await without.run()).stateHash).toBe(stateHash);
  expect(() => without.counters()).toThrow("counters: true");
  without.close();
});
