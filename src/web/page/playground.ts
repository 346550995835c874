// The litmus playground: a test as the visitor wrote it, through all interleavings or many times on
// a machine, with fences at its gaps.
import { signal } from "@preact/signals";
import { ExploreEngine } from "../../engine/explore.ts";
import { TimingEngine } from "../../engine/litmus/timing.ts";
import { witnessCells } from "../../engine/witness.ts";
import { assemble } from "../../litmus/assemble.ts";
import { explain, namingOf } from "../../litmus/explain.ts";
import { fenced, type Gap, gapsOf } from "../../litmus/gaps.ts";
import { parseText } from "../../litmus/parse.ts";
import { judge, KINDS } from "../../litmus/print.ts";
import { runTest } from "../../litmus/run.ts";
import { LitmusError } from "../../litmus/test.ts";
import { conditionText } from "../../litmus/condition.ts";
import type { Kind } from "../../machine/sites.ts";
import { InputError } from "../../machine/preset.ts";

/** Of the explore engine, which runs in the page's own thread: some seconds. */
const STATES_MAX = 2_000_000;

export interface Found {
  title: string;
  states: { line: string; count: number; wanted: boolean }[];
  /** Are the counts runs? */
  counted: boolean;
  condition: string;
  verdict: string;
  model: string;
  /** Heads, then a row per step; of explore, if the condition's state is reachable. */
  witness?: string[][];
}

export const found = signal<Found | undefined>(undefined);
export const playing = signal(false);
export const playTrouble = signal("");
let stop = new AbortController();
let explorer: ExploreEngine | undefined;

export interface Play {
  text: string;
  fences: ReadonlyMap<string, Kind>;
  machine: string;
  runs: number;
  seed: number;
}

/** Where fences may go; none in a text that is no test. */
export function gapsIn(text: string): Gap[] {
  try {
    return gapsOf(parseText("test", text));
  } catch (error) {
    if (error instanceof LitmusError) return [];
    throw error;
  }
}

export function cancelPlay(): void {
  stop.abort();
}

export async function play(engine: "explore" | "timing", asked: Play): Promise<void> {
  stop = new AbortController();
  playing.value = true;
  playTrouble.value = "";
  found.value = undefined;
  try {
    const parsed = parseText("test", asked.text);
    const assembled = await assemble(fenced(parsed, gapsOf(parsed), asked.fences));
    explorer ??= new ExploreEngine();
    const chosen = engine === "explore" ? explorer : new TimingEngine();
    const result = await runTest(assembled, chosen, {
      machine: asked.machine, runs: asked.runs, seed: BigInt(asked.seed), signal: stop.signal,
      statesMax: STATES_MAX, witness: engine === "explore",
    });
    const verdict = judge(result);
    const { condition, name } = assembled.test;
    const { witness } = result.outcome;
    found.value = {
      title: `${name} ${KINDS[condition.quantifier]}: ${verdict.observation}`,
      states: verdict.states.map(({ line, count, holds }) =>
        ({ line, count, wanted: holds === (condition.quantifier !== "forall") })),
      counted: engine === "timing",
      condition: conditionText(condition),
      verdict: explain(result, verdict),
      model: result.outcome.model,
      witness: witness &&
        witnessCells(witness.steps, assembled.program.threads.length, namingOf(assembled)),
    };
  } catch (error) {
    const known = error instanceof LitmusError || error instanceof InputError;
    playTrouble.value = known ? error.message : `the engine failed: ${(error as Error).message}`;
  } finally {
    playing.value = false;
  }
}
