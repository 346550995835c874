// The comparison of a case on several machines: groups of runs as a table, and what was expected of
// them.
import type { Case, CaseRun, CaseSpec, Expectation } from "../cases/case.ts";
import { median } from "../cases/numbers.ts";
import type { MemoryModel } from "../machine/topology.ts";

/** Runs that differ only in their seed. */
export interface Group {
  spec: CaseSpec;
  relation: CaseRun["relation"];
  runs: CaseRun[];
}

/** An expectation that no sound run speaks for or against is not evaluated. */
export type Outcome = "holds" | "missed" | "not evaluated";

export interface Judged {
  expectation: Expectation;
  group: Group;
  failures: number;
  outcome: Outcome;
}

export function groupRuns(runs: readonly CaseRun[]): Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const { machine, variant, workload, memory, pair } = run.spec;
    const key = [machine, variant, workload, memory, ...pair].join(" ");
    const group = groups.get(key);
    if (group) group.runs.push(run);
    else groups.set(key, { spec: run.spec, relation: run.relation, runs: [run] });
  }
  return [...groups.values()];
}

export function failuresOf(group: Group): number {
  // A scan mends each hang itself and goes on.
  return group.runs.filter((run) => run.failure || (run.scan?.hangs ?? 0) > 0).length;
}

/** Runs that ended neither well nor with a violation: nothing can be said about them. */
export function brokenRuns(runs: readonly CaseRun[]): CaseRun[] {
  return runs.filter((run) => run.broken !== undefined);
}

export function judge(definition: Case, groups: readonly Group[]): Judged[] {
  return groups.flatMap((group) =>
    definition.expectations
      .filter((expectation) => expectation.applies(group.spec, group.relation))
      .map((expectation) => {
        const failures = failuresOf(group);
        return { expectation, group, failures, outcome: outcomeOf(expectation, group, failures) };
      }),
  );
}

/**
 * Broken runs count for neither side: with them an expectation may be missed, but does not hold.
 * Runs that are too short may meet an expectation, but do not miss it.
 */
function outcomeOf(expectation: Expectation, group: Group, failures: number): Outcome {
  const broken = brokenRuns(group.runs).length;
  const sound = group.runs.length - broken;
  if (sound === 0) return "not evaluated";
  if (expectation.holds(failures, sound)) return broken === 0 ? "holds" : "not evaluated";
  const { roundsMin } = expectation;
  return roundsMin === undefined || group.spec.rounds >= roundsMin ? "missed" : "not evaluated";
}

export interface Summary {
  machine: string;
  variant: string;
  workload: string;
  memory: MemoryModel;
  pair: [number, number];
  relation: CaseRun["relation"];
  failures: number;
  runs: number;
  /** Of `runs`, those that say nothing. */
  broken: number;
  rounds: number;
  /** Median over the runs that failed. */
  firstFailureRound?: number;
  residenceMedian?: number;
  emptyShare?: number;
  /** Of phase scans: cycles of phase that hang, on average. */
  scanWidth?: number;
  /** The smallest of all runs. */
  slack?: number;
}

export function summarize(group: Group): Summary {
  const { machine, variant, workload, memory, pair } = group.spec;
  const failed = group.runs.filter((run) => run.failure);
  const total = (pick: (run: CaseRun) => bigint | undefined) =>
    group.runs.reduce((sum, run) => sum + Number(pick(run) ?? 0n), 0);
  const completions = total((run) => run.counters?.completions);
  return {
    machine,
    variant,
    workload,
    memory,
    pair,
    relation: group.relation,
    failures: failed.length,
    runs: group.runs.length,
    broken: brokenRuns(group.runs).length,
    rounds: group.runs.reduce((sum, run) => sum + run.rounds, 0),
    firstFailureRound: median(failed.map((run) => run.rounds)),
    residenceMedian: median(group.runs.flatMap((run) => run.residence)),
    scanWidth: mean(group.runs.flatMap((run) => (run.scan ? [run.scan.width] : []))),
    slack: smallest(group.runs.map((run) => run.slack)),
    emptyShare: completions ? total((run) => run.counters?.bEmpty) / completions : undefined,
  };
}

function smallest(values: ReadonlyArray<number | undefined>): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length ? Math.min(...known) : undefined;
}

function mean(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const COLUMNS: Array<[string, (summary: Summary) => string]> = [
  ["machine", (s) => s.machine],
  ["CPUs", (s) => s.pair.join(",")],
  ["relation", (s) => s.relation],
  ["code", (s) => `${s.variant}${s.memory === "tso" ? "" : ` ${s.memory}`}`],
  ["hangs", (s) => `${s.failures}/${s.runs - s.broken}`],
  ["round", (s) => `${s.firstFailureRound ?? "-"}`],
  ["rounds", (s) => `${s.rounds}`],
  ["A3 waits", (s) => `${s.residenceMedian ?? "-"}`],
  ["B empty", (s) => (s.emptyShare === undefined ? "-" : `${(s.emptyShare * 100).toFixed(0)} %`)],
];
const RIGHT = new Set(["hangs", "round", "rounds", "A3 waits", "B empty"]);

/** Of the store to ring.tail, which only case 001 looks at. */
const OF_TAIL = new Set(["A3 waits", "B empty"]);
const hasTail = (summaries: readonly Summary[]) =>
  summaries.some(({ emptyShare }) => emptyShare !== undefined);

export function tableOf(summaries: readonly Summary[]): string {
  const columns = hasTail(summaries) ? COLUMNS : COLUMNS.filter(([title]) => !OF_TAIL.has(title));
  const cells = summaries.map((summary) => columns.map(([, value]) => value(summary)));
  const titles = columns.map(([title]) => title);
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...cells.map((row) => row[i].length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (RIGHT.has(titles[i]) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  return [line(titles), ...cells.map(line)].join("\n");
}

export function legendOf(summaries: readonly Summary[]): string {
  const round = "round: round of the hang (median); rounds: rounds run in all";
  if (!hasTail(summaries)) return `hangs: sound runs that hang or fail\n${round}`;
  return [
    "hangs: sound runs in which the reaper sleeps for ever, its event in the ring",
    round,
    "A3 waits: cycles that the store to ring.tail sits in the store buffer (median)",
    "B empty: share of the completions that found nobody waiting",
  ].join("\n");
}

/** Upper 95 % bound of the rate per round when `rounds` rounds showed none. */
export function upperBound(rounds: number): string {
  return rounds > 0 ? (1 - 0.05 ** (1 / rounds)).toExponential(1) : "1";
}
