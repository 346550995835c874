// The report of smpbox c2c, with the tables and words that users of perf c2c know, in 80 columns.
// What a sampling tool cannot count (the requests of stores and locked accesses for lines that
// others own) has lines of its own; every number is exact.
import type { LineUse } from "../engine/c2c.ts";
import type { Counters, Served } from "../core/counters.ts";
import type { Preset } from "../machine/preset.ts";
import { type Field, fieldAt, type Layout } from "./c2c-fields.ts";
import { address, columns, cpuList, heading, percent } from "./c2c-layout.ts";
import {
  hitmsOf, latenciesOf, type SharedLine, sharedLines, type Sums, sumsOf,
} from "./c2c-lines.ts";
import { pareto } from "./c2c-pareto.ts";
import type { Names } from "./names.ts";
import { Nodes } from "./nodes.ts";
import { wrap } from "./text.ts";

export interface C2c {
  sums: Sums;
  lines: SharedLine[];
  cycles: number;
  cpus: number;
  nodes: Nodes;
}

export function c2cOf(
  uses: Map<number, LineUse>, { cycles, cpus }: Counters, preset: Preset, layout: Layout,
): C2c {
  const cells = [...uses.values()].flatMap((line) => [...line.cells.values()]);
  return {
    sums: sumsOf(cells), lines: sharedLines(uses, layout), cycles, cpus: cpus.length,
    nodes: new Nodes(preset),
  };
}

/** `shown`: how many lines of each table. */
export function c2cText(report: C2c, names: Names, shown: number): string {
  return [
    "Exact counts: every access of every CPU, nothing sampled. Cycles are those of",
    "an in-order approximation; those of loads are from the request for a line to",
    "its arrival, in the mean. A Node is a package.",
    "",
    ...traceEvents(report.sums),
    "",
    ...sharedEvents(report.lines),
    "",
    ...lineTable(report, names, shown),
    "",
    ...pareto(report.lines.slice(0, shown), names, report.nodes),
    ...hints(report.lines.slice(0, shown), names),
  ].join("\n");
}

const row = (title: string, count: number) =>
  `  ${title.padEnd(34)}: ${String(count).padStart(12)}`;

/** Places that are neither a HITM nor inside the core, by perf c2c's words. */
const localHit = ({ llc, sibling, die, hitm }: Served) => llc + sibling + die - hitm.local;
const remoteHit = ({ socket, far, hitm }: Served) => socket + far - hitm.remote;

function traceEvents({ loads, stores, locked }: Sums): string[] {
  return [
    ...heading("Trace Event Information"),
    row("Total records", loads.total + stores.total + locked.total),
    row("Locked Load/Store Operations", locked.total),
    row("Load Operations", loads.total),
    row("Load store-buffer forward", loads.buffer),
    row("Load L1D hit", loads.l1),
    row("Load L2D hit", loads.l2),
    row("Load LLC hit", localHit(loads)),
    row("Load Local HITM", loads.hitm.local),
    row("Load Remote HITM", loads.hitm.remote),
    row("Load Remote HIT", remoteHit(loads)),
    row("Load Local DRAM", loads.dram),
    row("Load Remote DRAM", loads.dramRemote),
    row("Store Operations", stores.total),
    row("Store L1D Hit", stores.l1),
    row("Store L1D Miss", stores.total - stores.l1),
    row("Store Local HITM", stores.hitm.local),
    row("Store Remote HITM", stores.hitm.remote),
    row("Locked Local HITM", locked.hitm.local),
    row("Locked Remote HITM", locked.hitm.remote),
  ];
}

function sharedEvents(lines: readonly SharedLine[]): string[] {
  const sum = (of: (sums: Sums) => number) =>
    lines.reduce((total, { sums }) => total + of(sums), 0);
  return [
    ...heading("Global Shared Cache Line Event Information"),
    row("Total Shared Cache Lines", lines.length),
    row("Load HITs on shared lines", sum(({ loads }) => loads.total)),
    row("L1D hits on shared lines", sum(({ loads }) => loads.l1)),
    row("L2D hits on shared lines", sum(({ loads }) => loads.l2)),
    row("LLC hits on shared lines", sum(({ loads }) => localHit(loads))),
    row("Locked Access on shared lines", sum(({ locked }) => locked.total)),
    row("Store HITs on shared lines", sum(({ stores }) => stores.total)),
    row("Store L1D hits on shared lines", sum(({ stores }) => stores.l1)),
  ];
}

const TABLE_TITLES = [
  ["", "Cacheline", "", "Tot", "- Load", "Hitm -", "RFO", "Total", "Total"],
  ["Index", "Address", "Node", "Hitm", "LclHitm", "RmtHitm", "Hitm", "Loads", "Stores"],
];
const TABLE_WIDTHS = [5, 18, 4, 7, 7, 7, 7, 8, 8];
const COLUMNS_NOTE =
  "LclHitm and RmtHitm: of loads, as in perf c2c. RFO Hitm: of stores and locked accesses, " +
  "which read for ownership. Tot Hitm: of all three, as is the order of the lines. Total Stores " +
  "has the locked accesses, too.";

function lineTable({ lines, nodes }: C2c, names: Names, shown: number): string[] {
  const all = lines.reduce((sum, { hitms }) => sum + hitms, 0);
  const out = [
    ...heading("Shared Data Cache Line Table"),
    columns(TABLE_TITLES[0], TABLE_WIDTHS),
    columns(TABLE_TITLES[1], TABLE_WIDTHS),
  ];
  for (const [index, { phys, sums, hitms }] of lines.slice(0, shown).entries()) {
    const { loads, stores, locked } = sums;
    const { local, remote, rfo } = hitmsOf(sums);
    out.push(columns([
      `${index}`, address(names, phys), `${nodes.ofLine(phys)}`, percent(hitms, all),
      `${local}`, `${remote}`, `${rfo}`, `${loads.total}`, `${stores.total + locked.total}`,
    ], TABLE_WIDTHS));
  }
  if (lines.length > shown) out.push(`  ${lines.length - shown} more lines (--lines N)`);
  return [...out, wrap(COLUMNS_NOTE)];
}

/** A line with less of its HITMs for a neighbour's sake is no reason to change a struct. */
const HINT_SHARE = 0.1;
const CAUSES_MAX = 3;

/** A paragraph for each line of whose HITMs many move it for a neighbour of what was asked for. */
export function hints(lines: readonly SharedLine[], names: Pick<Names, "linear">): string[] {
  const out: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.falseHitms < line.hitms * HINT_SHARE) continue;
    const fields = line.falselyShared.map((field) => `${field.name} ` +
      `(CPU ${cpuList(field.askers)}: ${field.falseHitms}, for ${causes(line, field, names)})`);
    out.push("", wrap(`False sharing in line ${index}: ${line.falseHitms} of its ${line.hitms} ` +
      "HITMs fetched data that no other CPU had written since the one that asked accessed them " +
      `last: ${fields.join(", ")}. Put them 64 bytes away from those, each in a line of its own.`));
  }
  return out;
}

/** The neighbours of a field for which the line moved, as "a, b and others". */
function causes(line: SharedLine, field: Field, names: Pick<Names, "linear">): string {
  const all = new Set([...field.neighbours].map((place) => {
    const { name } = fieldAt(line.fields, place);
    // A stack has one name.
    return name === field.name ? `${name} at ${address(names, line.phys + place)}` : name;
  }));
  return [...all].slice(0, CAUSES_MAX).join(", ") + (all.size > CAUSES_MAX ? " and others" : "");
}

/** For --json: the same numbers, unformatted. */
export function c2cDocument({ sums, lines, nodes }: C2c, names: Names) {
  return {
    totals: sums,
    lines: lines.map((line) => ({
      address: address(names, line.phys),
      phys: `0x${line.phys.toString(16)}`,
      node: nodes.ofLine(line.phys),
      hitms: line.hitms,
      ...line.sums,
      cpus: [...line.cpus].sort((a, b) => a - b),
      falseSharing: line.falselyShared.length
        ? { hitms: line.falseHitms,
            fields: line.falselyShared.map(({ name }) => name) }
        : undefined,
      fields: line.fields.map((field) => ({
        offset: field.offset,
        bytes: field.bytes,
        name: field.name,
        hitms: field.hitms,
        falseHitms: field.falseHitms,
        users: [...field.users].sort((a, b) => a - b),
        writers: [...field.writers].sort((a, b) => a - b),
        instructions: field.cells.map((cell) => {
          const { symbol, source, image, rip } = names.instruction(cell.rip);
          return {
            rip: `0x${rip.toString(16)}`, symbol, sharedObject: image, source,
            nodes: nodes.ofCpus(cell.cpus.keys()).split(",").map(Number), access: cell.access,
            latency: cell.access === "loads" ? latenciesOf([cell]) : undefined,
            ...sumsOf([cell])[cell.access],
          };
        }),
      })),
    })),
  };
}
