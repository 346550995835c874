// What is made of the runs of case 000, for its acceptance test (000-rows.ts).
import type { CaseRun, Setup } from "./case.ts";
import { sumCounts } from "./numbers.ts";

export type Size = "short" | "full";
type Judge = Setup["judge"];

/** What a run counts. */
export const COUNTS = {
  callbacks: "callbacks",
  freed: "reads of a request that was free (I000a)",
  late: "accesses to a free request, by the allocator's labels",
  taken: "reads of one that was taken again (I000b)",
  wrong: "wrong results",
  zero: "of them 0",
  other: "of them the size of another request",
} as const;

/** Without --inflight. */
const INFLIGHT = 30;

const countOf = (what: keyof typeof COUNTS) => (runs: readonly CaseRun[]) =>
  sumCounts(runs)[COUNTS[what]] ?? 0;
const wrongOf = countOf("wrong");
const zeroOf = countOf("zero");
const otherOf = countOf("other");
const readsFreedOf = countOf("freed");
const readsTakenOf = countOf("taken");
const roundsOf = (runs: readonly CaseRun[]) => runs.reduce((sum, run) => sum + run.rounds, 0);
const failed = (runs: readonly CaseRun[]) => runs.filter((run) => run.failure);

function brokenOf(runs: readonly CaseRun[]): ReturnType<Judge> | undefined {
  const broken = runs.find((run) => run.broken);
  if (!broken) return undefined;
  return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
}

/** No wrong result that is another one than 0. */
const allZero = (runs: readonly CaseRun[]) => zeroOf(runs) === wrongOf(runs);
/** Each wrong result is of a request that was not the reader's any more. */
const allFlagged = (runs: readonly CaseRun[]) =>
  runs.every((run) => readsTakenOf([run]) >= wrongOf([run]));

/** In most seeds, always 0, and always of a request that was not the reader's any more. */
export const zeros: Judge = (runs) => {
  const bad = failed(runs);
  const [zero, flagged] = [allZero(bad), allFlagged(bad)];
  const values = zero ? "all of them 0" : "not all of them 0";
  const measured = `${bad.length}/${runs.length} runs, ${values}, ` +
    `I000a and I000b ${flagged ? "each time" : "not each time"}`;
  const holds = bad.length >= 0.9 * runs.length && zero && flagged;
  return brokenOf(runs) ?? { measured, outcome: holds ? "holds" : "missed" };
};

/** A wrong variant that leaves the race: requests are taken again, and some result is 0 for it. */
export const stillWrong: Judge = (runs) => {
  const measured = `${failed(runs).length}/${runs.length} runs, ${wrongOf(runs)} wrong, ` +
    `${zeroOf(runs)} of them 0, ${readsTakenOf(runs)} reads of a request taken again`;
  const wrong = wrongOf(runs) > 0 && zeroOf(runs) === wrongOf(runs) && readsTakenOf(runs) > 0;
  return brokenOf(runs) ?? { measured, outcome: wrong ? "holds" : "missed" };
};

/** Completions for each wrong result on 32 CPUs: E000.1 has 20 in 59,098. */
const ROUNDS_EACH = 2955;
/** The same bug as on 32 CPUs, at less than a third of its rate. */
export const seldomZero = (runs: readonly CaseRun[]) =>
  allZero(runs) && allFlagged(runs) && roundsOf(runs) > 3 * ROUNDS_EACH * wrongOf(runs);

/** Every result that is handed out is 0; those of the last requests in flight are not counted. */
export const alwaysZero: Judge = (runs) => {
  const [wrong, rounds] = [wrongOf(runs), roundsOf(runs)];
  const measured = `${wrong} of ${rounds} results wrong, ${zeroOf(runs)} of them 0`;
  const all = wrong >= rounds - INFLIGHT * runs.length && zeroOf(runs) === wrong && wrong > 0;
  return brokenOf(runs) ?? { measured, outcome: all ? "holds" : "missed" };
};

/** No wrong result although requests were taken again while their callbacks were under way. */
export const never: Judge = (runs) => {
  const visited = runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
  const freed = readsFreedOf(runs);
  const measured = `${failed(runs).length}/${runs.length}, I000a ${freed} times, ` +
    `${visited} requests taken before their callback returned`;
  const broken = brokenOf(runs);
  if (broken) return broken;
  if (failed(runs).length > 0 || freed > 0) return { measured, outcome: "missed" };
  return { measured, outcome: visited > 0 ? "holds" : "open" };
};

export const byConstruction: Judge = (runs) => {
  const measured = `${failed(runs).length}/${runs.length}, I000a ${readsFreedOf(runs)} times`;
  const silent = failed(runs).length === 0 && readsFreedOf(runs) === 0;
  return brokenOf(runs) ?? { measured, outcome: silent ? "holds" : "missed" };
};

export const noneWrong: Judge = (runs) => {
  const measured = `${failed(runs).length}/${runs.length}, ${wrongOf(runs)} wrong in ` +
    `${roundsOf(runs)} completions, ${readsTakenOf(runs)} reads of a request taken again`;
  const broken = brokenOf(runs);
  return broken ?? { measured, outcome: failed(runs).length === 0 ? "holds" : "missed" };
};

interface Swept {
  inflight: number;
  taken: number;
  wrong: number;
  rounds: number;
}

function sweptOf(runs: readonly CaseRun[]): Swept[] {
  return [...new Set(runs.map((run) => run.spec.inflight!))].map((inflight) => {
    const own = runs.filter((run) => run.spec.inflight === inflight);
    return { inflight, taken: readsTakenOf(own), wrong: wrongOf(own), rounds: roundsOf(own) };
  });
}

/** Is the rate of reads of taken requests higher, by two standard deviations of the difference? */
function isHigher(one: Swept, other: Swept): boolean {
  const difference = one.taken / one.rounds - other.taken / other.rounds;
  return difference > 2 * Math.hypot(
    Math.sqrt(one.taken) / one.rounds, Math.sqrt(other.taken) / other.rounds,
  );
}

/** From 8 in flight on no number has a lower rate than a smaller one; the largest, a higher. */
function risesFrom8(swept: readonly Swept[]): boolean {
  const from8 = swept.filter(({ inflight }) => inflight >= 8);
  const falls = from8.some((more, i) => from8.slice(0, i).some((fewer) => isHigher(fewer, more)));
  return !falls && isHigher(from8.at(-1)!, from8[0]);
}

const noneWrongTo = (limit: number, swept: readonly Swept[]) =>
  swept.every(({ inflight, wrong }) => inflight > limit || wrong === 0);

/** Reads of taken requests for each million of completions, and what is wrong for it. */
export const rising: Judge = (runs) => {
  const swept = sweptOf(runs);
  const told = swept.map(({ inflight, taken, wrong, rounds }) =>
    `${inflight}: ${((1e6 * taken) / rounds).toFixed(0)} (${wrong} wrong)`);
  const above = swept.some(({ inflight, wrong }) => inflight > 20 && wrong > 0);
  const holds = risesFrom8(swept) && above && noneWrongTo(20, swept);
  return brokenOf(runs) ??
    { measured: `per million ${told.join(", ")}`, outcome: holds ? "holds" : "missed" };
};

/** It rises, and up to 8 in flight nothing is wrong. */
export const noStep = (runs: readonly CaseRun[]) =>
  risesFrom8(sweptOf(runs)) && noneWrongTo(8, sweptOf(runs));

/** One run has few wrong results: that none is of another size may be chance. */
export const otherSizes = (size: Size): Judge => (runs) => {
  const other = otherOf(runs);
  const measured = `${other} of ${wrongOf(runs)} wrong results are another request's size`;
  const none = size === "short" ? "open" : "missed";
  return brokenOf(runs) ?? { measured, outcome: other > 0 ? "holds" : none };
};

/** The model does not matter: neither rate is a tenth of the other. */
export const sameOrder: Judge = (runs) => {
  const of = (memory: string) => runs.filter((run) => run.spec.memory === memory);
  const [tso, sc] = [of("tso"), of("sc")];
  const rates = [tso, sc].map((some) => (1e6 * readsTakenOf(some)) / roundsOf(some));
  const measured = `per million completions ${rates[0].toFixed(0)} in tso, ` +
    `${rates[1].toFixed(0)} in sc; ${wrongOf(tso)} and ${wrongOf(sc)} wrong results`;
  const near = Math.min(...rates) * 10 > Math.max(...rates);
  return brokenOf(runs) ?? { measured, outcome: near ? "holds" : "missed" };
};

/** Events that a count of none leaves possible, with 95 %. */
const NONE_UPPER = 3;

/** A hundredth of the rate of 32 CPUs, if there are enough completions to tell. */
export const hundredth: Judge = (runs) => {
  const some = (sliced: boolean) => {
    const own = runs.filter((run) => run.spec.changes?.has("timeSlice.running") === sliced);
    return { taken: readsTakenOf(own), rounds: roundsOf(own), wrong: wrongOf(own) };
  };
  const [whole, host] = [some(false), some(true)];
  const text = ({ taken, rounds, wrong }: typeof whole) =>
    `${taken} reads of a request taken again in ${rounds} completions (${wrong} wrong)`;
  const measured = `32 CPUs ${text(whole)}; four at a time ${text(host)}`;
  const limit = whole.taken / whole.rounds / 100;
  const told = Math.max(NONE_UPPER, host.taken) / host.rounds <= limit;
  const outcome = host.taken / host.rounds > limit ? "missed" : told ? "holds" : "open";
  return brokenOf(runs) ?? { measured, outcome };
};
