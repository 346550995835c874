// The counters as tables of at most 80 columns: what each CPU did, where its accesses were served,
// its store buffer; the clusters; the buses. A column in which nothing was counted is left out, and
// a table that is too wide goes on below.
import {
  type Counters, type CpuCounters, type Served, SOURCES, type SourceName, WAITS, type WaitName,
} from "../core/counters.ts";

const COLUMNS_MAX = 80;
const SOURCE_TITLES: Record<SourceName, string> = {
  l1: "L1", buffer: "buffer", l2: "L2", llc: "LLC", sibling: "sibling", die: "die",
  socket: "socket", far: "far", dram: "DRAM", dramRemote: "far DRAM", home: "home",
};
const WAIT_TITLES: Record<WaitName, string> = {
  other: "other", load: "load", fetch: "fetch", fenceDrain: "fence dr.", full: "full", lock: "lock",
  partial: "partial", io: "I/O", lockDrain: "lock dr.", sc: "sc", selfModified: "self-mod",
  halted: "halted", parked: "parked", serialDrain: "serial dr.", entryDrain: "entry dr.",
  slice: "slice",
};

type Column<Row> = [title: string, value: (row: Row) => number];

export function countersText(counters: Counters): string {
  const { cpus, clusters, buses, cycles } = counters;
  const share = (busy: number) => (cycles > 0 ? (100 * busy) / cycles : 0);
  return [
    ...section("cycles of each CPU, by what it did (in-order approximation)", cpus, (c) => c.cpu, [
      ["executing", (c) => c.cycles.executing],
      ...WAITS.map((name): Column<CpuCounters> => [WAIT_TITLES[name], (c) => c.cycles[name]]),
      ["instr.", (c) => c.instructions],
      ["interrupts", (c) => c.interrupts],
    ]),
    ...accesses("loads", cpus, (c) => c.loads),
    ...accesses("stores", cpus, (c) => c.stores),
    ...accesses("locked", cpus, (c) => c.locked),
    ...section("store buffer: entries at issue, cycles to commit", cpus, (c) => c.cpu, [
      ["stores", (c) => c.stores.total],
      ["upgrades", (c) => c.upgrades],
      ["entries", (c) => mean(weighted(c.storeBuffer.occupancy), c.stores.total)],
      ["most", (c) => Math.max(0, c.storeBuffer.occupancy.length - 1)],
      ["cycles", (c) => mean(c.storeBuffer.residenceSum, c.stores.total)],
      ["longest", (c) => c.storeBuffer.residenceMax],
    ]),
    ...histogram("stores by entries in the buffer, their own included", cpus,
      (c) => c.storeBuffer.occupancy, String),
    ...histogram("stores by cycles in the buffer", cpus, (c) => c.storeBuffer.residence, bits),
    ...section("clusters: lines", clusters, (c) => c.cluster, [
      ["evicted", (c) => c.evictions],
      ["written back", (c) => c.writebacks],
      ["lost", (c) => c.invalidations],
      ["downgraded", (c) => c.downgrades],
      ["handed over", (c) => c.handovers],
    ]),
    ...section("buses: transactions, snoops of others, occupancy in %", buses, (b) => b.bus, [
      ["transactions", (b) => b.transactions],
      ["snoops", (b) => b.snoops],
      ["address %", (b) => share(b.addressCycles)],
      ["data %", (b) => share(b.dataCycles)],
      ["waited", (b) => b.waitedCycles],
    ]),
  ].join("\n");
}

function accesses(title: string, cpus: CpuCounters[], of: (cpu: CpuCounters) => Served): string[] {
  return section(`${title}, by where they were served`, cpus, (c) => c.cpu, [
    ["total", (c) => of(c).total],
    ...SOURCES.map((name): Column<CpuCounters> => [SOURCE_TITLES[name], (c) => of(c)[name]]),
    ["HITM local", (c) => of(c).hitm.local],
    ["remote", (c) => of(c).hitm.remote],
  ]);
}

/** A column for each bin. */
function histogram(
  title: string, cpus: CpuCounters[], of: (cpu: CpuCounters) => number[],
  name: (bin: number) => string,
): string[] {
  const bins = Math.max(...cpus.map((cpu) => of(cpu).length));
  return section(title, cpus, (c) => c.cpu, Array.from(
    { length: bins }, (_, bin): Column<CpuCounters> => [name(bin), (c) => of(c)[bin] ?? 0],
  ));
}

/** The numbers of `bin` bits. */
function bits(bin: number): string {
  if (bin < 2) return `${bin}`;
  return `${short(2 ** (bin - 1))}-${short(2 ** bin - 1)}`;
}

/** A title and its table; nothing when nothing was counted. */
function section<Row>(
  title: string, rows: Row[], index: (row: Row) => number, columns: Column<Row>[],
): string[] {
  const used = columns.filter(([, value]) => rows.some((row) => value(row) > 0));
  if (used.length === 0) return [];
  const texts = used.map(([name, value]) => [name, ...rows.map((row) => short(value(row)))]);
  const first = ["", ...rows.map((row) => `${index(row)}`)];
  const lines = [title];
  const gutter = Math.max(...first.map((text) => text.length)) + 2;
  let block: string[][] = [];
  const widthOf = (cells: string[]) => Math.max(...cells.map((text) => text.length)) + 2;
  const flush = () => {
    first.forEach((label, row) => {
      const cells = block.map((column) => column[row].padStart(widthOf(column)));
      lines.push(label.padStart(gutter) + cells.join(""));
    });
    block = [];
  };
  let width = gutter;
  for (const column of texts) {
    if (width + widthOf(column) > COLUMNS_MAX) {
      flush();
      width = gutter;
    }
    block.push(column);
    width += widthOf(column);
  }
  flush();
  return [...lines, ""];
}

const UNITS = [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const;

/** 1234567 as 1.23M: three figures of what the JSON document has in full. */
function short(value: number): string {
  if (value === 0) return "-";
  if (value < 10_000) return Number.isInteger(value) ? `${value}` : value.toFixed(1);
  const [unit, letter] = UNITS.find(([size]) => value >= size)!;
  return `${(value / unit).toPrecision(value / unit < 999.5 ? 3 : 4)}${letter}`;
}

function weighted(histogram: number[]): number {
  return histogram.reduce((sum, count, value) => sum + count * value, 0);
}

function mean(sum: number, count: number): number {
  return count > 0 ? sum / count : 0;
}
