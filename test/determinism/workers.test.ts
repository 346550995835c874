// Same image, machine and seed: same final state hash, on any number of workers and every time.
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

interface Workload {
  image: string;
  append?: string;
  exit: number | "hang";
}

const W001 = "-- w001 W001i s=0 r=2 rounds=400 spin=14";
const WORKLOADS: Record<string, Workload> = {
  hello: { image: "hello", exit: 0 },
  "w001 without smp_mb(), to the hang": { image: "w001", append: `v001k=0 ${W001}`, exit: "hang" },
  "w001 with smp_mb()": { image: "w001", append: `v001k=7 ${W001}`, exit: 0 },
  bench: { image: "bench", append: "-- bench scale=1", exit: 0 },
};

async function run(
  { image, append }: Workload, workers: number, seed = 1n, name = "clovertown",
) {
  const machine = await Machine.create({ machine: name, image, append, workers, seed });
  const { exit, cycles, instructions, stateHash } = await machine.run();
  machine.close();
  return { exit, cycles, instructions, stateHash };
}

describe.each(Object.entries(WORKLOADS))("%s", (_, workload) => {
  it("ends alike with 1, 2 and 3 workers, and again", { timeout: 120_000 }, async () => {
    const first = await run(workload, 1);
    expect(first.exit).toBe(workload.exit);
    for (const workers of [2, 3, 1]) {
      expect(await run(workload, workers), `${workers} workers`).toEqual(first);
    }
  });
});

// SMT, private L2s and two home agents; 64 CPUs in eight packages.
describe.each(["illumos32", "westmere-ex"])("%s", (name) => {
  it("boots alike with 1, 2, 3 and 4 workers", { timeout: 240_000 }, async () => {
    const first = await run(WORKLOADS.hello, 1, 1n, name);
    expect(first.exit).toBe(0);
    for (const workers of [2, 3, 4]) {
      expect(await run(WORKLOADS.hello, workers, 1n, name), `${workers} workers`).toEqual(first);
    }
  });
});

it("another seed is another run", async () => {
  const [one, two] = [await run(WORKLOADS.hello, 1, 1n), await run(WORKLOADS.hello, 1, 2n)];
  expect(one.exit).toBe(two.exit);
  expect(one.stateHash).not.toBe(two.stateHash);
});
