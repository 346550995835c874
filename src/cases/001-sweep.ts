// Case 001 against the numbers of the machine: how often it hangs as one of them changes, for each
// relation of two CPUs. What the model predicts is where a pair begins to hang, not how often a
// program does.
import { InputError, numberOf, type Preset } from "../machine/preset.ts";
import { relationOf } from "../machine/topology.ts";
import type { CaseRun, CaseSpec } from "./case.ts";

type Changes = Array<[string, number]>;

/** One number that changes, for one pair of CPUs. */
export interface Axis {
  id: "ownership" | "retire" | "lines" | "path";
  what: string;
  unit: string;
  /** What the machine has. */
  frozen: number;
  steps: Array<{ value: number; changes: Changes }>;
}

/** The rounds of some runs that differ in their seed, with one number changed. */
export interface Point {
  axis: Axis["id"];
  pair: [number, number];
  relation: CaseRun["relation"];
  value: number;
  frozen: boolean;
  hangs: number;
  runs: number;
  rounds: number;
  broken: number;
}

/** Fields of the three latencies of a relation; they keep their proportion. */
const LATENCIES: Record<string, string> = {
  "same L2": "sibling", "same package": "die", "other socket": "socket",
};
const OWNERSHIP = [30, 40, 45, 50, 55, 60, 70, 80, 100, 149, 200];
const RETIRE = [0, 4, 8, 16, 32, 64];
const PATH = [-15, 0, 15, 30, 45, 60, 80];
/** A3 and the stores before it wait for three lines; so many requests are under way beside one. */
const LINES: ReadonlyArray<readonly [lines: number, prefetch: number]> = [[3, 0], [2, 1], [1, 2]];

export function axesOf(preset: Preset, pair: readonly [number, number]): Axis[] {
  const relation = relationOf(preset, ...pair);
  const kind = LATENCIES[relation];
  if (kind === undefined) {
    const known = Object.keys(LATENCIES).join(", ");
    throw new InputError(`--sweep: CPUs ${pair.join(",")} are "${relation}"; it knows ${known}`);
  }
  const n = (field: string) => numberOf(preset, field);
  const own = n(`latency.${kind}Own`);
  const scaled = (value: number): Changes => ["Own", "Upgrade", "Load"].map((name) => {
    const field = `latency.${kind}${name}`;
    return [field, Math.max(1, Math.round((n(field) * value) / own))];
  });
  const values = (list: readonly number[], frozen: number) =>
    [...new Set([...list, frozen])].sort((a, b) => a - b);
  return [
    {
      id: "ownership", what: "latency of ownership", unit: "cycles", frozen: own,
      steps: values(OWNERSHIP, own).map((value) => ({ value, changes: scaled(value) })),
    },
    {
      id: "retire", what: "retire delay", unit: "cycles", frozen: n("core.retireDelay"),
      steps: values(RETIRE, n("core.retireDelay"))
        .map((value) => ({ value, changes: [["core.retireDelay", value]] })),
    },
    {
      id: "lines", what: "contested lines waited for in turn", unit: "lines",
      frozen: LINES.find(([, prefetch]) => prefetch === n("core.rfoPrefetch"))?.[0] ?? 1,
      steps: LINES.map(([value, prefetch]) =>
        ({ value, changes: [["core.rfoPrefetch", prefetch]] })),
    },
    {
      id: "path", what: "cycles more on the reaper's path from 1e to step 2 (POPF)", unit: "cycles",
      frozen: 0,
      steps: PATH.map((value) => ({ value, changes: [["cost.popf", n("cost.popf") + value]] })),
    },
  ];
}

export function specsAt(
  base: Omit<CaseSpec, "seed" | "changes">, seed: bigint, seeds: number, changes: Changes,
): CaseSpec[] {
  return Array.from({ length: seeds }, (_, i) =>
    ({ ...base, seed: seed + BigInt(i), changes: new Map(changes) }));
}

export function pointOf(axis: Axis, value: number, runs: readonly CaseRun[]): Point {
  const sound = runs.filter((run) => !run.broken);
  return {
    axis: axis.id,
    pair: runs[0].spec.pair,
    relation: runs[0].relation,
    value,
    frozen: value === axis.frozen,
    hangs: sound.filter((run) => run.failure).length,
    runs: sound.length,
    rounds: sound.reduce((sum, run) => sum + run.rounds, 0),
    broken: runs.length - sound.length,
  };
}

/** Hangs for each 1,000 rounds: a run ends with its first. */
export function rateOf({ hangs, rounds }: Point): number {
  return rounds ? (1000 * hangs) / rounds : 0;
}

/** The last value without a hang and the first with one, of a pair's points by value. */
export function onsetOf(points: readonly Point[]): { without?: number; with?: number } {
  const first = points.find(({ hangs }) => hangs > 0)?.value;
  const before = points.filter(({ value }) => first === undefined || value < first).at(-1)?.value;
  return { without: before, with: first };
}
