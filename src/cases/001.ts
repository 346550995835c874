// Case 001: Linux 2.6.24, aio_complete() without smp_mb(). The completer stores ring.tail (A3) and
// then looks whether somebody waits (B); while A3 sits in its store buffer, the reaper can queue
// itself, read the old tail (2) and sleep.
import type { TraceEvent } from "../core/view.ts";
import type { Machine, RunResult } from "../engine/machine.ts";
import { type Kioctx, SLEEP_AIO, type Task, TASK_INTERRUPTIBLE } from "../machine/debug-block.ts";
import { cpuCount, type Preset } from "../machine/preset.ts";
import { type Relation, relationOf } from "../machine/topology.ts";
import type { Case, CaseSpec, Failure, Scan } from "./case.ts";
import { isStep, lastRound, lineOf, residenceOf, slackOf } from "./001-trace.ts";

/** Offset of `rounds` in struct w001_stats: rounds counted and finished. */
const STATS_ROUNDS = 56;
/** Some hundred rounds, for the medians and for the last one; a scan wants all of its rounds. */
const TRACE_LAST_ROUNDS = 1 << 15;
const TRACE_SCAN = 1 << 19;
/** The rate of hangs is expected of runs that are at least this long. */
const ROUNDS_EXPECTED = 20_000;
/** Ten times the round of the first hang, typically. */
const ROUNDS_SHORT = 4000;

const isOffDie = (relation: Relation) => relation === "same package" || relation === "other socket";
const never = (failures: number) => failures === 0;
const isPlain = (spec: CaseSpec) => spec.changes === undefined || spec.changes.size === 0;

export const case001: Case = {
  id: "001",
  title: "aio_complete() without smp_mb(): a wake-up is lost behind a store buffer",
  image: "w001",
  variants: {
    k0: "aio_complete() as in Linux 2.6.24",
    k7: "smp_mb() between the store to ring.tail and waitqueue_active(), the upstream fix",
  },
  workloads: {
    W001i: "the reaper works between its calls, for a time that varies",
    W001p: "the reaper calls again at once: it is always queued before the completion",
    W001s: "the reaper's delay steps through all phases",
  },
  bootParameters({ variant, workload, pair, rounds }) {
    const kernel = `v001k=${variant.slice(1)}`;
    const scan = workload === "W001s" ? " scan=1" : "";
    return `${kernel} -- w001 ${workload} s=${pair[0]} r=${pair[1]} rounds=${rounds}${scan}`;
  },
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
    const failure = block && result.stop === "quiescent" ? violationOf(machine, events) : undefined;
    const stats = machine.userVariable("w001_stats");
    const counted = stats && Number(stats.getBigUint64(STATS_ROUNDS, true));
    const scan = scanOf(console);
    // A process that has exited has no memory any more; its last line tells what it did.
    const rounds = counted ?? roundsOf(console);
    const wanted = spec.workload === "W001s" ? (scan?.rounds ?? Infinity) : spec.rounds;
    return {
      failure,
      broken: failure ? undefined : brokenBy(result.exit, rounds, wanted),
      rounds,
      scan,
      counters,
      residence: residenceOf(events),
      slack: block && slackOf(events, spec.pair, block.base),
    };
  },
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
function violationOf(machine: Machine, events: TraceEvent[]): Failure | undefined {
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
  };
}

/** A run without a violation says something only if it did all that it was to do. */
function brokenBy(exit: RunResult["exit"], rounds: number, wanted: number): string | undefined {
  if (exit === "hang") return "everything sleeps, but not as I001 describes";
  if (exit !== 0) return `exit ${exit} after ${rounds} rounds`;
  return rounds < wanted ? `it ended after ${rounds} rounds` : undefined;
}

/** What the program says that it did. */
function roundsOf(console: string): number {
  const line = /^w001 W001\w .* rounds=(\d+) /m.exec(console);
  return line ? Number(line[1]) : 0;
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
