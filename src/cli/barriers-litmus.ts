// smpbox barriers FILE.litmus: the sites are the gaps between a thread's accesses.
import { readFileSync } from "node:fs";
import { chooseSites } from "../engine/barriers.ts";
import { ExploreEngine } from "../engine/explore.ts";
import { InputError } from "../index.ts";
import { avoids, fenced, gapsOf } from "../litmus/gaps.ts";
import { parseBytes } from "../litmus/parse.ts";
import { LitmusError } from "../litmus/test.ts";
import type { Placement } from "../machine/sites.ts";
import { type BarrierOptions, narrowed, print, surveyed } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";

export async function litmusBarriers(
  what: string, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const file = readTest(what);
  try {
    const test = parseBytes(file.name, file.bytes);
    const gaps = gapsOf(test);
    if (!gaps.length) throw new InputError(`${what}: no thread has two memory accesses`);
    const named = gaps.map((gap) => ({ ...gap, places: [] }));
    const chosen = chooseSites(named, what, options.sites).map(({ name }) => name);
    const choices = narrowed(gaps.filter(({ name }) => chosen.includes(name)), options.kinds);
    const engine = new ExploreEngine();
    const begun = performance.now();
    const explore = (placement: Placement) =>
      avoids(fenced(test, gaps, placement), engine, options.maxStates);
    const trials = await surveyed(choices, explore, options, signal);
    if (signal.aborted) return EXIT.interrupted;
    const seconds = (performance.now() - begun) / 1000;
    return print({ what, choices, trials, options, seconds });
  } catch (error) {
    if (error instanceof LitmusError) throw new InputError(error.message);
    throw error;
  }
}

function readTest(name: string): { name: string; bytes: Uint8Array } {
  try {
    return { name, bytes: readFileSync(name) };
  } catch {
    throw new InputError(`${name}: cannot be read; name a .litmus file`);
  }
}

