// Every preset under the random accesses of assembly/machine/stress.ts: as it is, and with caches
// so small that everything is evicted now and then.
import { describe, expect, test } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { runStress, runStressWorkers } from "./harness.ts";

/** STRESS_CYCLES=... for a longer run. */
const cycles = Number(process.env.STRESS_CYCLES ?? 20_000);

describe.each(presetNames())("%s", (name) => {
  const preset = loadPreset(name);
  const small: Record<string, number> = preset.numbers.has("l3.sets")
    ? { M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 8, M_L3_SETS: 64, M_L3_WAYS: 16 }
    : { M_L1_SETS: 16, M_L1_WAYS: 2, M_L2_SETS: 16, M_L2_WAYS: 16 };

  test.each([["caches of the machine", {}], ["small caches", small]])("%s", (_, parameters) => {
    const run = runStress({ preset, parameters, cycles });
    expect(run.error?.stack, `coherence ${run.core.coherence()}`).toBeUndefined();
    expect(run.stop).toBe(abi.STOP_BUDGET);
    expect(run.counters).toEqual(run.additions);
    expect(Number(run.core.fewest())).toBeGreaterThan(0);
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
