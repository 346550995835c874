// What smpbox case prints: the rate with its interval, the first failure explained, the line that
// reproduces it; or one JSON document.
import { type Case, type CaseRun, type CaseSpec, onAllCpus } from "../cases/case.ts";
import { limitText } from "../cases/rounds.ts";
import { sumCounts, wilson } from "../cases/numbers.ts";
import type { Preset } from "../machine/preset.ts";
import { causeText } from "../report/cause.ts";
import { groupRuns, legendOf, summarize, tableOf, upperBound } from "../report/compare.ts";
import { explainLostWakeup } from "../report/lost-wakeup.ts";
import { beside, foldCommand, wrap } from "../report/text.ts";
import { type CaseReport, caseReportDocument, caseReportLines } from "./case-report.ts";
import { openCase, OPENS, reproduceCase } from "./case-spec.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { shellLine } from "./options.ts";

export function printList(cases: readonly Case[], json?: boolean): number {
  if (json) {
    const list = cases.map(({ id, title, buggy, fixed, workloads, rows }) => ({
      id, title, buggy, fixed, workloads, rows: rows.map((row) => ({ id: row.id, what: row.what })),
    }));
    printJson({ schema: "smpbox-cases-1", cases: list });
    return EXIT.held;
  }
  for (const { id, title, workloads } of cases) {
    const lines = Object.entries(workloads)
      .map(([name, what]) => beside(`    ${name.padEnd(8)} `, what));
    process.stdout.write([beside(id.padEnd(5), title), ...lines, ""].join("\n"));
  }
  return EXIT.held;
}

export function printCase(
  definition: Case, preset: Preset, spec: CaseSpec, runs: readonly CaseRun[], capsule?: string,
  json?: boolean, made?: CaseReport,
): void {
  const broken = runs.filter((run) => run.broken);
  const failed = runs.filter((run) => run.failure || (run.scan?.hangs ?? 0) > 0);
  const sound = runs.length - broken.length;
  const interval = wilson(failed.length, sound);
  const first = runs.find((run) => run.failure);
  if (json) {
    printJson({
      schema: "smpbox-case-1",
      case: definition.id,
      variant: spec.variant,
      workload: spec.workload,
      machine: preset.name,
      memory: spec.memory,
      seed: spec.seed,
      rounds: spec.rounds,
      failures: failed.length,
      runs: sound,
      rate: sound > 0 ? failed.length / sound : null,
      ci95: interval,
      broken: broken.map((run) => ({ ...idOf(run.spec), why: run.broken })),
      counts: sumCounts(runs),
      visited: runs.reduce((sum, run) => sum + (run.visited ?? 0), 0),
      cycles: runs.reduce((sum, run) => sum + run.result.cycles, 0n),
      instructions: runs.reduce((sum, run) => sum + run.result.instructions, 0n),
      groups: groupRuns(runs).map(summarize),
      first: first && {
        ...idOf(first.spec),
        invariant: first.failure!.invariant,
        what: first.failure!.what,
        cause: first.failure!.cause,
        causeText: causeText(definition, first.spec, first.failure!),
        cycles: first.result.cycles,
        stateHash: first.result.stateHash,
        report: explainLostWakeup(first),
        details: made && caseReportDocument(made),
        reproduce: reproduceCase(definition, first.spec),
        open: openCase(definition, first.spec),
        capsule,
      },
    });
    return;
  }
  const out = [wrap(`case ${definition.id}: ${definition.title}`)];
  out.push(wrap(`${spec.workload}: ${definition.workloads[spec.workload]}`));
  out.push(wrap(`${spec.variant}: ${definition.describeVariant(spec.variant)}`));
  if (spec.memory === "tso-adv") out.push("memory tso-adv: adversarial drains, not the machine's");
  const limit = limitText(definition, spec.workload, spec.rounds);
  if (limit !== undefined) out.push(wrap(`--rounds ${spec.rounds}: ${limit}`));
  const summaries = groupRuns(runs).map(summarize);
  out.push("", tableOf(summaries), "", legendOf(summaries), "");
  const percent = (value: number) => `${(value * 100).toFixed(1)} %`;
  const [low, high] = interval.map(percent);
  if (sound > 0) {
    out.push(
      `${failed.length} of ${sound} runs fail: ${percent(failed.length / sound)}, ` +
        `95 % interval ${low} to ${high}`,
    );
  }
  if (failed.length === 0 && sound > 0) out.push(...nothingFound(runs, definition.visits));
  out.push(...countsOf(runs));
  for (const run of broken) {
    out.push(wrap(`BROKEN: ${run.spec.pair.join(",")} seed ${run.spec.seed}: ${run.broken}`));
    out.push(foldCommand(`  reproduce: ${reproduceCase(definition, run.spec)}`));
  }
  if (first) {
    const { pair, seed, workload } = first.spec;
    const where = onAllCpus(definition, workload) ? ""
      : `CPUs ${pair.join(",")} (${first.relation}), `;
    const { invariant } = first.failure!;
    const decision = definition.decision?.(first.failure!, first.spec);
    const cycle = decision?.time ?? first.result.cycles;
    out.push("", `First failure: ${where}seed ${seed}: ${invariant} is broken at cycle ${cycle}.`);
    out.push(explainLostWakeup(first), wrap(causeText(definition, first.spec, first.failure!)));
    if (made) out.push("", ...caseReportLines(made), "");
    out.push(foldCommand(`reproduce: ${reproduceCase(definition, first.spec)}`));
    out.push(foldCommand(`${OPENS}${openCase(definition, first.spec)}`));
  }
  // A file's name cannot be cut.
  if (capsule) out.push(`reproduce: ${shellLine(["smpbox", "replay", capsule])}`);
  process.stdout.write(`${out.join("\n")}\n`);
}

const idOf = ({ pair, seed }: CaseSpec) => ({ pair, seed });

/** What the case counts, over all runs. */
function countsOf(runs: readonly CaseRun[]): string[] {
  const sums = Object.entries(sumCounts(runs)).filter(([, count]) => count > 0);
  return sums.length ? [wrap(sums.map(([what, count]) => `${what}: ${count}`).join("; "))] : [];
}

/** How much that is worth. */
function nothingFound(
  runs: readonly CaseRun[], visits = "had both sides in the window",
): string[] {
  const rounds = runs.reduce((sum, run) => sum + run.rounds, 0);
  const visited = runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
  const bound = `no failure in ${rounds} rounds (95 % bound ${upperBound(rounds)} a round)`;
  const near = visited > 0
    ? `${visited} of them ${visits}`
    : `but none of them ${visits}: this says nothing about the code`;
  return [wrap(`${bound}; ${near}`)];
}
