// Case 002: direct I/O up to Linux 2.6.16 loses the error of an asynchronous write. The word that
// says how much is under way is also the one that says what went wrong, and a completion that finds
// anything but the whole size in it leaves the report to a submitter who has long returned.
import type { RunResult } from "../engine/machine.ts";
import { SLEEP_AIO, SLEEP_AIO_DRAIN, TASK_RUNNING } from "../machine/debug-block.ts";
import { parseDisks } from "../machine/disks.ts";
import { cpuCount, InputError } from "../machine/preset.ts";
import { accountOf, detailsOf } from "./002-account.ts";
import { near, type Outcome, OUTCOMES, outcomeOf, overwrittenInBuffer } from "./002-outcome.ts";
import { R002 } from "./002-report.ts";
import { rows002 } from "./002-rows.ts";
import { answersOf } from "./answers.ts";
import type { Case, Failure, Findings, Stopped } from "./case.ts";
import { DIO_KINDS, type DioRequest, dioRequests, stepOf } from "./dio-trace.ts";

const VARIANTS: Record<string, string> = {
  bug: "result is the count and the error, as up to Linux 2.6.16-rc",
  fix2006: "the error has a word of its own, io_error: the upstream fix",
  f1: "the error is stored and read under bio_lock",
  dio2620: "one reference count, and only the last one reports, as from 2.6.20 on",
  x1: "bio_lock around the accesses to result (D1 and S3)",
  x2: "result by locked instructions",
  x3: "the completion reports errors, too",
  x4: "fences around everything that touches result",
};
const ALIASES: Record<string, string> = { fixed: "dio2620", f0: "fix2006", f2: "dio2620" };

const RECORD_SECTORS = 128;
const BAD = 9 * RECORD_SECTORS;
/** Words of the program, and what is wrong with the disks. */
interface Workload {
  what: string;
  files: number;
  words: string;
  kernel: string;
  disk(rounds: number): string[];
}

const badWrites = (first: number, last: number) => `error=write:${first}-${last}`;
/** The first half of every sixteenth record: the first bio of two. */
const badFirstHalves = Array.from({ length: 4 }, (_, i) => {
  const first = (16 * i + 3) * RECORD_SECTORS;
  return badWrites(first, first + RECORD_SECTORS / 2 - 1);
});

const WORKLOADS: Record<string, Workload> = {
  W002a: {
    what: "the second of two drives is pulled while writes are under way",
    files: 2, words: "", kernel: "",
    disk: (rounds) => ["model=uniform:5-50", `1:gone=${Math.max(1, rounds >> 1)}`],
  },
  W002b: {
    what: "some sectors cannot be written",
    files: 1, words: "", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
  W002c: {
    what: "some sectors cannot be read",
    files: 1, words: "", kernel: "",
    disk: () => ["model=uniform:5-50", `error=read:${BAD}-${BAD + 2 * RECORD_SECTORS}`],
  },
  W002m: {
    what: "each record is two bios, on a fast disk, and some of the first ones fail",
    files: 1, words: "stages=5", kernel: "max_sectors=64",
    disk: () => ["model=uniform:0.1-2", ...badFirstHalves],
  },
  W002s: {
    what: "pwrite and pread, and some sectors cannot be written",
    files: 1, words: "sync=1", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
  W002t: {
    what: "as W002b, in a program that waits no longer than 10 ms, and then destroys the context",
    files: 1, words: "timeout=10000", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
};

/** A record of 64 KiB: 4 MiB a file. */
const ROUNDS = 64;
/** All of a run: some 30 records for each request. */
const TRACE_EVENTS = 1 << 18;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 20_000_000n;
const STATS_BYTES = 64;

export const case002: Case = {
  id: "002",
  title: "direct I/O loses the error of an asynchronous write, and its event",
  image: "w002",
  machine: "clovertown",
  cpusMin: 1,
  buggy: "bug",
  fixed: "dio2620",
  variantOf(text) {
    const name = ALIASES[text.toLowerCase()] ?? text;
    if (Object.hasOwn(VARIANTS, name)) return name;
    const known = [...Object.keys(VARIANTS), ...Object.keys(ALIASES)].join(", ");
    throw new InputError(`variant ${text} of case 002: use ${known}`);
  },
  describeVariant: (variant) => VARIANTS[variant],
  inOrder: ({ variant }) =>
    variant === "bug" ? { fails: true, from: "smpbox barriers 002" } : undefined,
  visits: "had a bio that failed",
  workload: "W002b",
  workloads: Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { what }]) => [name, what]),
  ),
  rounds: ROUNDS,
  bootParameters({ variant, workload, pair, rounds }) {
    const { files, words, kernel } = WORKLOADS[workload];
    const program = `w002 files=${files} records=${rounds} a=${pair[0]} b=${pair[1]} ${words}`;
    return `v002=${variant} ${kernel} -- ${program.trim()}`;
  },
  disks({ workload, rounds }) {
    const { files, disk } = WORKLOADS[workload];
    return { disks: parseDisks(files, ...disk(rounds)), irqPolicy: "round-robin" };
  },
  budgetCycles: ({ rounds }) => BUDGET_CYCLES + BigInt(rounds) * BUDGET_CYCLES_ROUND,
  traceEvents: () => TRACE_EVENTS,
  traceKinds: DIO_KINDS,
  pairs: (preset) => [[0, cpuCount(preset) > 1 ? 1 : 0]],
  examine,
  rows: rows002,
  report: R002,
  /** The last completion finds that it is not the one to report. */
  decision: ({ moments }) => moments?.ended ?? moments?.failed,
  expectations: [],
};

/** The order of struct w002_stats. */
const ANSWERS = ["submitted", "events", "full", "eio", "other", "wrong"] as const;

function examine(stopped: Stopped): Findings {
  const { machine, result } = stopped;
  const events = machine.view.trace();
  const answers = answersOf(stopped, "w002_stats", ANSWERS, STATS_BYTES);
  const requests = dioRequests(events);
  const counts = countsOf(requests);
  const block = machine.debugBlock();
  const quiescent = result.stop === "quiescent";
  const active = block?.kioctxs().reduce((sum, { reqsActive }) => sum + reqsActive, 0) ?? 0;
  const sleepers = (kind: number) => block?.tasks()
    .filter((task) => task.state !== TASK_RUNNING && task.sleepKind === kind) ?? [];
  const inRings = block?.kioctxs().reduce(
    (sum, { head, tail, slots }) => sum + ((tail - head + slots) % slots), 0) ?? 0;
  // Those that a sleeping io_getevents has taken, and not yet given to its caller.
  const taken = sleepers(SLEEP_AIO).reduce((sum, { sleepI }) => sum + Number(sleepI), 0);
  const missing = answers.submitted - answers.events - inRings - taken;
  const leaked = requests.filter(({ freed }) => !freed).length;
  const failed = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const failure = violationOf(counts, quiescent ? active : 0, leaked);
  if (failure) {
    failure.account = accountOf(requests, { ...answers, active });
    failure.events = events.filter((event) => stepOf(event));
    failure.cause = causeOf(requests);
    if (failure.cause === "interleaving") failure.causeFrom = "order";
    const unread = inRings + taken;
    Object.assign(failure, detailsOf(requests, { ...answers, active, unread }));
  }
  const full = events.length === TRACE_EVENTS;
  return {
    failure,
    broken: full ? "the trace does not hold the whole run: use fewer rounds"
      : brokenBy(result.exit, failure, missing),
    rounds: answers.events,
    residence: [],
    visited: failed,
    counts: {
      ...Object.fromEntries(
        Object.entries(counts).map(([key, n]) => [OUTCOMES[key as Outcome], n]),
      ),
      "errors between S1 and S6": requests.filter(near).length,
      "missing events": missing,
      "asleep in io_getevents": sleepers(SLEEP_AIO).length,
      "asleep in io_destroy": sleepers(SLEEP_AIO_DRAIN).length,
      "requests never freed": leaked,
      "sectors that are not what a full count promised": answers.wrong,
    },
  };
}

function countsOf(requests: readonly DioRequest[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const request of requests) {
    const outcome = outcomeOf(request);
    if (outcome) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** I002a to I002c, exact when nothing is pending. */
function violationOf(
  counts: Partial<Record<Outcome, number>>, active: number, leaked: number,
): Failure | undefined {
  const found = (invariant: string, what: string): Failure =>
    ({ invariant, what, events: [], cause: "no race" });
  if (active > 0) {
    return found("I002a",
      `${active} requests have no event, although no bio and no command of theirs is under way`);
  }
  if (counts.twice) return found("I002a", `${counts.twice} requests are reported twice`);
  const masked = (counts.short ?? 0) + (counts.overwritten ?? 0);
  if (masked > 0) {
    return found("I002b", `${masked} writes that failed are reported as done in full`);
  }
  if (leaked > 0) return found("I002c", `${leaked} requests are never freed`);
  return undefined;
}

/** That an error of a queued write is lost needs no race; the other outcomes do. */
function causeOf(requests: readonly DioRequest[]): Failure["cause"] {
  const outcomes = requests.map((request) => outcomeOf(request));
  if (outcomes.includes("lost")) return "no race";
  const written = requests.filter((_, i) => outcomes[i] === "overwritten");
  return written.length > 0 && written.every(overwrittenInBuffer) ? "store buffer" : "interleaving";
}

function brokenBy(
  exit: RunResult["exit"], failure: Failure | undefined, missing: number,
): string | undefined {
  if (failure) return undefined;
  if (exit === "hang") return "everything sleeps, but not as I002a describes";
  if (exit !== 0) return `exit ${exit}`;
  return missing > 0 ? `it ended with ${missing} events missing` : undefined;
}
