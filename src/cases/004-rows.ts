// The acceptance test of case 004: rows E004.* of smpbox case --rows.
import type { CaseRun, Row, Setup } from "./case.ts";
import { sumCounts } from "./numbers.ts";

type Judge = Setup["judge"];

const UAF = "uses of a freed request";
const REUSED = "kicks of another request in its place";
const WARN = "requests queued again (WARN)";
export const TRIES = "tries that had to wait";
export const DIRECT = "requests by O_DIRECT";
export const IN_FULL = "requests answered in full";
/** Of W004 and its relatives, and of fsx, a thread each. */
export const READERS = 16;
export const FSX_FILES = 8;
/** Of W004r. */
export const SHORT_READERS = 2;

function judged(
  runs: readonly CaseRun[], good: boolean, shown = true,
): ReturnType<Judge> {
  const broken = runs.find((run) => run.broken);
  if (broken) {
    return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
  }
  const visited = nearOf(runs);
  const sums = Object.entries(sumCounts(runs)).filter(([, n]) => n > 0);
  const measured = `${runs.filter((run) => run.failure).length}/${runs.length}; near each other ` +
    `${visited}; ${sums.map(([what, n]) => `${what} ${n}`).join(", ")}`;
  if (!good) return { measured, outcome: "missed" };
  return { measured, outcome: shown ? "holds" : "open" };
}

const nearOf = (runs: readonly CaseRun[]) =>
  runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
const total = (runs: readonly CaseRun[], what: string) => sumCounts(runs)[what] ?? 0;

const used = (runs: readonly CaseRun[]) => total(runs, UAF) + total(runs, REUSED);
/** A free object is the next one to be had, so its place may be another request's by then. */
const usesAndReuses = (runs: readonly CaseRun[]) =>
  total(runs, UAF) > 0 && total(runs, REUSED) > 0;

/** Runs that fail as the report's do. */
const asReported = (runs: readonly CaseRun[]) =>
  runs.filter(({ failure }) => /^I004[a-c]$/.test(failure?.invariant ?? "")).length;
const fails: Judge = (runs) => judged(runs, asReported(runs) > 0);
/** Half of the runs are not most. */
const mostFail: Judge = (runs) => judged(runs, 2 * asReported(runs) > runs.length);
/** And a WARN. Where it is seldom, nothing is said without it. */
const warning = (good: (runs: readonly CaseRun[]) => boolean, seldom = false): Judge => (runs) => {
  const warned = total(runs, WARN) > 0;
  return judged(runs, good(runs) && (seldom || warned), warned);
};
const usesNone = (runs: readonly CaseRun[]) => used(runs) === 0;
const never: Judge = (runs) => judged(runs, runs.every((run) => !run.failure), nearOf(runs) > 0);

const count = ({ counts }: CaseRun, what: string) => counts?.[what] ?? 0;
/** Nothing fails, every request is answered in full, and `and` holds in each run. */
const quiet = (
  least: (run: CaseRun) => number, and: (run: CaseRun) => boolean, near = false,
): Judge => (runs) =>
  judged(runs, runs.every((run) => !run.failure && count(run, IN_FULL) === run.rounds &&
    run.rounds >= least(run) && and(run)), !near || nearOf(runs) > 0);
const records = ({ spec }: CaseRun) => READERS * spec.rounds;
/** Good, too, where no wake-up ever comes near a try: that there are tries is what is asked. */
const waits = (run: CaseRun) => count(run, TRIES) > 0;
const neverWaits = (run: CaseRun) => count(run, TRIES) === 0;
/**
 * Of 20 operations 12 read one to eight ranges, six are one request, two truncate: three requests
 * each on average. Both ways to the file are in use, and `near`: a wake-up came near a try's end.
 */
const intact = (near: boolean) => quiet(({ spec }) => 2 * FSX_FILES * spec.rounds, (run) =>
  waits(run) && count(run, DIRECT) > 0 && count(run, DIRECT) < run.rounds, near);
const allDirect = quiet(records, (run) => neverWaits(run) && count(run, DIRECT) === run.rounds);
const noTries = quiet(records, neverWaits);
const triesAlone = quiet(records, waits);
const shortTries = quiet(({ spec }) => SHORT_READERS * spec.rounds, waits);
const neverEnds: Judge = (runs) =>
  judged(runs, runs.every((run) => run.failure?.invariant === "I004e"));

const SEEDS = { short: 3, full: 20 } as const;
/** Where nothing may fail, or seldom does: in 20 runs of so many each 10^5 tries have to wait. */
const LONG = { rounds: 300 };

/** 10^5 operations of eight files, half of them on either of two workers. */
const FSX = { short: { rounds: 20, seeds: 1 }, full: { rounds: 6250, seeds: 2 } } as const;
/**
 * The right repairs of cases 003 and 002 are under them: W004f has f0, which is 002's dio2620, too,
 * W004g f1; W004h has 002's fix2006 and W004i its f1.
 */
const FSX_FIXES: Array<[variant: string, workload: string]> =
  [["f0", "W004f"], ["f0p", "W004g"], ["f1", "W004f"], ["f1", "W004h"], ["f1", "W004i"]];

interface Choice {
  workload?: string;
  machine?: string;
  rounds?: number;
  seeds?: number;
  changes?: Setup["changes"];
  known?: Known;
  mayBeOpen?: string;
}

/** Why it is not as expected, and what is known: anything worse is missed. */
interface Known {
  why: string;
  bound(runs: readonly CaseRun[]): boolean;
}

function setup(
  size: "short" | "full", variant: string, expected: string, judge: Judge,
  {
    workload = "W004", machine = "rhel16", rounds = 100, seeds = SEEDS[size], changes, known,
    mayBeOpen,
  }: Choice = {},
): Setup {
  const host = [...changes ?? []].map(([field, value]) => `, ${field}=${value}`).join("");
  return {
    what: `${variant}, ${workload}, ${machine}${host}`,
    machine, variant, workload, memory: "tso", changes,
    pairs: [machine === "uni1" ? [0, 0] : [0, 1]], seeds, rounds, expected, judge,
    known: known?.why, bound: known?.bound, mayBeOpen,
  };
}

const row = (id: string, what: string, setups: Row["setups"]): Row => ({ id, what, setups });

/**
 * The report's machine as a virtual one, whose host runs one of the CPUs at a time: in the middle
 * of its steps a wake function is away for three turns now and then, interrupts off or not. Hosts
 * give a millisecond or more; the turn of 4.3 us was chosen so that some thousand reads show it
 * (with 1.2 ms none of 24,000 did). Records of two pages, so that a second try may wait, too.
 */
const VIRTUAL: Choice = {
  machine: "xeon-ht", changes: new Map([["timeSlice.running", 1], ["timeSlice.cycles", 10_000]]),
  workload: "W004p", rounds: 300, seeds: 60, mayBeOpen: "in 265,422 reads it was seen twice",
};

const ALL3 = "freed memory, another request in its place, and WARN";

const NO_WARN = "between Q1 and Q4 the wake function waits for nothing but lines, and a try that " +
  "waits again within that time was not seen";
const LOCK_FIRST = "its wake function takes ctx_lock first: hardly one is near the end of a try";
const FOUR_CPUS = "on four CPUs the wake function rarely waits for ctx_lock as long as a try takes";

/** Wake-ups came near the ends of tries, and nothing else went wrong. */
const cameNear = (runs: readonly CaseRun[]) => nearOf(runs) > 0 &&
  runs.every(({ failure }) => !failure || failure.invariant === "I004a");
/** Freed memory is used, as expected; the WARN is what was not seen. */
const usesFreed: Known = { why: NO_WARN, bound: (runs) => usesAndReuses(runs) && cameNear(runs) };
/** Nothing at all fails. */
const sound = (runs: readonly CaseRun[]) => cameNear(runs) && runs.every((run) => !run.failure);

export const rows004: Row[] = [
  row("E004.1", "a wake-up meets a try: freed memory is used, or a request waits that must not",
    (size) => size === "short" ? [setup(size, "bug", "most fail", mostFail)] : [
      setup(size, "bug", "most fail", mostFail),
      setup(size, "bug", ALL3, warning(usesAndReuses), { known: usesFreed }),
      // The machine and the shape of the report, and the same machine with more to contend for.
      ...[{ workload: "W004a", rounds: 100 }, { workload: "W004", rounds: 500 }].map((shape) =>
        setup(size, "bug", ALL3, warning(usesAndReuses), {
          ...shape, machine: "xeon-ht", known: { why: FOUR_CPUS, bound: cameNear },
        })),
      setup(size, "bug", ALL3, warning(usesAndReuses, true), VIRTUAL),
    ]),
  row("E004.2", "with the three steps as one, or without the second opinion, nothing goes wrong",
    (size) => [
      ...(size === "short" ? ["f0", "f1"] : ["f0", "f0p", "f1"]).map((variant) =>
        setup(size, variant, "0", never, {
          ...(size === "short" ? { seeds: 1 } : LONG),
          mayBeOpen: variant === "f0" ? LOCK_FIRST : undefined,
        })),
      ...FSX_FIXES.map(([variant, workload]) => setup(
        size, variant, "all as the shadow buffers say", intact(size === "full"), {
          workload, ...FSX[size], mayBeOpen: variant === "f0" ? LOCK_FIRST : undefined,
        })),
    ]),
  row("E004.3", "half of the repair is none; a reference keeps the memory, and no more",
    // That x1 to x5 warn, too, is asked of the code as it was (E004.1).
    (size) => size === "short" ? [setup(size, "x4", "fails", fails)] : [
      ...["x1", "x3", "x4", "x5"].map((variant) =>
        setup(size, variant, "most fail", mostFail, LONG)),
      // A try must look (P3) between Q1 and the lock behind it: not in most runs.
      setup(size, "x2", "fails", fails, LONG),
      setup(size, "x6", "WARN only", warning(usesNone), {
        ...LONG, known: { why: NO_WARN, bound: sound },
      }),
      // What was queued again is tried in its queue, too.
      setup(size, "x6", "WARN, and no freed memory", warning(usesNone, true), VIRTUAL),
    ]),
  row("E004.4", "where nothing is tried again, or on one CPU, nothing goes wrong",
    (size) => {
      const seeds = size === "short" ? 1 : 20;
      return [
        setup(size, "bug", "0, and no try", allDirect, { workload: "W004d", seeds, rounds: 50 }),
        ...["W004s", "W004c"].map((workload) =>
          setup(size, "bug", "0, and no try", noTries, { workload, seeds, rounds: 50 })),
        setup(size, "bug", "0", triesAlone, { machine: "uni1", seeds, rounds: 50 }),
      ];
    }),
  row("E004.5", "a try that says -EIOCBRETRY, and is in no queue: f1 never tries it again",
    (size) => [
      setup(size, "f1", "never ends", neverEnds, { workload: "W004r", seeds: 1, rounds: 20 }),
      setup(size, "bug", "0", shortTries, { workload: "W004r", seeds: 1, rounds: 20 }),
    ]),
];
