// What is made of the runs of case 001, for its acceptance test (001-rows.ts).
import type { TraceEvent } from "../core/view.ts";
import { findLostWakeup, isStoreBuffering } from "./001-story.ts";
import { mayBeLate } from "./001-variants.ts";
import type { CaseRun, Setup } from "./case.ts";

type Judge = Setup["judge"];

const sound = (runs: readonly CaseRun[]) => runs.filter((run) => !run.broken);
const hung = (runs: readonly CaseRun[]) => runs.filter((run) => run.failure);
export const count = (runs: readonly CaseRun[]) => `${hung(runs).length}/${sound(runs).length}`;

export function brokenOf(runs: readonly CaseRun[]): ReturnType<Judge> | undefined {
  const broken = runs.find((run) => run.broken);
  if (!broken) return undefined;
  const { pair, seed } = broken.spec;
  const measured = `broken (${pair.join(",")} seed ${seed}): ${broken.broken}`;
  return { measured, outcome: "missed" };
}

/** Shares of the rounds in which B finds nobody; beyond these one order hardly occurs. */
const SHARE_MIN = 0.2;
const SHARE_MAX = 0.8;

/**
 * The share of the counted rounds of a finished run of W001i in which B found nobody: the order of
 * the two sides. The rounds before, which warm the ring, always find somebody. Undefined where the
 * order is another matter: k12 does not look, and in tso-adv the reaper follows the submitter's
 * pace (84 to 92 % there; whether the two came near is asked all the same).
 */
export function shareOf({ spec, rounds, counters, failure }: CaseRun): number | undefined {
  const plain = spec.workload === "W001i" && spec.memory !== "tso-adv";
  if (!plain || !counters || failure || rounds === 0 || /^k12\b/.test(spec.variant)) {
    return undefined;
  }
  return Number(counters.bEmpty) / rounds;
}

/** No run hangs; and, unless the workload keeps the two apart, each came near enough. */
export function never(apart = false): Judge {
  return (runs) => {
    const broken = brokenOf(runs);
    if (broken) return broken;
    const visited = runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
    const near = apart ? "" : `, ${visited} rounds in the window`;
    const shares = runs.flatMap((run) => shareOf(run) ?? []);
    const [low, high] = [Math.min(...shares), Math.max(...shares)];
    const percent = (share: number) => (100 * share).toFixed(0);
    const order = shares.length === 0 ? ""
      : `; B found nobody in ${percent(low)} to ${percent(high)} % of the rounds`;
    const measured = `${count(runs)}${near}${order}`;
    if (hung(runs).length > 0) return { measured, outcome: "missed" };
    const both = shares.length === 0 || (low >= SHARE_MIN && high <= SHARE_MAX);
    const shown = both && (apart || runs.every((run) => run.visited));
    return { measured, outcome: shown ? "holds" : "open" };
  };
}

/** At least this share of the runs of every pair; of fewer than ten runs, one. */
export function hangs(share: number): Judge {
  return (runs) => {
    const broken = brokenOf(runs);
    if (broken) return broken;
    const pairs = new Map<string, CaseRun[]>();
    for (const run of runs) {
      const pair = run.spec.pair.join(",");
      pairs.set(pair, [...(pairs.get(pair) ?? []), run]);
    }
    const enough = [...pairs.values()].every((group) =>
      hung(group).length >= (group.length >= 10 ? share * group.length : 1));
    const rates = [...pairs.values()].map((group) => hung(group).length / group.length);
    const worst = Math.min(...rates);
    const measured = `${count(runs)}, the worst pair ${(worst * 100).toFixed(0)} %`;
    return { measured, outcome: enough ? "holds" : "missed" };
  };
}

/** Of code that may hang; some of it has to, or the runs would show nothing about the rest. */
export const mayHang: Judge = (runs) => {
  const variants = new Set(hung(runs).map((run) => run.spec.variant));
  const all = new Set(runs.map((run) => run.spec.variant)).size;
  const measured = `${variants.size} of ${all} variants hang`;
  return brokenOf(runs) ?? { measured, outcome: variants.size > 0 ? "holds" : "missed" };
};

/** In any run. */
export const found: Judge = (runs) =>
  brokenOf(runs) ?? { measured: count(runs), outcome: hung(runs).length > 0 ? "holds" : "missed" };

export const onlyLastOfBatch: Judge = (runs) => {
  const early = hung(runs).filter((run) => run.failure!.reaped! % 64 !== 63);
  const result = found(runs);
  if (early.length === 0) return result;
  return { measured: `${early.length} hangs before a batch's last event`, outcome: "missed" };
};

export const slowButNever: Judge = (runs) => {
  const result = never()(runs);
  const slow = runs.reduce((sum, run) => sum + (run.slowRounds ?? 0), 0);
  const measured = `${result.measured}; ${slow} slow rounds`;
  return { measured, outcome: slow > 0 ? result.outcome : "missed" };
};

/**
 * Does its trace explain a hang? Both sides looked too early for the other's store, one of these
 * stores was late, and what this code makes visible before the younger load was so: a reaper a, for
 * one, looks (2) only after its entry (1e) is visible.
 */
function isExplained({ failure, spec }: CaseRun): boolean {
  const story = findLostWakeup(failure!, ...spec.pair);
  const { bRead, tailCommit, queueCommit, stateCommit, tailRead } = story;
  const may = mayBeLate(spec.variant);
  const inOrder = (commit?: TraceEvent, look?: TraceEvent) =>
    commit !== undefined && look !== undefined && commit.time <= look.time;
  return failure!.cause === "store buffer" && isStoreBuffering(story) &&
    (may.tail || inOrder(tailCommit, bRead)) &&
    (may.entry || inOrder(queueCommit, tailRead)) &&
    (may.state || inOrder(stateCommit, tailRead));
}

/** Some run hangs, and the trace of every one that does explains it. */
export const explained: Judge = (runs) => {
  const failures = hung(runs);
  const good = failures.filter(isExplained);
  const measured = `${count(runs)}, ${good.length} of ${failures.length} by a late store`;
  const all = failures.length > 0 && good.length === failures.length;
  return brokenOf(runs) ?? { measured, outcome: all ? "holds" : "missed" };
};

/** No hang, and the completions were of the kind that the row is about. */
export function finalPuts(runs: readonly CaseRun[]): ReturnType<Judge> {
  const result = never()(runs);
  const sum = (pick: (run: CaseRun) => bigint | undefined) =>
    runs.reduce((total, run) => total + Number(pick(run) ?? 0n), 0);
  const last = sum((run) => run.counters?.finalPuts) / sum((run) => run.counters?.completions);
  const measured = `${result.measured}; ${(last * 100).toFixed(0)} % dropped the last reference`;
  return { measured, outcome: last > 0.9 ? result.outcome : "missed" };
}

/** Of a pair on one L2, in one package and on two sockets; in order, or only none against some. */
export function widths(ordered: boolean): Judge {
  return (runs) => {
    const [die, chip, socket] = runs.map((run) => run.scan?.width ?? -1);
    const rises = die === 0 && chip > 0 && (ordered ? socket > chip : socket > 0);
    const measured = `${die}, ${chip}, ${socket} cycles`;
    return brokenOf(runs) ?? { measured, outcome: rises ? "holds" : "missed" };
  };
}
