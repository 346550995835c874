// smpbox barriers FILE.litmus: the sites are the gaps between a thread's accesses.
import { readFileSync } from "node:fs";
import { type Cost, programCost, type Sample } from "../engine/barrier-cost.ts";
import { chooseSites } from "../engine/barriers.ts";
import { ExploreEngine } from "../engine/explore.ts";
import { InputError } from "../index.ts";
import { assemble } from "../litmus/assemble.ts";
import { avoids, fenced, type Gap, gapsOf } from "../litmus/gaps.ts";
import { witnessTable } from "../litmus/explain.ts";
import { parseBytes } from "../litmus/parse.ts";
import { jsonOf, logOf } from "../litmus/print.ts";
import { runTest } from "../litmus/run.ts";
import { LitmusError, type LitmusTest } from "../litmus/test.ts";
import { timedProgram } from "../litmus/timed.ts";
import { writeTest } from "../litmus/write.ts";
import type { Placement } from "../machine/sites.ts";
import { placementText } from "../report/barriers.ts";
import { placementChart } from "../report/barriers-chart.ts";
import { narrowLog } from "../report/text.ts";
import { measured } from "./barriers-image.ts";
import {
  type BarrierOptions, checkMachines, narrowed, placementOf, print, surveyed,
} from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { shellLine } from "./options.ts";
import { writeOutput } from "./output-file.ts";

export async function litmusBarriers(
  what: string, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  if (options.entry !== undefined || options.predicate !== undefined) {
    throw new InputError("--entry, --predicate: a litmus test has its threads and its condition");
  }
  const file = readTest(what);
  try {
    const test = parseBytes(file.name, file.bytes);
    checkMachines(options.machines, test.threads.length);
    const gaps = gapsOf(test);
    if (!gaps.length) throw new InputError(`${what}: no thread has two memory accesses`);
    const named = gaps.map((gap) => ({ ...gap, places: [] }));
    const chosen = chooseSites(named, what, options.sites).map(({ name }) => name);
    const choices = narrowed(gaps.filter(({ name }) => chosen.includes(name)), options.kinds);
    if (options.at !== undefined || options.output !== undefined) {
      return await oneTest(what, test, gaps, options);
    }
    const engine = new ExploreEngine();
    const begun = performance.now();
    const explore = (placement: Placement) =>
      avoids(fenced(test, gaps, placement), engine, options.maxStates);
    const trials = await surveyed(choices, explore, options, signal);
    if (signal.aborted) return EXIT.interrupted;
    const seconds = (performance.now() - begun) / 1000;
    const costs = await measured(trials, options, (placement, sample) =>
      costOfTest(fenced(test, gaps, placement), sample), signal);
    if (signal.aborted) return EXIT.interrupted;
    if (options.svg !== undefined) writeOutput("--svg", options.svg, placementChart(what, costs));
    const broken = trials.find(({ verdict }) => verdict === "broken");
    const why = broken && shellLine(["smpbox", "barriers", what, "--at",
      placementText(broken.placement)]);
    return print({ what, choices, trials, why, options, costs, seconds });
  } catch (error) {
    if (error instanceof LitmusError) throw new InputError(error.message);
    throw error;
  }
}

/** One placement as `smpbox litmus --witness` shows it. */
async function oneTest(
  what: string, test: LitmusTest, gaps: readonly Gap[],
  { at, output, maxStates, json }: BarrierOptions,
): Promise<number> {
  const placement = placementOf(at ?? "none");
  for (const [name, kind] of placement) {
    const gap = gaps.find((known) => known.name === name);
    if (gap?.kinds.includes(kind)) continue;
    const known = gap ? gap.kinds : gaps.map((item) => item.name);
    throw new InputError(`--at ${name}=${kind}: ${gap ? name : what} has ${known.join(", ")}`);
  }
  const changed = fenced(test, gaps, placement);
  if (output !== undefined) writeOutput("--output", output, writeTest(changed));
  const assembled = await assemble(changed);
  const result = await runTest(
    assembled, new ExploreEngine(), { statesMax: maxStates, witness: true });
  const { witness } = result.outcome;
  const lines = [...narrowLog(logOf(result)), ...(witness ? witnessTable(witness, assembled) : [])];
  if (json) {
    printJson({
      schema: "smpbox-barriers-at-1", image: what, placement: Object.fromEntries(placement),
      test: jsonOf(result), report: lines,
    });
  } else {
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return EXIT.held;
}

/** A run fails that ends in the state which must not be. */
async function costOfTest(test: LitmusTest, sample: Sample): Promise<Cost> {
  const assembled = await assemble(test);
  const program = timedProgram(assembled);
  const bad = test.condition.quantifier !== "forall";
  const fails = (values: bigint[]) =>
    assembled.passes(values) && assembled.holds(values) === bad;
  const cyclesOf = (values: bigint[]) => values.slice(-program.threads.length);
  const empty = timedProgram(assembled, true);
  const { median: clock } = await programCost(empty, { cyclesOf, clock: 0 }, sample);
  return programCost(program, { fails, cyclesOf, clock: clock! }, sample);
}

function readTest(name: string): { name: string; bytes: Uint8Array } {
  try {
    return { name, bytes: readFileSync(name) };
  } catch {
    throw new InputError(`${name}: cannot be read; name a .litmus file`);
  }
}

