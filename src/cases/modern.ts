// Case M: the shape of case 001 in other systems, as a program of two threads. Who publishes work
// and then looks for a sleeper, and who says that he sleeps and then looks for work, both need a
// full fence in between; without it the last work stays undone, and everybody sleeps. In wM2, of
// fs/aio again, no fence is missing: two accesses are in the wrong order.
import { cpuCount, InputError } from "../machine/preset.ts";
import { case001 } from "./001.ts";
import type { Case, CaseSpec, Failure, Findings, Stopped } from "./case.ts";
import { rowsModern } from "./modern-rows.ts";
import { causeOf, isModernStep, KINDS, visitedBy } from "./modern-trace.ts";

/** What stands between store and look. */
const PUBLISHER: Record<string, string> = {
  none: "nothing", wmb: "SFENCE", mb: "MFENCE", or: "its store by a locked instruction",
  rmb: "LFENCE", lock: "the queue's lock around its look",
  wake: "no look: it takes the queue's lock and wakes whoever is there",
};
const SLEEPER: Record<string, string> = {
  none: "nothing", mb: "MFENCE", or: "its store by a locked instruction",
  wmb: "SFENCE", rmb: "LFENCE",
  queued: "its state stored by a locked instruction, under the queue's lock",
  before: "its state stored by a locked instruction, before it enters the queue",
  unlock: "a locked instruction that releases the queue's lock, before its state's store",
  read: "its look by a locked instruction",
};
const ALIASES: Record<string, string> = { bug: "none/or", fixed: "mb/or" };

/** The compiled copies of each side (workloads/user/wm*.h); `bug` and `fixed`. */
interface Fences {
  publisher: readonly string[];
  sleeper: readonly string[];
  aliases: Record<string, string>;
}

const FENCES: Fences = {
  publisher: ["none", "wmb", "mb", "or"], sleeper: ["none", "mb", "or"], aliases: ALIASES,
};
/** wM1 has the matrix of case 001; wM6, the control, has no fence to leave out. */
const FENCES_OF: Record<string, Fences> = {
  wM1: { publisher: Object.keys(PUBLISHER), sleeper: Object.keys(SLEEPER), aliases: ALIASES },
  wM6: {
    publisher: ["none"], sleeper: ["none"], aliases: { bug: "none/none", fixed: "none/none" },
  },
};

const WORKLOADS: Record<string, { what: string; model: number }> = {
  wM1: { what: "wait queues: waitqueue_active() outside of the lock", model: 1 },
  wM4: { what: "io_uring's SQPOLL: an application, a thread that polls the ring", model: 4 },
  wM5: { what: "virtio with event indices: a driver, a device", model: 5 },
  wM7: { what: "an adaptive mutex: resume() publishes who runs, who wants it blocks", model: 7 },
  wM8: { what: "wake_up_bit(): a page is unlocked, its wait queue looked at", model: 8 },
  wM6: { what: "eventfd: counter and waiters under one lock, no fence needed", model: 6 },
  wM2: { what: "fs/aio: a waiter's time limit against its completion", model: 2 },
};

/** wM2 has no fence too few: its variants are two orders of accesses. */
const ORDERS: Record<string, string> = {
  "unlink-first": "the completer takes the waiter's entry off the queue, then reads its task",
  "wake-first": "the completer reads the entry's task and wakes it, then takes the entry off",
};
const ORDER_ALIASES: Record<string, string> = { bug: "unlink-first", fixed: "wake-first" };
const ORDERED = "wM2";
const DEFAULT = "wM1";

const ROUNDS = 1000;
/** A round has 8 to 20 records; of longer runs the last rounds are kept. */
const TRACE_ROUND = 32;
const TRACE_MIN = 1 << 14;
const TRACE_MAX = 1 << 20;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 2_000_000n;
/** In wm_stats: a line for each. */
const PUBLISHED = 64;
/** In the line of what is published. */
const STRAY = 72;
const PLACE = 80;

export const caseModern: Case = {
  id: "M",
  title: "the shape of case 001 in wait queues, io_uring, virtio, mutexes, page locks, eventfd",
  image: "wm",
  machine: "clovertown",
  cpusMin: 2,
  buggy: ALIASES.bug,
  fixed: ALIASES.fixed,
  ofWorkload: {
    [ORDERED]: { buggy: ORDER_ALIASES.bug, fixed: ORDER_ALIASES.fixed },
    wM6: { buggy: FENCES_OF.wM6.aliases.bug, fixed: FENCES_OF.wM6.aliases.fixed },
  },
  variantOf: (text, workload = DEFAULT) => workload === ORDERED
    ? orderOf(text.toLowerCase()) : fencesOf(text.toLowerCase(), workload),
  describeVariant(variant) {
    if (Object.hasOwn(ORDERS, variant)) return ORDERS[variant];
    const [x, y] = variant.split("/");
    return `between store and look the publisher has ${PUBLISHER[x]}, the sleeper ${SLEEPER[y]}`;
  },
  inOrder: ({ workload }) => workload === ORDERED
    ? { fails: true, from: "smpbox barriers wM2" }
    : { fails: false, from: "smpbox barriers M --matrix" },
  workload: DEFAULT,
  workloads: Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { what }]) => [name, what]),
  ),
  rounds: ROUNDS,
  bootParameters({ variant, workload, pair, rounds }) {
    const [x, y = "none"] = variant.split("/");
    return `-- wm m=${WORKLOADS[workload].model} x=${x} y=${y} s=${pair[0]} r=${pair[1]} ` +
      `rounds=${rounds}`;
  },
  budgetCycles: ({ rounds }) => BUDGET_CYCLES + BigInt(rounds) * BUDGET_CYCLES_ROUND,
  traceEvents: ({ rounds }) =>
    Math.min(TRACE_MAX, Math.max(TRACE_MIN, 2 ** Math.ceil(Math.log2(rounds * TRACE_ROUND)))),
  traceKinds: KINDS,
  pairs: (preset) => (cpuCount(preset) > 1 ? case001.pairs(preset) : []),
  examine,
  endsWithFailure: true,
  rows: rowsModern,
  expectations: [],
};

function orderOf(text: string): string {
  const name = Object.hasOwn(ORDER_ALIASES, text) ? ORDER_ALIASES[text] : text;
  if (Object.hasOwn(ORDERS, name)) return name;
  throw new InputError(`variant ${text} of ${ORDERED} of case M: use bug, fixed, or one of ` +
    Object.keys(ORDERS).join(", "));
}

function fencesOf(text: string, workload: string): string {
  const { publisher, sleeper, aliases } = FENCES_OF[workload] ?? FENCES;
  const name = Object.hasOwn(aliases, text) ? aliases[text] : text;
  const [x, y, more] = name.split("/");
  if (publisher.includes(x) && sleeper.includes(y) && more === undefined) return name;
  throw new InputError(`variant ${text} of ${workload} of case M: use bug, fixed, or ` +
    `PUBLISHER/SLEEPER with one of ${publisher.join(", ")} and one of ${sleeper.join(", ")}`);
}

function examine({ machine, spec, result, console }: Stopped): Findings {
  const stats = machine.userVariable("wm_stats");
  const told = /\bwm rounds=(\d+)/.exec(console)?.[1];
  const at = (offset: number) => stats && Number(stats.getBigUint64(offset, true));
  const rounds = at(0) ?? Number(told ?? 0);
  const published = at(PUBLISHED) ?? rounds;
  const stray = stats?.getBigUint64(STRAY, true);
  const events = machine.view.trace(isModernStep);
  const lost = result.stop === "quiescent" && published === rounds + 1;
  const cause = lost || stray ? causeOf(events, spec.pair, spec.variant) : "not recorded";
  const failure = stray ? strayWakeUp(published, stray, at(PLACE)!, cause)
    : lost ? lostWakeUp(published, spec, cause) : undefined;
  const ended = result.exit === 0 && rounds === spec.rounds;
  return {
    failure,
    broken: failure || ended ? undefined : `exit ${result.exit} after ${rounds} rounds`,
    rounds,
    visited: visitedBy(events, spec.pair, spec.variant),
    residence: [],
  };
}

/** Nothing is pending, and work that was published is not done. */
function lostWakeUp(
  published: number, { workload }: CaseSpec, cause: Failure["cause"],
): Failure {
  const told = workload === "wM7"
    ? {
      what: `mutex ${published} is free, and the one who wants it sleeps: nobody woke him`,
      account: "The owner found no waiters, the waiter found that the owner does not run; " +
        "one has left, the other one sleeps.",
    }
    : {
      what: `work ${published} was published, and the one who does it sleeps: nobody woke him`,
      account: "The publisher found no sleeper, the sleeper found no work; both sleep.",
    };
  return { invariant: "I001", ...told, events: [], cause };
}

/** The completer has stopped at a task that is none: what the waiter's stack was used for since. */
function strayWakeUp(
  round: number, task: bigint, place: number, cause: Failure["cause"],
): Failure {
  return {
    invariant: "IM2",
    what: `round ${round} wakes 0x${task.toString(16)}, which is no task: the waiter's entry was ` +
      "on its stack, and it had returned",
    account: "The completer took the entry off the queue. The waiter's time was over; it saw its " +
      "entry off and returned without the lock. Then the completer read the entry's task. In " +
      `this run the entry begins ${place} bytes behind the start of a line.`,
    events: [],
    cause,
  };
}
