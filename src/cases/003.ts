// Case 003: direct I/O between 2.6.18 and 2.6.20, as Red Hat shipped it. A completion looks for a
// waiter before it drops its reference, without the lock under which the waiter says that it waits.
// The waiter holds a handle of the journal, so everybody who changes the file system waits for it.
import type { RunResult } from "../engine/machine.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_UNINTERRUPTIBLE,
} from "../machine/debug-block.ts";
import { parseDisks } from "../machine/disks.ts";
import { FsBlock } from "../machine/fs-block.ts";
import { cpuCount, InputError, numberOf } from "../machine/preset.ts";
import { accountOf, blockedFacts, type Population } from "./003-account.ts";
import { R003 } from "./003-report.ts";
import { rows003 } from "./003-rows.ts";
import { isNear, isStoreBuffering, type Meeting, meetingsOf, usesAfterFree } from "./003-story.ts";
import { DESCRIPTIONS, nameOf, WORKLOADS } from "./003-workloads.ts";
import { answersOf } from "./answers.ts";
import type { Case, Failure, Findings, Stopped } from "./case.ts";
import { DIO_KINDS, dioRequests, stepOf } from "./dio-trace.ts";
import { lateAccesses } from "./shadow.ts";

/** Writes of each writer. */
const ROUNDS = 100;
/** Some thirty records for each write. */
const TRACE_EVENTS = 1 << 20;
const BUDGET_CYCLES = 4_000_000_000n;
const BUDGET_CYCLES_ROUND = 50_000_000n;
/** Microseconds between commits: scaled, as the whole run is. */
const COMMIT_US = 2000;
const STATS = ["submitted", "events", "full", "other", "handles", "ended"] as const;

/** Does somebody sleep for ever without store buffers? Of those with which somebody ever does. */
const IN_ORDER: ReadonlyMap<string, boolean> = new Map([
  ...["bug", "x1", "x2", "x2b", "x3"].map((name): [string, boolean] => [name, true]),
  ...["x5", "x6", "x6b"].map((name): [string, boolean] => [name, false]),
]);

export const case003: Case = {
  id: "003",
  title: "a write waits for ever for a bio that has ended, and the file system for the write",
  image: "w003",
  machine: "rhel16",
  cpusMin: 1,
  allCpus: true,
  buggy: "bug",
  fixed: "f0",
  variantOf(text) {
    const name = nameOf(text);
    if (name !== undefined) return name;
    throw new InputError(
      `variant ${text} of case 003: use ${Object.keys(DESCRIPTIONS).join(", ")} or fixed`);
  },
  describeVariant: (variant) => DESCRIPTIONS[variant],
  inOrder: ({ variant }) => IN_ORDER.has(variant)
    ? { fails: IN_ORDER.get(variant)!, from: "smpbox barriers 003 --matrix" } : undefined,
  visits: "had submitter and completion near each other",
  workload: "W003c",
  workloads: Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { what }]) => [name, what]),
  ),
  rounds: ROUNDS,
  bootParameters({ variant, workload, rounds }) {
    const { goal, words } = WORKLOADS[workload];
    const kernel = `fs=1 fs_goal=${goal} v003=${variant} commit=${COMMIT_US}`;
    return `${kernel} -- w003 rounds=${rounds} ${words}`;
  },
  disks: ({ workload }) => {
    const { model, irq } = WORKLOADS[workload];
    return { disks: parseDisks(1, `model=${model}`), irqPolicy: irq };
  },
  budgetCycles: ({ rounds }) => BUDGET_CYCLES + BigInt(rounds) * BUDGET_CYCLES_ROUND,
  traceEvents: () => TRACE_EVENTS,
  traceKinds: DIO_KINDS,
  pairs: (preset) => [[0, cpuCount(preset) > 1 ? 1 : 0]],
  examine,
  rows: rows003,
  report: R003,
  /** The completion of the request that is waited for looks for a waiter, and sees none. */
  decision: ({ events }) => meetingsOf(dioRequests(events).filter(({ freed }) => !freed))
    .find(({ looked }) => looked)?.looked,
  expectations: [],
};

function examine(stopped: Stopped): Findings {
  const { machine, result } = stopped;
  const events = machine.view.trace();
  const requests = dioRequests(events);
  const meetings = meetingsOf(requests);
  const answers = answersOf(stopped, "w003_stats", STATS);
  const block = machine.debugBlock();
  const fs = block && FsBlock.of(block, machine.kernelVariable("smpbox_fs"));
  // By the labels of the code itself, and by those of the allocator.
  const shadowed = lateAccesses(events, fs, "struct dio").map(({ event }) => event);
  const late = [...new Set([...usesAfterFree(requests), ...shadowed])];
  const quiescent = result.stop === "quiescent";
  const tasks = block && quiescent ? block.tasks() : [];
  const population = fs ? populationOf(fs, tasks) : { writers: [], journal: [], blocked: [] };
  const transaction = fs?.transaction();
  const { writers, journal, blocked } = population;
  const failure = violationOf(population, meetings, late.length);
  if (failure && fs) {
    failure.account = accountOf(fs, population, meetings, transaction);
    failure.events = events.filter((event) => stepOf(event));
    const { now } = machine.view;
    failure.facts = blockedFacts(fs, writers, meetings, now, numberOf(machine.preset, "megahertz"));
  }
  const last = meetings.at(-1);
  return {
    failure,
    broken: failure ? undefined : brokenBy(result.exit, answers.submitted - answers.events),
    rounds: answers.events,
    residence: [],
    visited: meetings.filter(isNear).length,
    facts: fs && last ? fs.dio(fs.dioOfLine(last.request.line)) : undefined,
    counts: {
      "writers asleep on an ended request": writers.length,
      "kjournald on t_updates": journal.length,
      "tasks on T_LOCKED": blocked.length,
      "tasks in all": tasks.filter(({ comm }) => USERS.has(comm)).length,
      "open handles of the transaction": quiescent ? (transaction?.updates ?? 0) : 0,
      "requests that were waited for": meetings.length,
      "accesses after free": late.length,
      "of them by the allocator's labels": shadowed.length,
    },
  };
}

/** Of w003's tasks. */
const USERS = new Set(["oracle", "iozone", "pdflush", "ls"]);

/** I003a and I003b: asleep on a request of which only the sleeper's reference is left. */
function populationOf(fs: FsBlock, tasks: readonly Task[]): Population {
  const asleep = (kind: number) =>
    tasks.filter((task) => task.state === TASK_UNINTERRUPTIBLE && task.sleepKind === kind);
  const bios = fs.biosOf();
  const writers = asleep(SLEEP_DISK).flatMap((task) => {
    const dio = task.sleepObject;
    const { waiter, refcount } = fs.dio(dio);
    if (waiter !== task.address || refcount !== 1n) return [];
    const own = bios.filter((owner) => owner === dio).length;
    return [{ task, dio, bios: own, transaction: fs.transactionOf(task.address) }];
  });
  return { writers, journal: asleep(SLEEP_UPDATES), blocked: asleep(SLEEP_T_LOCKED) };
}

function violationOf(
  { writers, journal, blocked }: Population, meetings: readonly Meeting[], late: number,
): Failure | undefined {
  if (writers.length > 0) {
    const hung = meetings.filter(({ request }) => !request.freed);
    const buffered = hung.length > 0 && hung.every(isStoreBuffering);
    return {
      invariant: "I003a",
      what: `${writers.length} writer${writers.length > 1 ? "s sleep" : " sleeps"} on a request ` +
        `whose bios have ended; kjournald (${journal.length}) waits for the handle, ` +
        `${blocked.length} tasks wait for kjournald`,
      events: [],
      cause: buffered ? "store buffer" : "interleaving",
    };
  }
  if (late === 0) return undefined;
  return {
    invariant: "UAF", what: `a request is looked at ${late} times after it was freed`,
    events: [], cause: "interleaving", causeFrom: "order",
  };
}

function brokenBy(exit: RunResult["exit"], missing: number): string | undefined {
  if (exit === "hang") return "everything sleeps, but not as I003a describes";
  if (exit !== 0) return `exit ${exit}`;
  return missing > 0 ? `it ended with ${missing} events missing` : undefined;
}
