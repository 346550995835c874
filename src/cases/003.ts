// Case 003: direct I/O between 2.6.18 and 2.6.20, as Red Hat shipped it. A completion looks for a
// waiter before it drops its reference, without the lock under which the waiter says that it waits.
// The waiter holds a handle of the journal, so everybody who changes the file system waits for it.
import type { RunResult } from "../engine/machine.ts";
import {
  SLEEP_DISK, SLEEP_T_LOCKED, SLEEP_UPDATES, type Task, TASK_UNINTERRUPTIBLE,
} from "../machine/debug-block.ts";
import { parseDisks } from "../machine/disks.ts";
import { type DioFields, FsBlock } from "../machine/fs-block.ts";
import { cpuCount, InputError, numberOf } from "../machine/preset.ts";
import { accountOf, blockedFacts, type Population, stuckOwners } from "./003-account.ts";
import { aliveIn } from "./003-numbers.ts";
import { R003 } from "./003-report.ts";
import { rows003 } from "./003-rows.ts";
import { causeOfHang, causeOfUse, DioStory, type Meeting, meetingsOf } from "./003-story.ts";
import { DESCRIPTIONS, nameOf, WORKLOADS } from "./003-workloads.ts";
import { answersOf } from "./answers.ts";
import type { Case, Failure, Findings, LookHooks, Stopped } from "./case.ts";
import { DIO_KINDS, dioRequests, stepOf } from "./dio-trace.ts";

/** Writes of each writer. */
const ROUNDS = 100;
/** Of a piece of the run, and for the report of its end: some thirty records for each write. */
const TRACE_EVENTS = 1 << 20;
const BUDGET_CYCLES = 4_000_000_000n;
const BUDGET_CYCLES_ROUND = 50_000_000n;
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
    const { goal, words, commitUs } = WORKLOADS[workload];
    const kernel = `fs=1 fs_goal=${goal} v003=${variant} commit=${commitUs}`;
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
  follow: (machine) => new DioStory(machine),
  examine,
  lookAgain,
  rows: rows003,
  report: R003,
  /**
   * The completion of the request that is waited for looks for a waiter, and sees none; or somebody
   * looks at a request that is gone.
   */
  decision: ({ events, moments }) => moments?.used ??
    meetingsOf(dioRequests(events).filter(({ freed }) => !freed))
      .find(({ looked }) => looked)?.looked,
  expectations: [],
};

/** What was seen while it ran; of a machine that ran without that, its last records. */
function storyOf({ machine, followed }: Stopped): { story: DioStory; lost: number } {
  if (followed instanceof DioStory) return { story: followed, lost: 0 };
  const story = new DioStory(machine);
  story.take(machine.view.trace());
  return { story, lost: machine.view.traceLost };
}

function examine(stopped: Stopped): Findings {
  const { machine, result } = stopped;
  const { story, lost } = storyOf(stopped);
  const unfinished = story.end();
  const answers = answersOf(stopped, "w003_stats", STATS);
  const block = machine.debugBlock();
  const fs = block && FsBlock.of(block, machine.kernelVariable("smpbox_fs"));
  const quiescent = result.stop === "quiescent";
  const tasks = block && quiescent ? block.tasks() : [];
  const population = fs ? populationOf(fs, tasks) : NOBODY;
  const transaction = fs?.transaction();
  const stuck = fs && quiescent ? stuckOwners(tasks, transaction, (task) =>
    fs.transactionOf(task)) : [];
  const kept = fs && quiescent ? biosOfEnded(fs) : 0;
  const { writers, journal, blocked } = population;
  const failure = hangOf(population, unfinished) ?? stuckOf(stuck, kept) ?? useOf(story);
  if (failure && fs) {
    failure.account = accountOf(fs, population, unfinished, transaction);
    if (failure.events.length === 0) {
      failure.events = machine.view.trace().filter((event) => stepOf(event));
    }
    const { now } = machine.view;
    const megahertz = numberOf(machine.preset, "megahertz");
    failure.facts = blockedFacts(fs, writers, unfinished, now, megahertz);
  }
  return {
    failure,
    broken: failure ? undefined : brokenBy(result.exit, answers.submitted - answers.events, lost),
    rounds: answers.events,
    residence: [],
    visited: story.near,
    counts: {
      "writers asleep on an ended request": writers.length,
      "kjournald on t_updates": journal.length,
      "tasks on T_LOCKED": blocked.length,
      "tasks in all": tasks.filter(({ comm }) => USERS.has(comm)).length,
      "open handles of the transaction": quiescent ? (transaction?.updates ?? 0) : 0,
      "their owners, all asleep (I003c)": stuck.length,
      "bios of requests with one reference (I003b)": kept,
      "requests that were waited for": story.meetings,
      "accesses after free": Math.max(story.late, story.shadow.count),
      "of them by the allocator's labels": story.shadow.count,
    },
  };
}

/** Of a workload whose numbers matter: its requests, from a second run. */
async function lookAgain(
  { machine, spec, followed }: Stopped, { signal }: LookHooks,
): Promise<Pick<Findings, "objects">> {
  if (!WORKLOADS[spec.workload].numbers || !(followed instanceof DioStory)) return {};
  const again = await machine.again({ traceEvents: 0 });
  const objects: DioFields[] = [];
  try {
    for (const wait of followed.waits.sort((a, b) => Number(a.from - b.from))) {
      if (again.view.now < wait.from) await again.runTo(wait.from, { signal });
      if (signal?.aborted) break;
      const block = again.debugBlock();
      const fs = block && FsBlock.of(block, again.kernelVariable("smpbox_fs"));
      const dio = fs && aliveIn(fs, wait, again.view.now);
      if (dio) objects.push(dio);
    }
    return { objects };
  } finally {
    again.close();
  }
}

/** Of w003's tasks. */
const USERS = new Set(["oracle", "iozone", "pdflush", "ls"]);
const NOBODY: Population = { writers: [], journal: [], blocked: [] };

/** I003a: asleep on a request of which only the sleeper's reference is left. */
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

/** I003b, when nothing is pending: bios whose request has no reference for them. */
function biosOfEnded(fs: FsBlock): number {
  // bi_private of other bios is no request.
  const ended = new Set(fs.slab("struct dio").filter((dio) => fs.dio(dio).refcount === 1n));
  return fs.biosOf().filter((owner) => ended.has(owner)).length;
}

function hangOf(
  { writers, journal, blocked }: Population, unfinished: readonly Meeting[],
): Failure | undefined {
  if (writers.length === 0) return undefined;
  const causes = new Set(unfinished.map(causeOfHang));
  // Of several hangs: without store buffers one would be left.
  const cause = causes.size === 1 ? [...causes][0]
    : causes.has("interleaving") ? "interleaving" : "not recorded";
  return {
    invariant: "I003a",
    what: `${writers.length} writer${writers.length > 1 ? "s sleep" : " sleeps"} on a request ` +
      `whose bios have ended; kjournald (${journal.length}) waits for the handle, ` +
      `${blocked.length} tasks wait for kjournald`,
    events: [], cause,
  };
}

/** Where no writer sleeps as I003a says: of the journal, or of a bio that nobody counts. */
function stuckOf(stuck: readonly Task[], kept: number): Failure | undefined {
  if (kept > 0) {
    return {
      invariant: "I003b", what: `${kept} bios are of requests with one reference, the submitter's`,
      title: "bios are left of a request that counts none",
      events: [], cause: "not recorded",
    };
  }
  if (stuck.length === 0) return undefined;
  return {
    invariant: "I003c",
    what: `the transaction is locked, and all ${stuck.length} owners of its handles sleep`,
    title: "the journal waits for handles whose owners sleep",
    events: [], cause: "not recorded",
  };
}

const USED = "a request is used after it was freed";

function useOf({ late, firstUse, shadow: { count, first } }: DioStory): Failure | undefined {
  if (!firstUse && first) {
    return {
      invariant: "UAF", title: USED,
      what: `a request is accessed ${count} times after it was freed`,
      events: [first.freed, first.event], cause: "not recorded", moments: { used: first.event },
    };
  }
  if (!firstUse) return undefined;
  return {
    invariant: "UAF", title: USED,
    what: `a request is looked at ${late} times after it was freed`,
    events: [...firstUse.events, ...firstUse.late], cause: causeOfUse(firstUse),
    moments: { used: firstUse.late[0] },
  };
}

function brokenBy(
  exit: RunResult["exit"], missing: number, lost: number,
): string | undefined {
  if (exit === "hang") return "everything sleeps, but not as I003a describes";
  if (exit !== 0) return `exit ${exit}`;
  if (missing > 0) return `it ended with ${missing} events missing`;
  return lost > 0 ? "the trace does not hold the whole run: use fewer rounds" : undefined;
}
