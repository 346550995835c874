// Runs rows and compares what comes out with what was expected.
import { loadPreset } from "../engine/host.ts";
import { numberOf } from "../machine/preset.ts";
import type { Case, CaseRun, CaseSpec, Row, Setup } from "./case.ts";
import { runAll } from "./runner.ts";

/** "known": not as expected, "open": not where it could fail; both are explained. */
export type Outcome = "holds" | "missed" | "open" | "known" | "not reached";

export interface SetupResult {
  row: string;
  what: string;
  pairs: Array<[number, number]>;
  runs: number;
  rounds: number;
  expected: string;
  measured: string;
  outcome: Outcome;
  /** Why it is "known" or "open". */
  why?: string;
  /** Seeds and pairs of the first run that speaks against it. */
  against?: CaseSpec;
}

export interface RowsOptions {
  size: "short" | "full";
  jobs?: number;
  signal?: AbortSignal;
  /** Starts no setup after this. */
  deadline?: number;
  onResult?: (result: SetupResult) => void;
}

/** The runs of a setup. */
export async function specsOf(setup: Setup): Promise<CaseSpec[]> {
  const { machine, workload, rounds } = setup;
  const changes = await changesOf(setup);
  const { inflights = [undefined], memories = [setup.memory], hosts = [changes] } = setup;
  const { variants = [setup.variant] } = setup;
  const seeds = Array.from({ length: setup.seeds }, (_, i) => BigInt(i + 1));
  const shapes = variants.flatMap((variant) => hosts.flatMap((host) =>
    memories.flatMap((memory) =>
      inflights.map((inflight) => ({ variant, changes: host, memory, inflight })))));
  return setup.pairs.flatMap((pair) => shapes.flatMap((shape) => seeds.map((seed): CaseSpec => ({
    machine, workload, rounds, pair, seed, ...shape,
  }))));
}

async function changesOf({ machine, changes, factors }: Setup): Promise<Setup["changes"]> {
  if (!factors) return changes;
  const preset = await loadPreset(machine);
  const scaled = [...factors].map(([field, factor]): [string, number] =>
    [field, Math.round(numberOf(preset, field) * factor)]);
  return new Map([...(changes ?? []), ...scaled]);
}

/** All setups of the rows, in their order. A missed one ends them: the rest is not reached. */
export async function runSetups(
  rows: ReadonlyArray<{ definition: Case; row: Row }>,
  options: RowsOptions,
): Promise<SetupResult[]> {
  const results: SetupResult[] = [];
  let stopped = false;
  for (const { definition, row } of rows) {
    for (const setup of row.setups(options.size)) {
      const late = options.deadline !== undefined && performance.now() > options.deadline;
      stopped ||= late || options.signal?.aborted === true;
      const result = await runSetup(definition, row, setup, stopped, options);
      stopped ||= result.outcome === "missed";
      results.push(result);
      options.onResult?.(result);
    }
  }
  return results;
}

async function runSetup(
  definition: Case, row: Row, setup: Setup, stopped: boolean, options: RowsOptions,
): Promise<SetupResult> {
  const result = (measured: string, outcome: Outcome, runs: readonly CaseRun[] = []) => ({
    row: row.id,
    what: setup.what,
    pairs: setup.pairs,
    runs: runs.length,
    rounds: runs.reduce((sum, run) => sum + run.rounds, 0),
    expected: setup.expected,
    measured,
    outcome,
    against: outcome === "missed" ? (runs.find((run) => run.broken ?? run.failure) ?? runs[0])?.spec
      : undefined,
  });
  if (stopped) return result("-", "not reached");
  const runs = await runAll(definition, await specsOf(setup), options);
  if (options.signal?.aborted) return result("interrupted", "not reached", runs);
  const { measured, outcome } = setup.judge(runs);
  const differs = outcome === "missed" && !runs.some((run) => run.broken);
  const asKnown = setup.known !== undefined && differs && (setup.bound?.(runs) ?? true);
  if (asKnown) return { ...result(measured, "known", runs), why: setup.known };
  if (outcome !== "open") return result(measured, outcome, runs);
  if (setup.mayBeOpen !== undefined) {
    return { ...result(measured, "open", runs), why: setup.mayBeOpen };
  }
  return result(`${measured}: nothing is shown`, "missed", runs);
}
