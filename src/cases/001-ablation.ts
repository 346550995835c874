// Case 001, one change at a time: what does the hang depend on? The message of the 2008 patch says
// that the insertion into the wait queue sat in a cache that the completer's CPU does not share.
import type { Case, CaseSpec } from "./case.ts";

export interface Change {
  what: string;
  /** What it means if nothing hangs, and if it hangs. */
  never: string;
  hangs: string;
  shape: Partial<Omit<CaseSpec, "pair" | "seed" | "rounds">>;
}

export const ABLATION: Change[] = [
  {
    what: "nothing changed (Linux 2.6.24)",
    never: "not seen in these runs",
    hangs: "the bug",
    shape: {},
  },
  {
    what: "one shared L2",
    never: "topology decides how long A3 waits",
    hangs: "the L2 is not what decides",
    shape: { oneCache: true },
  },
  {
    what: "no store buffers (sc)",
    never: "without a store buffer there is no bug: caches alone delay nothing",
    hangs: "not a store buffer bug",
    shape: { memory: "sc" },
  },
  {
    what: "ownership requests overlap",
    never: "A3 waits for the stores before it, one after the other",
    hangs: "the order of the requests is not what decides",
    shape: { changes: new Map([["core.rfoPrefetch", 10]]) },
  },
  {
    what: "fence on the waiter only",
    never: "the waiter was at fault",
    hangs: "the waiter's insertion is not what is late",
    shape: { variant: "k0/f" },
  },
  {
    what: "fence on the completer only",
    never: "the completer's store is what is late",
    hangs: "a fence there is not enough on this machine",
    shape: { variant: "k7/c" },
  },
  {
    what: "final put (locked) before the look",
    never: "an accidental fence hides the bug: slow disks never show it",
    hangs: "the put is not a fence",
    shape: { variant: "k10" },
  },
  {
    what: "the patch: smp_mb() before the look",
    never: "the patch is right",
    hangs: "the patch is not enough",
    shape: { variant: "k7" },
  },
];

export function specsOf(
  definition: Case,
  change: Change,
  given: Pick<CaseSpec, "machine" | "rounds" | "seed"> & { seeds: number },
  pairs: ReadonlyArray<[number, number]>,
): CaseSpec[] {
  const { machine, rounds, seed, seeds } = given;
  return pairs.flatMap((pair) => Array.from({ length: seeds }, (_, i): CaseSpec => ({
    machine, rounds, pair, seed: seed + BigInt(i),
    variant: definition.buggy, workload: definition.workload, memory: "tso",
    ...change.shape,
  })));
}
