// An outcome as text: herd7's log for explore, litmus7's histogram for the engines that run. Then
// the model, and one sentence for a reader who has never seen either.
import type { CountedState, Engine, Outcome } from "../engine/program.ts";
import type { Assembled } from "./assemble.ts";
import { conditionText } from "./condition.ts";
import { explain } from "./explain.ts";
import type { LitmusTest, Quantifier } from "./test.ts";
import { hashOf } from "./write.ts";

/** A test after a run of an engine. */
export interface Result {
  engine: Engine["name"];
  /** The preset, for timing. */
  machine?: string;
  assembled: Assembled;
  outcome: Outcome;
}

/** What the outcome says about the condition. */
export interface Verdict {
  /** Printed states that pass the filter, in herd7's order, each once. */
  states: { line: string; values: bigint[]; count: number; holds: boolean }[];
  positive: number;
  negative: number;
  /** Does the condition hold? Undecided if that would need what was cut short. */
  ok: boolean | undefined;
  observation: "Always" | "Sometimes" | "Never";
}

export const KINDS: Record<Quantifier, string> = {
  exists: "Allowed", "~exists": "Forbidden", forall: "Required",
};

export function judge({ assembled, outcome, engine }: Result): Verdict {
  const merged = new Map<string, Verdict["states"][number]>();
  const passing = outcome.states.filter(({ values }) => assembled.passes(values));
  for (const { values, count } of passing.sort(byValues(assembled))) {
    const line = assembled.line(values);
    const state = merged.get(line);
    if (!state) merged.set(line, { line, values, count, holds: assembled.holds(values) });
    else if (engine !== "explore") state.count += count;
  }
  const states = [...merged.values()];
  const total = (items: typeof states) => items.reduce((sum, { count }) => sum + count, 0);
  const positive = total(states.filter(({ holds }) => holds));
  const negative = total(states) - positive;
  const observation = positive === 0 ? "Never" : negative === 0 ? "Always" : "Sometimes";
  const { quantifier } = assembled.test.condition;
  const ok = decide(quantifier, positive, negative, outcome.bound !== undefined);
  return { states, positive, negative, ok, observation };
}

function byValues(assembled: Assembled) {
  return (a: CountedState, b: CountedState) => assembled.compare(a.values, b.values);
}

function decide(quantifier: Quantifier, positive: number, negative: number, cut: boolean) {
  const counterexample = quantifier === "forall" ? negative > 0 : positive > 0;
  if (counterexample) return quantifier === "exists";
  return cut ? undefined : quantifier !== "exists";
}

const okText = (ok: boolean | undefined) => (ok === undefined ? "Undecided" : ok ? "Ok" : "No");

/** The lines of a log, a blank one at the end. */
export function logOf(result: Result): string[] {
  const verdict = judge(result);
  const { outcome, engine } = result;
  const lines = engine === "explore" ? herdLines(result, verdict) : runLines(result, verdict);
  const machine = result.machine ? `, ${result.machine}` : "";
  lines.push(`Model ${engine}${machine}: ${outcome.model}`);
  if (outcome.bound) lines.push(`Incomplete: ${outcome.bound}`);
  if (outcome.stuck) lines.push(`Stuck: ${outcome.stuck}`);
  return [...lines, explain(result, verdict), ""];
}

/** As in herd7's logs; its counts are of executions, these are of final states. */
function herdLines({ assembled, outcome }: Result, verdict: Verdict): string[] {
  const { test } = assembled;
  const { positive, negative, observation } = verdict;
  return [
    `Test ${test.name} ${KINDS[test.condition.quantifier]}`,
    `States ${verdict.states.length}`,
    ...verdict.states.map(({ line }) => line),
    okText(verdict.ok),
    "Witnesses",
    `Positive: ${positive} Negative: ${negative}`,
    `Condition ${conditionText(test.condition)}`,
    `Observation ${test.name} ${observation} ${positive} ${negative}`,
    `Time ${test.name} ${outcome.seconds.toFixed(2)}`,
    ...hashLine(test),
  ];
}

function hashLine(test: LitmusTest): string[] {
  const hash = hashOf(test);
  return hash ? [`Hash=${hash}`] : [];
}

const COUNT_COLUMNS = 6;
const FIELDS = ["Cycle", "Relax", "Safe", "Generator", "Com", "Orig"];

/** As in litmus7's logs: a star marks what the condition is about. */
function runLines({ assembled, outcome }: Result, verdict: Verdict): string[] {
  const { test } = assembled;
  const { positive, negative, observation, ok } = verdict;
  const wanted = test.condition.quantifier !== "forall";
  const states = [...verdict.states].sort(
    (a, b) => compareLastFirst(assembled, a.values, b.values));
  const validated = ok === undefined ? "undecided" : ok ? "validated" : "NOT validated";
  const fields = FIELDS.flatMap((key) => test.fields.find((field) => field.key === key) ?? []);
  return [
    `Test ${test.name} ${KINDS[test.condition.quantifier]}`,
    `Histogram (${states.length} states)`,
    ...states.map(({ line, count, holds }) =>
      `${`${count}`.padEnd(COUNT_COLUMNS)}${holds === wanted ? "*" : ":"}>${line}`),
    okText(ok),
    "",
    "Witnesses",
    `Positive: ${positive}, Negative: ${negative}`,
    `Condition ${conditionText(test.condition)} is ${validated}`,
    ...hashLine(test),
    ...fields.filter(({ value }) => value).map(({ key, value }) => `${key}=${value}`),
    `Observation ${test.name} ${observation} ${positive} ${negative}`,
    `Time ${test.name} ${outcome.seconds.toFixed(2)}`,
  ];
}

/** litmus7's order: the last column counts most. */
function compareLastFirst(assembled: Assembled, a: bigint[], b: bigint[]): number {
  for (const { index, printed } of [...assembled.columns].reverse()) {
    if (!printed || index === undefined) continue;
    const keep = (values: bigint[]) => values.map((value, i) => (i === index ? value : 0n));
    const order = assembled.compare(keep(a), keep(b));
    if (order !== 0) return order;
  }
  return 0;
}

/** One entry of `tests` under --json. */
export function jsonOf(result: Result) {
  const { assembled, outcome, engine, machine } = result;
  const verdict = judge(result);
  const { test } = assembled;
  return {
    name: test.name,
    file: test.file,
    engine,
    machine,
    states: verdict.states.map(({ line, count }) => ({ state: line, count })),
    condition: conditionText(test.condition),
    observation: verdict.observation,
    holds: verdict.ok,
    positive: verdict.positive,
    negative: verdict.negative,
    model: outcome.model,
    incomplete: outcome.bound,
    stuck: outcome.stuck,
    seconds: outcome.seconds,
    explanation: explain(result, verdict),
  };
}
