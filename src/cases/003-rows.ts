// The acceptance test of case 003: rows E003.* of smpbox case --rows.
import type { MemoryModel } from "../machine/topology.ts";
import type { CaseRun, Row, Setup } from "./case.ts";
import { sumCounts } from "./numbers.ts";

type Judge = Setup["judge"];

const PAIR: [number, number] = [0, 1];
const HUNG = "writers asleep on an ended request";

const count = (run: CaseRun, what: string) => run.counts?.[what] ?? 0;

function measuredOf(runs: readonly CaseRun[]): string {
  const sums = Object.entries(sumCounts(runs)).filter(([, n]) => n > 0);
  const visited = runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
  const failures = runs.filter((run) => run.failure).length;
  return `${failures}/${runs.length}; near each other ${visited}; ` +
    sums.map(([what, n]) => `${what} ${n}`).join(", ");
}

function judged(runs: readonly CaseRun[], good: boolean, shown = true): ReturnType<Judge> {
  const broken = runs.find((run) => run.broken);
  if (broken) {
    return { measured: `broken (seed ${broken.spec.seed}): ${broken.broken}`, outcome: "missed" };
  }
  if (!good) return { measured: measuredOf(runs), outcome: "missed" };
  return { measured: measuredOf(runs), outcome: shown ? "holds" : "open" };
}

/** Everybody but the writers that hang waits on T_LOCKED, and kjournald for those. */
const whole = (run: CaseRun) => run.failure?.invariant === "I003a" && count(run, HUNG) >= 1 &&
  count(run, "kjournald on t_updates") === 1 &&
  count(run, "open handles of the transaction") === count(run, HUNG) &&
  count(run, "tasks on T_LOCKED") + count(run, HUNG) === count(run, "tasks in all");

const dumps: Judge = (runs) => judged(runs, runs.every(whole));
const hangs: Judge = (runs) => judged(runs, runs.some((run) => run.failure?.invariant === "I003a"));
const freed: Judge = (runs) => judged(runs, runs.some((run) => count(run, "accesses after free")));

const nearOf = (runs: readonly CaseRun[]) =>
  runs.reduce((sum, run) => sum + (run.visited ?? 0), 0);
/** No failure, although the two sides came near each other. */
const never: Judge = (runs) =>
  judged(runs, runs.every((run) => !run.failure), nearOf(runs) > 0);
/** No failure where the two cannot meet. */
const apart: Judge = (runs) =>
  judged(runs, runs.every((run) => !run.failure), nearOf(runs) === 0);

/** Of the two dumps, in hex: what is the same in both, and what is not. */
const NUMBERS = {
  size: 0x100000n, result: 0xe00n, cur_page_len: 0xc00n, first_block_in_page: 7n, blkbits: 9n,
  blkfactor: 3n, total_pages: 0x101n, curr_page: 0x40n, head: 0x40n, tail: 0x40n,
  pages_in_io: 0x102n,
};
const DUMPS: Record<string, Record<string, bigint>> = {
  W003n: {
    offset: 0xb00200n, final_block_in_request: 0x6001n, block_in_file: 0x5808n,
    cur_page_block: 0x948613an, final_block_in_bio: 0x9486140n, next_block_for_io: 0x9486140n,
  },
  W003n2: {
    offset: 0x3900200n, final_block_in_request: 0x1d001n, block_in_file: 0x1c808n,
    cur_page_block: 0xb4c7c8f2n, final_block_in_bio: 0xb4c7c8f8n, next_block_for_io: 0xb4c7c8f8n,
  },
};

const numbers: Judge = (runs) => {
  const wrong = runs.flatMap(({ spec, facts }) =>
    Object.entries({ ...NUMBERS, ...DUMPS[spec.workload] })
      .filter(([name, value]) => facts?.[name] !== value)
      .map(([name]) => `${name} ${facts?.[name]?.toString(16)}`));
  const { outcome } = judged(runs, wrong.length === 0);
  return { measured: wrong.length ? wrong.join(", ") : "all of them", outcome };
};

interface Shape {
  workload?: string;
  variant?: string;
  machine?: string;
  memory?: MemoryModel;
  rounds?: number;
  seeds?: number;
  pair?: [number, number];
  known?: string;
}

function setup(expected: string, judge: Judge, shape: Shape): Setup {
  const {
    workload = "W003r", variant = "bug", machine = "rhel16", memory = "tso", rounds = 60, seeds = 1,
    pair = PAIR, known,
  } = shape;
  return {
    what: `${variant}, ${workload}, ${machine}${memory === "tso" ? "" : `, ${memory}`}`,
    machine, variant, workload, memory, pairs: [pair], seeds, rounds, expected, judge,
    known,
  };
}

const row = (id: string, what: string, setups: Row["setups"]): Row => ({ id, what, setups });
/** Until it hangs. */
const LONG = 1000;
const RIGHT = ["f0", "f1", "f0+bug_on"];

const SELDOM = "at 1 MiB a direct write comes so seldom that the two sides did not come near " +
  "each other in 2,166 of them; the tasks of the dumps hang with 8 KiB (W003t, W003tm)";
const BRIEF = "without a lock the look comes some 70 cycles after the decrement, and the " +
  "submitter frees some 200 after it saw that: only an interrupt in between makes it late";
export const rows003: Row[] = [
  row("E003.1", "one write waits for a bio that has ended, kjournald for it, all others for that",
    (size) => (size === "short" ? ["W003r"]
      : ["W003r", "W003c", "W003t", "W003tm", "W003", "W003m"])
      .map((workload) => setup("the trees of the dumps", dumps, {
        workload, rounds: LONG, seeds: size === "full" && workload === "W003r" ? 10 : 1,
        known: ["W003", "W003m"].includes(workload) ? SELDOM : undefined,
      }))),
  row("E003.2", "a write into a hole issues e00 of 100000 bytes, with the dumps' numbers",
    () => ["W003n", "W003n2"].map((workload) =>
      setup("every number of the dump", numbers, { workload, rounds: 1 }))),
  row("E003.3", "decrement, look and wake-up under one lock never lose it",
    (size) => (size === "short" ? ["f0"] : ["f0", "f1"]).map((variant) =>
      setup("0", never, {
        variant, rounds: 150, seeds: size === "short" ? 1 : 20,
      }))),
  row("E003.4", "nothing is waited for, or the two cannot meet: no hang of the buggy kernel",
    (size) => {
      const seeds = size === "full" ? 20 : 1;
      const rounds = size === "full" ? 60 : 20;
      return [
        ...["W003h", "W003e", "W003s", "W003i"].map((workload) =>
          setup("0", apart, { workload, seeds, rounds })),
        setup("0", apart, { machine: "uni1", pair: [0, 0], seeds, rounds }),
      ];
    }),
  row("E003.5", "it is no matter of the store buffer, unless the completion decrements first",
    (size) => size === "short" ? [] : [
      setup("hangs", hangs, { memory: "sc", rounds: LONG, seeds: 3 }),
      ...["x1", "x2", "x2b"].map((variant) =>
        setup("hangs", hangs, { variant, rounds: LONG, seeds: 3 })),
      ...["x3", "x4", "x7"].map((variant) =>
        setup("use after free", freed, {
          variant, rounds: LONG, seeds: 3, known: variant === "x4" ? undefined : BRIEF,
        })),
      ...["x5", "x6", "x6b"].flatMap((variant) => [
        setup("hangs", hangs, { variant, memory: "tso-adv", rounds: LONG, seeds: 5 }),
        setup("no hang", never, { variant, memory: "sc", rounds: 60, seeds: 5 }),
      ]),
    ]),
  row("E003.6", "the check that was removed looks at a request that may be gone",
    (size) => size === "short" ? [] : [
      setup("use after free", freed, {
        variant: "f0+bug_on", workload: "W003h", rounds: LONG, seeds: 3,
      }),
      ...RIGHT.slice(0, 2).map((variant) => setup("0", apart, {
        variant, workload: "W003h", rounds: 60, seeds: 3,
      })),
    ]),
];
