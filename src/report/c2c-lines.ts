// The lines that CPUs take from each other, out of all accesses of a run: sums by line, by place in
// the line, and who uses which place: is a line handed over for a datum, or for its neighbour?
import * as abi from "../../assembly/abi.ts";
import { type Served, servedFrom } from "../core/counters.ts";
import { ACCESSES, type Access, type Cell, type LineUse } from "../engine/c2c.ts";
import { type Field, fieldsOf, type Layout } from "./c2c-fields.ts";

export type Sums = Record<Access, Served>;

export interface SharedLine {
  phys: number;
  sums: Sums;
  hitms: number;
  fields: Field[];
  cpus: Set<number>;
  /** HITMs of data that no other CPU had written since the one that asked last accessed them. */
  falseHitms: number;
  /** The fields that have them, most of them first. */
  falselyShared: Field[];
}

/** Of all cells, by kind of access. */
export function sumsOf(cells: Iterable<Cell>): Sums {
  const cellsOf = (): Record<Access, number[]> => ({
    loads: new Array(abi.SOURCE_LIMIT).fill(0),
    stores: new Array(abi.SOURCE_LIMIT).fill(0),
    locked: new Array(abi.SOURCE_LIMIT).fill(0),
  });
  const totals = cellsOf();
  for (const { access, sources } of cells) {
    sources.forEach((count, source) => (totals[access][source] += count));
  }
  const entries = ACCESSES.map((access) => [access, servedFrom((i) => totals[access][i])]);
  return Object.fromEntries(entries) as Sums;
}

/** Loads that asked for their line, by perf c2c's columns, and the cycles of all of them. */
export interface Latency {
  loads: number;
  cycles: number;
}
export type Latencies = Record<"remoteHitm" | "localHitm" | "other", Latency>;

export function latenciesOf(cells: Iterable<Cell>): Latencies {
  const none = (): Latency => ({ loads: 0, cycles: 0 });
  const sums: Latencies = { remoteHitm: none(), localHitm: none(), other: none() };
  for (const { access, sources, waited } of cells) {
    if (access !== "loads") continue;
    sources.forEach((loads, source) => {
      if (loads === 0 || source === abi.SERVED_L1 || source === abi.SERVED_BUFFER) return;
      const { hitm } = servedFrom((i) => (i === source ? loads : 0));
      const sum = hitm.remote ? sums.remoteHitm : hitm.local ? sums.localHitm : sums.other;
      sum.loads += loads;
      sum.cycles += waited[source];
    });
  }
  return sums;
}

/**
 * HITMs by columns: of loads as perf c2c has them, and of stores and locked accesses, whose
 * requests for a line to own are reads for ownership (RFO).
 */
export function hitmsOf({ loads, stores, locked }: Sums) {
  const { local, remote } = loads.hitm;
  const rfo = stores.hitm.local + stores.hitm.remote + locked.hitm.local + locked.hitm.remote;
  return { local, remote, rfo, all: local + remote + rfo };
}

/** Lines with HITMs, most of them first; of equal ones the lower address. */
export function sharedLines(lines: Map<number, LineUse>, layout: Layout): SharedLine[] {
  return [...lines.values()]
    .filter(({ hitms }) => hitms > 0)
    .map((line) => sharedLine(line, layout))
    .sort((a, b) => b.hitms - a.hitms || a.phys - b.phys);
}

function sharedLine({ phys, cells, hitms }: LineUse, layout: Layout): SharedLine {
  const fields = fieldsOf(phys, cells.values(), layout);
  const cpus = new Set(fields.flatMap(({ users }) => [...users]));
  const falselyShared = fields.filter((field) => field.falseHitms > 0)
    .sort((a, b) => b.falseHitms - a.falseHitms);
  const falseHitms = falselyShared.reduce((sum, field) => sum + field.falseHitms, 0);
  return {
    phys, sums: sumsOf(cells.values()), hitms, fields, cpus,
    falselyShared, falseHitms,
  };
}
