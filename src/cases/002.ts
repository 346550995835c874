// Case 002: direct I/O up to Linux 2.6.16 loses the error of an asynchronous write. The word that
// says how much is under way is also the one that says what went wrong, and a completion that finds
// anything but the whole size in it leaves the report to a submitter who has long returned.
import { SLEEP_AIO, SLEEP_AIO_DRAIN, TASK_RUNNING } from "../machine/debug-block.ts";
import { changeDisks, parseDisks } from "../machine/disks.ts";
import { cpuCount, InputError } from "../machine/preset.ts";
import { accountOf, detailsOf, lateFact } from "./002-account.ts";
import { injectedIn, type Plan, unfounded, unreported } from "./002-injected.ts";
import { ALL_OF_IT, near, type Outcome, OUTCOMES, PART_OF_IT } from "./002-outcome.ts";
import { R002 } from "./002-report.ts";
import { ANSWERED, COMPARED, INJECTED, LATE, rows002, STRANGERS } from "./002-rows.ts";
import { compare, RequestStory } from "./002-story.ts";
import { rowTwice } from "./002-twice.ts";
import { brokenBy, causeOf, countsOf, judgedOf, violationOf } from "./002-violation.ts";
import {
  ALIASES, HOLE_ROUNDS, RECORD_BYTES, RECORD_SECTORS, VARIANTS, WORKLOADS,
} from "./002-workloads.ts";
import { answersOf } from "./answers.ts";
import type { Case, CaseSpec, Findings, Stopped } from "./case.ts";
import { access, DIO_KINDS } from "./dio-trace.ts";

/** The repair that is none and not in the kernel: a program that does not wait for ever. */
const TIMEOUT = { variant: "x5", workload: "W002t" };
const ALL_STAGES = 15;

/** A record of 64 KiB: 4 MiB a file. */
const ROUNDS = 64;
/** All of a run: some 30 records for each request. */
const TRACE_EVENTS = 1 << 18;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 20_000_000n;
/** Of w002. */
const RECORDS_MAX = 1024;
/** Not as many requests end in it as a ring has slots: each event is read before another comes. */
const PIECE_CYCLES = 1_000_000;
const STATS_BYTES = 64;

const isOnFiles = (name: string) => WORKLOADS[name].holes === true;
const ON_FILES = Object.keys(WORKLOADS).filter(isOnFiles);
const ON_DISKS = Object.keys(WORKLOADS).filter((name) => !isOnFiles(name));

export const case002: Case = {
  id: "002",
  title: "direct I/O loses the error of an asynchronous write, and its event",
  image: "w002",
  images: Object.fromEntries(ON_FILES.map((name) => [name, "w003"])),
  machine: "clovertown",
  cpusMin: 1,
  // w003 takes no pair: it gives its tasks to the CPUs in turn.
  allCpus: ON_FILES,
  buggy: "bug",
  fixed: "dio2620",
  variantOf(text, workload) {
    const lower = text.toLowerCase();
    const name = ALIASES[lower] ?? lower;
    if (name === TIMEOUT.variant && workload !== TIMEOUT.workload) {
      throw new InputError(`variant ${text} of case 002 is what a program does, with the kernel ` +
        `as it was: use --workload ${TIMEOUT.workload}, with or without it`);
    }
    if (name === TIMEOUT.variant) return "bug";
    if (Object.hasOwn(VARIANTS, name)) return name;
    const known = [...Object.keys(VARIANTS), TIMEOUT.variant, ...Object.keys(ALIASES)].join(", ");
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
  fixedRounds: Object.fromEntries(ON_FILES.map((name) => [name, HOLE_ROUNDS])),
  roundsMax: Object.fromEntries(ON_DISKS.map((name) => [name, RECORDS_MAX])),
  bootParameters({ variant, workload, pair, rounds }) {
    const { files, words, kernel, holes } = WORKLOADS[workload];
    if (holes) return `v002=${variant} ${kernel} -- w003 ${words}`;
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
  follow: (machine) => new RequestStory(machine),
  pieceCycles: PIECE_CYCLES,
  examine,
  rows: [...rows002, rowTwice],
  report: R002,
  /** The last completion finds that it is not the one to report. */
  decision: ({ moments }) => moments?.ended ?? moments?.failed,
  expectations: [],
};

/** The order of struct w002_stats, and of struct w003_stats. */
const ANSWERS = ["submitted", "events", "full", "eio", "other", "wrong"] as const;
const LOG_ANSWERS = ["submitted", "events", "full", "other", "handles", "ended", "eio"] as const;

function answersTo(stopped: Stopped): Record<(typeof ANSWERS)[number], number> {
  if (!WORKLOADS[stopped.spec.workload].holes) {
    return answersOf(stopped, "w002_stats", ANSWERS, STATS_BYTES);
  }
  const answers = answersOf(stopped, "w003_stats", LOG_ANSWERS);
  return { ...answers, other: answers.other - answers.eio, wrong: 0 };
}

/** What was seen while it ran; of a machine that ran without that, its last records. */
function storyOf({ machine, followed }: Stopped): { story: RequestStory; lost: number } {
  if (followed instanceof RequestStory) return { story: followed, lost: 0 };
  const story = new RequestStory(machine);
  story.take(machine.view.trace());
  return { story, lost: machine.view.traceLost };
}

function examine(stopped: Stopped): Findings {
  const { machine, result } = stopped;
  const { story, lost } = storyOf(stopped);
  const answers = answersTo(stopped);
  const { holes = false } = WORKLOADS[stopped.spec.workload];
  const bytes = BigInt(RECORD_BYTES);
  const requests = story.requests.map((request) => ({ ...request, bytes }));
  const block = machine.debugBlock();
  const quiescent = result.stop === "quiescent";
  const over = quiescent || result.exit === 0;
  const judged = judgedOf(requests, over);
  const counts = countsOf(judged);
  const active = block?.kioctxs().reduce((sum, { reqsActive }) => sum + reqsActive, 0) ?? 0;
  const sleepers = (kind: number) => block?.tasks()
    .filter((task) => task.state !== TASK_RUNNING && task.sleepKind === kind) ?? [];
  const inRings = block?.kioctxs().reduce(
    (sum, { head, tail, slots }) => sum + ((tail - head + slots) % slots), 0) ?? 0;
  // Those that a sleeping io_getevents has taken, and not yet given to its caller.
  const taken = sleepers(SLEEP_AIO).reduce((sum, { sleepI }) => sum + Number(sleepI), 0);
  const missing = answers.submitted - answers.events - inRings - taken;
  const leaked = judged.filter(({ freed }) => !freed).length;
  const failed = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const unread = inRings + taken;
  const injected = holes ? answers.events : injectedIn(planOf(stopped.spec), answers.submitted);
  // Of a drive that goes, and of several files, only the trace tells which requests failed.
  const unseen = unreported(Math.max(injected ?? 0, failed), { ...answers, missing, unread });
  // Of a write into a hole the page cache does the rest, in the same answer.
  const compared = compare(holes ? [] : story.iocbs, over, bytes);
  const { count: late, first } = story.shadow;
  const erred = requests.filter((request) => access(request, "D1")).length;
  const failure = violationOf({
    counts, active: quiescent ? active : 0, missing, leaked, unseen, compared, late, holes,
    strangers: story.strangers.length, wrong: answers.wrong,
    unfounded: holes ? 0 : unfounded(planOf(stopped.spec), erred, answers),
  });
  if (failure) {
    failure.account = accountOf(judged, { ...answers, active });
    failure.events = story.steps;
    failure.cause = causeOf(judged);
    if (failure.cause === "interleaving") failure.causeFrom = "order";
    Object.assign(failure, detailsOf(judged, { ...answers, active, unread }));
    if (first) failure.facts = { ...failure.facts, [LATE]: lateFact(first) };
  }
  return {
    failure,
    broken: lost > 0 ? "the trace does not hold the whole run: use fewer rounds"
      : over && holes && failed !== answers.submitted ? "a write came to no sector that fails"
      : brokenBy(result.exit, failure, missing),
    rounds: answers.events,
    residence: [],
    visited: failed,
    counts: {
      ...Object.fromEntries(
        Object.entries(counts).map(([key, n]) => [OUTCOMES[key as Outcome], n]),
      ),
      "errors between S1 and S6": requests.filter(near).length,
      ...(injected === undefined ? {} : { [INJECTED]: injected }),
      [ANSWERED]: answers.eio,
      [COMPARED]: compared.events,
      [LATE]: late,
      [STRANGERS]: story.strangers.length,
      "missing events": over ? missing : 0,
      "requests under way when the run was cut short": over ? 0 : missing,
      "asleep in io_getevents": sleepers(SLEEP_AIO).length,
      "asleep in io_destroy": sleepers(SLEEP_AIO_DRAIN).length,
      "requests never freed": leaked,
      "sectors that are not what a full count promised": answers.wrong,
      [ALL_OF_IT]: holes ? answers.full : 0,
      [PART_OF_IT]: holes ? answers.other : 0,
    },
  };
}

/** The disks as they are in this run, and what the program does with them. */
function planOf(spec: CaseSpec): Plan {
  const { files, words, disk } = WORKLOADS[spec.workload];
  const disks = changeDisks(parseDisks(files, ...disk(spec.rounds)), spec.disk);
  const stages = Number(/\bstages=(\d+)/.exec(words)?.[1] ?? ALL_STAGES);
  return { disks, records: spec.rounds, recordSectors: RECORD_SECTORS, stages };
}
