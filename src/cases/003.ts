// Case 003: direct I/O between 2.6.18 and 2.6.20, as Red Hat shipped it. A completion looks for a
// waiter before it drops its reference, without the lock under which the waiter says that it waits.
// The waiter holds a handle of the journal, so everybody who changes the file system waits for it.
import type { RunResult } from "../engine/machine.ts";
import { changeDisks, failCommands, parseDisks } from "../machine/disks.ts";
import { type DioFields, FsBlock } from "../machine/fs-block.ts";
import { cpuCount, InputError, numberOf } from "../machine/preset.ts";
import { accountOf, blockedFacts, type Population, stuckOwners } from "./003-account.ts";
import { biosOfEnded, hangOf, populationOf, stuckOf, useOf } from "./003-failure.ts";
import { aliveIn, isCutShort } from "./003-numbers.ts";
import { R003 } from "./003-report.ts";
import { AS_DUMPED, HANDLES, KEPT, NOT_IN_FULL, rows003 } from "./003-rows.ts";
import { DioStory, meetingsOf } from "./003-story.ts";
import { DESCRIPTIONS, nameOf, roundsMax, WORKLOADS, wordsOf } from "./003-workloads.ts";
import { answersOf } from "./answers.ts";
import type { Case, CaseSpec, Findings, LookHooks, Stopped } from "./case.ts";
import { DIO_KINDS, dioRequests, stepOf } from "./dio-trace.ts";

/** Writes of each writer. */
const ROUNDS = 100;
/** Of a piece of the run, and for the report of its end: some thirty records for each write. */
const TRACE_EVENTS = 1 << 20;
const BUDGET_CYCLES = 4_000_000_000n;
const BUDGET_CYCLES_ROUND = 50_000_000n;
/** The order of struct w003_stats. */
const STATS = ["submitted", "events", "full", "other", "handles", "ended", "eio"] as const;
type Answers = Record<(typeof STATS)[number], number>;

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
  roundsMax: Object.fromEntries(
    Object.keys(WORKLOADS).map((name) => [name, roundsMax(name)]),
  ),
  bootParameters({ variant, workload, rounds }) {
    const { dump, commitUs } = WORKLOADS[workload];
    const kernel = `fs=1 fs_goal=${dump.goal} v003=${variant} commit=${commitUs}`;
    return `${kernel} -- ${wordsOf(workload, rounds)}`;
  },
  disks: ({ workload }) => ({ disks: disksOf(workload), irqPolicy: WORKLOADS[workload].irq }),
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

const disksOf = (workload: string) => parseDisks(1, `model=${WORKLOADS[workload].model}`);

/** Writes may be answered otherwise. */
const failsCommands = ({ workload, disk }: CaseSpec) =>
  failCommands(changeDisks(disksOf(workload), disk));

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
  const { bytes } = WORKLOADS[stopped.spec.workload];
  const failure = hangOf(population, unfinished, stopped.spec.memory)
    ?? stuckOf(stuck, kept) ?? useOf(story);
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
    broken: failure ? undefined
      : brokenBy(result.exit, answers, failsCommands(stopped.spec), lost),
    rounds: answers.events,
    residence: [],
    visited: story.near,
    counts: {
      "writers asleep on an ended request": writers.length,
      [AS_DUMPED]: writers.filter(({ dio }) => isCutShort(fs!.dio(dio), BigInt(bytes))).length,
      "kjournald on t_updates": journal.length,
      "tasks on T_LOCKED": blocked.length,
      "tasks in all": tasks.filter(({ comm }) => USERS.has(comm)).length,
      "open handles of the transaction": quiescent ? (transaction?.updates ?? 0) : 0,
      "their owners, all asleep (I003c)": stuck.length,
      [KEPT]: kept,
      "writes answered in full": answers.full,
      [NOT_IN_FULL]: answers.other,
      "of them by -EIO": answers.eio,
      [HANDLES]: answers.handles,
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

function brokenBy(
  exit: RunResult["exit"], { submitted, events, other }: Answers, fails: boolean, lost: number,
): string | undefined {
  if (exit === "hang") return "everything sleeps, but not as I003a describes";
  if (exit !== 0) return `exit ${exit}`;
  if (other > 0 && !fails) {
    return `${other} of ${events} writes were not answered in full, and the disk did all of them`;
  }
  if (submitted > events) return `it ended with ${submitted - events} events missing`;
  return lost > 0 ? "the trace does not hold the whole run: use fewer rounds" : undefined;
}
