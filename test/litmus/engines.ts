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
const allowedBy = new Map<string, Outcome>();

/** All that x86-TSO allows; asked once for each of our own tests. */
async function allowedOf(test: Assembled): Promise<Outcome> {
  const known = allowedBy.get(test.test.name);
  if (known) return known;
  const allowed = await oracle.run(test.program, {});
  if (allowed.bound !== undefined) throw new Error(`explore: ${allowed.bound}`);
  if (ownTests.includes(test.test.name)) allowedBy.set(test.test.name, allowed);
  return allowed;
}

/** State lines of the engine that no x86-TSO machine can show, and the outcome. */
export async function outside(test: Assembled, engine: Engine, options: EngineOptions) {
  const [allowed, outcome] = [await allowedOf(test), await engine.run(test.program, options)];
  const known = new Set(linesOf(test, allowed));
  return { lines: linesOf(test, outcome).filter((line) => !known.has(line)), outcome, allowed };
}

/** Is there a state that satisfies the condition? */
export const seen = (test: Assembled, { states }: Outcome) =>
  states.some(({ values }) => test.passes(values) && test.holds(values));
