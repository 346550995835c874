// What one run of a case is, from the words of a command line: the same on `case`, which makes many
// runs, and on the verbs that look at one.
import type { Command } from "commander";
import { allPairs } from "../cases/001.ts";
import { type Case, type CaseSpec, onAllCpus } from "../cases/case.ts";
import { requireRoom, usualRounds } from "../cases/rounds.ts";
import { requireCpus } from "../cases/runner.ts";
import { InputError, type MemoryModel } from "../index.ts";
import { cpuCount, type Preset } from "../machine/preset.ts";
import { type DiskOptions, diskWords } from "./disk-options.ts";
import { parseCount, shellLine } from "./options.ts";

/** Of a case that has no number of its own. */
const ROUNDS = 20_000;

/** What the options of addRunOptions() say. */
export interface RunOptions {
  variant?: string;
  workload?: string;
  rounds?: number;
  inflight?: number;
  window?: number;
}

/** With what else a run of a case depends on, but for the machine, the CPUs and the seed. */
interface RunChoice extends RunOptions, Pick<DiskOptions, "disk" | "irq"> {
  machine?: string;
  memory: MemoryModel;
  set?: ReadonlyMap<string, number>;
}

/** `of`: to whom they apply, where that is not plain. */
export function addRunOptions(command: Command, of = ""): Command {
  return command
    .option("--variant <name>",
      `${of}bug (the default), fixed, or an id: k7/a/24 of 001, mb/or of M`)
    .option("--workload <name>", `${of}one of its workloads (smpbox case lists them)`)
    .option("--rounds <n>", `${of}rounds of the run (default: the case's, else ${ROUNDS})`,
      parseCount(1, 10_000_000))
    .option("--inflight <n>", `${of}requests in flight, of a case with many`, parseCount(1, 1000))
    .option("--window <cycles>", "window of the simulation", parseCount(1, 100_000));
}

/** A run, but for its CPUs and its seed. Throws an InputError with the valid names. */
export function shapeOf(
  definition: Case, options: RunChoice,
): Omit<CaseSpec, "pair" | "seed"> {
  if (options.inflight !== undefined && definition.inflight === undefined) {
    throw new InputError(`--inflight: in case ${definition.id} the workload says how many ` +
      "requests are under way: leave it out, or choose another --workload");
  }
  const workload = options.workload ?? definition.workload;
  if (!Object.hasOwn(definition.workloads, workload)) {
    const known = Object.keys(definition.workloads).join(", ");
    throw new InputError(`workload ${workload} of case ${definition.id}: use one of ${known}`);
  }
  return {
    machine: options.machine ?? definition.machine,
    variant: definition.variantOf(options.variant ?? "bug", workload),
    workload,
    rounds: roundsOf(definition, workload, options.rounds),
    memory: options.memory,
    inflight: options.inflight,
    windowCycles: options.window,
    changes: options.set,
    disk: options.disk,
    irq: options.irq,
  };
}

function roundsOf(definition: Case, workload: string, asked: number | undefined): number {
  if (asked === undefined) return usualRounds(definition, workload, ROUNDS);
  requireRoom(definition, workload, asked, `--rounds ${asked}`);
  const fixed = definition.fixedRounds?.[workload] ?? asked;
  if (asked === fixed) return asked;
  throw new InputError(`--rounds ${asked}: ${workload} of case ${definition.id} always has ` +
    `${fixed}: leave it out, or choose another --workload`);
}

/** The pair that is farthest apart, unless told otherwise. */
export function pairsFor(
  definition: Case, preset: Preset,
  { pair, workload = definition.workload }: { pair?: [number, number] | "all"; workload?: string },
): Array<[number, number]> {
  const cpus = cpuCount(preset);
  requireCpus(definition, preset);
  if (onAllCpus(definition, workload)) {
    if (pair === undefined) return definition.pairs(preset);
    const what = `${workload} of case ${definition.id}`;
    throw new InputError(`--pair: ${what} runs on all CPUs: leave it out`);
  }
  if (pair === "all") return allPairs(preset);
  if (pair === undefined) return definition.pairs(preset).slice(-1);
  const needed = Math.max(...pair) + 1;
  if (needed > cpus) {
    throw new InputError(`--pair ${pair} needs ${needed} CPUs: ${preset.name} has ${cpus}`);
  }
  return [pair];
}

/** Behind `smpbox VERB ID`, of a verb that runs a case. */
function wordsOf(definition: Case, spec: CaseSpec): string[] {
  const words = ["--machine", spec.machine];
  // A machine of one CPU has no pair to choose.
  const [one, other] = spec.pair;
  const hasPair = one !== other && !onAllCpus(definition, spec.workload);
  if (hasPair) words.push("--pair", spec.pair.join(","));
  words.push("--seed", `${spec.seed}`, "--variant", spec.variant);
  if (spec.workload !== definition.workload) words.push("--workload", spec.workload);
  if (spec.memory !== "tso") words.push("--memory", spec.memory);
  words.push("--rounds", `${spec.rounds}`);
  if (spec.inflight !== undefined) words.push("--inflight", `${spec.inflight}`);
  if (spec.windowCycles !== undefined) words.push("--window", `${spec.windowCycles}`);
  for (const [field, value] of spec.changes ?? []) words.push("--set", `${field}=${value}`);
  return [...words, ...diskWords({ disk: spec.disk, irq: spec.irq })];
}

/** The command that makes this run again. */
export const reproduceCase = (definition: Case, spec: CaseSpec) =>
  shellLine(["smpbox", "case", definition.id, ...wordsOf(definition, spec)]);

/** All of these verbs take the same options; so do core and trace, with a file. */
export const OPENS = "look at it (crash, why, c2c): ";

/** The command that opens the machine of this run. */
export const openCase = (definition: Case, spec: CaseSpec) =>
  shellLine(["smpbox", "crash", definition.id, ...wordsOf(definition, spec)]);
