// The timing engine: what the box shows is what x86-TSO allows, on every preset, with more threads
// than CPUs too; and of what it allows, the box shows what its store buffers make.
import { afterAll, describe, expect, it } from "vitest";
import { presetNames } from "../../src/engine/files.ts";
import { Machine } from "../../src/engine/machine.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { linesOf, outside, ownTest, ownTests, seen, testOf } from "./engines.ts";

const RUNS = 100;
const RELAXED_RUNS = 3000;

afterAll(() => Machine.shutdown());

/** Every preset has a third of the tests, every test a third of the presets; all under fuzz. */
const SHARE = process.env.FUZZ_CASES === undefined ? 3 : 1;

describe.each(presetNames())("on %s", (machine) => {
  const own = presetNames().indexOf(machine);
  const tests = ownTests.filter((_, i) => i % SHARE === own % SHARE);
  it.each(tests)("%s: only states that explore has", async (name) => {
    const test = await ownTest(name);
    const { lines, outcome } = await outside(test, new TimingEngine(), { machine, runs: RUNS });
    expect(lines).toEqual([]);
    expect([outcome.bound, outcome.stuck]).toEqual([undefined, undefined]);
    const runs = outcome.states.reduce((sum, { count }) => sum + count, 0);
    expect(runs).toBe(RUNS);
  });
});

const RELAXED = ["SB", "SB+rfis", "SB+sfences", "SB+lfences", "R", "3.SB", "dekker", "peterson",
  "wait-queue", "SB-intel", "SB+pointers"];

describe("relaxed outcomes on clovertown", () => {
  it.each(RELAXED)("%s", async (name) => {
    const test = await ownTest(name);
    const engine = new TimingEngine();
    const outcome = await engine.run(test.program, { runs: RELAXED_RUNS });
    expect(seen(test, outcome)).toBe(true);
    const inOrder = new TimingEngine({ memory: "sc" });
    const strict = await inOrder.run(test.program, { runs: RELAXED_RUNS });
    expect(seen(test, strict), "without store buffers").toBe(false);
  });
});

it("waits where a buffered store covers a load in part, which no manual promises", async () => {
  const test = await ownTest("SB+parts");
  const { allowed, outcome } = await outside(test, new TimingEngine(), { runs: RELAXED_RUNS });
  expect([seen(test, allowed), seen(test, outcome)]).toEqual([true, false]);
});

describe("the harness", () => {
  it("gives the same counts for the same seed, with any number of workers", async () => {
    const test = await ownTest("IRIW");
    const counts = async (seed: bigint, workers: number) => {
      const { states } = await new TimingEngine({ workers }).run(test.program, { runs: 200, seed });
      return states.map(({ values, count }) => `${test.line(values)} ${count}`).sort();
    };
    const first = await counts(5n, 1);
    expect(await counts(5n, 2)).toEqual(first);
    expect(await counts(6n, 1)).not.toEqual(first);
  });

  it("finds a fence that is not there", async () => {
    const test = await ownTest("SB+mfences");
    for (const { code, texts, offsets } of test.program.threads) {
      const fence = offsets[texts.findIndex((text) => text.startsWith("mfence"))];
      code.set([0x0f, 0x1f, 0x00], fence); // a NOP of three bytes
    }
    const engine = new TimingEngine();
    const outcome = await engine.run(test.program, { runs: RELAXED_RUNS });
    const { allowed } = await outside(await ownTest("SB+mfences"), engine, { runs: 1 });
    const known = linesOf(test, allowed);
    expect(linesOf(test, outcome).filter((line) => !known.includes(line))).not.toEqual([]);
  });

  it("puts threads where it is told to", async () => {
    const test = await ownTest("SB");
    const at = async (cpus: number[]) =>
      new TimingEngine({ cpus }).run(test.program, { runs: 500 });
    expect((await at([0, 2])).model).toContain("on CPUs 0,2");
    expect(seen(test, await at([0, 2]))).toBe(true);
    expect((await at([3])).model).toContain("taking turns");
    expect(seen(test, await at([3])), "one CPU sees its own stores").toBe(false);
    await expect(at([0, 8])).rejects.toThrow("clovertown has only CPUs 0 to 7");
  });

  it("says which thread does not end", async () => {
    const test = await testOf(
      "X86_64 endless\n{ x=0; }\n P0 | P1 ;\n L: movl (x),%eax | movl $1,(x) ;\n" +
      " jmp L | ;\nexists (x=1)\n");
    const { states, bound, stuck } = await new TimingEngine().run(test.program, { runs: 100 });
    expect(states).toEqual([]);
    expect(bound).toBe("stopped after 0 of 100 runs");
    expect(stuck).toMatch(/^P0 has not ended after \d+ cycles; it is at its offset \d+$/);
  });

  it("says which thread takes an exception", async () => {
    const test = await testOf(
      "X86_64 fault\n{ x=0; }\n P0 | P1 ;\n movl $1,(x) | ud2 ;\nexists (x=1)\n");
    const { stuck } = await new TimingEngine().run(test.program, { runs: 100 });
    expect(stuck).toBe("P1 takes exception 6 at its offset 0");
  });
});
