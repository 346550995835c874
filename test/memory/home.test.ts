// The home agents: which memory is near, how far a copy is, what the buses in between cost.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { type Mutant, buildMutant } from "../support/mutant.ts";
import { compileEntry } from "../support/compile.ts";

const GETS = 1;
const GETX = 2;
const PUT = 3;
const BASE = 0x200000;
const PAGE_LINES = 64;
const ENTRY = "test/memory/assembly/home.ts";

interface Home {
  open(base: number): void;
  transact(base: number, kind: number, cluster: number, line: number, time: bigint): void;
  grantTime: WebAssembly.Global;
}

type Numbers = Record<number, number>;

/**
 * Four packages of one cluster, in a square: opposite corners are two hops apart. `numbers` are
 * what is different.
 */
function square(module: WebAssembly.Module, numbers: Numbers = {}) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
  const abort = () => {
    throw new Error("abort");
  };
  const instance = new WebAssembly.Instance(module, {
    env: { memory, abort }, host: { diskRead: abort },
  });
  const home = instance.exports as unknown as Home;
  const view = new DataView(memory.buffer, abi.MACHINE_BASE);
  const put = (offset: number, value: number) => view.setUint32(offset, value, true);
  put(abi.M_WINDOW_CYCLES, 10);
  put(abi.M_QUANTUM_CYCLES, 10);
  put(abi.M_RAM_BYTES, 1 << 20);
  put(abi.M_LAT_DRAM, 200);
  put(abi.M_LAT_DRAM_REMOTE, 300);
  put(abi.M_LAT_SOCKET_LOAD, 110);
  put(abi.M_LAT_SOCKET_UPGRADE, 100);
  put(abi.M_LAT_SOCKET_OWN, 120);
  put(abi.M_LAT_FAR_LOAD, 170);
  put(abi.M_LAT_FAR_UPGRADE, 160);
  put(abi.M_LAT_FAR_OWN, 180);
  put(abi.M_BUS_DATA, 8);
  put(abi.M_HOMES, 4);
  for (let i = 0; i < 4; i++) {
    for (const table of [abi.M_CLUSTER_PACKAGE, abi.M_CLUSTER_BUS, abi.M_HOME_PACKAGE]) {
      view.setUint8(table + i, i);
    }
    view.setUint8(abi.M_HOME_BUS + i, i);
    put(abi.M_PACKAGE_FAR + 4 * i, 1 << (i ^ 3));
  }
  for (const [offset, value] of Object.entries(numbers)) put(Number(offset), value);
  home.open(BASE);
  let time = 0n;
  /** Cycles until the grant, long after everything before. */
  return (kind: number, cluster: number, line: number, later = 10_000n): number => {
    time += later;
    home.transact(BASE, kind, cluster, line, time);
    return Number(BigInt(home.grantTime.value) - time);
  };
}

/** What the latencies must be; the mutants below must each break one of them. */
function checkHomes(module: WebAssembly.Module): void {
  const ask = square(module);
  for (let page = 0; page < 8; page++) {
    const line = page * PAGE_LINES + 5;
    expect(ask(GETS, 1, line), `page ${page}`).toBe(page % 4 === 1 ? 200 : 300);
    expect(ask(GETS, 3, line), "from the cache beside").toBeLessThan(200);
  }
  const far = 20 * PAGE_LINES;
  expect(ask(GETX, 0, far)).toBe(200);
  expect(ask(GETX, 1, far), "one hop").toBe(120);
  expect(ask(GETX, 2, far), "two hops").toBe(180);
  expect(ask(GETS, 0, far), "one hop").toBe(110);
  expect(ask(GETX, 0, far), "an upgrade").toBe(100);
  expect(ask(GETS, 3, far), "two hops").toBe(170);
  expect(ask(GETX, 0, far), "an upgrade, two hops").toBe(160);
  // A line that only the requester has, because the others dropped it: no peer is asked, but the
  // home agent is.
  const left = 22 * PAGE_LINES;
  for (const cluster of [0, 1]) ask(GETS, cluster, left);
  ask(PUT, 1, left);
  expect(ask(GETX, 0, left), "an upgrade without sharers").toBe(100);
  // A store to a line that others share: its data comes from DRAM, whatever the snoop takes.
  const shared = 28 * PAGE_LINES;
  for (const cluster of [1, 2]) ask(GETS, cluster, shared);
  expect(ask(GETX, 0, shared), "data from the near DRAM").toBe(200);
  for (const cluster of [0, 1]) ask(GETS, cluster, shared);
  expect(ask(GETX, 3, shared), "data from the other DRAM").toBe(300);
  const busy = 21 * PAGE_LINES;
  // Two requesters, one memory: its bus is occupied by the first, though their own are not.
  expect(ask(GETS, 2, busy)).toBe(300);
  expect(ask(GETS, 3, busy + 1, 0n)).toBe(308);
  expect(ask(GETS, 0, busy + 3 * PAGE_LINES, 0n), "another memory").toBe(200);
}

/** Where nobody is near, or nobody at all, an upgrade still takes its time. */
function checkAlone(module: WebAssembly.Module): void {
  const upgrades: [Numbers, number][] = [
    [{ [abi.M_LAT_DIE_UPGRADE]: 70 }, 70],
    [{}, 100],
    [{ [abi.M_LAT_SOCKET_UPGRADE]: 0 }, 200],
  ];
  for (const [numbers, cycles] of upgrades) {
    const ask = square(module, numbers);
    for (const cluster of [0, 1]) ask(GETS, cluster, 0);
    ask(PUT, 1, 0);
    expect(ask(GETX, 0, 0)).toBe(cycles);
  }
}

test("home agents", () => {
  const { module } = compileEntry(ENTRY);
  checkHomes(module);
  checkAlone(module);
});

const MUTANTS: Mutant[] = [
  {
    name: "homes by the line and not by the page",
    file: "assembly/memory/home.ts", from: "return (line >>> 6) % homes;",
    to: "return line % homes;",
  },
  {
    name: "memory is near for everybody",
    file: "assembly/memory/home.ts", from: "return local ? latDram : latDramRemote;",
    to: "return latDram;",
  },
  {
    name: "two hops cost as one",
    file: "assembly/memory/home.ts", from: "(far >> other) & 1 ? TWO_HOPS : OTHER_PACKAGE",
    to: "OTHER_PACKAGE",
  },
  {
    name: "the memory's bus is free",
    file: "assembly/memory/home.ts",
    from: "return homes == 1 ? busOf(cluster) : paramByte(M_HOME_BUS, homeOf(line));",
    to: "return busOf(cluster);",
  },
  {
    name: "an upgrade without sharers is free",
    file: "assembly/memory/home.ts", from: "latency = others ? upgrade(distance) : aloneUpgrade();",
    to: "latency = upgrade(distance);",
  },
  {
    name: "a store to shared lines does not wait for its data",
    file: "assembly/memory/home.ts", from: "latency = max(latency, upgrade(distance));",
    to: "latency = upgrade(distance);",
  },
];

test.each(MUTANTS)("$name", async (mutant) => {
  const file = await buildMutant(mutant, ENTRY, "stress");
  const module = new WebAssembly.Module(readFileSync(file));
  expect(() => checkHomes(module)).toThrow();
});
