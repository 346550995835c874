// Planted bugs in the memory system: the stress test, the exploration or both must see every one.
import { expect, test } from "vitest";
import { MEMORY_TSO_ADV, STOP_BUDGET } from "../../assembly/abi.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { buildMutant } from "../support/mutant.ts";
import { OVERTAKING, type Shape, THREE_LEVELS, recording, runStress } from "./harness.ts";
import { MUTANTS, RECORDED, STRESS } from "./mutants.ts";
import { explore } from "./reach.ts";
import { QUICK } from "./reach-shapes.ts";

const SHAPES: (Shape & { seeds?: number[] })[] = [
  {},
  { parameters: THREE_LEVELS },
  {
    parameters: { ...THREE_LEVELS, M_CPUS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  OVERTAKING,
  {
    // A slow L2 of one way drops lines that it has just promised.
    parameters: { ...THREE_LEVELS, M_CPUS: 16, M_L2_SETS: 32, M_L2_WAYS: 1, M_LAT_L2: 30 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  {
    parameters: { M_CPUS: 16, M_L2_SETS: 64, M_L2_WAYS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  {
    parameters: { M_CPUS: 8, M_CLUSTERS: 2, M_WINDOW_CYCLES: 38 },
    clusterOf: (cpu) => cpu & 1, unitOf: (cpu) => (cpu >> 1) & 1, packageOf: (cluster) => cluster,
    busOf: (cluster) => cluster,
  },
  { parameters: { M_RFO_PREFETCH: 10 } },
  { parameters: { M_RFO_PREFETCH: 10, M_MEMORY_MODEL: MEMORY_TSO_ADV } },
  { parameters: { M_L2_SETS: 16, M_L2_WAYS: 16, M_L1_SETS: 16, M_L1_WAYS: 2 } },
  {
    parameters: { M_CPUS: 16, M_CLUSTERS: 2 },
    clusterOf: (cpu) => cpu >> 3, packageOf: (cluster) => cluster, busOf: (cluster) => cluster,
  },
  {
    // Two threads alone: what one does to a line meets the other's request for it.
    parameters: { M_CPUS: 2, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 }, clusterOf: () => 0,
    unitOf: () => 0, packageOf: () => 0, busOf: () => 0,
  },
  {
    // A sibling fetches what the other is to write and a third party has asked for.
    parameters: { ...THREE_LEVELS, M_CPUS: 6, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: () => 0, unitOf: (cpu) => cpu >> 1, packageOf: () => 0, busOf: () => 0,
    seeds: Array.from({ length: 40 }, (_, i) => 2 * (i + 1)),
  },
  {
    preset: loadPreset("westmere-ex"), cycles: 20_000,
    parameters: {
      M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 8, M_L3_SETS: 64, M_L3_WAYS: 16,
    },
  },
];

// One CPU with a small L1: what comes in takes the place of what is loaded next.
const SMALL: Record<string, number>[] = [
  { M_L1_WAYS: 4 },
  { M_L1_WAYS: 2, M_LAT_L2: 1, M_RETIRE_DELAY: 1, M_RFO_PREFETCH: 10 },
];
const ALONE: (Shape & { seeds?: number[] })[] = SMALL.map((parameters) => ({
  parameters: { M_CPUS: 1, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106, M_L1_SETS: 1, ...parameters },
  clusterOf: () => 0, packageOf: () => 0, busOf: () => 0, cycles: 500_000,
  seeds: Array.from({ length: 60 }, (_, i) => i + 1),
}));

/** `recorded`: a run in which every load is recorded ends alike, and nothing else. */
function survives(file: string, recorded = false): boolean {
  for (const { seeds = [1, 2, 3, 4, 5, 6, 7, 8], ...shape } of recorded ? ALONE : SHAPES) {
    for (const seed of seeds) {
      const one = { cycles: 100_000, ...shape, seed, file };
      const run = runStress(one);
      if (run.error || run.stop !== STOP_BUDGET) return false;
      if (run.counters.some((value, i) => value !== run.additions[i])) return false;
      if (recorded && runStress(recording(one)).hash !== run.hash) return false;
      if (run.core.fewest() < (shape.preset ? 1n : 20n)) return false;
    }
  }
  return true;
}

test.each(MUTANTS)("$name", { timeout: 600_000 }, async (mutant) => {
  for (const finder of mutant.seenBy) {
    const random = finder === STRESS || finder === RECORDED;
    const target = random ? "stress" : "reach";
    const file = await buildMutant(mutant, `assembly/${target}.ts`, target);
    if (random) {
      expect(survives(file, finder === RECORDED)).toBe(false);
    } else {
      const { wrong } = explore({ ...QUICK[finder], file });
      expect(wrong, finder).toBeDefined();
      expect(wrong).not.toBe("too many states");
    }
  }
});

test("without a planted bug everything survives", () => {
  expect(survives("build/stress.wasm")).toBe(true);
  expect(survives("build/stress.wasm", true)).toBe(true);
});
