// The pareto of smpbox c2c: of each line the instructions that touch it, with perf c2c's columns on
// two rows, so that they are 80 wide.
import type { Cell } from "../engine/c2c.ts";
import { type Field, fieldAt, USER_SHARE } from "./c2c-fields.ts";
import { address, columns, cpuList, heading, percent, WIDTH } from "./c2c-layout.ts";
import {
  hitmsOf, latenciesOf, type Latency, type SharedLine, type Sums, sumsOf,
} from "./c2c-lines.ts";
import type { Names } from "./names.ts";
import type { Nodes } from "./nodes.ts";

/** Instructions of a field that are shown at most; the rest has less. */
const SHOWN_MAX = 12;
const WIDTHS = [6, 6, 6, 6, 7, 4, 18, 4, 4, 4, 3];
const TITLES = [
  ["Load", "HITM", "RFO", "-Store", "refs---", "", "", "-", "cyc.", "-", "cpu"],
  ["Rmt", "Lcl", "HITM", "L1 Hit", "L1 Miss", "Off", "Code address", "rmt", "lcl", "load", "cnt"],
];
const INDENT = " ".repeat(8);
const NONE = "0.0%";

function countsOf(sums: Sums): number[] {
  const { remote, local, rfo } = hitmsOf(sums);
  return [remote, local, rfo, sums.stores.l1, sums.stores.total - sums.stores.l1];
}

export function pareto(lines: readonly SharedLine[], names: Names, nodes: Nodes): string[] {
  const out = [
    ...heading("Shared Cache Line Distribution Pareto"),
    ...TITLES.map((titles) => columns(titles, WIDTHS)),
    `${INDENT}Symbol, Shared Object, Source:Line, Node`,
  ];
  for (const [index, line] of lines.entries()) {
    const total = countsOf(line.sums);
    out.push("-".repeat(WIDTH), `${columns(total.map(String), WIDTHS)}  line ${index}, ` +
      `${address(names, line.phys)}, Node ${nodes.ofLine(line.phys)}`, "-".repeat(WIDTH));
    const idle = line.fields.filter((field) => isIdle(line.fields, field));
    for (const field of line.fields) {
      if (!idle.includes(field)) out.push(...fieldRows(field, total, names, nodes));
    }
    out.push(...idleRow(idle, total));
  }
  return out;
}

const writesOf = (cells: readonly Cell[]) => {
  const { stores, locked } = sumsOf(cells);
  return stores.total + locked.total;
};

/**
 * Has a field no part in what the line does? None of its HITMs, none of another field for its sake,
 * and it was only read, or set up: by few of the line's stores and locked accesses, or by
 * instructions none of which touched it twice.
 */
export function isIdle(fields: readonly Field[], field: Field): boolean {
  const { cells, hitms, accesses } = field;
  if (hitms > 0 || fields.some(({ neighbours }) =>
    [...neighbours].some((place) => fieldAt(fields, place) === field))) return false;
  const all = writesOf(fields.flatMap(({ cells: of }) => of));
  return writesOf(cells) <= all * USER_SHARE || accesses === cells.length;
}

/** Such fields, in one row. */
function idleRow(idle: readonly Field[], total: readonly number[]): string[] {
  if (idle.length === 0) return [];
  const counts = countsOf(sumsOf(idle.flatMap(({ cells }) => cells)));
  const fields = idle.length === 1 ? "1 more field" : `${idle.length} more fields`;
  return [`${columns(sharesOf(counts, total), WIDTHS)}  and ${fields} (--json)`];
}

/** Of those loads that asked for their line, rounded: a mean of none is "-". */
const mean = ({ loads, cycles }: Latency) => (loads ? `${Math.round(cycles / loads)}` : "-");
const sharesOf = (counts: readonly number[], total: readonly number[]) =>
  counts.map((count, i) => (count ? percent(count, total[i], 1) : NONE));

function fieldRows(
  field: Field, total: readonly number[], names: Names, nodes: Nodes,
): string[] {
  const rows = field.cells
    .map((cell) => {
      const sums = sumsOf([cell]);
      return { cell, shares: sharesOf(countsOf(sums), total), hitms: hitmsOf(sums).all };
    })
    .sort((a, b) => b.hitms - a.hitms);
  const some = rows.filter(({ shares }) => shares.some((share) => share !== NONE));
  // Locked accesses that are no HITMs have no column.
  const busy = some.length > 0 ? some : rows;
  const out = [`  ${field.name}, CPUs ${cpuList(field.users)}`];
  for (const { cell, shares } of busy.slice(0, SHOWN_MAX)) {
    out.push(...cellRows(cell, shares, names, nodes));
  }
  const more = rows.length - Math.min(busy.length, SHOWN_MAX);
  if (more > 0) out.push(`${INDENT}and ${more} more place${more > 1 ? "s" : ""}`);
  return out;
}

function cellRows(cell: Cell, shares: string[], names: Names, nodes: Nodes): string[] {
  const { symbol, source, image, rip } = names.instruction(cell.rip);
  const { remoteHitm, localHitm, other } = latenciesOf([cell]);
  const numbers = [...shares, `0x${cell.offset.toString(16)}`, `0x${rip.toString(16)}`,
    mean(remoteHitm), mean(localHitm), mean(other), `${cell.cpus.size}`];
  const where = [symbol, image, source].filter(Boolean).join(" ");
  const node = ` ${nodes.ofCpus(cell.cpus.keys())}`;
  return [
    columns(numbers, WIDTHS), `${INDENT}${where}`.slice(0, WIDTH - node.length) + node,
  ];
}
