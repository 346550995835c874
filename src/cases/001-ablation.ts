// Case 001, one change at a time: what does the hang depend on? The message of the 2008 patch says
// that the insertion into the wait queue sat in a cache that the completer's CPU does not share.
import type { Case, CaseRun, CaseSpec } from "./case.ts";
import { median } from "./numbers.ts";

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
    // In 2.6.24 the waiter has a full fence, the exchange at 1g.
    what: "fence on the waiter only: MFENCE",
    never: "the waiter was at fault",
    hangs: "2.6.24's has one already (XCHG): its insertion is not what is late",
    shape: { variant: "k0/f" },
  },
  {
    what: "fence on the completer only",
    never: "the completer's store is what is late; it can hang, though (E001.8)",
    hangs: "a fence there is not enough: the waiter needs one, too",
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
  given: Pick<CaseSpec, "machine" | "rounds" | "seed" | "changes" | "windowCycles">
    & { seeds: number },
  pairs: ReadonlyArray<[number, number]>,
): CaseSpec[] {
  const { seed, seeds, changes, ...same } = given;
  // The row's own change comes last: it is what the row is about.
  const numbers = new Map([...(changes ?? []), ...(change.shape.changes ?? [])]);
  return pairs.flatMap((pair) => Array.from({ length: seeds }, (_, i): CaseSpec => ({
    ...same, pair, seed: seed + BigInt(i),
    variant: definition.buggy, workload: definition.workload, memory: "tso",
    ...change.shape,
    changes: numbers.size > 0 ? numbers : undefined,
  })));
}

/** A change with the runs made of it. */
export interface Row {
  change: Change;
  runs: CaseRun[];
}

export const hangsOf = (runs: readonly CaseRun[]) => runs.filter((run) => run.failure).length;
export const waitOf = (runs: readonly CaseRun[]) => median(runs.flatMap((run) => run.residence));

export function readingOf({ change, runs }: Row): string {
  const broken = runs.find((run) => run.broken);
  if (broken) return `broken: ${broken.broken}`;
  if (hangsOf(runs) > 0) return change.hangs;
  return runs.every((run) => run.visited) ? change.never : "the two sides never came near";
}

/** Said only as far as the rows bear it out. */
export function verdictOf(rows: readonly Row[]): string {
  const row = (what: string) => rows.find(({ change }) => change.what.startsWith(what))!;
  const hangs = (what: string) => row(what).runs.length > 0 && hangsOf(row(what).runs) > 0;
  const never = (what: string) =>
    row(what).runs.length > 0 && hangsOf(row(what).runs) === 0 &&
    row(what).runs.every((run) => run.visited && !run.broken);
  const right = hangs("nothing") && never("the patch");
  const side = hangs("fence on the waiter") && never("fence on the completer");
  const buffer = never("no store buffers");
  if (!right || !side || !buffer) {
    return "These runs do not bear out the verdict on the patch; more seeds or rounds may.";
  }
  return (
    "The patch of 2008 is right, and in the right place, but the story told for it names the " +
    "wrong side: the waiter's insertion has its fence already, and what is late is the " +
    "completer's store, in a store buffer. A fence between that store and the look at the queue " +
    "cures it, as long as the waiter keeps its own."
  );
}
