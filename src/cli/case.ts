// smpbox case [ID]: one case, many seeds: how often it fails, and why. Also its acceptance test
// (--rows) and what it depends on (--ablate).
import type { Command } from "commander";
import { CASES, findCase } from "../cases/index.ts";
import type { Case, CaseRun, CaseSpec } from "../cases/case.ts";
import { MEMORY_MODELS, type MemoryModel } from "../index.ts";
import type { Preset } from "../machine/preset.ts";
import { type JUnitCase, junitText } from "../report/junit.ts";
import { ablate } from "./case-ablate.ts";
import { keepRun, presetsOf } from "./case-machines.ts";
import { modeOf } from "./case-modes.ts";
import { checkReportName, makeReport, writeReport } from "./case-report.ts";
import { printCase, printList } from "./case-output.ts";
import { runRows } from "./case-rows.ts";
import { runWithProgress } from "./case-runs.ts";
import { addRunOptions, pairsFor, reproduceCase, type RunOptions, shapeOf } from "./case-spec.ts";
import { sweep } from "./case-sweep.ts";
import { addDiskWords, type DiskOptions } from "./disk-options.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";
import { parseChoice, parseCount, parsePairs, parseSet, parseU64 } from "./options.ts";
import { checkWritable, writeOutput } from "./output-file.ts";

export interface CaseOptions extends RunOptions, Omit<DiskOptions, "disks"> {
  machine?: string;
  memory: MemoryModel;
  pair?: [number, number] | "all";
  seeds: number;
  seed: bigint;
  workers?: number;
  set?: Map<string, number>;
  rows?: string;
  short?: boolean;
  budget?: number;
  ablate?: boolean;
  sweep?: boolean;
  svg?: string;
  expect: "hold" | "fail";
  report?: string;
  junit?: string;
  json?: boolean;
}

/** With a machine to run on. */
export type MachineOptions = CaseOptions & { machine: string };

const SEEDS = 20;

export function caseVerb(program: Command, act: Act): void {
  addDiskWords(addRunOptions(program.command("case")))
    .description("run a case with many seeds; without an id: list the cases")
    .argument("[id]", CASES.map(({ id }) => id).join(", "))
    .option("--machine <name>", "preset or JSON file (default: the case's)")
    .option("--memory <model>", MEMORY_MODELS.join(", "), parseChoice(...MEMORY_MODELS), "tso")
    .option("--pair <s,r>", "CPUs of submitter and reaper, or all", parsePairs)
    .option("--seeds <n>", "seeds for each pair of CPUs", parseCount(1, 100_000), SEEDS)
    .option("--seed <n>", "the first seed; alone: only this one", parseU64)
    .option("--workers <n>", "runs at a time", parseCount(1, 64))
    .option("--set <field=value>", "replace a number of the machine (repeatable)", parseSet)
    .option("--rows <pattern>", "the expectations with these ids, such as 'E001.*'")
    .option("--short", "with --rows: a few runs of each")
    .option("--budget <minutes>", "with --rows: start none after this time", parseCount(1, 100_000))
    .option("--ablate", "change one thing at a time")
    .option("--sweep", "how often it hangs against the machine's numbers")
    .option("--svg <file>", "with --sweep: a chart")
    .option("--expect <what>", "fail: exit 0 if it fails", parseChoice("hold", "fail"), "hold")
    .option("--report <file>", "the report on the first failure: FILE.html, .json or .txt")
    .option("--junit <file>", "write JUnit XML, too: a case for each run, or row and setup")
    .option("--json", "print one JSON document")
    .action((id: string | undefined, given: CaseOptions, command: Command) =>
      act((signal) => {
        const defaulted = command.getOptionValueSource("seeds") === "default";
        const seeds = given.seed !== undefined && defaulted ? 1 : given.seeds;
        const options = { ...given, seed: given.seed ?? 1n, seeds };
        const plain = defaulted && given.rounds === undefined;
        const mode = modeOf(id, given, command);
        if (options.junit !== undefined) checkWritable("--junit", options.junit);
        if (options.report !== undefined) {
          checkReportName(options.report);
          checkWritable("--report", options.report);
        }
        if (options.svg !== undefined) checkWritable("--svg", options.svg);
        if (mode === "rows") return runRows(id, options, signal);
        if (id === undefined) return printList(CASES, options.json);
        const definition = findCase(id);
        const whole = { ...options, machine: options.machine ?? definition.machine };
        if (mode === "ablate") return ablate(definition, whole, plain, signal);
        if (mode === "sweep") return sweep(definition, whole, plain, signal);
        return runCase(definition, whole, signal);
      }),
    );
}

async function runCase(
  definition: Case, options: MachineOptions, signal: AbortSignal,
): Promise<number> {
  const [{ preset }] = presetsOf([options.machine], options.set);
  const specs = specsFor(definition, preset, options);
  const runs = await runWithProgress(definition, specs, {
    jobs: options.workers, signal, failures: "failures", reproduce: reproduceCase,
  });
  if (!runs) return EXIT.interrupted;
  const first = runs.find((run) => run.failure) ?? runs.find((run) => run.broken);
  const capsule = first && (await keepRun(definition, first.spec, signal));
  const made = first?.failure &&
    (await makeReport(definition, first, signal));
  printCase(definition, preset, specs[0], runs, capsule, options.json, made);
  if (signal.aborted) {
    process.stderr.write("interrupted while the report was made\n");
    return EXIT.interrupted;
  }
  if (options.report !== undefined) {
    if (made) writeReport(options.report, made);
    else process.stderr.write(`--report: ${first?.failure ? `case ${definition.id} has no report`
      : "no run failed"}, so ${options.report} is not written\n`);
  }
  if (options.junit !== undefined) {
    const cases = runs.map((run) => junitOf(run, options.expect));
    writeOutput("--junit", options.junit, junitText(`smpbox case ${definition.id}`, cases));
  }
  return exitCode(runs, options.expect);
}

/** With `--expect fail` a run that fails is what was wanted, and one that holds is no evidence. */
function junitOf({ spec, failure, broken, rounds }: CaseRun, expect: "hold" | "fail"): JUnitCase {
  const { machine, variant, workload, pair, seed } = spec;
  const own = { group: `${machine} ${variant} ${workload}`, name: `CPUs ${pair} seed ${seed}` };
  if (broken) return { ...own, outcome: "broken", message: broken };
  if (!failure || expect === "fail") return { ...own, outcome: "held" };
  return { ...own, outcome: "failed", message: `fails after ${rounds} rounds` };
}

function specsFor(definition: Case, preset: Preset, options: MachineOptions): CaseSpec[] {
  const shape = shapeOf(definition, options);
  return pairsFor(definition, preset, options).flatMap((pair) =>
    Array.from({ length: options.seeds }, (_, i): CaseSpec => (
      { ...shape, pair, seed: options.seed + BigInt(i) })));
}

/** What broken runs say comes first: nothing can be concluded from them. */
export function exitCode(runs: readonly CaseRun[], expect: "hold" | "fail"): number {
  const broken = new Set(runs.filter((run) => run.broken).map((run) => run.result.exit));
  if (broken.has("panic") || broken.has("unimplemented")) return EXIT.panic;
  if (broken.has("budget")) return EXIT.budget;
  if (broken.size > 0) return EXIT.failed;
  const failed = runs.some((run) => run.failure || (run.scan?.hangs ?? 0) > 0);
  return failed === (expect === "fail") ? EXIT.held : EXIT.failed;
}
