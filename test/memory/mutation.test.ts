// Planted bugs in the memory system: the stress test, the exploration or both must see every one.
import { expect, test } from "vitest";
import { MEMORY_TSO_ADV, STOP_BUDGET } from "../../assembly/abi.ts";
import { buildMutant } from "../support/mutant.ts";
import { type Shape, runStress } from "./harness.ts";
import { MUTANTS, STRESS } from "./mutants.ts";
import { explore } from "./reach.ts";
import { QUICK } from "./reach-shapes.ts";

/** Everything is evicted now and then. */
const THREE_LEVELS = {
  M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 4, M_L3_SETS: 8, M_L3_WAYS: 16,
  M_LAT_L2: 10, M_LAT_L3: 40,
};
const SHAPES: Shape[] = [
  {},
  { parameters: THREE_LEVELS },
  {
    parameters: { ...THREE_LEVELS, M_CPUS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
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
];

function survives(file: string): boolean {
  for (const shape of SHAPES) {
    for (const seed of [1, 2, 3]) {
      const run = runStress({ ...shape, seed, cycles: 100_000, file });
      if (run.error || run.stop !== STOP_BUDGET) return false;
      if (run.counters.some((value, i) => value !== run.additions[i])) return false;
      if (run.core.fewest() < 20n) return false;
    }
  }
  return true;
}

test.each(MUTANTS)("$name", { timeout: 300_000 }, async (mutant) => {
  for (const finder of mutant.seenBy) {
    const target = finder === STRESS ? "stress" : "reach";
    const file = await buildMutant(mutant, `assembly/${target}.ts`, target);
    if (finder === STRESS) {
      expect(survives(file)).toBe(false);
    } else {
      const { wrong } = explore({ ...QUICK[finder], file });
      expect(wrong, finder).toBeDefined();
      expect(wrong).not.toBe("too many states");
    }
  }
});

test("without a planted bug everything survives", () => {
  expect(survives("build/stress.wasm")).toBe(true);
});
