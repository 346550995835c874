// How the tables of smpbox c2c are laid out: perf c2c's, in 80 columns.
import type { Names } from "./names.ts";

const RULE = "=".repeat(65);
export const WIDTH = 80;

export function heading(title: string): string[] {
  return [RULE, title.padStart(Math.floor((RULE.length + title.length) / 2)), RULE];
}

export const percent = (part: number, whole: number, digits = 2) =>
  whole ? `${((100 * part) / whole).toFixed(digits)}%` : "-";
export const address = (names: Pick<Names, "linear">, phys: number) => {
  const lin = names.linear(phys);
  return `0x${(lin ?? BigInt(phys)).toString(16)}${lin === undefined ? " (phys)" : ""}`;
};

export function columns(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, i) => cell.padStart(widths[i])).join(" ").trimEnd();
}

export function cpuList(cpus: ReadonlySet<number>): string {
  return [...cpus].sort((a, b) => a - b).join(",") || "-";
}
