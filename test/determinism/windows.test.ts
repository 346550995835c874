// The window is a limit of the simulation, not a property of the machine: case 001 comes out alike
// with windows shorter and longer than the default.
import { afterAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

/** Up to the smallest ownership latency between dies; 38 is the default. */
const WINDOWS = [25, 38, 77];
const ROUNDS = 2000;
/** Pair, code, and whether a round hangs. */
const VERDICTS: Array<[string, [number, number], string, boolean]> = [
  ["same L2", [0, 4], "k0", false],
  ["same package", [0, 1], "k0", true],
  ["other socket", [0, 2], "k0", true],
  ["same package", [0, 1], "k7", false],
  ["other socket", [0, 2], "k7", false],
];

describe.each(WINDOWS)("windows of %i cycles", (windowCycles) => {
  it.each(VERDICTS)("%s %s %s", { timeout: 600_000 }, async (relation, pair, variant, hangs) => {
    const run = await runOnce(case001, {
      machine: "clovertown", variant, workload: "W001i", pair, seed: 1n, rounds: ROUNDS,
      memory: "tso", windowCycles,
    });
    expect(run.relation).toBe(relation);
    expect(run.broken).toBeUndefined();
    expect(run.failure !== undefined).toBe(hangs);
  });
});
