// What smpbox compare prints: drawings, table, explanation of the first hang, verdict; or one JSON
// document.
import { type Case, type CaseRun, type CaseSpec, onAllCpus, type Scan } from "../cases/case.ts";
import type { Preset } from "../machine/preset.ts";
import {
  type Judged, legendOf, type Summary, tableOf, upperBound,
} from "../report/compare.ts";
import { explainLostWakeup } from "../report/lost-wakeup.ts";
import { memoryNote } from "../report/memory-model.ts";
import { wrap } from "../report/text.ts";
import { drawMachine } from "../report/topology.ts";
import type { CompareOptions } from "./compare.ts";
import { printJson } from "./json.ts";
import { shellLine } from "./options.ts";

export interface Comparison {
  definition: Case;
  options: CompareOptions & { workload: string };
  machines: Array<{ name: string; preset: Preset }>;
  runs: CaseRun[];
  summaries: Summary[];
  judged: Judged[];
  broken: CaseRun[];
  /** File with the first run that hangs, or else the first that is broken. */
  capsule?: string;
}

/** Of a run that ended in neither way: its last words. */
const CONSOLE_LINES = 4;

export function printComparison(report: Comparison): void {
  const { definition, options, machines, summaries } = report;
  const out: string[] = [wrap(`case ${definition.id}: ${definition.title}`)];
  out.push(wrap(`${options.workload}: ${definition.workloads[options.workload]}`));
  const note = memoryNote(options.memory);
  if (note) out.push(`memory ${options.memory}: ${note}`);
  for (const variant of new Set(summaries.map((summary) => summary.variant))) {
    out.push(wrap(`${variant}: ${definition.describeVariant(variant)}`));
  }
  for (const { preset } of machines) {
    out.push("", wrap(`${preset.name}: ${preset.description}`), drawMachine(preset));
  }
  out.push("", tableOf(summaries), "", legendOf(summaries));
  for (const { spec, scan, slack } of report.runs) {
    if (scan) out.push(scanLine(spec, scan, slack));
  }
  const first = report.runs.find((run) => run.failure);
  if (first) {
    const { machine, pair, seed } = first.spec;
    const where = `${machine}, CPUs ${pair.join(",")} (${first.relation})`;
    out.push("", wrap(`First hang: ${where}, seed ${seed}${note ? `, ${note}` : ""}.`));
    out.push(explainLostWakeup(first), `reproduce: ${reproduceLine(definition, first.spec)}`);
  }
  if (report.capsule) out.push(`reproduce: ${shellLine(["smpbox", "replay", report.capsule])}`);
  out.push("", ...verdict(report));
  process.stdout.write(`${out.join("\n")}\n`);
}

export function printComparisonJson(report: Comparison): void {
  const { definition, options } = report;
  printJson({
    schema: "smpbox-compare-1",
    case: definition.id,
    workload: options.workload,
    memory: options.memory,
    memoryNote: memoryNote(options.memory),
    rounds: options.rounds,
    seed: options.seed,
    seeds: options.seeds,
    machine: options.machines,
    cycles: report.runs.reduce((sum, run) => sum + run.result.cycles, 0n),
    instructions: report.runs.reduce((sum, run) => sum + run.result.instructions, 0n),
    // The runs' hashes folded into one, in the order of the runs.
    stateHash: report.runs.reduce(
      (hash, run) => BigInt.asUintN(64, (hash * 0x100000001b3n) ^ run.result.stateHash),
      0n,
    ),
    capsule: report.capsule,
    groups: report.summaries,
    expectations: report.judged.map(({ expectation, group, failures, outcome }) => ({
      id: expectation.id,
      what: expectation.what,
      machine: group.spec.machine,
      variant: group.spec.variant,
      pair: group.spec.pair,
      failures,
      runs: group.runs.length,
      outcome,
      holds: outcome === "not evaluated" ? null : outcome === "holds",
    })),
    runs: report.runs.map((run) => ({
      machine: run.spec.machine,
      variant: run.spec.variant,
      pair: run.spec.pair,
      relation: run.relation,
      seed: run.spec.seed,
      exit: run.result.exit,
      reason: run.result.reason,
      broken: run.broken,
      failure: run.failure && { invariant: run.failure.invariant, what: run.failure.what },
      report: run.failure && explainLostWakeup(run),
      rounds: run.rounds,
      scan: run.scan,
      slack: run.slack,
      counters: run.counters,
      cycles: run.result.cycles,
      instructions: run.result.instructions,
      stateHash: run.result.stateHash,
      hostSeconds: run.result.hostSeconds,
      reproduce: (run.failure || run.broken) && reproduceLine(definition, run.spec),
    })),
  });
}

function scanLine({ machine, pair, variant, seed }: CaseSpec, scan: Scan, slack?: number) {
  const where = `${machine} ${pair.join(",")} ${variant} seed ${seed}`;
  const ranges = scan.ranges.map(({ from, to }) => `${from} to ${to}`).join(", ") || "none";
  const scanned = `${scan.low} to ${scan.high} in steps of ${scan.step}`;
  return wrap(
    `${where}: hanging phases ${ranges} of ${scanned}; ` +
      `${scan.width} cycles wide, ${scan.hangs} of ${scan.rounds} rounds, ` +
      `smallest slack ${slack ?? "not seen"}`,
  );
}

export function reproduceLine(definition: Case, spec: CaseSpec): string {
  const words = ["smpbox", "compare", definition.id, "--machines", spec.machine];
  if (!onAllCpus(definition, spec.workload)) words.push("--pair", spec.pair.join(","));
  words.push("--seed", `${spec.seed}`, "--variant", spec.variant);
  if (spec.workload !== definition.workload) words.push("--workload", spec.workload);
  if (spec.memory !== "tso") words.push("--memory", spec.memory);
  words.push("--rounds", `${spec.rounds}`);
  if (spec.windowCycles !== undefined) words.push("--window", `${spec.windowCycles}`);
  for (const [field, value] of spec.changes ?? []) words.push("--set", `${field}=${value}`);
  return shellLine(words);
}

function verdict({ definition, summaries, judged, broken }: Comparison): string[] {
  const note = memoryNote(summaries[0]?.memory ?? "tso");
  const lines = summaries.map(conclusion).map((line) => (note ? wrap(`${line}; ${note}`) : line));
  for (const { expectation, group, failures, outcome } of judged) {
    if (outcome === "holds") continue;
    const { machine, pair, variant, rounds } = group.spec;
    const { id, what, roundsMin = 0 } = expectation;
    const where = `${machine} ${pair.join(",")} ${variant}`;
    const found = `${failures} of ${group.runs.length} runs hang`;
    const short = rounds < roundsMin ? `, and they are shorter than ${roundsMin} rounds` : "";
    const verdict = outcome === "missed" ? "NOT AS EXPECTED" : "NOT EVALUATED";
    lines.push(wrap(`${verdict} (${id}): ${what}; ${where}: ${found}${short}`));
  }
  for (const run of broken) {
    const { machine, pair, variant, seed } = run.spec;
    lines.push(`BROKEN: ${machine} ${pair.join(",")} ${variant} seed ${seed}: ${run.broken}`);
    if (run.result.reason) lines.push(`  ${run.result.reason}`);
    const words = run.console.trim().split("\n").slice(-CONSOLE_LINES);
    for (const line of [...words, ...run.places]) if (line) lines.push(`  ${line}`);
    lines.push(`  reproduce: ${reproduceLine(definition, run.spec)}`);
  }
  const held = judged.filter(({ outcome }) => outcome === "holds").length;
  lines.push(`${held} of ${judged.length} expectations hold.`);
  return lines;
}

/** One line about the runs of one group. */
function conclusion(summary: Summary): string {
  const { machine, pair, relation, variant, failures, runs, broken, rounds, scanWidth } = summary;
  const where = `${machine} ${pair.join(",")} (${relation}) ${variant}`;
  if (broken > 0) return `${where}: ${broken} of ${runs} runs are broken`;
  // In a scan a round that hangs is repaired, noted, and the run goes on.
  if (scanWidth) return `${where}: hangs in phases ${scanWidth} cycles wide`;
  if (failures > 0) return `${where}: hangs in ${failures} of ${runs} runs`;
  return `${where}: no hang in ${rounds} rounds (95 % bound ${upperBound(rounds)})`;
}
