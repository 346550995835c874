// The memory system under random accesses (assembly/machine/stress.ts): coherence of every word,
// message passing, atomic additions, and single writer / multiple readers after every window.
import { expect, test } from "vitest";
import * as abi from "../../assembly/abi.ts";
import {
  OVERTAKING, type Shape, THREE_LEVELS, recording, runStress, runStressWorkers,
} from "./harness.ts";

const one = () => 0;
const SHAPES: Record<string, Shape> = {
  clovertown: {},
  "clovertown, small caches": {
    parameters: { M_L2_SETS: 16, M_L2_WAYS: 16, M_L1_SETS: 16, M_L1_WAYS: 2 },
  },
  "clovertown, tiny caches, free buses": {
    parameters: {
      M_L1_SETS: 16, M_L1_WAYS: 2, M_L2_SETS: 64, M_BUS_ADDRESS: 0, M_BUS_DATA: 0, M_SNOOP_STALL: 0,
    },
  },
  "clovertown, free buses, fast DRAM": {
    parameters: { M_BUS_ADDRESS: 0, M_BUS_DATA: 0, M_SNOOP_STALL: 0, M_LAT_DRAM: 80 },
  },
  "clovertown, quanta of 27": { parameters: { M_QUANTUM_CYCLES: 27 } },
  "clovertown, sequentially consistent": { parameters: { M_MEMORY_MODEL: abi.MEMORY_SC } },
  "clovertown, windows of 25": { parameters: { M_WINDOW_CYCLES: 25 } },
  "clovertown, windows of 77": { parameters: { M_WINDOW_CYCLES: 77 } },
  "clovertown, adversarial drains": { parameters: { M_MEMORY_MODEL: abi.MEMORY_TSO_ADV } },
  "clovertown, ownership asked for early": { parameters: { M_RFO_PREFETCH: 10 } },
  "early, small caches, free buses, adversarial drains": {
    parameters: {
      M_RFO_PREFETCH: 12, M_L1_SETS: 16, M_L1_WAYS: 2, M_L2_SETS: 16, M_L2_WAYS: 16,
      M_BUS_ADDRESS: 0, M_BUS_DATA: 0, M_SNOOP_STALL: 0, M_MEMORY_MODEL: abi.MEMORY_TSO_ADV,
    },
  },
  "early, two clusters of eight": {
    parameters: { M_CPUS: 16, M_CLUSTERS: 2, M_RFO_PREFETCH: 10, M_SB_ENTRIES: 56 },
    clusterOf: (cpu) => cpu >> 3, packageOf: (cluster) => cluster, busOf: (cluster) => cluster,
  },
  "one store buffer entry": { parameters: { M_SB_ENTRIES: 1 } },
  "one CPU, an L1 of four lines": {
    parameters: {
      M_CPUS: 1, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106, M_L1_SETS: 1, M_L1_WAYS: 4,
    },
    clusterOf: one, packageOf: one, busOf: one,
  },
  conroe: {
    parameters: { M_CPUS: 2, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, packageOf: one, busOf: one,
  },
  "two clusters of eight": {
    parameters: { M_CPUS: 16, M_CLUSTERS: 2 },
    clusterOf: (cpu) => cpu >> 3, packageOf: (cluster) => cluster, busOf: (cluster) => cluster,
  },
  "sixteen clusters of two": {
    parameters: { M_CPUS: 32, M_CLUSTERS: 16, M_BUSES: 4 },
    clusterOf: (cpu) => cpu >> 1,
    packageOf: (cluster) => cluster >> 2,
    busOf: (cluster) => cluster >> 2,
  },
};

const SMT: Record<string, Shape> = {
  "one core of two threads": {
    parameters: { M_CPUS: 2, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, unitOf: one, packageOf: one, busOf: one,
  },
  "four cores of two threads on one cache": {
    parameters: { M_CPUS: 8, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, unitOf: (cpu) => cpu & 3, packageOf: one, busOf: one,
  },
  "four clusters of two cores of two threads": {
    parameters: { M_CPUS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  "four clusters of two cores of two threads, small caches": {
    parameters: { M_CPUS: 16, M_L1_SETS: 16, M_L1_WAYS: 2, M_L2_SETS: 16, M_L2_WAYS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  "L1s of one line, a slow L2": OVERTAKING,
};

const PRIVATE: Record<string, Shape> = {
  "private L2s, large": {
    parameters: {
      ...THREE_LEVELS, M_L1_SETS: 64, M_L1_WAYS: 8, M_L2_SETS: 512, M_L2_WAYS: 8, M_L3_SETS: 8192,
    },
  },
  "private L2s, small": { parameters: THREE_LEVELS },
  "private L2s, four cores on one L3": {
    parameters: { ...THREE_LEVELS, M_CPUS: 4, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, packageOf: one, busOf: one,
  },
  "private L2s, two threads a core": {
    parameters: { ...THREE_LEVELS, M_CPUS: 16 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  "private L2s, slow and of one way, two threads a core": {
    parameters: { ...THREE_LEVELS, M_CPUS: 16, M_L2_SETS: 32, M_L2_WAYS: 1, M_LAT_L2: 30 },
    clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
  },
  "private L2s, three cores of two threads on one L3": {
    parameters: { ...THREE_LEVELS, M_CPUS: 6, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, unitOf: (cpu) => cpu >> 1, packageOf: one, busOf: one,
  },
  "private L2s, one core of two threads": {
    parameters: { ...THREE_LEVELS, M_CPUS: 2, M_CLUSTERS: 1, M_WINDOW_CYCLES: 106 },
    clusterOf: one, unitOf: one, packageOf: one, busOf: one,
  },
};

const HOMES: Record<string, Shape> = {
  "eight packages, a home agent each, two hops": {
    parameters: { ...THREE_LEVELS, M_CPUS: 32, M_CLUSTERS: 8, M_PACKAGES: 8, M_BUSES: 8 },
    clusterOf: (cpu) => cpu & 7, packageOf: (cluster) => cluster, busOf: (cluster) => cluster,
    homes: [0, 1, 2, 3, 4, 5, 6, 7], far: (a, b) => ((a ^ b) & 4) !== 0,
  },
  "two packages of two dies, a home agent each": { homes: [0, 1] },
};

/** STRESS_CYCLES=... for a longer run. */
const cycles = Number(process.env.STRESS_CYCLES ?? 100_000);

for (const [name, shape] of Object.entries({ ...SHAPES, ...SMT, ...PRIVATE, ...HOMES })) {
  test(name, () => {
    for (const seed of [1, 2, 3, 4]) {
      const run = runStress({ ...shape, seed, cycles });
      expect(run.error?.stack, `seed ${seed}, coherence ${run.core.coherence()}`).toBeUndefined();
      expect(run.stop).toBe(abi.STOP_BUDGET);
      expect(run.counters).toEqual(run.additions);
      // A buffer that never drains or a core that starves would pass every other check.
      expect(Number(run.accesses)).toBeGreaterThan(cycles / 100);
      expect(Number(run.core.fewest())).toBeGreaterThan(cycles / 5000);
      // Again, with every load recorded: each goes to the port then, which brings the unit's
      // buffers up to date, and none through the filter, which does not.
      expect(runStress(recording({ ...shape, seed, cycles })).hash).toBe(run.hash);
    }
  });
}

test("the state does not depend on the number of workers", async () => {
  const hashes = new Set<bigint>();
  for (const M_WORKERS of [1, 2, 3, 4]) {
    const run = await runStressWorkers({ parameters: { M_WORKERS }, cycles });
    expect(run.counters).toEqual(run.additions);
    hashes.add(run.hash);
  }
  expect(hashes.size).toBe(1);
});

test.each([
  ["exit", "a worker ended without a result"],
  ["throw", "planted"],
  ["sleep", "no result after 1000 ms"],
])("a worker that is lost (%s) ends the run", async (loss, reason) => {
  const run = runStressWorkers({ parameters: { M_WORKERS: 3 } }, 1000, loss);
  await expect(run).rejects.toThrow(reason);
}, 20_000);
