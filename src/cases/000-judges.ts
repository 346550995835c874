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
/** The same bug as on 32 CPUs, at less than half of its rate. */
export const seldomZero = (runs: readonly CaseRun[]) =>
  allZero(runs) && allFlagged(runs) && roundsOf(runs) > 2 * ROUNDS_EACH * wrongOf(runs);

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

/** Reads of taken requests for each million of completions, by requests in flight. */
export const rising: Judge = (runs) => {
  const counts = [...new Set(runs.map((run) => run.spec.inflight!))];
  const rates = counts.map((count) => {
    const some = runs.filter((run) => run.spec.inflight === count);
    return { count, taken: readsTakenOf(some), wrong: wrongOf(some), rounds: roundsOf(some) };
  });
  const rate = ({ taken, rounds }: { taken: number; rounds: number }) => (1e6 * taken) / rounds;
  const measured = rates.map((r) =>
    `${r.count}: ${rate(r).toFixed(0)} (${r.wrong} wrong)`).join(", ");
  // Two counts differ only if they are more than two standard deviations apart.
  const spread = (r: { taken: number; rounds: number }) => (2e6 * Math.sqrt(r.taken)) / r.rounds;
  const from8 = rates.filter(({ count }) => count >= 8);
  const rises = from8.every((r, i) =>
    i === 0 || rate(r) + spread(r) >= rate(from8[i - 1]) - spread(from8[i - 1]));
  const some = rates.filter(({ count }) => count > 20).every(({ taken }) => taken > 0);
  return brokenOf(runs) ??
    { measured: `per million ${measured}`, outcome: rises && some ? "holds" : "missed" };
};

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
