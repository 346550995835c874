// The acceptance test of case 001: for every expectation, the runs that show it and what must come
// out of them. `full` is what the expectation asks for, `short` a few runs of it.
import { findLostWakeup, isStoreBuffering } from "./001-story.ts";
import type { MemoryModel } from "../machine/topology.ts";
import type { CaseRun, Row, Setup } from "./case.ts";

type Pairs = Array<[number, number]>;
type Size = "short" | "full";
type Judge = Setup["judge"];

const ROUNDS = { short: 1500, full: 20_000 } as const;
const SEEDS = { short: 1, full: 20 } as const;
/** Rounds that cost much more than others. */
const SLOW = { short: 150, full: 2000 } as const;

const OFF_DIE: Pairs = [[0, 1], [0, 2]];
const SAME_DIE: Pairs = [[0, 4]];
const CONROE: Pairs = [[0, 1]];
/** CPUs 0 and 4 share an L2, 1 and 5, 2 and 6, 3 and 7. */
const ALL_PAIRS: Pairs = Array.from({ length: 8 }, (_, a) =>
  Array.from({ length: 7 - a }, (_, i): [number, number] => [a, a + 1 + i]),
).flat();
const sharesL2 = ([a, b]: [number, number]) => b - a === 4;
/** Retire delays, and the latencies inside the die, 10 % up and down. */
const CONROE_CHANGES: Array<[string, Array<[string, number]>]> = [
  ...[4, 12, 16].map((delay): [string, Array<[string, number]>] =>
    [`retire delay ${delay}`, [["core.retireDelay", delay]]]),
  ...[0.9, 1.1].map((factor): [string, Array<[string, number]>] => [
    `latencies x ${factor}`,
    (["Load", "Upgrade", "Own"] as const).map((kind, i) =>
      [`latency.sibling${kind}`, Math.round([33, 27, 40][i] * factor)]),
  ]),
];

const sound = (runs: readonly CaseRun[]) => runs.filter((run) => !run.broken);
const hung = (runs: readonly CaseRun[]) => runs.filter((run) => run.failure);
const count = (runs: readonly CaseRun[]) => `${hung(runs).length}/${sound(runs).length}`;

function brokenOf(runs: readonly CaseRun[]): ReturnType<Judge> | undefined {
  const broken = runs.find((run) => run.broken);
  if (!broken) return undefined;
  const { pair, seed } = broken.spec;
  const measured = `broken (${pair.join(",")} seed ${seed}): ${broken.broken}`;
  return { measured, outcome: "missed" };
}

/** No run hangs; and, unless the workload keeps the two apart, each came near enough. */
function never(apart = false): Judge {
  return (runs) => {
    const broken = brokenOf(runs);
    if (broken) return broken;
    const visited = runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
    const near = apart ? "" : `, ${visited} rounds in the window`;
    const measured = `${count(runs)}${near}`;
    if (hung(runs).length > 0) return { measured, outcome: "missed" };
    const shown = apart || runs.every((run) => run.visited);
    return { measured, outcome: shown ? "holds" : "open" };
  };
}

/** At least this share of the runs of every pair; of fewer than ten runs, one. */
function hangs(share: number): Judge {
  return (runs) => {
    const broken = brokenOf(runs);
    if (broken) return broken;
    const pairs = new Map<string, CaseRun[]>();
    for (const run of runs) {
      const pair = run.spec.pair.join(",");
      pairs.set(pair, [...(pairs.get(pair) ?? []), run]);
    }
    const enough = [...pairs.values()].every((group) =>
      hung(group).length >= (group.length >= 10 ? share * group.length : 1));
    const rates = [...pairs.values()].map((group) => hung(group).length / group.length);
    const worst = Math.min(...rates);
    const measured = `${count(runs)}, the worst pair ${(worst * 100).toFixed(0)} %`;
    return { measured, outcome: enough ? "holds" : "missed" };
  };
}

/** In any run. */
const found: Judge = (runs) =>
  brokenOf(runs) ?? { measured: count(runs), outcome: hung(runs).length > 0 ? "holds" : "missed" };

const onlyLastOfBatch: Judge = (runs) => {
  const early = hung(runs).filter((run) => run.failure!.reaped! % 64 !== 63);
  const result = found(runs);
  if (early.length === 0) return result;
  return { measured: `${early.length} hangs before a batch's last event`, outcome: "missed" };
};

const slowButNever: Judge = (runs) => {
  const result = never()(runs);
  const slow = runs.reduce((sum, run) => sum + (run.slowRounds ?? 0), 0);
  const measured = `${result.measured}; ${slow} slow rounds`;
  return { measured, outcome: slow > 0 ? result.outcome : "missed" };
};

/** Every hang, by its trace. */
const explained: Judge = (runs) => {
  const failures = hung(runs);
  const good = failures.filter((run) =>
    isStoreBuffering(findLostWakeup(run.failure!, ...run.spec.pair)) &&
    run.failure!.cause === "store buffer");
  const measured = `${good.length} of ${failures.length} hangs`;
  const all = failures.length > 0 && good.length === failures.length;
  return brokenOf(runs) ?? { measured, outcome: all ? "holds" : "missed" };
};

type Shape = Partial<Setup> & Pick<Setup, "expected" | "judge">;

function setup(size: Size, shape: Shape): Setup {
  const machine = shape.machine ?? "clovertown";
  const variant = shape.variant ?? "k0";
  const workload = shape.workload ?? "W001i";
  const memory = shape.memory ?? "tso";
  return {
    what: [variant, workload, machine, memory].join(" "),
    pairs: machine === "conroe" ? CONROE : OFF_DIE,
    seeds: SEEDS[size],
    rounds: ROUNDS[size],
    machine, variant, workload, memory,
    ...shape,
  };
}

/** Runs that are to hang: the hang ends them, so even short ones may go on until there is one. */
function hanging(size: Size, shape: Shape): Setup {
  return setup(size, { rounds: ROUNDS.full, ...shape });
}

const MODELS: MemoryModel[] = ["tso", "tso-adv"];

export const rows001: Row[] = [
  {
    id: "E001.1",
    what: "without smp_mb(), pairs that share no L2 hang, pairs that share one do not",
    setups: (size) => {
      const pairs = (shared: boolean) => ALL_PAIRS.filter((pair) => sharesL2(pair) === shared);
      const seeds = size === "full" ? 10 : 1;
      return [
        hanging(size, {
          pairs: size === "full" ? pairs(false) : OFF_DIE, seeds,
          expected: "each pair in 9 of 10 runs", judge: hangs(0.9),
        }),
        setup(size, {
          pairs: size === "full" ? pairs(true) : SAME_DIE, seeds,
          expected: "0", judge: never(),
        }),
      ];
    },
  },
  {
    id: "E001.1s",
    what: "phase scan: hanging phases are 0 cycles wide on one L2, and widest on the other socket",
    setups: (size) =>
      size === "short" ? [] : [setup(size, {
        workload: "W001s", pairs: [[0, 4], [0, 1], [0, 2]], seeds: 1,
        expected: "0 = same L2 < same package < other socket", judge: widths,
      })],
  },
  {
    id: "E001.2",
    what: "conroe does not hang, nor with another retire delay or other latencies",
    setups: (size) => [
      setup(size, { machine: "conroe", expected: "0", judge: never() }),
      ...(size === "short" ? [] : CONROE_CHANGES).map(([what, changes]) => setup(size, {
        machine: "conroe", changes: new Map(changes), what: `k0 W001i conroe, ${what}`,
        seeds: 3, expected: "0", judge: never(),
      })),
      setup(size, {
        machine: "conroe", workload: "W001c", expected: "may hang: the ring comes from memory",
        judge: (runs) => brokenOf(runs) ?? { measured: count(runs), outcome: "holds" },
      }),
    ],
  },
  {
    id: "E001.3",
    what: "the bug is there on conroe too",
    setups: (size) => [hanging(size, {
      machine: "conroe", memory: "tso-adv", expected: "a hang", judge: found,
    })],
  },
  {
    id: "E001.4",
    what: "under sequential consistency nothing hangs",
    setups: (size) => [
      setup(size, { memory: "sc", expected: "0", judge: never() }),
      setup(size, { machine: "conroe", memory: "sc", expected: "0", judge: never() }),
    ],
  },
  {
    id: "E001.5",
    what: "a slow disk's completion drops the last reference, which is a fence",
    setups: (size) => MODELS.map((memory) => setup(size, {
      workload: "W001iv", memory, rounds: SLOW[size], expected: "0", judge: finalPuts,
    })),
  },
  {
    id: "E001.6",
    what: "with smp_mb() nothing hangs",
    setups: (size) => [
      ...["W001i", "W001c"].map((workload) => setup(size, {
        variant: "k7", workload, expected: "0", judge: never(),
      })),
      ...(size === "short" ? [] : ["W001d", "W001t", "W001ii"]).map((workload) => setup(size, {
        variant: "k7", workload, rounds: SLOW[size], expected: "0", judge: never(),
      })),
      setup(size, { variant: "k7", machine: "conroe", expected: "0", judge: never() }),
      setup(size, { variant: "k7", memory: "tso-adv", expected: "0", judge: never() }),
    ],
  },
  {
    id: "E001.7",
    what: "wrong fences: as without one",
    setups: (size) => [
      ...["k1", "k2", "k3", "k5"].map((variant) => hanging(size, {
        variant, pairs: size === "short" ? [[0, 2]] : OFF_DIE, expected: "hangs", judge: found,
      })),
      // A fence before A2 has A3 wait for two lines in turn instead of three: 233 cycles where k0's
      // waits 337. What is left is the round in which the submitter's ctx_lock takes line 0 from a
      // reaper that has 1e in its store buffer: 1e is visible 57 cycles after B, step 2 follows 109
      // cycles after A3, which takes the reaper's copy only at 177. In the same package (161
      // cycles) step 2 comes 190 cycles too late. One such round in thousands: not for a short run.
      ...(size === "short" ? [] : [
        setup(size, { variant: "k4", pairs: [[0, 2]], expected: "hangs", judge: found }),
        setup(size, { variant: "k4", pairs: [[0, 1]], seeds: 3, expected: "0", judge: never() }),
      ]),
      ...["k4", "k6"].map((variant) => hanging(size, {
        variant, memory: "tso-adv", expected: "a hang", judge: found,
      })),
    ],
  },
  {
    id: "E001.8",
    what: "a reaper without its fence defeats the patch; always waking mends one kind of that",
    setups: (size) => [
      ...["k7/c", "k7/g"].map((variant) => hanging(size, {
        variant, memory: "tso-adv", expected: "a hang", judge: found,
      })),
      setup(size, { variant: "k12/g", memory: "tso-adv", expected: "0", judge: never() }),
      ...["k7/c", "k7/g", "k12/g"].map((variant) => setup(size, {
        variant, expected: "0 in tso", judge: never(),
      })),
    ],
  },
  {
    id: "E001.9",
    what: "of a batch only the last event hangs; a time limit turns a hang into a delay",
    setups: (size) => [
      // Hangs come in thousands of rounds of 64 requests: nothing for a short run.
      ...(size === "short" ? [] : [setup(size, {
        workload: "W001d", rounds: 5000, seeds: 10, expected: "hangs with the last event only",
        judge: onlyLastOfBatch,
      })]),
      setup(size, {
        workload: "W001t", pairs: [[0, 2]], rounds: size === "short" ? 600 : 2000,
        seeds: size === "short" ? 1 : 5, expected: "0, and slow rounds", judge: slowButNever,
      }),
    ],
  },
  {
    id: "E001.10",
    what: "every hang: B before A3 is visible, 2 before A3 is visible",
    setups: (size) => [hanging(size, {
      seeds: size === "short" ? 2 : 20, expected: "all of them", judge: explained,
    })],
  },
  {
    id: "E001.11",
    what: "layout 9: a release by exchange is a fence by accident",
    setups: (size) => [
      setup(size, { variant: "k0/a/9/xchg", expected: "0", judge: never() }),
      hanging(size, { variant: "k0/a/9", expected: "hangs", judge: found }),
    ],
  },
  {
    id: "E001.12",
    what: "W001p and W001iii do not hang",
    setups: (size) => [
      setup(size, { workload: "W001p", expected: "0", judge: never(true) }),
      setup(size, { workload: "W001iii", rounds: SLOW[size], expected: "0", judge: never() }),
    ],
  },
];

/** No hang, and the completions were of the kind that the row is about. */
function finalPuts(runs: readonly CaseRun[]): ReturnType<Judge> {
  const result = never()(runs);
  const sum = (pick: (run: CaseRun) => bigint | undefined) =>
    runs.reduce((total, run) => total + Number(pick(run) ?? 0n), 0);
  const last = sum((run) => run.counters?.finalPuts) / sum((run) => run.counters?.completions);
  const measured = `${result.measured}; ${(last * 100).toFixed(0)} % dropped the last reference`;
  return { measured, outcome: last > 0.9 ? result.outcome : "missed" };
}

function widths(runs: readonly CaseRun[]): ReturnType<Judge> {
  const [die, chip, socket] = runs.map((run) => run.scan?.width ?? -1);
  const rises = die === 0 && chip > 0 && socket > chip;
  const measured = `${die}, ${chip}, ${socket} cycles`;
  return brokenOf(runs) ?? { measured, outcome: rises ? "holds" : "missed" };
}
