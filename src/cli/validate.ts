// smpbox validate: a machine against published figures, and how often it relaxes store buffering.
import type { Command } from "commander";
import { type Measured, type SbRate, sbRate, Validation } from "../cases/validate.ts";
import { loadPreset } from "../engine/files.ts";
import { cpuCount } from "../machine/preset.ts";
import { pairsByRelation, relationOf } from "../machine/topology.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseCount } from "./options.ts";
import { Progress } from "./progress.ts";

interface ValidateOptions {
  machine: string;
  sbTable?: boolean;
  allPairs?: boolean;
  iterations: number;
  json?: boolean;
}

export function validateVerb(program: Command, act: Act): void {
  program
    .command("validate")
    .description("run microbenchmarks on a machine and compare with published figures")
    .option("--machine <name>", "preset or JSON file", "clovertown")
    .option("--sb-table", "instead: how often store buffering is relaxed, by pair of CPUs")
    .option("--all-pairs", "with --sb-table: every pair, not one of each kind")
    .option("--iterations <n>", "of each cell of that table", parseCount(10, 1_000_000), 1000)
    .option("--json", "print one JSON document")
    .action((options: ValidateOptions) =>
      act((signal) => (options.sbTable ? table(options, signal) : validate(options, signal))),
    );
}

const percent = (value: number) => `${value.toFixed(value > 0 && value < 0.1 ? 2 : 1)} %`;

async function validate(options: ValidateOptions, signal: AbortSignal): Promise<number> {
  const validation = new Validation(options.machine);
  const { preset } = validation;
  const progress = new Progress();
  let done = 0;
  if (!options.json) {
    process.stdout.write(
      `${preset.name}: ${preset.description}\n` +
        "In-order approximation: one operation per cycle, no speculation, no prefetchers.\n" +
        "Published in brackets. in: a number of the preset itself; fit: the preset was\n" +
        "calibrated to it; all others are predictions.\n\n",
    );
  }
  const rows = await validation.run((row) => {
    progress.clear();
    if (!options.json) process.stdout.write(`${lineOf(row)}\n`);
    done++;
    progress.update(() => `${done} rows`);
  }, signal);
  progress.clear();
  if (signal.aborted) return EXIT.interrupted;
  const missed = rows.filter((row) => !row.holds).length;
  if (options.json) {
    printJson({
      schema: "smpbox-validate-1",
      machine: preset.name,
      model: "in-order approximation",
      rows: rows.map(({ row, relation, cpus, value, holds }) => ({
        ...row, relation, cpus, value, holds,
      })),
      missed,
    });
  } else {
    process.stdout.write(`\n${rows.length - missed} of ${rows.length} rows within tolerance.\n`);
  }
  return missed ? EXIT.failed : EXIT.held;
}

const SHORT = { input: "in", fit: "fit", prediction: "" };

/** At most 80 columns; a prediction is what is not marked. */
function lineOf({ row, relation, value, holds }: Measured): string {
  const { low, high, tolerance, unit, kind } = row;
  const range = low === high ? `${low}` : `${low}-${high}`;
  const slack = tolerance === "0" ? "" : ` +-${tolerance}`;
  return [
    holds ? "ok  " : "MISS",
    row.what.padEnd(29),
    (relation ?? "").padEnd(12),
    Number(value.toFixed(2)).toString().padStart(6),
    `(${range}${slack}) ${unit}`.padEnd(21),
    SHORT[kind],
  ].join(" ").trimEnd();
}

async function table(options: ValidateOptions, signal: AbortSignal): Promise<number> {
  const preset = loadPreset(options.machine);
  const count = cpuCount(preset);
  const pairs: Array<[number, number]> = [];
  if (options.allPairs) {
    for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) pairs.push([a, b]);
  } else {
    pairs.push(...pairsByRelation(preset).values());
  }
  const progress = new Progress();
  const rates: SbRate[] = [];
  if (!options.json) {
    process.stdout.write(
      `${preset.name}: store buffering, both loads 0, in-order approximation\n\n` +
        "CPUs   relation      together  own lines  within 400 cycles  window\n",
    );
  }
  for (const pair of pairs) {
    const relation = relationOf(preset, ...pair);
    const rate = await sbRate(options.machine, pair, relation, options.iterations, signal);
    if (signal.aborted) return EXIT.interrupted;
    rates.push(rate);
    progress.clear();
    if (!options.json) process.stdout.write(`${rateLine(rate)}\n`);
    progress.update(() => `${rates.length} of ${pairs.length} pairs`);
  }
  progress.clear();
  if (options.json) {
    const { iterations } = options;
    printJson({ schema: "smpbox-sb-table-1", machine: preset.name, iterations, rates });
  } else {
    process.stdout.write(
      "\ntogether: started in one cycle, both CPUs have both lines; own lines: each CPU owns\n" +
        "what it stores to; within 400 cycles: starts that far apart at random; window: cycles\n" +
        "of difference between the starts within which most outcomes are relaxed\n",
    );
  }
  return EXIT.held;
}

function rateLine({ cpus, relation, shared, owned, random, window }: SbRate): string {
  return [
    cpus.join(",").padEnd(6),
    relation.padEnd(12),
    percent(shared).padStart(9),
    percent(owned).padStart(10),
    percent(random).padStart(18),
    `${window}`.padStart(7),
  ].join(" ");
}
