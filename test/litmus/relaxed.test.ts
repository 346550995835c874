// Outcomes that x86-TSO allows and sequential consistency forbids, and that the box has to show on
// clovertown within so many runs: critical cycles of many families. A machine that never reorders
// would pass every other test of this folder. test/fuzz/relaxed.test.ts has more, from a corpus.
import { afterAll, describe, expect, it } from "vitest";
import { setupOf } from "../../src/engine/explore.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { Machine } from "../../src/engine/machine.ts";
import { generate } from "../../src/litmus/generate.ts";
import { seen, testOf } from "./engines.ts";

/** WR is where a later load overtakes; a family of cycles each. */
const FAMILIES: Record<string, string> = {
  "SB": "WR Fre PodWR Fre",
  "R": "PodWW Coe WR Fre",
  "3.SB": "WR Fre PodWR Fre PodWR Fre",
  "4.SB": "WR Fre PodWR Fre PodWR Fre PodWR Fre",
  "RWC": "Rfe PodRR Fre WR Fre",
  "W+RWC": "PodWW Rfe PodRR Fre WR Fre",
  "Z6.4": "PodWW Coe WR Fre PodWR Fre",
  "Z6.2+R": "PodWW Coe PodWW Coe WR Fre",
  "IRRWIW": "Rfe PodRR Fre PodWR Fre WR Fre",
};
/** What stands between the store and the load that overtakes it. */
const BETWEEN = [
  "PodWR",
  "SFencedWR", // orders stores with stores only
  "LFencedWR", // does not wait for the store buffer
  "Rfi PodRR", // the own store, forwarded
  "Coi PodWR", // two stores to one place
  "PodWW PodWR",
  "PodWR PodRR",
  "Rfi PodRR PosRR",
];
const FIRST_RUNS = 1000;
const RUNS_MAX = 20_000;

const explorer = await Explorer.open();
afterAll(() => Machine.shutdown());

async function reachable(cycle: string, model: "tso" | "sc"): Promise<boolean> {
  const test = await testOf(generate(cycle));
  const { finals, bound } = explorer.explore(setupOf(test.program), { model });
  expect(bound).toBeUndefined();
  return finals.some(({ values }) => test.passes(values) && test.holds(values));
}

describe.each(Object.keys(FAMILIES))("%s", (family) => {
  it.each(BETWEEN)("with %s", { timeout: 600_000 }, async (between) => {
    const cycle = FAMILIES[family].replace(/\bWR\b/, between);
    expect([await reachable(cycle, "tso"), await reachable(cycle, "sc")]).toEqual([true, false]);
    const test = await testOf(generate(cycle));
    const engine = new TimingEngine();
    for (const [runs, seed] of [[FIRST_RUNS, 1n], [RUNS_MAX - FIRST_RUNS, 2n]] as const) {
      if (seen(test, await engine.run(test.program, { runs, seed }))) return;
    }
    expect.fail(`not seen in ${RUNS_MAX} runs: smpbox litmus --generate "${cycle}"`);
  });
});

it("are enough", () => {
  const families = Object.keys(FAMILIES);
  expect(families.length).toBeGreaterThanOrEqual(8);
  expect(families.length * BETWEEN.length).toBeGreaterThanOrEqual(64);
});
