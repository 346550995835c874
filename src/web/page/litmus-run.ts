// A test as the visitor wrote it, with fences at its gaps, through an engine; in words and tables.
import type { Engine } from "../../engine/program.ts";
import { witnessCells } from "../../engine/witness.ts";
import { assemble } from "../../litmus/assemble.ts";
import { conditionText } from "../../litmus/condition.ts";
import { explain, namingOf } from "../../litmus/explain.ts";
import { fenced, gapsOf } from "../../litmus/gaps.ts";
import { parseText } from "../../litmus/parse.ts";
import { judge, KINDS } from "../../litmus/print.ts";
import { runTest } from "../../litmus/run.ts";
import { LitmusError } from "../../litmus/test.ts";
import { InputError } from "../../machine/preset.ts";
import type { Kind } from "../../machine/sites.ts";

/** Some seconds. */
const STATES_MAX = 2_000_000;

export interface Play {
  text: string;
  fences: ReadonlyMap<string, Kind>;
  machine: string;
  runs: number;
  seed: number;
}

/** Plain data: it comes from a worker. */
export interface Found {
  title: string;
  states: { line: string; count: number; wanted: boolean }[];
  /** Are the counts runs? */
  counted: boolean;
  condition: string;
  verdict: string;
  model: string;
  /** What was cut short. */
  bound?: string;
  /** Heads, then a row per step; of explore, if the condition's state is reachable. */
  witness?: string[][];
}

export interface PlayHooks {
  signal?: AbortSignal;
  /** Machine states explored, or runs done. */
  onProgress?(count: number): void;
}

export async function runText(engine: Engine, asked: Play, hooks: PlayHooks): Promise<Found> {
  const parsed = parseText("test", asked.text);
  const assembled = await assemble(fenced(parsed, gapsOf(parsed), asked.fences));
  const result = await runTest(assembled, engine, {
    machine: asked.machine, runs: asked.runs, seed: BigInt(asked.seed), ...hooks,
    statesMax: STATES_MAX, witness: engine.name === "explore",
  });
  const verdict = judge(result);
  const { condition, name } = assembled.test;
  const { witness, bound, model } = result.outcome;
  const answer = verdict.ok === undefined ? "undecided" : verdict.observation;
  return {
    title: `${name} ${KINDS[condition.quantifier]}: ${answer}`,
    states: verdict.states.map(({ line, count, holds }) =>
      ({ line, count, wanted: holds === (condition.quantifier !== "forall") })),
    counted: engine.name === "timing",
    condition: conditionText(condition),
    verdict: explain(result, verdict),
    model,
    bound,
    witness: witness &&
      witnessCells(witness.steps, assembled.program.threads.length, namingOf(assembled)),
  };
}

/** Of what the visitor can mend the sentence itself. */
export function troubleOf(error: unknown): string {
  const known = error instanceof LitmusError || error instanceof InputError;
  return known ? error.message : `the engine failed: ${(error as Error).message}`;
}
