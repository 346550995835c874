// Partial-order reduction: of the decisions that are possible in a state, a persistent set, which
// is enough to reach every final state (Godefroid, "Partial-Order Methods for the Verification of
// Concurrent Systems", chapter 4). A thread counts as two processes, its steps and its drains.
// A set of processes is persistent when nothing that the others may ever do touches what its next
// steps touch, and when nobody outside can make one of its blocked processes possible.
import { PENDING_LOAD } from "../abi";
import { DRAIN, threadOf } from "./state";
import { threadCount } from "./thread";
import { CAN_AFTER_DRAIN, CAN_FORWARD, CAN_LOAD, CAN_LOCK, CAN_NEVER, CAN_WAKE } from
  "./thread-state";

/** Shared memory words that the thread's steps may read, and write, from now on. */
// @ts-ignore: decorator
@inline
function reads(tuple: usize, i: u32): u64 {
  const s = threadOf(tuple, i);
  return s.can == CAN_NEVER ? 0 : s.local.site.reads;
}

// @ts-ignore: decorator
@inline
function writes(tuple: usize, i: u32): u64 {
  const s = threadOf(tuple, i);
  return s.can == CAN_NEVER ? 0 : s.local.site.writes;
}

// @ts-ignore: decorator
@inline
function buffered(tuple: usize, i: u32): u64 {
  const b = threadOf(tuple, i).buffer;
  return b == null ? 0 : b.mask;
}

/** Processes of other threads that may write one of these words, and read too if `reading`. */
function others(tuple: usize, self: u32, mask: u64, reading: bool): u32 {
  let set: u32 = 0;
  for (let u: u32 = 0; u < threadCount; u++) {
    if (u == self) continue;
    if (buffered(tuple, u) & mask) set |= <u32>1 << (DRAIN + u);
    const future = reading ? reads(tuple, u) | writes(tuple, u) : writes(tuple, u);
    if (future & mask) set |= <u32>1 << u;
  }
  return set;
}

/** What has to be in a set with the steps of thread i. */
function needsOfStep(tuple: usize, i: u32): u32 {
  const s = threadOf(tuple, i);
  const own = <u32>1 << (DRAIN + i);
  const local = s.local;
  switch (<u32>s.can) {
    case CAN_AFTER_DRAIN: return own;
    // Only while the store is buffered does its value not depend on others.
    case CAN_FORWARD: return local.pending == PENDING_LOAD ? own : 0;
    case CAN_LOAD: case CAN_WAKE:
      return others(tuple, i, local.mask, false) | (s.held ? own : 0);
    case CAN_LOCK: return others(tuple, i, local.mask, true);
    default: return 0;
  }
}

/** What has to be in a set with the drain of thread i's oldest store. */
function needsOfDrain(tuple: usize, i: u32): u32 {
  const s = threadOf(tuple, i);
  let set = others(tuple, i, s.headMask, true);
  // Its own loads of the word take the value from the buffer, or from memory afterwards.
  if (s.can != CAN_AFTER_DRAIN && reads(tuple, i) & s.headMask) set |= <u32>1 << i;
  return set;
}

/** A persistent subset of `all`, the possible decisions; `all` itself when there is no smaller. */
export function reduce(tuple: usize, all: u32): u32 {
  if (popcnt(all) <= 1) return all;
  let best = all;
  let left = all;
  let size = popcnt(all);
  while (left) {
    const seed = left & (0 - left);
    let set = seed;
    let todo = seed;
    while (todo) {
      const process = ctz(todo);
      todo &= todo - 1;
      const needs = process < DRAIN
        ? needsOfStep(tuple, process)
        : needsOfDrain(tuple, process - DRAIN);
      todo |= needs & ~set;
      set |= needs;
    }
    const steps = set & all;
    // Whatever is in this set leads to a set that is no larger: it is no seed worth trying.
    left &= ~(seed | (popcnt(steps) >= size ? seed : 0));
    if (popcnt(steps) < size) {
      best = steps;
      size = popcnt(steps);
      if (size == 1) break;
    }
  }
  return best;
}
