// The corpus of herd7's complete state sets, where it is at hand: every test has the same final
// states here, and the tests that herd7 did not finish are finished.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { setupOf } from "../../src/engine/explore.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";

interface Recorded {
  name: string;
  file: string;
  states: Record<string, string>[];
}

const corpus = process.env.SMPBOX_LITMUS ?? join(packageRoot(), "..", "shared", "litmus");
const missing = !existsSync(join(corpus, "index.json"));
if (missing) console.log(`the corpus is not compared: there is no ${join(corpus, "index.json")}`);

/** As its README counts them: a corpus read in part would prove little. */
const TESTS = 3245;
const HARD_TESTS = 57;

async function load(file: string) {
  return assemble(parseText(file, readFileSync(join(corpus, file), "utf8")));
}

/** The final states as the corpus writes them, but modulo the width of each value. */
async function compare(explorer: Explorer, test: Recorded, reduce: boolean): Promise<string[]> {
  const { program, columns } = await load(test.file);
  const found = explorer.explore(setupOf(program), { reduce });
  const plain = (name: string) => name.replace(/[[\]]/g, "");
  const shown = columns.filter(({ printed }) => printed);
  const want = new Set(test.states.map((state) => shown.map(({ name, size }) =>
    `${name}=${BigInt.asUintN(8 * size, BigInt(state[plain(name)]))}`).join(" ")));
  const got = found.finals.map(({ values }) => shown.map(({ name, size, index, constant }) => {
    const value = index === undefined ? constant! : values[index];
    return `${name}=${BigInt.asUintN(8 * size, value)}`;
  }).join(" "));
  const ended = found.finals.every(({ stuck }) => !stuck.length);
  const complete = ended && !found.bound && !found.endless;
  const unique = [...new Set(got)].sort();
  if (complete && unique.join("\n") === [...want].sort().join("\n")) return [];
  return [`${test.name}: ${unique.length} states, ${want.size} wanted`];
}

it.skipIf(missing)("every test has the recorded final states", { timeout: 600_000 }, async () => {
  const explorer = await Explorer.open();
  const { tests } = JSON.parse(readFileSync(join(corpus, "index.json"), "utf8"));
  expect(tests.length).toBe(TESTS);
  const wrong: string[] = [];
  for (const test of tests as Recorded[]) wrong.push(...await compare(explorer, test, true));
  expect(wrong).toEqual([]);
  // The reduction leaves out steps, never states: every tenth test without it.
  for (const test of (tests as Recorded[]).filter((_, i) => i % 10 === 0)) {
    wrong.push(...await compare(explorer, test, false));
  }
  expect(wrong).toEqual([]);
});

it.skipIf(missing)("the tests that herd7 did not finish", { timeout: 600_000 }, async () => {
  const explorer = await Explorer.open();
  const states = (finals: { values: bigint[] }[]) =>
    finals.map(({ values }) => values.join()).sort();
  const names = readdirSync(join(corpus, "hard"));
  expect(names.length).toBe(HARD_TESTS);
  for (const name of names) {
    const { program } = await load(join("hard", name));
    const reduced = explorer.explore(setupOf(program));
    expect([reduced.bound, reduced.endless], name).toEqual([undefined, undefined]);
    const all = explorer.explore(setupOf(program), { reduce: false });
    expect(states(reduced.finals), name).toEqual(states(all.finals));
  }
});
