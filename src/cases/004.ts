// Case 004: the call-back path of asynchronous retries, Linux 2.6.13-rc3. A wake-up takes a request
// out of a queue, marks it and queues it for its next try; whoever has just tried may see it half
// done, queue it himself, and have it tried, ended and freed before the wake-up goes on.
import type { RunResult } from "../engine/machine.ts";
import { changeDisks, failCommands, parseDisks } from "../machine/disks.ts";
import { cpuCount, InputError } from "../machine/preset.ts";
import { violationOf } from "./004-account.ts";
import { COUNT_RULES, KICK_KINDS } from "./004-life.ts";
import { R004 } from "./004-report.ts";
import {
  DIRECT, FSX_FILES, IN_FULL, READERS, rows004, SHORT_READERS, TRIES,
} from "./004-rows.ts";
import { KickStory } from "./004-story.ts";
import type { Violation } from "./004-trace.ts";
import { answersOf } from "./answers.ts";
import type { Case, CaseSpec, Failure, Findings, Stopped } from "./case.ts";
import type { LateAccess } from "./shadow.ts";

const VARIANTS: Record<string, string> = {
  bug: "take out, mark and queue are three steps, as in Linux 2.6.13-rc3",
  f0: "the three under ctx_lock, and the look at the queue, too: the repair that was proposed",
  f0p: "the three under ctx_lock, the look at the queue not",
  f1: "no look at the queue, the mark under ctx_lock: as from 2.6.15 on",
  x1: "only the look at the queue under ctx_lock",
  x2: "only the mark under ctx_lock",
  x3: "taking out and the look at the queue under ctx_lock, the mark not",
  x4: "no look at the queue, the mark without ctx_lock",
  x5: "fences after taking out and after the mark",
  x6: "the entry in the queue has a reference to the request",
};
const ALIASES: Record<string, string> = { fixed: "f1", "f0'": "f0p" };

/** Sixteen on one context: the wake function waits for ctx_lock, and who tries gets it first. */
const many = ({ record = 512, blocks = 256 } = {}) =>
  `files=1 threads=${READERS} shared=1 blocks=${blocks} record=${record} depth=16 batch=1`;
const FSX = `files=${FSX_FILES} direct=1 shared=1`;
interface Workload {
  what: string;
  kernel?: string;
  words: string;
  /** The program's word for the rounds. */
  count?: string;
}

const WORKLOADS: Record<string, Workload> = {
  W004: {
    what: "sixteen readers of a file four times as big as the cache, on one AIO context",
    kernel: "fs_cache=64", words: many(),
  },
  W004a: {
    what: "four readers of two files, an AIO context each, in the shape of aio-stress",
    words: "",
  },
  W004p: {
    what: "as W004, of records a quarter of which lie in two pages: these wait twice",
    kernel: "fs_cache=64", words: many({ record: 1536 }),
  },
  W004d: {
    what: "as W004, by O_DIRECT: nothing is tried again", kernel: "fs_cache=64",
    words: `${many()} direct=1`,
  },
  W004s: {
    what: "as W004, by pread: the reader sleeps", kernel: "fs_cache=64", words: `${many()} sync=1`,
  },
  W004c: {
    what: "as W004, with a file that fits the cache", kernel: "fs_cache=64",
    words: many({ blocks: 64 }),
  },
  W004f: {
    what: "fsx: reads, writes and truncations of eight files, also by O_DIRECT, all compared",
    kernel: "fs_cache=32 v003=f0", words: FSX, count: "fsx",
  },
  W004g: {
    what: "as W004f, with another repair of case 003 under it, which wakes after the lock",
    kernel: "fs_cache=32 v003=f1", words: FSX, count: "fsx",
  },
  W004h: {
    what: "as W004f, with the repair of 2006 of case 002 under it",
    kernel: "fs_cache=32 v002=fix2006", words: FSX, count: "fsx",
  },
  W004i: {
    what: "as W004f, with case 002's error under bio_lock under it",
    kernel: "fs_cache=32 v002=f1", words: FSX, count: "fsx",
  },
  W004r: {
    what: "a file whose tries are short without having to wait",
    words: `short=1 files=1 threads=${SHORT_READERS} blocks=16 record=4096 depth=8`,
  },
};

/** Records of each reader. */
const ROUNDS = 100;
/** Of a piece of the run, and for the report of its end. */
const TRACE_EVENTS = 1 << 20;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 200_000_000n;
const DISKS = parseDisks(1, "model=uniform:2-20");
const STATS = ["submitted", "events", "full", "other", "wrong"] as const;

export const case004: Case = {
  id: "004",
  title: "a wake-up goes on with a request that its next try has already ended",
  image: "w004",
  machine: "rhel16",
  cpusMin: 1,
  allCpus: true,
  buggy: "bug",
  fixed: "f1",
  variantOf(text) {
    const name = ALIASES[text.toLowerCase()] ?? text.toLowerCase();
    if (Object.hasOwn(VARIANTS, name)) return name;
    throw new InputError(
      `variant ${text} of case 004: use ${Object.keys(VARIANTS).join(", ")} or fixed`);
  },
  describeVariant: (variant) => VARIANTS[variant],
  inOrder: ({ variant }) =>
    variant === "bug" ? { fails: true, from: "smpbox barriers 004" } : undefined,
  visits: "had a wake-up near the end of a try",
  workload: "W004",
  workloads: Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { what }]) => [name, what]),
  ),
  rounds: ROUNDS,
  bootParameters({ variant, workload, rounds }) {
    const { kernel = "", words, count = "records" } = WORKLOADS[workload];
    return `fs=1 ${kernel} v004=${variant} -- w004 ${count}=${rounds} ${words}`;
  },
  disks: () => ({ disks: DISKS, irqPolicy: "round-robin" }),
  budgetCycles: ({ rounds }) => BUDGET_CYCLES + BigInt(rounds) * BUDGET_CYCLES_ROUND,
  traceEvents: () => TRACE_EVENTS,
  traceKinds: KICK_KINDS,
  pairs: (preset) => [[0, cpuCount(preset) > 1 ? 1 : 0]],
  follow: (machine) => new KickStory(machine),
  examine,
  rows: rows004,
  report: R004,
  /** The wake function goes on with a request that is gone, or a rule is broken. */
  decision: ({ moments }) => moments?.used,
  expectations: [],
};

/** What was seen while it ran; of a machine that ran without that, its last records. */
function storyOf({ machine, followed }: Stopped): { story: KickStory; lost: number } {
  if (followed instanceof KickStory) return { story: followed, lost: 0 };
  const story = new KickStory(machine);
  story.take(machine.view.trace());
  return { story, lost: machine.view.traceLost };
}

function examine(stopped: Stopped): Findings {
  const { machine, result } = stopped;
  const { story, lost } = storyOf(stopped);
  const { kicks } = story;
  const answers = answersOf(stopped, "w004_stats", STATS);
  const block = machine.debugBlock();
  const active = result.stop === "quiescent"
    ? block?.kioctxs().reduce((sum, { reqsActive }) => sum + reqsActive, 0) ?? 0 : 0;
  const failure = violationOf(kicks.violations, story.events, story.layout) ??
    usedWhileFree(story.shadow.first) ?? neverTriedAgain(active);
  const warnings = machine.kernelVariable("aio_warnings")?.getUint32(0, true) ?? 0;
  const count = (...kinds: Violation["kind"][]) =>
    kinds.reduce((sum, kind) => sum + (kicks.counts[kind] ?? 0), 0);
  return {
    failure,
    broken: failure ? undefined
      : brokenBy(result.exit, answers, failsCommands(stopped.spec), lost) ??
        differs(warnings, count("queued again")),
    rounds: answers.events,
    residence: [],
    visited: kicks.near,
    counts: {
      "uses of a freed request": count("use after free"),
      "accesses to a request in the allocator's hands, by anybody": story.shadow.count,
      "kicks of another request in its place": count("kick of another request"),
      "requests queued again (WARN)": count("queued again"),
      "tries of a request that another one tries": count("two tries"),
      "tries of a request that waits in a queue": count("try in a queue"),
      "tries, or places on run_list, after the end":
        count("try after its end", "queued after its end"),
      "requests completed again": count("completed again"),
      "references given up that there were not": count(...COUNT_RULES),
      "requests that nobody tries again": active,
      [TRIES]: kicks.tries,
      "wake-ups": kicks.wakes,
      [DIRECT]: story.direct,
      [IN_FULL]: answers.full,
      "sectors that are not what was written": answers.wrong,
    },
  };
}

/** The kernel counts what Q4 finds in a queue; the trace says the same. */
export const differs = (warnings: number, seen: number): string | undefined =>
  warnings === seen ? undefined
    : `the kernel warned ${warnings} times, and the trace has ${seen} requests queued again`;

/** I004a of an access that no rule of a request's life is about. */
function usedWhileFree(late: LateAccess | undefined): Failure | undefined {
  if (!late) return undefined;
  const { event, freed, object } = late;
  return {
    invariant: "I004a",
    what: `CPU ${event.cpu} accesses a request ${event.time - freed.time} cycles after CPU ` +
      `${freed.cpu} has freed it`,
    title: "a request is accessed after it was freed",
    account: `request at ${object.toString(16)}: freed at ${freed.time}, used at ${event.time}`,
    events: [freed, event],
    cause: "not recorded",
    object,
    moments: { freed, used: event },
    facts: {
      kind: "UAF (an access that no step of the wake function is)",
      freed: `by cpu${freed.cpu} at ${freed.time}`, used: `by cpu${event.cpu} at ${event.time}`,
    },
  };
}

/** I004e, when nothing is pending. */
function neverTriedAgain(active: number): Failure | undefined {
  if (active === 0) return undefined;
  return {
    invariant: "I004e",
    what: `${active} requests wait to be tried again, and nothing will wake them`,
    title: "requests wait to be tried again for ever",
    account: "A try that says -EIOCBRETRY is to leave the request in a queue: these are in none.",
    events: [],
    cause: "not recorded",
  };
}

const failsCommands = ({ disk }: CaseSpec) => failCommands(changeDisks(DISKS, disk));

/** w004 exits with 1 after any answer that is not all of a record: `other` says why. */
function brokenBy(
  exit: RunResult["exit"],
  { submitted, events, wrong, other }: Record<(typeof STATS)[number], number>, fails: boolean,
  lost: number,
): string | undefined {
  if (wrong > 0) return `${wrong} sectors are not what was written`;
  if (other > 0) {
    return `${other} of ${events} requests were not answered in full, and the disk ` + (fails
      ? "was to fail some, which w004 does not tell apart: leave out error= and gone="
      : "did all of them");
  }
  if (exit !== 0) return `exit ${exit}`;
  if (submitted > events) return `it ended with ${submitted - events} events missing`;
  return lost > 0 ? "the trace does not hold the whole run: use fewer rounds" : undefined;
}
