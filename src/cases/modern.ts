// Case M: the shape of case 001 in other systems, as a program of two threads. Who publishes work
// and then looks for a sleeper, and who says that he sleeps and then looks for work, both need a
// full fence in between; without it the last work stays undone, and everybody sleeps. In wM2, of
// fs/aio again, no fence is missing: two accesses are in the wrong order.
import { cpuCount, InputError } from "../machine/preset.ts";
import { case001 } from "./001.ts";
import type { Case, CaseSpec, Failure, Findings, Stopped } from "./case.ts";
import { rowsModern } from "./modern-rows.ts";

const PUBLISHER: Record<string, string> = {
  none: "nothing", wmb: "SFENCE", mb: "MFENCE", or: "its store by a locked instruction",
};
const SLEEPER: Record<string, string> = {
  none: "nothing", mb: "MFENCE", or: "its store by a locked instruction",
};
const ALIASES: Record<string, string> = { bug: "none/or", fixed: "mb/or" };

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

const ROUNDS = 1000;
const TRACE_EVENTS = 64;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 2_000_000n;
/** In wm_stats: a line for each. */
const PUBLISHED = 64;
/** In the line of what is published. */
const STRAY = 72;

export const caseModern: Case = {
  id: "M",
  title: "the shape of case 001 in wait queues, io_uring, virtio, mutexes, page locks, eventfd",
  image: "wm",
  machine: "clovertown",
  cpusMin: 2,
  buggy: ALIASES.bug,
  fixed: ALIASES.fixed,
  ofWorkload: { [ORDERED]: { buggy: ORDER_ALIASES.bug, fixed: ORDER_ALIASES.fixed } },
  variantOf: (text, workload) =>
    workload === ORDERED ? orderOf(text.toLowerCase()) : fencesOf(text.toLowerCase()),
  describeVariant(variant) {
    if (Object.hasOwn(ORDERS, variant)) return ORDERS[variant];
    const [x, y] = variant.split("/");
    return `between store and look the publisher has ${PUBLISHER[x]}, the sleeper ${SLEEPER[y]}`;
  },
  inOrder: ({ workload }) => workload === ORDERED
    ? { fails: true, from: "smpbox barriers wM2" }
    : { fails: false, from: "smpbox barriers M --matrix" },
  workload: "wM1",
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
  traceEvents: () => TRACE_EVENTS,
  pairs: (preset) => (cpuCount(preset) > 1 ? case001.pairs(preset) : []),
  examine,
  endsWithFailure: true,
  rows: rowsModern,
  expectations: [],
};

function orderOf(text: string): string {
  const name = Object.hasOwn(ORDER_ALIASES, text) ? ORDER_ALIASES[text] : text;
  if (Object.hasOwn(ORDERS, name)) return name;
  throw new InputError(`variant ${text} of ${ORDERED} of case M: use one of ` +
    Object.keys(ORDERS).join(", "));
}

function fencesOf(text: string): string {
  const name = Object.hasOwn(ALIASES, text) ? ALIASES[text] : text;
  const [x, y, more] = name.split("/");
  const known = Object.hasOwn(PUBLISHER, x) && y !== undefined && Object.hasOwn(SLEEPER, y);
  if (known && more === undefined) return name;
  throw new InputError(`variant ${text} of case M: use PUBLISHER/SLEEPER, one of ` +
    `${Object.keys(PUBLISHER).join(", ")} and one of ${Object.keys(SLEEPER).join(", ")}`);
}

function examine({ machine, spec, result, console }: Stopped): Findings {
  const stats = machine.userVariable("wm_stats");
  const told = /\bwm rounds=(\d+)/.exec(console)?.[1];
  const rounds = stats ? Number(stats.getBigUint64(0, true)) : Number(told ?? 0);
  const published = stats ? Number(stats.getBigUint64(PUBLISHED, true)) : rounds;
  const stray = stats?.getBigUint64(STRAY, true);
  const lost = result.stop === "quiescent" && published === rounds + 1;
  const failure = stray ? strayWakeUp(published, stray)
    : lost ? lostWakeUp(published, spec) : undefined;
  const ended = result.exit === 0 && rounds === spec.rounds;
  return {
    failure,
    broken: failure || ended ? undefined : `exit ${result.exit} after ${rounds} rounds`,
    rounds,
    residence: [],
  };
}

/** Nothing is pending, and work that was published is not done. */
function lostWakeUp(published: number, { workload, memory }: CaseSpec): Failure {
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
  const cause = memory === "sc" ? "interleaving" : "store buffer";
  return { invariant: "I001", ...told, events: [], cause, causeFrom: "code" };
}

/** The completer has stopped at a task that is none: what the waiter's stack was used for since. */
function strayWakeUp(round: number, task: bigint): Failure {
  return {
    invariant: "IM2",
    what: `round ${round} wakes 0x${task.toString(16)}, which is no task: the waiter's entry was ` +
      "on its stack, and it had returned",
    account: "The completer took the entry off the queue. The waiter's time was over; it saw its " +
      "entry off and returned without the lock. Then the completer read the entry's task.",
    events: [],
    cause: "interleaving",
    causeFrom: "code",
  };
}
