// Options for the machine that an image is run on: the same on each verb that runs one. Which
// machine it is each verb asks for itself: a case has its own.
import type { Command } from "commander";
import { MEMORY_MODELS, type MemoryModel } from "../index.ts";
import { addDiskOptions, type DiskOptions } from "./disk-options.ts";
import { parseChoice, parseCount, parseSet, parseWorkers, u64Option } from "./options.ts";

export interface MachineOptions extends DiskOptions {
  cpus?: number;
  memory: MemoryModel;
  workers: number | "auto";
  seed: bigint;
  append: string;
  /** 0 for none. */
  maxCycles: bigint;
  set?: Map<string, number>;
}

export function addMachineOptions(command: Command): Command {
  return addDiskOptions(command)
    .option("--cpus <n>", "only the machine's first CPUs", parseCount(1, 64))
    .option("--memory <model>", MEMORY_MODELS.join(", "), parseChoice(...MEMORY_MODELS), "tso")
    .option("--workers <n>", "host threads, or auto", parseWorkers, "auto")
    .addOption(u64Option("--seed <n>", "64-bit seed", 1n))
    .option("--append <parameters>", 'kernel parameters, "key=value ..."', "")
    .addOption(u64Option("--max-cycles <n>", "budget of virtual cycles, 0 for none", 0n))
    .option("--set <field=value>", "replace a number of the machine (repeatable)", parseSet);
}
