// To look at a run is to make it again with every access recorded: that must be the same run. A
// load that is recorded goes to the port, which brings the unit's buffers up to date; others hit
// the filter, and instructions may run ahead of a line that is about to come in.
import { afterAll, expect, it } from "vitest";
import { case003 } from "../../src/cases/003.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { ACCESS_OPTIONS } from "../../src/engine/accesses.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

/** With two threads a core and a file system: 16 CPUs that share lines, stores that miss. */
const spec = (seed: bigint): CaseSpec => ({
  machine: "rhel16", variant: "bug", workload: "W003r", pair: [0, 1], seed, rounds: 100,
  memory: "tso",
});

it.each([1n, 2n])("rhel16, seed %d", async (seed) => {
  const options = { ...await optionsOf(case003, spec(seed)), maxCycles: 18_000_000n };
  const hashes: bigint[] = [];
  for (const more of [{}, ACCESS_OPTIONS]) {
    const machine = await Machine.create({ ...options, ...more });
    hashes.push((await machine.run()).stateHash);
    machine.close();
  }
  expect(hashes[1]).toBe(hashes[0]);
});
