// Final states: the values that the host asked for, where no decision is possible any more. They
// are compared here, so that the host sees every outcome once however many states have it.
import { PENDING_END } from "../abi";
import { allocate } from "../memory/arena";
import { Table, intern, openTable } from "../memory/intern";
import { hostOf, loadSized } from "../memory/ram";
import { Local, resetOwned, restoreOwned } from "./local-state";
import { Shared, initialShared, restoreShared } from "./shared-state";
import { State, copyTuple, memoryOf, threadOf } from "./state";
import { evaluate } from "./step";
import { threadCount } from "./thread";

/** What to look at.   0 | thread, MEMORY or PREDICATE | 4 | size | 8 | at u64 | 16 */
@unmanaged
export class Observed {
  thread: u32;
  size: u32;
  /** Register number, or physical address. */
  at: u64;
  static readonly BYTES: usize = 16;
}
export const MEMORY: u32 = 0xffffffff;
/** What a guest function says of the final state; `at` is its initial Cpu (step.ts, evaluate). */
export const PREDICATE: u32 = 0xfffffffe;

/**
 *     0 | hash | 4 | next: all outcomes | 8 | count u64 | 16 | state: the first that had it | 20 |
 *     schedule: of a walk | 24 | scheduleLength | 28 | tuple: of threads and memory | 32 | stuck:
 *     bit mask of threads that have not ended | 36 | pad | 40 | values u64..
 */
@unmanaged
export class Outcome {
  hash: u32;
  next: Outcome | null;
  count: u64;
  state: State | null;
  schedule: u32;
  scheduleLength: u32;
  tuple: u32;
  stuck: u32;
  pad: u32;
  static readonly VALUES: usize = 40;
}

let observed: usize = 0;
let observedCount: u32 = 0;
let table: Table = changetype<Table>(0);
export let outcomes: Outcome | null = null;
export let outcomeCount: u32 = 0;
let initial: Shared = changetype<Shared>(0);

/** Room for `count` observations, which the host fills in. */
export function openObserved(count: u32): usize {
  observedCount = count;
  observed = allocate(Observed.BYTES * <usize>count);
  return observed;
}

export function openOutcomes(): void {
  table = openTable();
  outcomes = null;
  outcomeCount = 0;
  initial = initialShared();
}

function valueOf(o: Observed, tuple: usize): u64 {
  if (o.thread == MEMORY) return loadSized(hostOf(o.at), o.size);
  if (o.thread == PREDICATE) return evaluate(<usize>o.at);
  const local = threadOf(tuple, o.thread).local;
  return loadSized(changetype<usize>(local) + Local.REGISTERS + <usize>(o.at << 3), o.size);
}

/** RAM as it is in the state. */
export function materialise(tuple: usize): void {
  restoreShared(memoryOf(tuple));
  for (let i: u32 = 0; i < threadCount; i++) restoreOwned(threadOf(tuple, i).local);
}

/** RAM as the program began. */
export function dematerialise(): void {
  restoreShared(initial);
  for (let i: u32 = 0; i < threadCount; i++) resetOwned(i);
}

/** The outcome of a final state, counted once more. */
export function recordOutcome(tuple: usize, state: State | null): Outcome {
  materialise(tuple);
  const o = changetype<Outcome>(allocate(Outcome.VALUES + (<usize>observedCount << 3)));
  const values = changetype<usize>(o) + Outcome.VALUES;
  o.stuck = o.pad = 0;
  for (let i: u32 = 0; i < threadCount; i++) {
    if (threadOf(tuple, i).local.pending != PENDING_END) o.stuck |= <u32>1 << i;
  }
  for (let i: u32 = 0; i < observedCount; i++) {
    const what = changetype<Observed>(observed + Observed.BYTES * <usize>i);
    store<u64>(values + (<usize>i << 3), valueOf(what, tuple));
  }
  dematerialise();
  o.count = 0;
  o.state = state;
  o.schedule = o.scheduleLength = 0;
  const found = changetype<Outcome>(
    intern(table, changetype<usize>(o), offsetof<Outcome>("stuck"), 2 + (observedCount << 1)),
  );
  if (found == o) {
    o.next = outcomes;
    outcomes = o;
    outcomeCount++;
    const kept = allocate(<usize>(threadCount + 1) << 2);
    copyTuple(kept, tuple);
    o.tuple = <u32>kept;
  }
  found.count++;
  return found;
}
