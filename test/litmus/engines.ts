// What the tests of the engines have in common: tests by name, and states as printed lines.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/core/root.ts";
import { ExploreEngine } from "../../src/engine/explore.ts";
import type { Engine, EngineOptions, Outcome } from "../../src/engine/program.ts";
import { type Assembled, assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";

const folder = join(packageRoot(), "workloads", "litmus");
export const ownTests = readdirSync(folder)
  .filter((file) => file.endsWith(".litmus"))
  .map((file) => file.replace(".litmus", ""));

export const testOf = (text: string) => assemble(parseText("test", text));
export const ownTest = (name: string) =>
  testOf(readFileSync(join(folder, `${name}.litmus`), "utf8"));

export const linesOf = (test: Assembled, { states }: Outcome) =>
  [...new Set(states.map(({ values }) => test.line(values)))].sort();

const oracle = new ExploreEngine();

/** State lines of the engine that no x86-TSO machine can show, and the outcome. */
export async function outside(test: Assembled, engine: Engine, options: EngineOptions) {
  const [allowed, outcome] = [
    await oracle.run(test.program, {}), await engine.run(test.program, options),
  ];
  if (allowed.bound !== undefined) throw new Error(`explore: ${allowed.bound}`);
  const known = new Set(linesOf(test, allowed));
  return { lines: linesOf(test, outcome).filter((line) => !known.has(line)), outcome, allowed };
}

/** Is there a state that satisfies the condition? */
export const seen = (test: Assembled, { states }: Outcome) =>
  states.some(({ values }) => test.passes(values) && test.holds(values));
