// Case 001 against the numbers of the machine, and against how many contested lines A3 waits for:
// how often it hangs as one of them changes, for each relation of two CPUs. What the model predicts
// is where a pair begins to hang, not how often a program does.
import { InputError, numberOf, type Preset } from "../machine/preset.ts";
import { relationOf } from "../machine/topology.ts";
import { nameOf, parseVariant } from "./001-variants.ts";
import type { CaseRun, CaseSpec } from "./case.ts";

type Changes = Array<[string, number]>;

/** One number that changes, for one pair of CPUs. */
export interface Axis {
  id: "ownership" | "retire" | "contested" | "rfoPrefetch" | "popf";
  what: string;
  /** The fields of the machine that change; or the variants. */
  field: string;
  unit: string;
  /** What the machine has, or the variant that is looked at. */
  frozen: number;
  /** What the values are, and what they leave out. */
  note?: string;
  steps: Step[];
}

interface Step {
  value: number;
  changes: Changes;
  /** In place of the one that is looked at. */
  variant?: string;
}

/** The rounds of some runs that differ in their seed, with one number changed. */
export interface Point {
  axis: Axis["id"];
  pair: [number, number];
  relation: CaseRun["relation"];
  variant: string;
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
/** Cycles more or less: POPF is on the reaper's way from 1e to step 2, and nowhere on A3's. */
const POPF = [-15, 0, 15, 30, 45, 60, 80];
/** With 0 A3 and the stores before it wait for three lines in turn; with 2 for all at once. */
const PREFETCH = [0, 1, 2];

/** Completers by the contested lines whose ownership A3 waits for, one after the other. */
const CONTESTED: Array<[lines: number, completer: string]> = [[1, "k6"], [2, "k4"], [3, "k0"]];
const CONTESTED_NOTE =
  "k0: those of the event, of ring_info.tail and of ring.tail. k4, with smp_mb() before A2, has " +
  "the event's before A3; k6, with A2 by exchange, both others. wait and ctx_lock share a line " +
  "in all of them: no kernel here has them apart, so that line is not varied.";

/** Only of a completer without a fence: those of the other values have one more than it. */
function contestedOf(name: string): Axis[] {
  const variant = parseVariant(name);
  if (variant.completer !== "k0") return [];
  const steps = CONTESTED.map(([value, completer]): Step =>
    ({ value, changes: [], variant: nameOf({ ...variant, completer }) }));
  return [{
    id: "contested", what: "contested lines that A3 waits for in turn", unit: "lines",
    field: `variants ${steps.map((step) => step.variant).join(" ")}`, frozen: 3,
    note: CONTESTED_NOTE, steps,
  }];
}

/** `variant` is the code that is looked at. */
export function axesOf(preset: Preset, pair: readonly [number, number], variant: string): Axis[] {
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
  const one = (
    id: Axis["id"], what: string, unit: string, field: string, list: readonly number[],
  ): Axis => ({
    id, what, unit, field, frozen: n(field),
    steps: values(list, n(field)).map((value) => ({ value, changes: [[field, value]] })),
  });
  return [
    {
      id: "ownership", what: "latency of ownership", unit: "cycles", frozen: own,
      field: "latency.*Own, and *Upgrade and *Load in proportion",
      steps: values(OWNERSHIP, own).map((value) => ({ value, changes: scaled(value) })),
    },
    one("retire", "retire delay", "cycles", "core.retireDelay", RETIRE),
    ...contestedOf(variant),
    one("rfoPrefetch", "stores behind the oldest that ask for ownership early", "stores",
      "core.rfoPrefetch", PREFETCH),
    one("popf", "cost of POPF, which the reaper executes between 1e and step 2", "cycles",
      "cost.popf", POPF.map((more) => n("cost.popf") + more).filter((cycles) => cycles >= 0)),
  ];
}

/** `changed` is what the user changed; a step's own changes come last. */
export function specsAt(
  base: Omit<CaseSpec, "seed" | "changes">, seed: bigint, seeds: number,
  { changes, variant = base.variant }: Step, changed: Iterable<[string, number]> = [],
): CaseSpec[] {
  return Array.from({ length: seeds }, (_, i) =>
    ({ ...base, variant, seed: seed + BigInt(i), changes: new Map([...changed, ...changes]) }));
}

export function pointOf(axis: Axis, value: number, runs: readonly CaseRun[]): Point {
  const sound = runs.filter((run) => !run.broken);
  return {
    axis: axis.id,
    pair: runs[0].spec.pair,
    relation: runs[0].relation,
    variant: runs[0].spec.variant,
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
