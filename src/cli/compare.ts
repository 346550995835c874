// smpbox compare CASE: the same program on several machines, the buggy and the fixed code, side by
// side.
import type { Command } from "commander";
import { CASES, findCase } from "../cases/index.ts";
import type { Case, CaseRun, CaseSpec } from "../cases/case.ts";
import { requireCpus } from "../cases/runner.ts";
import { InputError, MEMORY_MODELS, type MemoryModel } from "../index.ts";
import type { Preset } from "../machine/preset.ts";
import { brokenRuns, groupRuns, judge, summarize } from "../report/compare.ts";
import { keepRun, presetsOf } from "./case-machines.ts";
import { runWithProgress } from "./case-runs.ts";
import { pairsFor } from "./case-spec.ts";
import { EXIT } from "./exit.ts";
import { printComparison, printComparisonJson, reproduceLine } from "./compare-output.ts";
import type { Act } from "./main.ts";
import { parseChoice, parseCount, parseList, parsePairs, parseSet, parseU64 } from "./options.ts";

export interface CompareOptions {
  machines: string[];
  seeds: number;
  seed: bigint;
  pair?: [number, number] | "all";
  workload?: string;
  variant?: string;
  memory: MemoryModel;
  rounds: number;
  jobs?: number;
  window?: number;
  set?: Map<string, number>;
  json?: boolean;
}

/** So that the whole comparison takes well under a minute on two cores. */
const SEEDS = 3;
const ROUNDS = 4000;

export function compareVerb(program: Command, act: Act): void {
  program
    .command("compare")
    .description("run a case on several machines, side by side")
    .argument("<case>", CASES.map(({ id }) => id).join(", "))
    .option("--machines <a,b>", "presets or JSON files", parseList, ["clovertown", "conroe"])
    .option("--seeds <n>", "seeds for each pair of CPUs", parseCount(1, 100_000), SEEDS)
    .option("--seed <n>", "the first seed; alone: only this one", parseU64)
    .option("--pair <s,r>", "CPUs of submitter and reaper, or all", parsePairs)
    .option("--workload <name>", "one of the case's workloads")
    .option("--variant <name>", "bug, fixed, or an id: k7/a/24 of 001, mb/or of M")
    .option("--memory <model>", MEMORY_MODELS.join(", "), parseChoice(...MEMORY_MODELS), "tso")
    .option("--rounds <n>", "rounds of each run", parseCount(1, 10_000_000), ROUNDS)
    .option("--jobs <n>", "runs at a time", parseCount(1, 64))
    .option("--window <cycles>", "window of the simulation", parseCount(1, 100_000))
    .option("--set <field=value>", "replace a number of every machine (repeatable)", parseSet)
    .option("--json", "print one JSON document")
    .action((id: string, given: CompareOptions, command: Command) =>
      act((signal) => {
        if (findCase(id).expectations.length === 0) {
          const machines = given.machines.map((name) => `smpbox case ${id} --machine ${name}`);
          throw new InputError(`compare: use ${machines.join("; ")}`);
        }
        // One seed, named to reproduce a run, is not the first of many.
        const defaulted = command.getOptionValueSource("seeds") === "default";
        const seeds = given.seed !== undefined && defaulted ? 1 : given.seeds;
        const options = { ...given, seed: given.seed ?? 1n, seeds };
        return compare(id, options, signal);
      }),
    );
}

async function compare(id: string, options: CompareOptions, signal: AbortSignal): Promise<number> {
  const definition = findCase(id);
  const workload = options.workload ?? definition.workload;
  if (!Object.hasOwn(definition.workloads, workload)) {
    const known = Object.keys(definition.workloads).join(", ");
    throw new InputError(`workload ${workload} of case ${id}: use one of ${known}`);
  }
  const machines = presetsOf(options.machines, options.set);
  const specs = machines.flatMap(({ name, preset }) =>
    specsFor(definition, name, preset, { ...options, workload }));
  const runs = await runWithProgress(definition, specs, {
    jobs: options.jobs, signal, failures: "hangs", reproduce: reproduceLine,
  });
  if (!runs) return EXIT.interrupted;
  const groups = groupRuns(runs);
  const first = runs.find((run) => run.failure) ?? runs.find((run) => run.broken);
  const report = {
    definition,
    options: { ...options, workload },
    machines,
    runs,
    summaries: groups.map(summarize),
    judged: judge(definition, groups),
    broken: brokenRuns(runs),
    capsule: first && (await keepRun(definition, first.spec, signal)),
  };
  if (options.json) printComparisonJson(report);
  else printComparison(report);
  if (signal.aborted) {
    process.stderr.write("interrupted while the first hang was kept\n");
    return EXIT.interrupted;
  }
  return exitCode(report.broken, report.judged.every(({ outcome }) => outcome !== "missed"));
}

function specsFor(
  definition: Case,
  machine: string,
  preset: Preset,
  options: CompareOptions & { workload: string },
): CaseSpec[] {
  const specs: CaseSpec[] = [];
  const add = (variant: string, pair: [number, number], seeds: number) => {
    for (let i = 0n; i < BigInt(seeds); i++) {
      specs.push({
        machine,
        variant,
        workload: options.workload,
        pair,
        seed: options.seed + i,
        rounds: options.rounds,
        memory: options.memory,
        windowCycles: options.window,
        changes: options.set,
      });
    }
  };
  requireCpus(definition, preset);
  const pairs = options.pair === undefined
    ? definition.pairs(preset) : pairsFor(definition, preset, options);
  const variant = definition.variantOf(options.variant ?? definition.buggy);
  for (const pair of pairs) add(variant, pair, options.seeds);
  // The fixed code beside it, once for each pair: it is only to show that the fix holds here too.
  if (options.variant === undefined) for (const pair of pairs) add(definition.fixed, pair, 1);
  return specs;
}

function exitCode(broken: readonly CaseRun[], asExpected: boolean): number {
  const exits = new Set(broken.map((run) => run.result.exit));
  if (exits.has("panic") || exits.has("unimplemented")) return EXIT.panic;
  if (exits.has("budget")) return EXIT.budget;
  return asExpected && broken.length === 0 ? EXIT.held : EXIT.failed;
}
