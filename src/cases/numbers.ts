// Small statistics.
import type { CaseRun } from "./case.ts";

/** The counts of all runs, each added up. */
export function sumCounts(runs: readonly CaseRun[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { counts } of runs) {
    for (const [what, count] of Object.entries(counts ?? {})) {
      sums[what] = (sums[what] ?? 0) + count;
    }
  }
  return sums;
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Of the normal distribution: 95 % lie within this many standard deviations. */
const Z95 = 1.959964;

/** Wilson's 95 % interval of a rate. */
export function wilson(failures: number, runs: number): [number, number] {
  if (runs === 0) return [0, 1];
  const rate = failures / runs;
  const z2 = (Z95 * Z95) / runs;
  const centre = rate + z2 / 2;
  const spread = Z95 * Math.sqrt((rate * (1 - rate)) / runs + z2 / (4 * runs));
  const bound = (value: number) => Math.min(1, Math.max(0, value / (1 + z2)));
  const low = failures === 0 ? 0 : bound(centre - spread);
  const high = failures === runs ? 1 : bound(centre + spread);
  return [low, high];
}
