// Every preset under the random accesses of assembly/machine/stress.ts: as it is, and with caches
// so small that everything is evicted now and then.
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { runStress, runStressWorkers } from "./harness.ts";

/** STRESS_CYCLES=... for longer runs, STRESS_ACCESSES=... for at least so many accesses in all. */
const cycles = Number(process.env.STRESS_CYCLES ?? 20_000);
const wanted = BigInt(process.env.STRESS_ACCESSES ?? 0);
/** Runs of one preset: its own caches, and small ones. */
const KINDS = 2;
const share = wanted / BigInt(presetNames().length * KINDS) + 1n;
const SEEDS_MAX = 10_000;

let done = 0n;
let runs = 0;
afterAll(() => {
  if (!wanted) return;
  console.log(`${done} accesses`);
  if (runs === presetNames().length * KINDS) expect(done).toBeGreaterThanOrEqual(wanted);
});

describe.each(presetNames())("%s", (name) => {
  const preset = loadPreset(name);
  const small: Record<string, number> = preset.numbers.has("l3.sets")
    ? { M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 8, M_L3_SETS: 64, M_L3_WAYS: 16 }
    : { M_L1_SETS: 16, M_L1_WAYS: 2, M_L2_SETS: 16, M_L2_WAYS: 16 };

  const timeout = wanted ? 1_800_000 : undefined;
  const kinds: [string, Record<string, number>][] = [
    ["caches of the machine", {}], ["small caches", small],
  ];
  test.each(kinds)("%s", { timeout }, async (_, parameters) => {
    let accesses = 0n;
    for (let seed = 1; accesses < share; seed++) {
      expect(seed).toBeLessThan(SEEDS_MAX);
      const run = runStress({ preset, parameters, cycles, seed });
      expect(run.error?.stack, `seed ${seed}, coherence ${run.core.coherence()}`).toBeUndefined();
      expect(run.stop).toBe(abi.STOP_BUDGET);
      expect(run.counters, `seed ${seed}`).toEqual(run.additions);
      expect(Number(run.core.fewest()), `seed ${seed}`).toBeGreaterThan(0);
      accesses += run.accesses;
      await turn(); // memories that are no longer used are let go
    }
    done += accesses;
    runs++;
  });
});

test.each(["skylake-sp", "westmere-ex"])("%s: any number of workers", async (name) => {
  const hashes = new Set<bigint>();
  for (const M_WORKERS of [1, 2, 3, 4]) {
    const run = await runStressWorkers({
      preset: loadPreset(name), parameters: { M_WORKERS }, cycles,
    });
    expect(run.counters).toEqual(run.additions);
    hashes.add(run.hash);
  }
  expect(hashes.size).toBe(1);
});
