// smpbox c2c counts what the counters count, each access of it, and names the fields that share a
// line without need.
import { afterAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { ACCESSES, type Access, C2C_OPTIONS, collect } from "../../src/engine/c2c.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { c2cDocument, c2cOf, c2cText } from "../../src/report/c2c.ts";
import { latenciesOf } from "../../src/report/c2c-lines.ts";
import { numberOf } from "../../src/machine/preset.ts";
import { Names } from "../../src/report/names.ts";

afterAll(() => Machine.shutdown());

async function c2c(options: CreateOptions) {
  const machine = await Machine.create({ ...options, ...C2C_OPTIONS });
  const { lines, result } = await collect(machine);
  const counters = machine.counters();
  const report = c2cOf(lines, counters, machine.preset);
  const names = new Names(machine);
  const document = c2cDocument(report, names);
  const text = c2cText(report, names, 10);
  const whole = c2cText(report, names, Infinity);
  const { preset } = machine;
  machine.close();
  return { lines, result: result!, counters, report, document, text, whole, preset };
}

/** Rows of the line table: LclHitm, RmtHitm, RFO Hitm, and the loads and stores of the line. */
const tableRows = (text: string) => [...text.matchAll(
  /^ *\d+ +0x[0-9a-f]+(?: \(phys\))? +\d+ +[\d.]+%((?: +\d+){5})$/gm,
)].map(([, columns]) => columns.trim().split(/ +/).map(Number));
/** Rows of the pareto that sum up a line: HITMs of loads (Rmt, Lcl), RFO HITMs, Store refs. */
const paretoRows = (text: string) => [...text.matchAll(/^((?: +\d+){5})  line \d+, /gm)]
  .map(([, columns]) => columns.trim().split(/ +/).map(Number));
const sumsOf = (rows: number[][], columns: number) => Array.from({ length: columns }, (_, i) =>
  rows.reduce((sum, row) => sum + row[i], 0));

const sharing = (words: string, machine = "clovertown"): CreateOptions =>
  ({ machine, image: "sharing", append: `-- sharing ${words} n=3000` });

describe("exact", () => {
  const runs: [string, CreateOptions][] = [
    ["two CPUs of two packages", sharing("a=0 b=2")],
    ["an L3, prefetched ownership, threads", sharing("a=0 b=3", "nehalem-ep")],
    ["the kernel's own lines", {
      machine: "clovertown", image: "w001", append: "v001k=7 -- w001 W001i s=0 r=2 rounds=200",
    }],
  ];
  it.each(runs)("%s: sums by CPU are the counters", async (_, options) => {
    const { lines, counters, report, result, preset, whole } = await c2c(options);
    expect(result.exit).toBe(0);
    const hitms = counters.cpus.map(() => ({ loads: 0, stores: 0, locked: 0 }));
    const totals = counters.cpus.map(() => ({ loads: 0, stores: 0, locked: 0 }));
    for (const line of lines.values()) {
      for (const cell of line.cells.values()) {
        for (const [cpu, count] of cell.hitms) hitms[cpu][cell.access] += count;
        for (const [cpu, count] of cell.cpus) totals[cpu][cell.access] += count;
      }
    }
    const each = <T>(of: (access: Access, cpu: number) => T) =>
      counters.cpus.map((_, cpu) =>
        Object.fromEntries(ACCESSES.map((access) => [access, of(access, cpu)])));
    const counted = (access: Access, cpu: number) => counters.cpus[cpu][access];
    expect(hitms).toEqual(each((access, cpu) => {
      const { local, remote } = counted(access, cpu).hitm;
      return local + remote;
    }));
    expect(totals).toEqual(each((access, cpu) => counted(access, cpu).total));
    // And by where they were served
    for (const access of ACCESSES) {
      const { hitm, ...sources } = report.sums[access];
      for (const [source, count] of Object.entries(sources)) {
        const sum = counters.cpus.reduce((all, cpu) =>
          all + (cpu[access][source as keyof typeof sources] as number), 0);
        expect(count, `${access} ${source}`).toBe(sum);
      }
      for (const place of ["local", "remote"] as const) {
        const sum = counters.cpus.reduce((all, cpu) => all + cpu[access].hitm[place], 0);
        expect(hitm[place], `${access} HITM ${place}`).toBe(sum);
      }
    }
    expect(report.sums.loads.hitm.local + report.sums.loads.hitm.remote).toBeGreaterThan(50);
    // The columns of all lines: perf c2c's of loads only, stores and locked accesses apart.
    const sum = (access: Access, place: "local" | "remote") =>
      counters.cpus.reduce((all, cpu) => all + cpu[access].hitm[place], 0);
    const [local, remote] = [sum("loads", "local"), sum("loads", "remote")];
    const rfo = sum("stores", "local") + sum("stores", "remote") + sum("locked", "local") +
      sum("locked", "remote");
    expect(rfo).toBeGreaterThan(20);
    expect(tableRows(whole)).toHaveLength(report.lines.length);
    expect(sumsOf(tableRows(whole), 3)).toEqual([local, remote, rfo]);
    expect(sumsOf(paretoRows(whole), 3)).toEqual([remote, local, rfo]);
    // Each load that asked for its line has waited for it, and the CPUs waited no longer.
    const cells = [...lines.values()].flatMap((line) => [...line.cells.values()]);
    const { remoteHitm, localHitm, other } = latenciesOf(cells);
    const { hitm, total, l1, buffer } = report.sums.loads;
    expect([remoteHitm.loads, localHitm.loads]).toEqual([hitm.remote, hitm.local]);
    expect(remoteHitm.loads + localHitm.loads + other.loads).toBe(total - l1 - buffer);
    const cycles = remoteHitm.cycles + localHitm.cycles + other.cycles;
    const waited = counters.cpus.reduce((sum, cpu) => sum + cpu.cycles.load, 0);
    expect(cycles).toBeGreaterThan(waited * 0.9);
    expect(remoteHitm.cycles / remoteHitm.loads)
      .toBeGreaterThan(numberOf(preset, "latency.socketLoad") * 0.6);
    for (const { access, sources, waited: own } of cells) {
      const asked = sources.some((count, source) => count > 0 && source > abi.SERVED_BUFFER);
      expect(own.some((one) => one > 0), access).toBe(asked);
    }
  });

  it("looking changes nothing", async () => {
    const options = sharing("a=0 b=2");
    const machine = await Machine.create(options);
    const plain = await machine.run();
    machine.close();
    const { result } = await c2c(options);
    expect(result.stateHash).toBe(plain.stateHash);
  });
});

it("a line is at home on the node that has its page", async () => {
  const { lines, preset, report } = await c2c(sharing("a=0 b=3", "nehalem-ep"));
  const packageOf = (cpu: number) =>
    preset.clusters.find(({ cpus }) => cpus.includes(cpu))!.package;
  const seen = new Set<number>();
  for (const { phys, cells } of lines.values()) {
    for (const { sources, cpus } of [...cells.values()].filter((cell) => cell.cpus.size === 1)) {
      const [cpu] = cpus.keys();
      const node = report.nodes.ofLine(phys);
      if (sources[abi.SERVED_DRAM]) expect(node).toBe(packageOf(cpu));
      if (sources[abi.SERVED_DRAM_REMOTE]) expect(node).not.toBe(packageOf(cpu));
      if (sources[abi.SERVED_DRAM] || sources[abi.SERVED_DRAM_REMOTE]) seen.add(node);
    }
  }
  expect(seen).toEqual(new Set([0, 1]));
});

describe("false sharing", () => {
  it("names the two fields, their CPUs and the source line", async () => {
    const { document, text } = await c2c(sharing("a=0 b=2"));
    const [line] = document.lines.filter(({ falseSharing }) =>
      falseSharing?.fields.includes("near.sent"));
    expect(line.falseSharing!.fields).toEqual(["near.received", "near.sent"]);
    expect(line.falseSharing!.hitms).toBeGreaterThan(line.hitms * 0.9);
    const users = line.fields.map(({ name, users: of }) => [name, of]);
    expect(users).toContainEqual(["near.received", [0]]);
    expect(users).toContainEqual(["near.sent", [2]]);
    const places = line.fields.flatMap(({ instructions }) => instructions);
    expect(places.filter(({ symbol, source }) =>
      /^(side|count)/.test(symbol) && source.startsWith("sharing.c:")).length).toBeGreaterThan(1);
    const sides = places.filter(({ symbol }) => /^side/.test(symbol));
    expect(new Set(sides.map(({ sharedObject }) => sharedObject))).toEqual(new Set(["sharing"]));
    expect(new Set(sides.flatMap(({ nodes }) => nodes))).toEqual(new Set([0, 1]));
    expect(text).toMatch(/^ {8}side sharing sharing\.c:\d+ 1$/m);
    const said = text.replace(/\s+/g, " ");
    expect(said).toContain("near.received (CPU 0), near.sent (CPU 2).");
    expect(said).toContain("LclHitm and RmtHitm: of loads, as in perf c2c. RFO Hitm: of stores");
    expect(Math.max(...text.split("\n").map((row) => row.length))).toBeLessThanOrEqual(80);
  });

  it("says nothing of counters in lines of their own, nor of one that both use", async () => {
    const apart = await c2c(sharing("a=0 b=2 apart=1"));
    const named = (document: typeof apart.document) =>
      document.lines.flatMap(({ falseSharing }) => falseSharing?.fields ?? []);
    expect(named(apart.document).filter((name) => /^(near|far)\./.test(name))).toEqual([]);
    const pingpong = await c2c({
      machine: "clovertown", image: "pingpong", append: "-- pingpong a=0 b=2 n=500",
    });
    expect(named(pingpong.document)).not.toContain("counter");
    const [hottest] = pingpong.document.lines;
    expect(hottest.fields.map(({ name }) => name)).toContain("counter");
  });
});
