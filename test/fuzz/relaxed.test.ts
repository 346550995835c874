// Of the corpus's tests whose outcome x86-TSO allows and sequential consistency forbids, these at
// least must show it on clovertown; by name, from many families. A few in every run of the tests,
// all of them under npm run fuzz. scripts/litmus-share.mjs counts over the whole corpus.
import { afterAll, expect, it } from "vitest";
import { setupOf } from "../../src/engine/explore.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { Machine } from "../../src/engine/machine.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseBytes } from "../../src/litmus/parse.ts";
import { corpus, corpusBytes } from "../litmus/corpus.ts";
import { seen } from "../litmus/engines.ts";

const WANTED = [
  "3.SB+po+po+poana", "3.SB@atom6", "R+coi-ponaa+po", "R+po+poR-po", "R+po+poW-po",
  "R+po-frinaa+po", "R+poW-ponaa+po", "R+ponaa+poW-po", "R+ponaa+rfi-po", "R+rfi-po+po", "R@b8",
  "4.SB+mfence+po+po+po@basic8", "4.SB@basic8", "R+po+lfence", "R+po+sfence", "R+sfence+po",
  "R+sfences", "SB+mfence+sfence", "3.SB+lfence+lfence+po", "3.SB+lfence+po+po", "3.SB+lfences",
  "3.SB+mfence+lfence+lfence", "3.SB+mfence+lfence+po", "3.SB+mfence+sfence+lfence",
  "3.SB+mfence+sfence+po", "3.SB+mfence+sfence+sfence", "R+coi-po+rfi-po", "R+coi-poR-po+po",
  "R+coi-rfi-po+po", "R+mfenceR-poR-po+po", "R+po+poR-poW-po", "R+po+poW-poR-po",
  "R+po+rfi-poR-po", "R+po-fri+poR-po", "R+po+poR-poR-pos", "R+po+poR-pos", "R+po+poR-posR-po",
  "R+po+posR-posR-po", "R+poR-po+poR-pos", "R+poR-poss", "R+poW-po+poR-pos", "R+posR-posR-po+po",
  "3.SB+mfence+coi-rfi-po+po", "3.SB+mfence+po+rfi-po", "3.SB+po+coi-rfi-po+rfi-po",
  "3.SB+po+rfi-po+coi-rfi-po", "3.SB+po+rfi-po+rfi-po", "3.SB+rfi-po+rfi-po+coi-rfi-po",
  "3.SB+coi-pos", "3.SB+mfence+coi-po+po", "3.SB+mfence+coi-po+rfi-po",
  "3.SB+mfence+rfi-po+coi-po", "3.SB+po+coi-po+po", "3.SB+po+coi-po+rfi-po",
  "3.SB+rfi-po+coi-po+coi-po", "R+poh0h0+pow0h0", "R+poh0h0+pow0w0", "R+poh0w0+poh0h0",
  "R+poh0w0+poh2h0", "R+poh0w0+poh2w0", "R+poh2h0+poh0h2", "R+poh2h0+pow0h2", "R+poh2h2+pow0w0",
  "R+poRh0h2-poh2w0+poh0w0", "R+poRh0w0-pow0h2+pow0w0", "R+poRw0h0-poh0h2+poh2h2",
  "R+poWh0h0-poh0h0+poh0h0", "R+poWw0h0-poh0w0+poh0h2", "R+poWw0h0-poh0w0+poh2h2",
  "R+poh0w0+poWh0h0-poh0h0", "R+poh2h0+poRh0h2-poh2w0", "3.SB+mfence+rfi+po@q64", "3.SB@q64",
  "SB+mfence+po@q64", "R", "SB+mfence+po", "R+po+po-rfi-po", "R+po+rfi-po",
  "R@herdtools-catalogue-x86_64-tests", "SB+mfence+po@herdtools-catalogue-x86_64-tests", "4.SB",
  "6.SB",
];
const RUNS_MAX = 100_000;
const FIRST_RUNS = 2000;
const long = process.env.FUZZ_CASES !== undefined;
/** So many of them where nobody is to be kept waiting. */
const SHORT = 12;

const tests = corpus();
const byName = new Map(tests?.map((test) => [test.file.replace(/^.*\/|\.litmus$/g, ""), test]));
const chosen = long ? WANTED : WANTED.filter((_, i) => i % Math.ceil(WANTED.length / SHORT) === 0);
afterAll(() => Machine.shutdown());

it("are enough, of enough families", () => {
  expect(new Set(WANTED).size).toBe(WANTED.length);
  expect(WANTED.length).toBeGreaterThanOrEqual(64);
  if (!tests) return;
  const families = new Set(WANTED.map((name) => byName.get(name)!.family));
  expect(families.size).toBeGreaterThanOrEqual(8);
});

it.skipIf(!tests).each(chosen)("%s", { timeout: 600_000 }, async (name) => {
  const { file } = byName.get(name)!;
  const test = await assemble(parseBytes(file, corpusBytes(file)));
  const explorer = await Explorer.open();
  for (const [model, wanted] of [["tso", true], ["sc", false]] as const) {
    const { finals, bound } = explorer.explore(setupOf(test.program), { model });
    expect(bound).toBeUndefined();
    const holds = finals.some(({ values }) => test.passes(values) && test.holds(values));
    expect(holds, model).toBe(wanted);
  }
  const engine = new TimingEngine();
  const first = await engine.run(test.program, { runs: FIRST_RUNS });
  if (seen(test, first)) return;
  const runs = RUNS_MAX - FIRST_RUNS;
  expect(seen(test, await engine.run(test.program, { runs, seed: 2n }))).toBe(true);
});
