// What an interruption leaves of the verbs that run a case many times, and what they say first.
import { afterEach, expect, it, vi } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { case003 } from "../../src/cases/003.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { keepRun } from "../../src/cli/case-machines.ts";
import { printCase } from "../../src/cli/case-output.ts";
import { runWithProgress } from "../../src/cli/case-runs.ts";
import { shapeOf } from "../../src/cli/case-spec.ts";
import { loadPreset } from "../../src/engine/host.ts";

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

it("says that there is room for no more rounds, where they are fewer for that", async () => {
  const preset = await loadPreset(case003.machine);
  const told: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => told.push(String(text)) > 0);
  const header = (workload: string, rounds?: number) => {
    const shape = shapeOf(case003, { workload, rounds, memory: "tso" });
    printCase(case003, preset, { ...shape, pair: [0, 1], seed: 1n }, []);
    return told.pop()!.replace(/\s+/g, " ");
  };
  expect(header("W003")).toContain(
    " --rounds 35: W003 of case 003 has room for 35 rounds ");
  expect(header("W003m")).toContain(" --rounds 1: W003m of case 003 has room for 1 round ");
  expect(header("W003r")).not.toContain("--rounds");
  expect(header("W003", 34)).not.toContain("--rounds");
});
