// Case 001: Linux 2.6.24, aio_complete() without smp_mb(). The completer stores ring.tail (A3) and
// then looks whether somebody waits (B); while A3 sits in its store buffer, the reaper can queue
// itself, read the old tail (2) and sleep.
import type { TraceEvent } from "../core/view.ts";
import type { Machine, RunResult } from "../engine/machine.ts";
import { type Kioctx, SLEEP_AIO, type Task, TASK_INTERRUPTIBLE } from "../machine/debug-block.ts";
import { cpuCount, numberOf, type Preset } from "../machine/preset.ts";
import { type Relation, relationOf } from "../machine/topology.ts";
import { parseDisks } from "../machine/disks.ts";
import { causeOf } from "./001-cause.ts";
import { HISTOGRAM, visitedBy } from "./001-phase.ts";
import { R001 } from "./001-report.ts";
import { rows001 } from "./001-rows.ts";
import { findLostWakeup } from "./001-story.ts";
import { describe, nameOf, parametersOf, parseVariant } from "./001-variants.ts";
import type { Case, CaseRun, CaseSpec, Failure, Scan } from "./case.ts";
import { endOf, isStep, lastRound, lineOf, residenceOf, slackOf } from "./001-trace.ts";

/** Offset of `rounds` in struct w001_stats: rounds counted and finished. */
const STATS_ROUNDS = 56;
const STATS_LONGEST = 88;
const STATS_REAPED = 128;
const STATS_SLOW = 96;
const STATS_HISTOGRAM = 8416;
/** Some hundred rounds, for the medians and for the last one; a scan wants all of its rounds. */
const TRACE_LAST_ROUNDS = 1 << 16;
const TRACE_SCAN = 1 << 19;
/** Of the program: four rounds for each of its phases, which are so many cycles apart. */
const SCAN_ROUNDS = 4004;
const SCAN_STEP = 8;
/** The rate of hangs is expected of runs that are at least this long. */
const ROUNDS_EXPECTED = 20_000;
/** Ten times the round of the first hang, typically. */
const ROUNDS_SHORT = 4000;

const isOffDie = (relation: CaseRun["relation"]) =>
  relation === "same package" || relation === "other socket";
const never = (failures: number) => failures === 0;
const isPlain = (spec: CaseSpec) => spec.changes === undefined || spec.changes.size === 0;

/** The reaper's work takes a varying time: it comes before some completions, after others. */
const VARIED = new Set(["W001i", "W001c", "W001t"]);
/** Microseconds. */
const DISK_MODELS: Record<string, string> = {
  W001ii: "uniform:5-10", W001iii: "uniform:0.2-2", W001iv: "uniform:50-50",
};
/** A run that has not come to an end after this many cycles never will. */
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 100_000n;
/** Rounds that wait for a timer of 100 ms; or for a disk, and a submitter that polls meanwhile. */
const CYCLES_ROUND: Record<string, bigint> = {
  W001ii: 600_000_000n, W001iv: 2_000_000n, W001iii: 1_000_000n, W001d: 2_000_000n,
  W001t: 30_000_000n,
};

export const case001: Case = {
  id: "001",
  title: "aio_complete() without smp_mb(): a wake-up is lost behind a store buffer",
  image: "w001",
  machine: "clovertown",
  cpusMin: 2,
  buggy: "k0",
  fixed: "k7",
  variantOf: (text) => nameOf(parseVariant(text)),
  inOrder: () => ({ fails: false, from: "smpbox barriers 001 --matrix" }),
  describeVariant: describe,
  workload: "W001i",
  workloads: {
    W001i: "the reaper works between its calls, for a time that varies",
    W001p: "the reaper calls again at once: it is always queued before the completion",
    W001s: "the reaper's delay steps through all phases",
    W001c: "as W001i, with the ring's lines thrown out of the caches before each round",
    W001d: "64 requests in one io_submit: only the last event of them has no next",
    W001t: "as W001i, with a limit of 100 ms to io_getevents: a lost wake-up costs that",
    W001ii: "a kernel thread completes the request, which had to wait for a page",
    W001iii: "a disk that answers within 2 us: the interrupt completes the request",
    W001iv: "a disk that takes 50 us: the interrupt drops the last reference, a fence",
  },
  bootParameters({ variant, workload, pair, rounds, memory }) {
    const scan = workload === "W001s" ? scanWords(rounds) : "";
    const pace = memory === "tso-adv" && VARIED.has(workload) ? " pace=1" : "";
    const program = `w001 ${workload} s=${pair[0]} r=${pair[1]} rounds=${rounds}${scan}${pace}`;
    return `${parametersOf(variant)} -- ${program}`;
  },
  disks({ workload }) {
    const model = DISK_MODELS[workload];
    if (!model) return undefined;
    return { disks: parseDisks(1, `model=${model}`), irqPolicy: "same-die" };
  },
  budgetCycles: ({ workload, rounds }) =>
    BUDGET_CYCLES + BigInt(rounds) * (CYCLES_ROUND[workload] ?? BUDGET_CYCLES_ROUND),
  traceEvents: ({ workload }) => (workload === "W001s" ? TRACE_SCAN : TRACE_LAST_ROUNDS),
  pairs(preset) {
    const found = new Map<Relation, [number, number]>();
    for (const pair of allPairs(preset)) {
      const relation = relationOf(preset, ...pair);
      if (!found.has(relation)) found.set(relation, pair);
    }
    const order: Relation[] = ["same L2", "same package", "other socket"];
    return order.flatMap((relation) => {
      const pair = found.get(relation);
      return pair ? [pair] : [];
    });
  },
  examine({ machine, spec, result, console }) {
    const block = machine.debugBlock();
    const events = machine.view.trace(isStep);
    const counters = block?.counters();
    const stats = machine.userVariable("w001_stats");
    const reaped = stats && Number(stats.getBigUint64(STATS_REAPED, true));
    const failure =
      block && result.stop === "quiescent" ? violationOf(machine, events, reaped) : undefined;
    const counted = stats && Number(stats.getBigUint64(STATS_ROUNDS, true));
    const scan = scanOf(console);
    // A process that has exited has no memory any more; its last line tells what it did.
    const told = summaryOf(console);
    const rounds = counted ?? told.rounds ?? 0;
    const wanted = spec.workload === "W001s" ? (scan?.rounds ?? Infinity) : spec.rounds;
    return {
      failure,
      broken: failure ? undefined : brokenBy(result.exit, rounds, wanted),
      rounds,
      scan,
      counters,
      visited: visitedBy(events, spec.pair, histogramOf(spec, stats, console)),
      slowRounds: stats ? Number(stats.getBigUint64(STATS_SLOW, true)) : told.slow,
      longestRound: stats ? Number(stats.getBigUint64(STATS_LONGEST, true)) : told.longest,
      residence: residenceOf(events),
      slack: block && slackOf(events, spec.pair, block.base),
    };
  },
  rows: rows001,
  report: R001,
  endsWithFailure: true,
  /** The reaper looks at the tail and sees no event. */
  decision: (failure, { pair }) => findLostWakeup(failure, ...pair).tailRead,
  expectations: [
    {
      id: "E001.1",
      what: "without smp_mb(), every pair that shares no L2 hangs in at least 9 of 10 runs",
      applies: (spec, relation) =>
        spec.machine === "clovertown" && isBare(spec) && isOffDie(relation),
      roundsMin: ROUNDS_EXPECTED,
      holds: (failures, runs) => failures >= 0.9 * runs,
    },
    {
      id: "E001.1, in short",
      what: "without smp_mb(), every pair that shares no L2 hangs in one of three runs or more",
      applies: (spec, relation) =>
        spec.machine === "clovertown" && isBare(spec) && isOffDie(relation),
      roundsMin: ROUNDS_SHORT,
      holds: (failures, runs) => failures > 0 || runs < 3,
    },
    {
      id: "E001.1, same L2",
      what: "without smp_mb(), a pair that shares an L2 never hangs",
      applies: (spec, relation) =>
        spec.machine === "clovertown" && isBare(spec) && relation === "same L2",
      holds: never,
    },
    {
      id: "E001.2",
      what: "without smp_mb(), conroe never hangs",
      applies: (spec) => spec.machine === "conroe" && isBare(spec),
      holds: never,
    },
    {
      id: "E001.2, robust",
      what: "nor with another retire delay or other latencies inside the die",
      applies: (spec) => spec.machine === "conroe" && isRetimed(spec),
      holds: never,
    },
    {
      id: "E001.4",
      what: "under sequential consistency nothing hangs",
      applies: (spec) => spec.memory === "sc",
      holds: never,
    },
    {
      id: "E001.6",
      what: "with smp_mb() nothing hangs",
      applies: (spec) => spec.variant === "k7",
      holds: never,
    },
    {
      id: "E001.12",
      what: "W001p never hangs: the reaper is queued long before the completion",
      applies: (spec) => spec.workload === "W001p" && isPlain(spec),
      holds: never,
    },
  ],
};

function isBare(spec: CaseSpec): boolean {
  const buggy = spec.variant === "k0" && spec.memory === "tso" && spec.workload === "W001i";
  return buggy && isPlain(spec);
}

/** As isBare(), on a machine with other timing inside the die. */
function isRetimed(spec: CaseSpec): boolean {
  const buggy = spec.variant === "k0" && spec.memory === "tso" && spec.workload === "W001i";
  const inside = (field: string) =>
    field === "core.retireDelay" || field.startsWith("latency.sibling");
  return buggy && !isPlain(spec) && [...(spec.changes?.keys() ?? [])].every(inside);
}

/** All phases in steps of 8 cycles, or as fine as so few rounds allow. */
function scanWords(rounds: number): string {
  const coarser = Math.ceil(SCAN_ROUNDS / rounds);
  return coarser > 1 ? ` scan=1 step=${coarser * SCAN_STEP}` : " scan=1";
}

export function allPairs(preset: Preset): Array<[number, number]> {
  const cpus = cpuCount(preset);
  const pairs: Array<[number, number]> = [];
  for (let a = 0; a < cpus; a++) for (let b = a + 1; b < cpus; b++) pairs.push([a, b]);
  return pairs;
}

/**
 * I001, exact at quiescence: no task may be in INTERRUPTIBLE sleep inside read_events while its
 * ring holds an event and it has fewer than min_nr.
 */
function violationOf(
  machine: Machine, events: TraceEvent[], reaped?: number,
): Failure | undefined {
  const block = machine.debugBlock()!;
  const contexts = new Map(block.kioctxs().map((context) => [context.address, context]));
  const breaks = (task: Task): Kioctx | undefined => {
    const sleeps = task.state === TASK_INTERRUPTIBLE && task.sleepKind === SLEEP_AIO;
    const context = contexts.get(task.sleepObject);
    const waits = sleeps && task.sleepI < task.sleepMinNr;
    return waits && context && context.head !== context.tail ? context : undefined;
  };
  const task = block.tasks().find((candidate) => breaks(candidate) !== undefined);
  if (!task) return undefined;
  const context = breaks(task)!;
  const { head, tail } = context;
  return {
    invariant: "I001",
    what:
      `task ${task.pid} on CPU ${task.cpu} sleeps in read_events for ever, although its event ` +
      `is in the ring (head ${head}, tail ${tail})`,
    ringLine: lineOf(context.ringPhys),
    waitLine: lineOf(context.waitNextPhys),
    head,
    tail,
    events: lastRound(events),
    cause: causeOf(lastRound(events), task.cpu, block.base),
    reaped,
    ...endOf(lastRound(events), machine.view.now, numberOf(machine.preset, "megahertz")),
  };
}

/** A run without a violation says something only if it did all that it was to do. */
function brokenBy(exit: RunResult["exit"], rounds: number, wanted: number): string | undefined {
  if (exit === "hang") return "everything sleeps, but not as I001 describes";
  if (exit !== 0) return `exit ${exit} after ${rounds} rounds`;
  return rounds < wanted ? `it ended after ${rounds} rounds` : undefined;
}

/** What the program says that it did. */
function summaryOf(console: string): Record<string, number | undefined> {
  const line = /^w001 W001\w+ .*$/m.exec(console)?.[0] ?? "";
  return Object.fromEntries(
    [...line.matchAll(/(\w+)=(\d+)\b/g)].map(([, key, value]) => [key, Number(value)]),
  );
}

/** Only where an event follows its submission at a fixed distance. */
function histogramOf(spec: CaseSpec, stats: DataView | undefined, console: string) {
  if (spec.memory === "tso-adv") return undefined;
  if (!VARIED.has(spec.workload) && spec.workload !== "W001p") return undefined;
  const counts: number[] = new Array(HISTOGRAM.bins).fill(0);
  if (stats) return counts.map((_, i) => stats.getUint32(STATS_HISTOGRAM + 4 * i, true));
  for (const [, bin, count] of console.matchAll(/^w001 bin (\d+) (\d+)/gm)) {
    counts[Number(bin)] = Number(count);
  }
  return counts;
}

/** The lines that a scan prints at its end. */
function scanOf(console: string): Scan | undefined {
  const summary = /^w001 scan lo=(\d+) hi=(\d+) step=(\d+) reps=(\d+) hangs=(\d+) width=(\d+)$/m;
  const text = console.replaceAll("\r", "");
  const found = summary.exec(text);
  if (!found) return undefined;
  const [low, high, step, reps, hangs, width] = found.slice(1).map(Number);
  const lines = text.matchAll(/^w001 hang phases (\d+) to (\d+): (\d+) of (\d+) rounds$/gm);
  const ranges = [...lines].map((line) => {
    const [from, to, rangeHangs, rangeRounds] = line.slice(1).map(Number);
    return { from, to, hangs: rangeHangs, rounds: rangeRounds };
  });
  const rounds = (Math.floor((high - low) / step) + 1) * reps;
  return { low, high, step, rounds, hangs, width, ranges };
}
