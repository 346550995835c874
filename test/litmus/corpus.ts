// The corpus of tests with herd7's answers, beside the repository where it is present. It is data
// for tests only.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../src/core/root.ts";

export const corpusFolder = join(packageRoot(), "..", "shared", "litmus");

export interface CorpusTest {
  name: string;
  file: string;
  arch: string;
  family: string;
  kind: string;
  observation: string | null;
  condition_ok: boolean | null;
  states: Record<string, string>[];
}

/** Its index; undefined, with a message, where it is not there. */
export function corpus(): CorpusTest[] | undefined {
  const index = join(corpusFolder, "index.json");
  if (existsSync(index)) return JSON.parse(readFileSync(index, "utf8")).tests;
  console.log("skipped: no corpus of litmus tests in ../shared/litmus");
  return undefined;
}

export const corpusBytes = (file: string) => readFileSync(join(corpusFolder, file));
export const corpusText = (file: string) => readFileSync(join(corpusFolder, file), "utf8");

/** A state of the index as herd7 prints it. */
export function stateLine(state: Record<string, string>): string {
  const parts = Object.entries(state).map(
    ([name, value]) => `${name.includes(":") ? name : `[${name}]`}=${value};`);
  return parts.join(" ");
}
