// Outcomes of several engines on one test, side by side; and what one of them saw although explore,
// if it was asked and its set is complete, says that no x86-TSO machine can show it.
import { judge, type Result, type Verdict } from "./print.ts";

/** `timing clovertown`. */
export function engineName({ engine, machine }: Result): string {
  return machine ? `${engine} ${machine}` : engine;
}

export interface Violation {
  result: Result;
  /** State lines. */
  states: string[];
}

/** States of the running engines outside of explore's set. */
export function violationsOf(results: readonly Result[]): Violation[] {
  const oracle = results.find(({ engine }) => engine === "explore");
  if (!oracle || oracle.outcome.bound !== undefined) return [];
  const allowed = new Set(judge(oracle).states.map(({ line }) => line));
  return results.filter((result) => result !== oracle).flatMap((result) => {
    const states = judge(result).states.map(({ line }) => line);
    const outside = states.filter((line) => !allowed.has(line));
    return outside.length ? [{ result, states: outside }] : [];
  });
}

/** A row per state, a column per engine; lines of text. */
export function sideBySide(results: readonly Result[]): string[] {
  const verdicts = results.map(judge);
  const holding = new Map<string, boolean>();
  for (const { states } of verdicts) for (const { line, holds } of states) holding.set(line, holds);
  const { test } = results[0].assembled;
  const wanted = test.condition.quantifier !== "forall";
  const mark = (line: string) => (holding.get(line) === wanted ? "*" : ":");
  const cell = (verdict: Verdict, i: number, line: string) => {
    const state = verdict.states.find((item) => item.line === line);
    if (!state) return results[i].outcome.bound === undefined ? "-" : "?";
    return results[i].engine === "explore" ? "allowed" : `${state.count}`;
  };
  const rows = [
    [`Side by side ${test.name}`, ...results.map(engineName)],
    ...[...holding.keys()].map((line) =>
      [`${mark(line)}>${line}`, ...verdicts.map((verdict, i) => cell(verdict, i, line))]),
    ["Observation", ...verdicts.map(({ observation }) => observation)],
  ];
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row.map((text, i) => (i ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join("  "));
}
