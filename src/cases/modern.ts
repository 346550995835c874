// Case M: the shape of case 001 in other systems, as a program of two threads. Who publishes work
// and then looks for a sleeper, and who says that he sleeps and then looks for work, both need a
// full fence in between; without it the last work stays undone, and everybody sleeps.
import { cpuCount, InputError } from "../machine/preset.ts";
import { case001 } from "./001.ts";
import type { Case, Failure, Findings, Stopped } from "./case.ts";
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
  wM8: { what: "wake_up_bit(): a page is unlocked, its wait queue looked at", model: 8 },
  wM6: { what: "eventfd: counter and waiters under one lock, no fence needed", model: 6 },
};

const ROUNDS = 1000;
const TRACE_EVENTS = 64;
const BUDGET_CYCLES = 2_000_000_000n;
const BUDGET_CYCLES_ROUND = 2_000_000n;
/** In wm_stats: a line for each. */
const PUBLISHED = 64;

export const caseModern: Case = {
  id: "M",
  title: "the shape of case 001 in wait queues, io_uring, virtio, page locks and eventfd",
  image: "wm",
  machine: "clovertown",
  cpusMin: 2,
  buggy: ALIASES.bug,
  fixed: ALIASES.fixed,
  variantOf(text) {
    const name = ALIASES[text.toLowerCase()] ?? text.toLowerCase();
    const [x, y, more] = name.split("/");
    const known = Object.hasOwn(PUBLISHER, x) && y !== undefined && Object.hasOwn(SLEEPER, y);
    if (known && more === undefined) return name;
    throw new InputError(`variant ${text} of case M: use PUBLISHER/SLEEPER, one of ` +
      `${Object.keys(PUBLISHER).join(", ")} and one of ${Object.keys(SLEEPER).join(", ")}`);
  },
  describeVariant(variant) {
    const [x, y] = variant.split("/");
    return `between store and look the publisher has ${PUBLISHER[x]}, the sleeper ${SLEEPER[y]}`;
  },
  workload: "wM1",
  workloads: Object.fromEntries(
    Object.entries(WORKLOADS).map(([name, { what }]) => [name, what]),
  ),
  rounds: ROUNDS,
  bootParameters({ variant, workload, pair, rounds }) {
    const [x, y] = variant.split("/");
    return `-- wm m=${WORKLOADS[workload].model} x=${x} y=${y} s=${pair[0]} r=${pair[1]} ` +
      `rounds=${rounds}`;
  },
  budgetCycles: ({ rounds }) => BUDGET_CYCLES + BigInt(rounds) * BUDGET_CYCLES_ROUND,
  traceEvents: () => TRACE_EVENTS,
  pairs: (preset) => (cpuCount(preset) > 1 ? case001.pairs(preset) : []),
  examine,
  rows: rowsModern,
  expectations: [],
};

function examine({ machine, spec, result, console }: Stopped): Findings {
  const stats = machine.userVariable("wm_stats");
  const told = /\bwm rounds=(\d+)/.exec(console)?.[1];
  const rounds = stats ? Number(stats.getBigUint64(0, true)) : Number(told ?? 0);
  const published = stats ? Number(stats.getBigUint64(PUBLISHED, true)) : rounds;
  const failure = result.stop === "quiescent" && published === rounds + 1
    ? lostWakeUp(published, spec.memory === "sc") : undefined;
  const ended = result.exit === 0 && rounds === spec.rounds;
  return {
    failure,
    broken: failure || ended ? undefined : `exit ${result.exit} after ${rounds} rounds`,
    rounds,
    residence: [],
  };
}

/** Nothing is pending, and work that was published is not done. */
function lostWakeUp(published: number, sequential: boolean): Failure {
  return {
    invariant: "I001",
    what: `work ${published} was published, and the one who does it sleeps: nobody woke him`,
    account: "The publisher found no sleeper, the sleeper found no work; both sleep.",
    events: [],
    cause: sequential ? "interleaving" : "store buffer",
  };
}
