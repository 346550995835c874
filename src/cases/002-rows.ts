// The acceptance test of case 002: rows E002.* of smpbox case --rows.
import { ALL_OF_IT, OUTCOMES, PART_OF_IT } from "./002-outcome.ts";
import { HOLE_ROUNDS, WORKLOADS } from "./002-workloads.ts";
import type { CaseRun, Row, Setup } from "./case.ts";
import { sumCounts } from "./numbers.ts";

type Size = "short" | "full";
type Judge = Setup["judge"];

const SEEDS = { short: 2, full: 20 } as const;
const ROUNDS = 64;
const PAIR: [number, number] = [0, 1];

const count = (run: CaseRun, what: string) => run.counts?.[what] ?? 0;
const MISSING = "missing events";
/** By the host's knowledge of the bad sectors, and by the program. */
export const INJECTED = "requests with a bad sector";
export const ANSWERED = "answers with an error";
/** Events that were read from the ring, each against the bios of its own request. */
export const COMPARED = "answers compared with their requests";
/** The last reference of a kiocb is given up twice, and the second time it is somebody else's. */
export const STRANGERS = "requests that ended in another one's kiocb";
export const LATE = "accesses to what is free";
/**
 * Of a drive that goes nobody knows beforehand which requests it takes along: then the requests
 * with a failed bio count, as they always do.
 */
function asInjected(run: CaseRun): boolean {
  const failed = Object.values(OUTCOMES).reduce((sum, what) => sum + count(run, what), 0);
  const injected = run.counts?.[INJECTED];
  return failed === count(run, ANSWERED) && (injected === undefined || injected === failed);
}

/** All answers of requests that have an event of their own, and are not cut short by a hole. */
function allCompared(run: CaseRun): boolean {
  const { holes, words } = WORKLOADS[run.spec.workload];
  return holes || words.includes("sync=1") || count(run, COMPARED) === run.rounds;
}

function judged(runs: readonly CaseRun[], good: (run: CaseRun) => boolean): ReturnType<Judge> {
  const broken = runs.find((run) => run.broken);
  const sums = Object.entries(sumCounts(runs)).filter(([, n]) => n > 0);
  const text = sums.map(([what, n]) => `${what} ${n}`).join(", ");
  if (broken) {
    return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
  }
  const measured = `${runs.filter((run) => run.failure).length}/${runs.length}: ${text}`;
  if (!runs.every(good)) return { measured, outcome: "missed" };
  // Without a failed request in each run nothing was put to the test.
  return { measured, outcome: runs.every((run) => run.visited) ? "holds" : "open" };
}

/** A failed write has no event, but for those that the trace shows to be reported in some way. */
const loses: Judge = (runs) => judged(runs, (run) => {
  const lost = count(run, OUTCOMES.lost);
  return run.failure?.invariant === "I002a" && lost > 0 && lost === count(run, MISSING) &&
    count(run, "asleep in io_getevents") > 0;
});

const reports: Judge = (runs) => judged(runs, (run) =>
  !run.failure && asInjected(run) && allCompared(run) && count(run, MISSING) === 0 &&
  count(run, OUTCOMES.reported) === count(run, ANSWERED));

const destroyBlocks: Judge = (runs) => judged(runs, (run) =>
  run.failure?.invariant === "I002a" && count(run, "asleep in io_destroy") > 0);

/** The error of what was under way is nobody's, whatever becomes of the rest. */
const hides = (told: string): Judge => (runs) => judged(runs, (run) =>
  run.failure?.invariant === "I002b" && run.rounds > 0 && count(run, MISSING) === 0 &&
  count(run, OUTCOMES.partial) === run.rounds && count(run, told) === run.rounds);

/** All runs together. */
const severalOutcomes: Judge = (runs) => {
  const sums = sumCounts(runs);
  const seen = (["lost", "early", "short", "overwritten"] as const)
    .filter((outcome) => (sums[OUTCOMES[outcome]] ?? 0) > 0);
  const result = judged(runs, (run) => run.failure !== undefined);
  if (result.outcome !== "holds") return result;
  return { measured: result.measured, outcome: seen.length >= 2 ? "holds" : "missed" };
};

function setup(
  size: Size, variant: string, workload: string, expected: string, judge: Judge,
  seeds: number = SEEDS[size],
): Setup {
  return {
    what: `${variant}, ${workload}`, machine: "clovertown", variant, workload, memory: "tso",
    pairs: [PAIR], seeds, rounds: WORKLOADS[workload].holes ? HOLE_ROUNDS : ROUNDS, expected,
    judge,
  };
}

const row = (id: string, what: string, setups: Row["setups"]): Row => ({ id, what, setups });
const WRONG = ["x1", "x2", "x4"];
const RIGHT = ["fix2006", "f1", "dio2620"];

export const rows002: Row[] = [
  row("E002.1", "each failed write that was queued has no event, and the program waits for it",
    (size) => ["W002a", "W002b"].flatMap((workload) =>
      ["bug", ...(size === "full" ? WRONG : [])].map((variant) =>
        setup(size, variant, workload, "missing events = failed writes", loses)))),
  row("E002.2", "a repaired kernel reports every error, once, and frees every request",
    (size) => ["W002a", "W002b", "W002m"].flatMap((workload) =>
      (size === "full" ? RIGHT : ["dio2620"]).map((variant) =>
        setup(size, variant, workload, "all events, no request left", reports)))),
  row("E002.3", "errors of reads and of synchronous writes are never lost",
    (size) => ["W002c", "W002s"].flatMap((workload) => ["bug", "dio2620"].map((variant) =>
      setup(size, variant, workload, "all events", reports)))),
  row("E002.4", "an error that comes while the submitter is still at work has other outcomes",
    (size) => [setup(size, "bug", "W002m", "at least two of the four outcomes", severalOutcomes,
      size === "full" ? 50 : 6)]),
  row("E002.5", "io_destroy waits for the lost event, too",
    (size) => [setup(size, "bug", "W002t", "asleep in io_destroy", destroyBlocks)]),
  row("E002.6", "the repair of 2006 hides the error of a write that was cut short; 2.6.20 does not",
    (size) => [
      ...(size === "full" ? ["fix2006", "f1"] : ["fix2006"]).flatMap((variant) => [
        setup(size, variant, "W002h", "each is reported as the whole write", hides(ALL_OF_IT)),
        setup(size, variant, "W002g", "it is reported as its first part", hides(PART_OF_IT)),
      ]),
      ...["W002h", "W002g"].map((workload) =>
        setup(size, "dio2620", workload, "each is reported as -EIO", reports)),
    ]),
];
