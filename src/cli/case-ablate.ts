// smpbox case ID --ablate: the bug with one thing changed at a time, as a table.
import {
  ABLATION, hangsOf, readingOf, type Row, specsOf, verdictOf, waitOf,
} from "../cases/001-ablation.ts";
import type { Case } from "../cases/case.ts";
import { runAll } from "../cases/runner.ts";
import { InputError } from "../index.ts";
import { wrap } from "../report/text.ts";
import type { MachineOptions } from "./case.ts";
import { pairsFor } from "./case-spec.ts";
import { presetsOf } from "./case-machines.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { Progress } from "./progress.ts";

/** So that the table takes seconds, beside the comparison. */
const SEEDS = 2;
const ROUNDS = 2000;

export async function ablate(
  definition: Case, options: MachineOptions, plain: boolean, signal: AbortSignal,
): Promise<number> {
  if (definition.id !== "001") throw new InputError("--ablate is there for case 001");
  const [{ preset }] = presetsOf([options.machine], options.set);
  const pairs = options.pair === undefined
    ? definition.pairs(preset).slice(1) : pairsFor(definition, preset, options);
  if (pairs.length === 0) throw new InputError(`--ablate: ${preset.name} has CPUs on one L2 only`);
  const given = {
    machine: options.machine,
    seed: options.seed,
    seeds: plain ? SEEDS : options.seeds,
    rounds: options.rounds ?? ROUNDS,
    changes: options.set,
    windowCycles: options.window,
  };
  const progress = new Progress();
  const rows: Row[] = [];
  for (const change of ABLATION) {
    progress.update(() => change.what);
    const specs = specsOf(definition, change, given, pairs);
    const runs = await runAll(definition, specs, { jobs: options.workers, signal });
    if (signal.aborted) return EXIT.interrupted;
    rows.push({ change, runs });
  }
  progress.clear();
  if (options.json) printAblationJson(definition, preset.name, given.rounds, rows);
  else printAblation(definition, preset.name, given.rounds, pairs, rows);
  const broken = rows.some(({ runs }) => runs.some((run) => run.broken));
  return broken ? EXIT.failed : EXIT.held;
}

function printAblation(
  definition: Case, machine: string, rounds: number, pairs: Array<[number, number]>, rows: Row[],
): void {
  const where = pairs.map((pair) => pair.join(",")).join(" and ");
  const title = `case ${definition.id} on ${machine}, CPUs ${where}, one change at a time, ` +
    `${rounds} rounds a run`;
  const lines = rows.map((row) => {
    const { change, runs } = row;
    const hangs = `${hangsOf(runs)}/${runs.length}`;
    const wait = `${waitOf(runs) ?? "-"}`;
    return `${change.what.padEnd(37)} ${hangs.padStart(5)}  ${wait.padStart(8)}  ${readingOf(row)}`;
  });
  const head = `${"change".padEnd(37)} ${"hangs".padStart(5)}  A3 waits  reading`;
  process.stdout.write([wrap(title), "", head, ...lines, "", wrap(verdictOf(rows)), ""].join("\n"));
}

function printAblationJson(
  definition: Case, machine: string, rounds: number, rows: Row[],
): void {
  printJson({
    schema: "smpbox-ablation-1",
    case: definition.id,
    machine,
    rounds,
    changes: rows.map((row) => ({
      what: row.change.what,
      failures: hangsOf(row.runs),
      runs: row.runs.length,
      residenceMedian: waitOf(row.runs),
      visited: row.runs.reduce((sum, run) => sum + (run.visited ?? 0), 0),
      reading: readingOf(row),
    })),
    verdict: verdictOf(rows),
  });
}
