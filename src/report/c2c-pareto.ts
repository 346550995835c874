// The pareto of smpbox c2c: of each line the instructions that touch it, with perf c2c's columns on
// two rows, so that they are 80 wide.
import type { Cell } from "../engine/c2c.ts";
import { address, columns, cpuList, heading, percent, WIDTH } from "./c2c-layout.ts";
import {
  type Field, hitmsOf, latenciesOf, type Latency, type SharedLine, type Sums, sumsOf,
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
    for (const field of line.fields) {
      out.push(...fieldRows(line, field, total, names, nodes));
    }
  }
  return out;
}

/** Of those loads that asked for their line, rounded: a mean of none is "-". */
const mean = ({ loads, cycles }: Latency) => (loads ? `${Math.round(cycles / loads)}` : "-");

function fieldRows(
  line: SharedLine, field: Field, total: number[], names: Names, nodes: Nodes,
): string[] {
  const all = sumsOf(field.cells);
  if (hitmsOf(all).all + all.stores.total + all.locked.total === 0) return [];
  const rows = [`  ${names.data(line.phys + field.offset)}, CPUs ${cpuList(field.users)}`];
  const busy = field.cells
    .map((cell) => {
      const sums = sumsOf([cell]);
      return { cell, counts: countsOf(sums), hitms: hitmsOf(sums).all };
    })
    .filter(({ counts }) => counts.some((count) => count > 0))
    .sort((a, b) => b.hitms - a.hitms);
  for (const { cell, counts } of busy.slice(0, SHOWN_MAX)) {
    const shares = counts.map((count, i) => (count ? percent(count, total[i], 1) : "0.0%"));
    rows.push(...cellRows(cell, shares, names, nodes));
  }
  if (busy.length > SHOWN_MAX) rows.push(`${INDENT}and ${busy.length - SHOWN_MAX} more places`);
  return rows;
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
