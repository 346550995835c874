// Case 001 on two machines, in this page: what is run, and what is known so far.
import { type Signal, signal } from "@preact/signals";
import { case001 } from "../../cases/001.ts";
import type { CaseRun, CaseSpec } from "../../cases/case.ts";
import { requireCpus, runAll } from "../../cases/runner.ts";
import { loadPreset } from "../../engine/host.ts";
import type { Preset } from "../../machine/preset.ts";
import type { Wanted } from "./look-open.ts";
import { type Going, goingOf, tell } from "./going.ts";
import { comparedForm } from "./made.ts";
import type { Asked } from "./state.ts";

export interface Side {
  preset: Preset;
  pairs: [number, number][];
  disks?: number;
  /** In the order of specsOf(), whichever came in first. */
  runs: CaseRun[];
  wanted: number;
  /** What the runs were asked for with (made.ts). */
  made: string;
  going: Signal<Going>;
}

export const sides = signal<Side[]>([]);
export const running = signal(false);
export const trouble = signal("");
let stop = new AbortController();

export function cancel(): void {
  stop.abort();
}

/** Which machines are shown; nothing runs yet. */
export async function show(asked: Asked): Promise<void> {
  try {
    const presets = await Promise.all([asked.left, asked.right].map((name) => loadPreset(name)));
    sides.value = presets.map((preset) => {
      const pairs = case001.pairs(preset);
      const [spec] = specsOf({ preset, pairs }, asked);
      const disks = spec && (case001.disks?.(spec)?.disks.length ?? 0);
      const made = comparedForm(asked);
      return { preset, pairs, disks, runs: [], wanted: 0, made, going: goingOf(0) };
    });
    trouble.value = "";
    for (const preset of presets) requireCpus(case001, preset);
  } catch (error) {
    trouble.value = (error as Error).message;
  }
}

export function specsOf(
  { preset, pairs }: Pick<Side, "preset" | "pairs">, asked: Asked,
): CaseSpec[] {
  const variant = case001.variantOf(asked.variant);
  return pairs.flatMap((pair) => Array.from({ length: asked.seeds }, (_, i): CaseSpec => ({
    machine: preset.name, variant, workload: asked.workload, pair, seed: BigInt(i + 1),
    rounds: asked.rounds, memory: asked.memory,
  })));
}

/**
 * A run of each side, with the same seed: that of the first run that failed, or 1. Where none of
 * its runs failed, that of its last pair. Runs that the form does not ask for now do not count.
 */
export function runsInside(all: readonly Side[], asked: Asked): Wanted[] {
  const form = comparedForm(asked);
  const failed = all.map(({ made, runs }) =>
    (made === form ? runs.filter((run) => run.failure) : []));
  const seed = failed.flat()[0]?.spec.seed ?? 1n;
  return all.map((side, i) => {
    const had = failed[i].find(({ spec }) => spec.seed === seed);
    const spec = had?.spec ?? specsOf(side, asked).findLast((one) => one.seed === seed)!;
    return { definition: case001, spec, had };
  });
}

/** All runs of both machines, one machine's after the other's. */
export async function compare(asked: Asked): Promise<void> {
  stop = new AbortController();
  running.value = true;
  await show(asked);
  try {
    if (trouble.value) return;
    for (const [index, side] of sides.value.entries()) {
      const specs = specsOf(side, asked);
      const update = (change: Partial<Side>) => {
        sides.value = sides.value.map((old, i) => (i === index ? { ...old, ...change } : old));
      };
      const going = goingOf(specs.length);
      update({ wanted: specs.length, going });
      await runAll(case001, specs, {
        signal: stop.signal,
        onProgress: (at, cycles) => tell(going, at, cycles),
        onDone: (run, _done, at) => {
          tell(going, at);
          const runs = [...sides.value[index].runs, run];
          update({ runs: runs.sort((a, b) => specs.indexOf(a.spec) - specs.indexOf(b.spec)) });
        },
      });
      if (stop.signal.aborted) break;
    }
  } catch (error) {
    trouble.value = (error as Error).message;
  } finally {
    running.value = false;
  }
}
