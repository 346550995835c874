// Every test of the corpus is read and assembled; what is printed for herd7's own states is what
// herd7 printed; the tests made by diy7 come out of their cycles again.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FinalState } from "../../src/engine/program.ts";
import { type Assembled, assemble } from "../../src/litmus/assemble.ts";
import { conditionText } from "../../src/litmus/condition.ts";
import { generate } from "../../src/litmus/generate.ts";
import { parseBytes, parseText } from "../../src/litmus/parse.ts";
import { judge, logOf, type Result } from "../../src/litmus/print.ts";
import type { LitmusTest } from "../../src/litmus/test.ts";
import { hashOf, writeTest } from "../../src/litmus/write.ts";
import { corpus, corpusBytes, corpusFolder, corpusText, stateLine } from "./corpus.ts";

const tests = corpus();

/** The values of a state of the index, as an engine would hand them over. */
function valuesOf(assembled: Assembled, state: Record<string, string>): FinalState {
  const values: FinalState = assembled.program.observed.map(() => 0n);
  for (const { name, index, size } of assembled.columns) {
    const text = state[name] ?? state[name.replace(/^\[(.*)\]$/, "$1")];
    const variable = assembled.program.memory.find((item) => item.name === text);
    const value = variable?.address ?? BigInt(text);
    if (index !== undefined) values[index] = BigInt.asUintN(8 * size, value);
  }
  return values;
}

function resultOf(assembled: Assembled, states: Record<string, string>[]): Result {
  const counted = states.map((state) => ({ values: valuesOf(assembled, state), count: 1 }));
  return { engine: "explore", assembled, outcome: { states: counted, model: "none", seconds: 0 } };
}

const CORPUS_MS = 600_000;

/** Name, instructions and condition. */
const shapeOf = (test: LitmusTest) => JSON.stringify([
  test.name,
  test.threads.map(({ statements }) => statements.map(({ text }) => text)),
  conditionText(test.condition),
]);

/** herd7 counts executions, we final states: equal only in whether there are any. */
const withoutCounts = (line: string) =>
  /^(Positive|Observation)/.test(line) ? line.replace(/\b[1-9]\d*(?= |$)/g, "N") : line;

describe.runIf(tests)("the corpus", () => {
  it("is read and assembled, written and read again", async () => {
    const hard = readdirSync(join(corpusFolder, "hard")).map((name) => `hard/${name}`);
    const files = [...tests!.map(({ file }) => file), ...hard];
    expect(files.length).toBeGreaterThan(3000);
    const bad: string[] = [];
    for (const file of files) {
      const test = parseBytes(file, corpusBytes(file));
      const { program } = await assemble(test);
      const again = parseText(file, writeTest(test));
      const same = shapeOf(again) === shapeOf(test) && hashOf(again) === hashOf(test);
      if (!same || program.threads.length !== test.threads.length) bad.push(file);
    }
    expect(bad).toEqual([]);
  }, CORPUS_MS);

  it("has herd7's observation and verdict for herd7's states, in its order", async () => {
    let ordered = 0;
    const bad: string[] = [];
    for (const { file, states, observation, condition_ok: ok } of tests!) {
      const assembled = await assemble(parseBytes(file, corpusBytes(file)));
      const lines = states.map(stateLine);
      const verdict = judge(resultOf(assembled, states));
      const found = verdict.states.map(({ line }) => line);
      if ([...found].sort().join() !== [...new Set(lines)].sort().join()) bad.push(file);
      if (lines.join() === found.join()) ordered++;
      // No observation of herd7's where the corpus follows x86 and not herd7.
      const same = verdict.observation === (observation ?? verdict.observation);
      if (verdict.ok !== ok || !same) bad.push(file);
    }
    expect(bad).toEqual([]);
    // herd7 sorts -1 before or behind 1, by how it was computed, in 19 tests of the random family.
    expect(ordered).toBeGreaterThanOrEqual(3220);
  }, CORPUS_MS);

  it("has the lines of herd7's logs, hash included", async () => {
    const logs = readdirSync(join(corpusFolder, "logs"))
      .filter((name) => name.endsWith(".herd.log"));
    expect(logs.length).toBeGreaterThan(10);
    let hashes = 0;
    for (const name of logs) {
      const log = corpusText(`logs/${name}`).split("\n");
      const path = `tests/${name.replace(".herd.log", ".litmus")}`;
      const entry = tests!.find(({ file }) => file === path);
      expect(entry, name).toBeDefined();
      const assembled = await assemble(parseBytes(name, corpusBytes(entry!.file)));
      const own = logOf(resultOf(assembled, entry!.states));
      const head = log.slice(0, log.findIndex((line) => line.startsWith("Time")));
      const same = own.slice(0, head.length).map(withoutCounts);
      expect(same, name).toEqual(head.map(withoutCounts));
      if (!hashOf(assembled.test)) continue;
      expect(own, name).toContain(log.find((line) => line.startsWith("Hash=")));
      hashes++;
    }
    // One of them has an array.
    expect(hashes).toBe(logs.length - 1);
  });

  it("has the hash of litmus7's log", () => {
    const file = "tests/SB@herdtools-catalogue-x86_64-tests.litmus";
    const log = corpusText("logs/SB.litmus7.log").split("\n");
    expect(log).toContain(`Hash=${hashOf(parseBytes(file, corpusBytes(file)))}`);
  });

  it("comes out of its cycles again", () => {
    let equal = 0;
    const different: string[] = [];
    for (const { file, family, arch } of tests!) {
      const test = parseBytes(file, corpusBytes(file));
      const orig = test.fields.find(({ key }) => key === "Orig")?.value;
      // Other widths, the other syntax, and an older diy7 that numbers threads in another way.
      if (!orig || arch === "X86" || /[hw]\d/.test(orig) || /b8|q64/.test(family)) continue;
      const own = parseText(file, generate(orig));
      if (shapeOf(own) === shapeOf(test)) equal++;
      else if (!family.startsWith("herdtools")) different.push(test.name);
    }
    // A cycle of one thread has no first access: diy7 names this one by another.
    expect(different).toEqual(["CoRW1+rfi-pos-fri"]);
    expect(equal).toBeGreaterThanOrEqual(1774);
  }, CORPUS_MS);
});
