// What each kind of barrier costs behind stores that wait: workloads/micro/fences.c with the kind
// at its site, on one pair of CPUs of each relation that the machine has.
import { openImage } from "../engine/files.ts";
import { Machine } from "../engine/machine.ts";
import type { ImageFile } from "../machine/image.ts";
import { InputError, type Preset } from "../machine/preset.ts";
import { BARRIERS, patchSites, readSites } from "../machine/sites.ts";
import { pairsByRelation, type Relation } from "../machine/topology.ts";

/** State of the lines that the stores go to, as fences.c has it. */
export type Lines = "hit" | "shared" | "remote";
export type Barrier = (typeof BARRIERS)[number];

export interface FenceCost {
  barrier: Barrier;
  relation: Relation;
  cpus: [number, number];
  lines: Lines;
  /** Stores in the buffer before the barrier. */
  pending: number;
  /** Cycles from before the first store to behind the barrier, without those of the clock. */
  median: number;
  p99: number;
  /** Median cycles more than without a barrier. */
  over: number;
}

const IMAGE = "fences";
const SITE = "fence";
const BUDGET_CYCLES = 1_000_000_000n;

type Printed = Pick<FenceCost, "lines" | "pending" | "median" | "p99">;

/** All kinds on all relations, `none` first; `onDone` after each kind and relation. */
export async function fenceCosts(
  preset: Preset,
  { samples, seed, signal, onDone }: {
    samples: number; seed: bigint; signal?: AbortSignal; onDone?: (done: number) => void;
  },
): Promise<FenceCost[]> {
  const pairs = pairsByRelation(preset);
  if (!pairs.size) throw new InputError(`${preset.name} has one CPU; name a machine with two`);
  const image = openImage(IMAGE);
  const sites = readSites(image);
  const costs: FenceCost[] = [];
  let done = 0;
  for (const [relation, cpus] of pairs) {
    let without: Printed[] = [];
    for (const barrier of BARRIERS) {
      const patched = patchSites(image, sites, new Map([[SITE, barrier]]));
      const words = `-- ${IMAGE} a=${cpus[0]} b=${cpus[1]} n=${samples}`;
      const printed = await outputOf(preset, patched, words, seed, signal);
      if (signal?.aborted) return costs;
      if (barrier === "none") without = printed;
      // Without stores and without a barrier, what is left is the time to read the clock
      const clock = without[0].median;
      costs.push(...printed.map((row, i) => ({
        ...row, barrier, relation, cpus, median: row.median - clock, p99: row.p99 - clock,
        over: row.median - without[i].median,
      })));
      onDone?.(++done);
    }
  }
  return costs;
}

async function outputOf(
  machine: Preset, image: ImageFile, append: string, seed: bigint,
  signal?: AbortSignal,
): Promise<Printed[]> {
  const box = await Machine.create({ machine, image, append, seed, maxCycles: BUDGET_CYCLES });
  let text = "";
  const decoder = new TextDecoder();
  const { exit } = await box.run({ signal, onConsole: (bytes) => (text += decoder.decode(bytes)) });
  box.close();
  if (exit === "cancelled") return [];
  if (exit !== 0) throw new Error(`${append} on ${machine.name}: ${exit}: ${text.trim()}`);
  const row = /^fences lines=(\w+) pending=(\d+) median=(\d+) p99=(\d+)\r?$/gm;
  return [...text.matchAll(row)].map(([, lines, pending, median, p99]) => ({
    lines: lines as Lines, pending: Number(pending), median: Number(median), p99: Number(p99),
  }));
}
