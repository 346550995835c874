// A question about functions of an image, and the answer of the explore engine: every final state
// with its verdict, and for the first one that is wrong the shortest run that shows it.
import { type Elf, readElf } from "../machine/elf.ts";
import type { ImageFile } from "../machine/image.ts";
import { type Call, functionSetup, type FunctionSetup, parseCalls } from "./explore-function.ts";
import type { Exploration, Final, Search, Setup, StuckThread } from "./exploration.ts";
import { Explorer } from "./explorer.ts";
import { patiently, type SearchHooks } from "./patience.ts";
import type { WitnessStep } from "./program.ts";
import { parseRun, type Run, runText } from "./schedule.ts";

export interface Question {
  /** `f(0,1),g`: a CPU each. */
  entries: string;
  predicate?: string;
  model?: "tso" | "sc" | "stall";
  statesMax?: number;
  bufferEntries?: number;
  /** Off: every interleaving one by one. */
  reduce?: boolean;
  /** Not all interleavings, but so many random ones; `depth` as WalkOptions has it. */
  runs?: number;
  seed?: bigint;
  depth?: number;
  /** One run only, by its schedule. */
  replay?: string;
  /** Memory in place of the file's: see explore-snapshot.ts. */
  memory?: { lin: bigint; data: Uint8Array }[];
}

/** `endless`: a loop that nobody leaves any more. */
export type Verdict = "right" | "wrong" | "stuck" | "endless";

export interface Judged {
  /** What the predicate is about, or what the functions return; by `labels`. */
  values: bigint[];
  verdict: Verdict;
  stuck: StuckThread[];
  /** Machine states, or runs, that ended so. */
  count: number;
}

/** A run: the first failure, or the one that was asked for. */
export interface Failure {
  verdict: Verdict;
  schedule: string;
  /** Absent for a loop that does not end. */
  run?: Judged & { steps: WitnessStep[] };
}

export interface Answer {
  calls: Call[];
  labels: string[];
  /** Distinct by values and verdict. */
  finals: Judged[];
  failure?: Failure;
  exploration: Omit<Exploration, "finals">;
  elf: Elf;
}

export function ask(
  image: ImageFile, question: Question, hooks?: SearchHooks,
): Promise<Answer> {
  return askWith()(image, question, hooks);
}

/** For many questions about images of one size: the engine's memory is allocated once. */
export function askWith(): typeof ask {
  let explorer: Explorer | undefined;
  return async (image, question, hooks) => {
    const elf = readElf(image.bytes, image.name);
    const calls = parseCalls(question.entries, elf, image.name);
    const { predicate, memory: snapshot } = question;
    const asked = functionSetup(elf, image.name, calls, { predicate, snapshot });
    if (!explorer || explorer.box.ramBytes < asked.ramBytes) {
      explorer = await Explorer.open(undefined, asked.ramBytes);
    }
    return answerOf(explorer, elf, calls, asked, question, hooks);
  };
}

async function answerOf(
  explorer: Explorer, elf: Elf, calls: Call[], asked: FunctionSetup, question: Question,
  hooks?: SearchHooks,
): Promise<Answer> {
  const judge = judgeOf(asked, question.predicate === undefined ? 0 : calls.length);
  const labels = asked.labels.slice(question.predicate === undefined ? 0 : calls.length);
  if (question.replay !== undefined) {
    const { exploration, end } = replayOne(explorer, asked.setup, question, judge);
    const finals = [end.run ?? []].flat();
    return { calls, labels, finals, failure: end, exploration, elf };
  }
  const exploration = await patiently(search(explorer, asked.setup, question), hooks);
  const finals = merged(exploration.finals.map(judge));
  const failure = failureOf(explorer, exploration, judge);
  return { calls, labels, finals, failure, exploration, elf };
}

type Judge = (final: Pick<Final, "values" | "stuck" | "count">) => Judged;

/** Without a predicate the functions' own values are shown; they are the first ones. */
function judgeOf({ holds }: FunctionSetup, shown: number): Judge {
  return ({ values, stuck, count }) => {
    const verdict = stuck.length ? "stuck" : holds(values) ? "right" : "wrong";
    return { values: values.slice(shown), verdict, stuck, count };
  };
}

function search(explorer: Explorer, setup: Setup, question: Question): Search {
  const { runs } = question;
  return runs === undefined
    ? explorer.exploring(setup, question) : explorer.walking(setup, { ...question, runs });
}

function replayOne(explorer: Explorer, setup: Setup, question: Question, judge: Judge) {
  const { decisions, shared } = parseRun(question.replay!);
  const begun = performance.now();
  if (shared) explorer.prepare(setup, shared, question);
  else explorer.explore(setup, question);
  const end = runTo(explorer, { decisions, shared }, judge);
  const seconds = (performance.now() - begun) / 1000;
  const none = { machineStates: 0, statesSeen: 0, transitions: 0, searches: 0, instructions: 0 };
  return { exploration: { ...none, finals: [], seconds }, end };
}

/** The first final state that is wrong, or where a thread waits, as a run of few decisions. */
function failureOf(
  explorer: Explorer, { finals, endless }: Exploration, judge: Judge,
): Failure | undefined {
  const shared = explorer.sharedWords();
  for (const verdict of ["wrong", "stuck"] as const) {
    const final = finals.find((item) => judge(item).verdict === verdict);
    if (!final) continue;
    const fails = (values: bigint[], stuck: StuckThread[]) =>
      judge({ values, stuck, count: 1 }).verdict === verdict;
    const decisions = explorer.minimise(final.schedule, fails);
    return runTo(explorer, { decisions, shared }, judge);
  }
  return endless && { verdict: "endless", schedule: runText({ decisions: endless, shared }) };
}

function runTo(explorer: Explorer, run: Run, judge: Judge): Failure {
  const schedule = runText(run);
  const ended = explorer.replay(run.decisions);
  if (!ended) return { verdict: "endless", schedule };
  const end = judge({ ...ended, count: 1 });
  return { verdict: end.verdict, schedule, run: { ...end, steps: ended.steps } };
}

/** States that differ only in what nobody asked about are one. */
function merged(finals: Judged[]): Judged[] {
  const byKey = new Map<string, Judged>();
  for (const final of finals) {
    const waiting = final.stuck.map(({ thread, pending }) => `${thread}:${pending}`);
    const key = [final.verdict, ...final.values, ...waiting].join();
    const known = byKey.get(key);
    if (known) known.count += final.count;
    else byKey.set(key, final);
  }
  return [...byKey.values()];
}
