// Row E002.7 of case 002: the wrong repair x3, whose completion reports errors, too. What was lost
// arrives, but an error that comes between S5 and S6 is reported by both sides.
import { OUTCOMES } from "./002-outcome.ts";
import { LATE, STRANGERS } from "./002-rows.ts";
import type { CaseRun, Row, Setup } from "./case.ts";
import { sumCounts } from "./numbers.ts";

type Judge = Setup["judge"];

const PAIR: [number, number] = [0, 1];
const ROUNDS = 64;
const SEEDS = { short: 6, full: 50 } as const;

function brokenOf(runs: readonly CaseRun[]): ReturnType<Judge> | undefined {
  const broken = runs.find((run) => run.broken);
  if (!broken) return undefined;
  return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
}

const told = (runs: readonly CaseRun[]) => Object.entries(sumCounts(runs))
  .filter(([, n]) => n > 0).map(([what, n]) => `${what} ${n}`).join(", ");

/** Every failed write that was queued has its event: errors that only the completion can report. */
const arrives: Judge = (runs) => {
  const sums = sumCounts(runs);
  const good = runs.every((run) => !run.failure) && (sums[OUTCOMES.reported] ?? 0) > 0;
  return brokenOf(runs) ??
    { measured: told(runs), outcome: good ? "holds" : "missed" };
};

/**
 * Some error is reported twice, or a submitter's sum covers it. The second report gives up a
 * reference that is not there any more: its kiocb is free, or it is another request's by then.
 */
const twice: Judge = (runs) => {
  const sums = sumCounts(runs);
  const dangles = (run: CaseRun) => (run.counts?.[LATE] ?? 0) + (run.counts?.[STRANGERS] ?? 0) > 0;
  const doubles = runs.filter((run) => run.counts?.[OUTCOMES.twice]);
  const found = doubles.length > 0 && doubles.every(dangles) && (sums[OUTCOMES.lost] ?? 0) === 0;
  return brokenOf(runs) ?? { measured: told(runs), outcome: found ? "holds" : "missed" };
};

const shape = (what: string, workload: string, expected: string, seeds: number, judge: Judge) => ({
  what, machine: "clovertown", variant: "x3", workload, memory: "tso" as const, pairs: [PAIR],
  seeds, rounds: ROUNDS, expected, judge,
});

export const rowTwice: Row = {
  id: "E002.7",
  what: "a completion that reports errors, too, cures the loss and reports some of them twice",
  setups: (size) => [
    shape("x3, W002b", "W002b", "no event is missing", size === "short" ? 1 : 20, arrives),
    shape("x3, W002m", "W002m", "none lost, some twice", SEEDS[size], twice),
  ],
};
