// smpbox litmus PATH...: .litmus files through one engine or several.
import type { Command } from "commander";
import { ExploreEngine } from "../engine/explore.ts";
import { HostEngine } from "../engine/litmus/host.ts";
import { NativeEngine } from "../engine/litmus/native.ts";
import type { Engine } from "../engine/program.ts";
import { TimingEngine } from "../engine/litmus/timing.ts";
import { InputError } from "../index.ts";
import { engineName, sideBySide, type Violation, violationsOf } from "../litmus/compare.ts";
import { CycleError } from "../litmus/cycle.ts";
import { witnessTable } from "../litmus/explain.ts";
import { generate } from "../litmus/generate.ts";
import { judge, jsonOf, logOf, type Result } from "../litmus/print.ts";
import { runFiles, type TestFile } from "../litmus/run.ts";
import { type JUnitCase, junitText } from "../report/junit.ts";
import { narrowLog } from "../report/text.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { findFiles, readFiles } from "./litmus-files.ts";
import type { Act } from "./main.ts";
import {
  parseChoice, parseCount, parseCpus, parseList, parseSet, parseWorkers, shellLine, u64Option,
} from "./options.ts";
import { checkWritable, writeOutput } from "./output-file.ts";
import { Progress, short } from "./progress.ts";

const ENGINES = ["explore", "timing", "host", "native"] as const;
type EngineName = (typeof ENGINES)[number];

interface LitmusOptions {
  engine: EngineName[];
  machine: string;
  runs?: number;
  seed: bigint;
  cpus?: number[];
  memory: "tso" | "sc";
  workers: number | "auto";
  set?: Map<string, number>;
  maxStates?: number;
  witness?: boolean;
  generate?: string;
  expect?: "ok" | "no";
  junit?: string;
  json?: boolean;
}

export function litmusVerb(program: Command, act: Act): void {
  program
    .command("litmus")
    .description("run litmus tests: on the box, by all interleavings, on this host")
    .argument("[path...]", ".litmus files, directories of them, @FILE: a list of them")
    .option("--engine <a,b>", ENGINES.join(", "), parseEngines, ["explore"])
    .option("--machine <name>", "timing: preset or JSON file", "clovertown")
    .option("--runs <n>", "runs of each test (not explore)", parseCount(1, 1_000_000_000))
    .addOption(u64Option("--seed <n>", "64-bit seed", 1n))
    .option("--cpus <a,b,...>", "CPU of each thread; default: random ones (timing, native)",
      parseCpus)
    .option("--memory <model>", "timing: tso or sc", parseChoice("tso", "sc"), "tso")
    .option("--workers <n>", "timing: host threads, or auto", parseWorkers, "auto")
    .option("--set <field=value>", "timing: replace a number of the machine (repeatable)", parseSet)
    .option("--max-states <n>", "explore: machine states at most", parseCount(1, 2_000_000_000))
    .option("--witness", "explore: print an interleaving that shows what the condition is about")
    .option("--generate <edges>", 'a test from a critical cycle, "PodWR Fre PodWR Fre"')
    .option("--expect <verdict>", "exit 1 unless every condition is so: ok or no",
      parseChoice("ok", "no"))
    .option("--junit <file>", "write JUnit XML, too: a case for each test and engine")
    .option("--json", "print one JSON document")
    .action((paths: string[], options: LitmusOptions, command: Command) =>
      act((signal) => {
        const asked = command.getOptionValueSource("engine") !== "default";
        // Without an engine, a generated test is only written.
        if (options.generate !== undefined && !asked && paths.length === 0 && !options.json) {
          process.stdout.write(generated(options.generate));
          return EXIT.held;
        }
        return litmus(paths, options, signal);
      }),
    );
}

function parseEngines(text: string): EngineName[] {
  return [...new Set(parseList(text).map(parseChoice(...ENGINES)))];
}

function generated(edges: string): string {
  try {
    return generate(edges);
  } catch (error) {
    if (error instanceof CycleError) throw new InputError(`--generate: ${error.message}`);
    throw error;
  }
}

function engineOf(name: EngineName, options: LitmusOptions): Engine {
  const { cpus, memory, workers, set: changes } = options;
  switch (name) {
    case "explore":
      return new ExploreEngine();
    case "timing":
      return new TimingEngine({ cpus, memory, workers, changes });
    case "host":
      return new HostEngine();
    case "native":
      return new NativeEngine({ cpus });
  }
}

/** What was found in all tests. */
interface Report {
  results: Result[];
  errors: string[];
  violations: Violation[];
  /** Results of threads that did not come to their end: they wait for ever, or faulted. */
  stuck: number;
  unmet: number;
  cases: JUnitCase[];
}

async function litmus(
  paths: string[], options: LitmusOptions, signal: AbortSignal,
): Promise<number> {
  const { files, errors } = findFiles(paths);
  const extra: TestFile[] = [];
  if (options.generate !== undefined) {
    const text = generated(options.generate);
    extra.push({ name: "generated", bytes: new TextEncoder().encode(text) });
  }
  if (files.length + extra.length + errors.length === 0) {
    throw new InputError("litmus: name a .litmus file or a directory, or use --generate");
  }
  if (options.junit !== undefined) checkWritable("--junit", options.junit);
  const report: Report = { results: [], errors: [], violations: [], stuck: 0, unmet: 0, cases: [] };
  const fail = (line: string) => {
    report.errors.push(line);
    report.cases.push({ group: "input", name: line, outcome: "broken", message: line });
    process.stderr.write(`${line}\n`);
  };
  errors.forEach(fail);
  const engines = options.engine.map((name) => engineOf(name, options));
  const progress = new Progress();
  const inputs = function* () {
    yield* extra;
    yield* readFiles(files, fail);
  };
  let group: Result[] = [];
  let done = 0;
  for await (const run of runFiles(inputs(), engines, {
    machine: options.machine, runs: options.runs, seed: options.seed, signal,
    statesMax: options.maxStates, witness: options.witness,
    onProgress: (count, engine) => progress.update(() => `${engine}: ${short(count)} ` +
      (engine === "explore" ? "machine states" : "runs")),
  })) {
    progress.clear();
    if ("error" in run) {
      fail(run.error.message);
      continue;
    }
    if (!options.json) printLog(run.result, options);
    group.push(run.result);
    if (group.length < engines.length) continue;
    finishTest(group, options, report);
    group = [];
    done++;
    progress.update(() => `${done} of ${files.length + extra.length} tests`);
  }
  progress.clear();
  report.results.push(...(options.json ? group : []));
  for (const engine of engines) await engine.close?.();
  if (options.json) printDocument(report, options);
  if (options.junit !== undefined) {
    writeOutput("--junit", options.junit, junitText("smpbox litmus", report.cases));
  }
  if (signal.aborted) return EXIT.interrupted;
  if (report.violations.length || report.stuck || report.unmet) return EXIT.failed;
  return report.errors.length ? EXIT.usage : EXIT.held;
}

function printLog(result: Result, options: LitmusOptions): void {
  process.stdout.write(`${narrowLog(logOf(result)).join("\n")}\n`);
  const { witness } = result.outcome;
  if (!options.witness || !witness) return;
  process.stdout.write(`${witnessTable(witness, result.assembled).join("\n")}\n\n`);
}

/** All engines have run the test. */
function finishTest(group: Result[], options: LitmusOptions, report: Report): void {
  const violations = violationsOf(group);
  report.violations.push(...violations);
  report.stuck += group.filter(({ outcome }) => outcome.stuck !== undefined).length;
  const { test } = group[0].assembled;
  const unmet = options.expect === undefined ? []
    : group.filter((result) => judge(result).ok !== (options.expect === "ok"));
  report.cases.push(...group.map((result) => caseOf(result, violations, unmet, options)));
  if (options.expect) {
    for (const result of unmet) {
      process.stderr.write(
        `${test.name}: ${engineName(result)}: the condition is not ${options.expect}\n`);
    }
    report.unmet += unmet.length;
  }
  if (options.json) {
    report.results.push(...group);
    return;
  }
  if (group.length > 1) process.stdout.write(`${sideBySide(group).join("\n")}\n`);
  for (const { result, states } of violations) {
    process.stdout.write(
      `VIOLATION ${test.name}: ${engineName(result)} shows what explore excludes: ` +
        `${states.join(" or ")}\nreproduce: ${reproduceLine(result, options)}\n`);
  }
  if (group.length > 1) process.stdout.write("\n");
}

function caseOf(
  result: Result, violations: readonly Violation[], unmet: readonly Result[],
  { expect }: LitmusOptions,
): JUnitCase {
  const own = { group: engineName(result), name: result.assembled.test.name };
  const violation = violations.find((item) => item.result === result);
  if (violation) {
    const message = `shows what explore excludes: ${violation.states.join(" or ")}`;
    return { ...own, outcome: "failed", message };
  }
  if (unmet.includes(result)) {
    return { ...own, outcome: "failed", message: `the condition is not ${expect}` };
  }
  const { bound, stuck } = result.outcome;
  if (stuck !== undefined) return { ...own, outcome: "failed", message: stuck };
  return bound === undefined ? { ...own, outcome: "held" }
    : { ...own, outcome: "skipped", message: bound };
}

function reproduceLine({ assembled, engine }: Result, options: LitmusOptions): string {
  const words = ["smpbox", "litmus", assembled.test.file, "--engine", `explore,${engine}`];
  words.push("--seed", `${options.seed}`);
  if (options.runs !== undefined) words.push("--runs", `${options.runs}`);
  if (engine === "timing") words.push("--machine", options.machine);
  if (options.cpus) words.push("--cpus", options.cpus.join());
  if (options.memory !== "tso") words.push("--memory", options.memory);
  for (const [field, value] of options.set ?? []) words.push("--set", `${field}=${value}`);
  return shellLine(words);
}

function printDocument(report: Report, options: LitmusOptions): void {
  const outside = new Map(report.violations.map(({ result, states }) => [result, states]));
  printJson({
    schema: "smpbox-litmus-1",
    seed: options.seed,
    machine: options.engine.includes("timing") ? options.machine : undefined,
    tests: report.results.map((result) => ({
      ...jsonOf(result),
      outsideExplore: outside.get(result),
      witness: options.witness && result.outcome.witness
        ? witnessTable(result.outcome.witness, result.assembled) : undefined,
    })),
    errors: report.errors,
  });
}
