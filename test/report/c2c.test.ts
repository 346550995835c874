// smpbox c2c counts what the counters count, each access of it, and names the fields that share a
// line without need.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import {
  ACCESS_LOAD, ACCESS_LOCKED, ACCESS_STORE, TRACE_GRANT, TRACE_LOCKED, TRACE_SERVED,
} from "../../assembly/trace-kinds.ts";
import { ACCESSES, type Access, C2C_OPTIONS, collect, Collector } from "../../src/engine/c2c.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { c2cDocument, c2cOf, c2cText } from "../../src/report/c2c.ts";
import { latenciesOf } from "../../src/report/c2c-lines.ts";
import { numberOf } from "../../src/machine/preset.ts";
import { Names } from "../../src/report/names.ts";
import { buildProgram } from "../support/program.ts";
import { hasTool } from "../support/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-c2c-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

const ROUNDS = 300;
const POLLED = `
#include <mini.h>
static struct { volatile long flag; volatile long work; } s LINE_ALIGNED;
static struct thread other;
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  for (long i = 1; i <= ${ROUNDS}; i++) {
    for (long j = 0; j < 40; j++)
      s.work = s.work + 1;
    for (long k = 0; k < 2000; k++)
      asm volatile("");
    s.flag = i;
  }
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  while (s.flag != ${ROUNDS})
    ;
  thread_join(&other);
  return 0;
}
`;

async function c2c(options: CreateOptions) {
  const machine = await Machine.create({ ...options, ...C2C_OPTIONS });
  const { lines, result } = await collect(machine);
  const counters = machine.counters();
  const names = new Names(machine);
  const report = c2cOf(lines, counters, machine.preset, names);
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
    // Each of a line's cells is in one field, and falsely shared no more often than a HITM.
    for (const { phys, fields } of report.lines) {
      const all = [...lines.get(phys)!.cells.values()];
      const told = fields.flatMap((field) => field.cells);
      expect(told).toHaveLength(all.length);
      expect(new Set(told)).toEqual(new Set(all));
      for (const { hitms: asked, falseHitms } of told) {
        for (const [cpu, places] of falseHitms) {
          const sum = [...places.values()].reduce((a, b) => a + b, 0);
          expect(sum).toBeLessThanOrEqual(asked.get(cpu) ?? 0);
        }
      }
    }
    const hints = [...whole.replace(/\s+/g, " ")
      .matchAll(/(?:last: |\), )([^()]+) \(CPU [\d,]+: \d+, for ([^)]*)\)/g)];
    for (const [, name, causes] of hints) {
      expect(causes.split(/, | and /), name).not.toContain(name);
    }
    expect(hints.length).toBeGreaterThan(1);
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
    expect(cells.filter(({ access }) => access === "locked").map(({ bytes }) => bytes))
      .toEqual(expect.arrayContaining([4, 8]));
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
    expect([...line.falseSharing!.fields].sort()).toEqual(["near.received", "near.sent"]);
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
    for (const [name, cpu, other] of [["near.received", 0, "near.sent"],
      ["near.sent", 2, "near.received"]] as const) {
      const { falseHitms } = line.fields.find((field) => field.name === name)!;
      expect(said).toContain(`${name} (CPU ${cpu}: ${falseHitms}, for ${other})`);
    }
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
    // Before the kernel starts them, CPUs look at memory without an instruction.
    const fields = pingpong.document.lines.flatMap((line) => line.fields)
      .filter(({ name }) => /^mailbox\./.test(name));
    expect(fields.map(({ name }) => name)).toEqual([
      "mailbox.Command", "mailbox.Command to mailbox.ApicId", "mailbox.ApicId",
      "mailbox.WakeupVector",
    ]);
    const places = fields.flatMap(({ instructions }) => instructions).map((one) =>
      `${one.symbol} ${one.sharedObject}`);
    expect(new Set(places)).toEqual(new Set(["(parked) [firmware]", "smp_boot kernel"]));
  });

  const gcc = hasTool("gcc", "gcc");
  it.skipIf(!gcc)("is what a neighbour costs who polls, not what the flag does", async () => {
    // One of the two writes `work` many times for each time that it writes `flag`.
    const { document, text } = await c2c({ image: buildProgram(folder, "polled", POLLED) });
    const line = document.lines.find(({ fields }) =>
      fields.some(({ name }) => name === "s.flag"))!;
    const flag = line.fields.find(({ name }) => name === "s.flag")!;
    // Each of its values has to come to who polls it, once, and does not count.
    expect(flag.hitms - flag.falseHitms).toBe(ROUNDS);
    expect(flag.falseHitms).toBeGreaterThan(ROUNDS / 2);
    expect(line.falseSharing).toEqual({ hitms: flag.falseHitms, fields: ["s.flag"] });
    expect(text.replace(/\s+/g, " ")).toContain(`s.flag (CPU 0: ${flag.falseHitms}, for s.work)`);
  });
});

describe("a HITM", () => {
  const LINE = 0x1000;
  type Access = "load" | "store" | "locked" | "forwarded";
  type Step = [cpu: number, access: Access, offset: number, hitm?: "hitm", bytes?: number];
  /** The HITMs of one line that moved it for a neighbour's sake, "by CPU for place". */
  function falseOf(steps: readonly Step[]): string[] {
    const collector = new Collector();
    for (const [cpu, access, offset, hitm, bytes = 4] of steps) {
      const own = access === "forwarded" ? abi.SERVED_BUFFER : abi.SERVED_L1;
      const source = hitm ? abi.SERVED_SOCKET + abi.HITM : own;
      if (hitm) collector.add(cpu, TRACE_GRANT, 0, source, LINE, 100, 0);
      const label = { load: ACCESS_LOAD, forwarded: ACCESS_LOAD, store: ACCESS_STORE,
        locked: ACCESS_LOCKED }[access];
      const width = access === "locked" ? 0 : bytes;
      collector.add(cpu, TRACE_SERVED, label, source, LINE + offset, 0, width);
      if (access === "locked") collector.add(cpu, TRACE_LOCKED, 0, bytes, LINE + offset, 0, 0);
    }
    collector.end();
    const { cells } = collector.lines.get(LINE)!;
    return [...cells.values()].flatMap(({ falseHitms }) =>
      [...falseHitms].flatMap(([cpu, places]) => [...places].flatMap(([place, count]) =>
        new Array<string>(count).fill(`${cpu} for ${place}`)))).sort();
  }

  it("of a datum that another CPU has written since is true sharing, any other false", () => {
    expect(falseOf([[0, "store", 0], [1, "load", 0, "hitm"]])).toEqual([]);
    expect(falseOf([[0, "store", 8], [1, "load", 0, "hitm"]])).toEqual(["1 for 8"]);
    // Written before the last look, and a neighbour after it
    expect(falseOf([
      [0, "store", 0], [1, "load", 0, "hitm"], [0, "store", 8], [1, "load", 0, "hitm"],
    ])).toEqual(["1 for 8"]);
    expect(falseOf([
      [0, "store", 0], [1, "load", 0, "hitm"], [0, "store", 8], [0, "store", 0], [0, "store", 8],
      [1, "load", 0, "hitm"],
    ])).toEqual([]);
    // A part of it, and a store into what another one wrote
    expect(falseOf([[0, "store", 2], [1, "load", 0, "hitm"]])).toEqual([]);
    expect(falseOf([
      [0, "store", 0], [1, "store", 0, "hitm"], [0, "store", 0, "hitm"],
    ])).toEqual([]);
    // Two counters: after the first time each moves for the other one.
    expect(falseOf([
      [0, "store", 0], [1, "store", 8, "hitm"], [0, "store", 0, "hitm"], [1, "store", 8, "hitm"],
    ])).toEqual(["0 for 8", "1 for 0", "1 for 0"]);
    // Exclusive elsewhere, and written by nobody else
    expect(falseOf([[0, "store", 0], [1, "load", 8], [0, "load", 16, "hitm"]])).toEqual([]);
    expect(falseOf([[0, "load", 8], [1, "load", 0, "hitm"]])).toEqual([]);
  });

  it("is that of the CPU that asked", () => {
    // Both load by one instruction; only CPU 2 had seen the datum as it is.
    expect(falseOf([
      [2, "load", 0], [0, "store", 8], [2, "load", 0, "hitm"],
      [0, "store", 0], [1, "load", 0, "hitm"],
    ])).toEqual(["2 for 8"]);
  });

  it("after a load from the own store buffer is of a datum not seen since", () => {
    // CPU 1 sees its own store, while CPU 0's is in the line, and then gets the line for its own.
    expect(falseOf([
      [1, "load", 0], [0, "store", 0], [1, "forwarded", 0], [1, "store", 0, "hitm"],
    ])).toEqual([]);
  });

  it("of the last bytes of what a locked access changed is true sharing", () => {
    expect(falseOf([[0, "locked", 0], [1, "load", 2, "hitm", 2]])).toEqual([]);
    expect(falseOf([[0, "store", 2, undefined, 2], [1, "locked", 0, "hitm"]])).toEqual([]);
    expect(falseOf([[0, "locked", 0, undefined, 2], [1, "load", 2, "hitm", 2]]))
      .toEqual(["1 for 0"]);
  });

  it("is counted with the width of each part of a locked access over two lines", () => {
    const collector = new Collector();
    const served = (cpu: number, phys: number) =>
      collector.add(cpu, TRACE_SERVED, ACCESS_LOCKED, abi.SERVED_L1, phys, 5, 0);
    // The first try gets one of them, and others come between.
    served(0, LINE + 61);
    collector.add(1, TRACE_SERVED, ACCESS_LOAD, abi.SERVED_L1, LINE, 6, 2);
    served(0, LINE + 61);
    served(0, LINE + 64);
    collector.add(0, TRACE_LOCKED, 0, 8, LINE + 61, 5, 0);
    // Without a TRACE_LOCKED, as the last one
    served(1, LINE + 64);
    collector.end();
    const widths = (at: number) => [...collector.lines.get(at)!.cells.values()]
      .map(({ offset, bytes, cpus }) => [offset, bytes, [...cpus]]);
    expect(widths(LINE)).toEqual([[61, 1, [[0, 1]]], [0, 2, [[1, 1]]], [61, 3, [[0, 1]]]]);
    expect(widths(LINE + 64)).toEqual([[0, 5, [[0, 1]]], [0, 1, [[1, 1]]]]);
  });
});
