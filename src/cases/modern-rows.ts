// The acceptance test of case M: rows EM.* of smpbox case --rows.
import type { MemoryModel } from "../machine/topology.ts";
import type { CaseRun, Row, Setup } from "./case.ts";

type Size = "short" | "full";
type Judge = Setup["judge"];

/** Another die of the package, another socket. */
const PAIRS: Array<[number, number]> = [[0, 1], [0, 2]];
const ROUNDS = { short: 1000, full: 5000 } as const;
const SEEDS = { short: 2, full: 10 } as const;

function judged(runs: readonly CaseRun[], good: boolean): ReturnType<Judge> {
  const broken = runs.find((run) => run.broken);
  if (broken) {
    return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
  }
  const measured = `${runs.filter((run) => run.failure).length}/${runs.length}`;
  return { measured, outcome: good ? "holds" : "missed" };
}

const fails: Judge = (runs) =>
  judged(runs, PAIRS.every((pair) => runs.some((run) =>
    run.failure && run.spec.pair[0] === pair[0] && run.spec.pair[1] === pair[1])));

/** No run fails, and in each the two sides were in their windows at the same time. */
const never: Judge = (runs) => {
  const { measured, outcome } = judged(runs, runs.every((run) => !run.failure));
  if (outcome !== "holds") return { measured, outcome };
  const visited = runs.map((run) => run.visited ?? 0);
  return {
    measured: `${measured}, ${visited.reduce((sum, count) => sum + count, 0)} rounds in the window`,
    outcome: visited.every((count) => count > 0) ? "holds" : "open",
  };
};

interface Asked {
  workload: string;
  variant: string;
  memory: MemoryModel;
  expected: "fails" | "0";
}

function setup(size: Size, { workload, variant, memory, expected }: Asked): Setup {
  return {
    what: `${variant}, ${workload}, ${memory}`,
    machine: "clovertown", variant, workload, memory, pairs: PAIRS, seeds: SEEDS[size],
    rounds: ROUNDS[size], expected, judge: expected === "0" ? never : fails,
  };
}

interface Variants {
  bad: string[];
  good: string[];
}

/** A fence too few: nothing is lost where there are no store buffers; with all, nowhere. */
function row(id: string, what: string, workload: string, { bad, good }: Variants): Row {
  const asked = (variant: string, memory: MemoryModel, expected: Asked["expected"]) =>
    ({ workload, variant, memory, expected });
  return {
    id, what,
    setups: (size) => [
      ...(size === "full" ? bad : bad.slice(0, 1)).map((x) => asked(x, "tso-adv", "fails")),
      ...(size === "full" ? bad : bad.slice(0, 1)).map((x) => asked(x, "sc", "0")),
      ...(size === "full" ? good : good.slice(0, 1)).flatMap((x) =>
        (["tso", "tso-adv", "sc"] as const).map((memory) => asked(x, memory, "0"))),
    ].map((one) => setup(size, one)),
  };
}

/** Two accesses in the wrong order: store buffers are not needed for it, nor do they help. */
function orderRow(id: string, what: string, workload: string, { bad, good }: Variants): Row {
  const memories: MemoryModel[] = ["tso", "sc"];
  return {
    id, what,
    setups: (size) => [
      ...bad.flatMap((variant) => memories.map((memory) =>
        setup(size, { workload, variant, memory, expected: "fails" }))),
      ...good.flatMap((variant) => [...memories, "tso-adv" as const].map((memory) =>
        setup(size, { workload, variant, memory, expected: "0" }))),
    ],
  };
}

export const rowsModern: Row[] = [
  row("EM.1", "waitqueue_active() needs a fence, the sleeper one behind all that he stores", "wM1",
    {
      bad: ["none/or", "none/mb", "wmb/or", "rmb/or", "mb/none", "mb/wmb", "mb/rmb", "mb/before",
        "mb/unlock", "lock/none", "lock/unlock", "wake/none", "wake/unlock"],
      good: ["mb/or", "mb/mb", "mb/queued", "or/read", "lock/or", "lock/before", "wake/before"],
    }),
  orderRow("EM.2", "an entry on the waiter's stack is read after it was taken off the queue",
    "wM2", { bad: ["unlink-first"], good: ["wake-first"] }),
  row("EM.4", "SQPOLL: a flag that is set under a spin lock needs a fence behind it", "wM4",
    { bad: ["mb/none", "none/or", "wmb/or"], good: ["mb/mb", "mb/or"] }),
  row("EM.5", "virtio: a fence is missing on either side", "wM5",
    { bad: ["none/mb", "mb/none", "wmb/mb"], good: ["mb/mb", "mb/or"] }),
  row("EM.7", "adaptive mutex: resume() needs a fence, and so does who blocks", "wM7",
    { bad: ["none/none", "none/mb", "none/or", "wmb/or", "mb/none"],
      good: ["mb/mb", "mb/or", "or/mb", "or/or"] }),
  row("EM.8", "wake_up_bit(): the locked clear is the fence, a plain store of the byte needs one",
    "wM8", { bad: ["none/or", "wmb/or", "or/none"], good: ["or/or", "mb/or", "or/mb"] }),
  row("EM.6", "counter and waiters under one lock need no fence", "wM6",
    { bad: [], good: ["none/none"] }),
];
