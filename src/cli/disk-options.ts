// Options for the disks of a machine: how many, what they are like, who takes their interrupts.
import type { Command } from "commander";
import { loadPreset } from "../engine/files.ts";
import {
  type Disk, DISKS_DEFAULT, DISKS_MAX, type IrqPolicy, parseDisks, parsePolicy, POLICY_NAMES,
} from "../machine/disks.ts";
import { DISK_CLUSTERS_MAX } from "../machine/topology.ts";
import { parseCount } from "./options.ts";

export interface DiskOptions {
  disks?: number;
  disk?: string[];
  irq?: IrqPolicy;
}

const several = (text: string, before: string[] = []) => [...before, text];

/** How a disk is described: the same on every verb. */
export function addDiskWords(command: Command): Command {
  return command
    .option(
      "--disk <words>",
      "of all disks, or N:WORDS of one (repeatable): size=2T model=instant|sas15k|ssd|" +
        "uniform:15-40|list:20,35 file=PATH error=read:FIRST-LAST[:timeout] gone=COMMAND",
      several,
    )
    .option("--irq <policy>", `who takes interrupts: ${POLICY_NAMES.join(", ")}`, parsePolicy);
}

export function addDiskOptions(command: Command): Command {
  const count = `disk controllers, 0 to ${DISKS_MAX} (default ${DISKS_DEFAULT})`;
  return addDiskWords(command.option("--disks <n>", count, parseCount(0, DISKS_MAX)));
}

/** The disks of a run. A machine that has no room for them has none unless they are asked for. */
export function disksOf(
  machine: string, { disks, disk = [], irq }: DiskOptions,
): { disks: Disk[]; irqPolicy?: IrqPolicy } {
  const roomy = loadPreset(machine).clusters.length <= DISK_CLUSTERS_MAX;
  const count = disks ?? (roomy ? DISKS_DEFAULT : 0);
  return { disks: parseDisks(count, ...disk), irqPolicy: irq };
}

/** The same options as words of a command line. */
export function diskWords({ disks, disk = [], irq }: DiskOptions): string[] {
  const words = disks === undefined ? [] : ["--disks", `${disks}`];
  for (const text of disk) words.push("--disk", text);
  return irq === undefined ? words : [...words, "--irq", irq];
}
