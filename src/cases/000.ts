// Case 000: illumos 7863, an AIO request returns 0 bytes. aio_port_callback() puts the request on
// the free list (1.5) and drops aio_mutex (1.6), and reads the result from it afterwards (1.7). A
// submitter that takes this very request meanwhile has zeroed it (2.4b).
import type { Machine, RunResult } from "../engine/machine.ts";
import { parseDisks } from "../machine/disks.ts";
import { cpuCount, InputError } from "../machine/preset.ts";
import { accountOf, factsOf } from "./000-account.ts";
import { R000 } from "./000-report.ts";
import { COUNTS } from "./000-judges.ts";
import { rows000 } from "./000-rows.ts";
import { causeOf, isRequestStep, KINDS, storiesOf, type Story } from "./000-trace.ts";
import type { Case, CaseSpec, Failure, Stopped } from "./case.ts";
import { LateAccesses } from "./shadow.ts";

const VARIANTS: Record<string, string> = {
  bug: "as it was: the result is read after the request is free and the mutex released",
  f0: "as it was mended: the result is read before the request is freed, under aio_mutex",
  f1: "the four fields are copied under aio_mutex before the request is freed",
  f2: "the result is read before aio_mutex is taken at all",
  f3: "the request is freed only after its result was read, in a second round of aio_mutex",
  x1: "wrong: a fence before the read; it is no matter of order",
  x2: "wrong: the read under aio_portq_mutex, which no submitter takes",
  x3: "wrong: freed first, read under aio_mutex taken again",
  x4: "wrong: a free list first in, first out, of eight at least; it only takes longer",
  x5: "wrong: zeroed when it is freed: every result is 0",
  x6: "wrong: not zeroed: another request's result is read",
};

const INFLIGHT = 30;
const INFLIGHT_MAX = 120;
const DISKS = 30;
/** Microseconds: short, for many completions in little time. */
const DISK_MODEL = "uniform:15-40";
/** The way of some thousand requests: the last wrong one is near the end. */
const TRACE_EVENTS = 1 << 16;
/** A run that has not come to an end after this many cycles never will. */
const BUDGET_CYCLES = 500_000_000n;
const BUDGET_CYCLES_ROUND = 200_000n;
/** Where a callback, a lock's holder or a woken thread may have to wait for the CPU's turn. */
const BUDGET_CYCLES_ROUND_SLICED = 10_000_000n;
/** What the workloads tell the program beside W000's own words. */
const WORDS: Record<string, string> = {
  W000: "", W000n: "stop=0", W000x: "think=0", W000o: "port=own", W000m: "sizes=mixed stop=0",
  W000w: "port=none",
};

export const case000: Case = {
  id: "000",
  title: "aio_port_callback() reads a request after it was freed: a transfer of 0 bytes",
  image: "w000",
  machine: "illumos32",
  cpusMin: 2,
  allCpus: true,
  inflight: INFLIGHT,
  buggy: "bug",
  fixed: "f0",
  variantOf(text) {
    const name = text.toLowerCase() === "fixed" ? "f0" : text.toLowerCase();
    if (Object.hasOwn(VARIANTS, name)) return name;
    const known = Object.keys(VARIANTS).join(", ");
    throw new InputError(`variant ${text} of case 000: use fixed or one of ${known}`);
  },
  describeVariant: (variant) => VARIANTS[variant],
  inOrder: ({ variant }) =>
    variant === "bug" ? { fails: true, from: "smpbox barriers 000" } : undefined,
  visits: "had their request taken by another before the callback returned",
  workload: "W000",
  workloads: {
    W000: "30 threads, each on a raw disk of its own, reap and submit at one event port",
    W000n: "as W000, and goes on after a wrong result, to count them",
    W000x: "as W000, with no work between the calls: all of it contends for the mutexes",
    W000o: "as W000, each thread with an event port of its own",
    W000m: "as W000n, with requests of 512, 1024 and 4096 bytes",
    W000w: "as W000, without ports: aiowait() reads the result before the request is freed",
  },
  bootParameters({ variant, workload, rounds, inflight }) {
    const words = WORDS[workload];
    const count = inflight ?? INFLIGHT;
    if (count < 1 || count > INFLIGHT_MAX) {
      throw new InputError(`--inflight must be 1 to ${INFLIGHT_MAX} in case 000`);
    }
    const program = `w000 disks=${DISKS} completions=${rounds} inflight=${count} ${words}`;
    return `v000=${variant} -- ${program}`;
  },
  disks(spec) {
    // To the program every result but the bytes asked for is wrong.
    if (spec.disk?.some((words) => /\b(error|gone)=/.test(words))) {
      throw new InputError("case 000 takes no disks that fail: leave out error= and gone=");
    }
    return { disks: parseDisks(DISKS, `model=${DISK_MODEL}`), irqPolicy: "round-robin" };
  },
  budgetCycles: ({ rounds, changes }) => BUDGET_CYCLES + BigInt(rounds) *
    (changes?.has("timeSlice.running") ? BUDGET_CYCLES_ROUND_SLICED : BUDGET_CYCLES_ROUND),
  traceEvents: () => TRACE_EVENTS,
  traceKinds: KINDS,
  pairs: (preset) => [[0, cpuCount(preset) - 1]],
  examine(stopped) {
    const { machine, spec, result, console } = stopped;
    const counters = machine.debugBlock()?.counters();
    const told = summaryOf(console);
    const { wrong = 0, zero = 0, other = 0 } = told ?? {};
    const count = (value?: bigint) => Number(value ?? 0n);
    const flagged = count(counters?.readsTaken) >= wrong;
    const failure = wrong > 0 ? violationOf(stopped, told!, flagged) : undefined;
    const rounds = told?.completions ?? 0;
    const late = requestsUsedFree(machine);
    // The kernel's own count of I000a is part of the code under test.
    const uncounted = late > 0 && counters?.readsFreed === 0n;
    // x5 has zeroed the request itself: nobody needs to take it for a wrong result.
    const unflagged = !flagged && spec.variant !== "x5";
    return {
      failure,
      broken: brokenBy(spec, result.exit, rounds, failure)
        ?? (unflagged ? `${wrong} wrong results that I000b does not explain` : undefined)
        ?? (uncounted ? `${late} accesses to free requests; the kernel says none` : undefined),
      rounds,
      counters,
      visited: spec.workload === "W000w" ? undefined : count(counters?.takenEarly),
      residence: [],
      counts: {
        [COUNTS.callbacks]: count(counters?.callbacks),
        [COUNTS.freed]: count(counters?.readsFreed),
        [COUNTS.late]: late,
        [COUNTS.taken]: count(counters?.readsTaken),
        [COUNTS.wrong]: wrong,
        [COUNTS.zero]: zero,
        [COUNTS.other]: other,
      },
    };
  },
  rows: rows000,
  report: R000,
  /** The result is read although the request is another one by now. */
  decision: ({ moments }) => moments?.read,
  expectations: [
    {
      id: "E000.2",
      what: "a result that is read before the request is free is right",
      applies: (spec) => ["f0", "f1", "f2", "f3"].includes(spec.variant),
      holds: (failures) => failures === 0,
    },
    {
      id: "E000.3",
      what: "without a port the result is read before the request is free",
      applies: (spec) => spec.workload === "W000w",
      holds: (failures) => failures === 0,
    },
  ],
};

interface Told {
  completions: number;
  wrong: number;
  zero: number;
  other: number;
  first?: { got: number; error: number; wanted: number; thread: number };
}

/** I000a by the allocator's labels: accesses to requests that were on the free list. */
function requestsUsedFree(machine: Machine): number {
  const late = new LateAccesses(machine, "struct aio_req");
  late.take(machine.view.trace());
  return late.count;
}

/** What the program says that it found. */
function summaryOf(console: string): Told | undefined {
  const summary = /^w000 completions=(\d+) wrong=(\d+) zero=(\d+) other=(\d+)/m.exec(console);
  if (!summary) return undefined;
  const [completions, wrong, zero, other] = summary.slice(1).map(Number);
  const line = /^w000 first return=(-?\d+) errno=(\d+) wanted=(\d+) thread=(\d+)/m.exec(console);
  const [got, error, wanted, thread] = (line ?? []).slice(1).map(Number);
  const first = line ? { got, error, wanted, thread } : undefined;
  return { completions, wrong, zero, other, first };
}

/** A result that is no error and not the count of bytes asked for; no transfer was short. */
function violationOf({ machine, spec }: Stopped, told: Told, flagged: boolean): Failure {
  const events = machine.view.trace(isRequestStep);
  const { got = 0, wanted = 0, thread = 0, error = 0 } = told.first ?? {};
  const stories = [...storiesOf(events, got)];
  const story = stories.at(0);
  const { freed } = story ?? {};
  const base = machine.debugBlock()?.base;
  return {
    invariant: (story ? story.taken : flagged) ? "I000b" : "I000a",
    what:
      `thread ${thread} got aio_return ${got} and aio_errno ${error} for a request of ${wanted} ` +
      "bytes, to a disk without errors",
    title: titleOf(story),
    account: accountOf(story, spec.variant),
    events,
    cause: causeOf(events, got),
    // 1.5 makes aio_free point at it.
    object: freed && base !== undefined ? freed.value - base : undefined,
    moments: story && momentsOf(story),
    facts: {
      thread: `${thread}`, aio_return: `${got}`, aio_errno: `${error}`, expected: `${wanted}`,
      ...factsOf(story, stories.length),
    },
  };
}

/** Where it is not that of the bug; the report's own one is. */
function titleOf(story: Story | undefined): string | undefined {
  if (!story) return "a result is wrong; whose the request was by then is not recorded";
  if (story.wiped) return "a result was read from a request that its own callback had zeroed";
  return undefined;
}

/** Those of the report: `given` and `refilled` are the new length before or after the read. */
function momentsOf(story: Story): Failure["moments"] {
  const { called, wiped, freed, taken, zeroed, refilled, flags, read } = story;
  const isLater = refilled && refilled.time > read.time;
  return {
    wiped, freed, taken, zeroed, read, [isLater ? "refilled" : "given"]: refilled,
    called, flagged: flags, first: wiped ?? freed, last: isLater ? refilled : read,
  };
}

/** A run without a wrong result says something only if it did all that it was to do. */
function brokenBy(
  spec: CaseSpec, exit: RunResult["exit"], rounds: number, failure: Failure | undefined,
): string | undefined {
  if (exit === "hang") return "everything sleeps";
  if (exit !== 0 && exit !== 1) return `exit ${exit} after ${rounds} completions`;
  return rounds < spec.rounds && !failure ? `it ended after ${rounds} completions` : undefined;
}
