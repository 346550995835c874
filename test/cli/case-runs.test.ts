// What an interruption leaves of the verbs that run a case many times.
import { afterEach, expect, it, vi } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { keepRun } from "../../src/cli/case-machines.ts";
import { runWithProgress } from "../../src/cli/case-runs.ts";

/** Takes an hour. */
const LONG: CaseSpec = {
  machine: "clovertown", variant: "k7", workload: "W001i", memory: "tso", pair: [0, 2],
  seed: 1n, rounds: 10_000_000,
};

function abortSoon(): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  return abort.signal;
}

afterEach(() => void vi.restoreAllMocks());

it("ends all runs, and says how far they came", async () => {
  const told: string[] = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => told.push(String(text)) > 0);
  const specs = [1n, 2n, 3n].map((seed) => ({ ...LONG, seed }));
  const runs = await runWithProgress(case001, specs, {
    jobs: 2, signal: abortSoon(), failures: "hangs", reproduce: () => "",
  });
  expect(runs).toBeUndefined();
  expect(told.join("")).toBe("interrupted after 0 of 3 runs\n");
});

it("keeps no half a run", async () => {
  expect(await keepRun(case001, LONG, abortSoon())).toBeUndefined();
});
