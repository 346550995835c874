// A state of the whole program: a ThreadState for each thread and the shared memory, as addresses
// of their records. All states that the search has seen are in one hash table; the search's stack
// is in them too, as the way back to the state from which each was first reached.
import { allocateState, arenaFull } from "../memory/arena";
import { Buffer } from "./buffer";
import { initialShared, Shared } from "./shared-state";
import { firstLocal } from "./step";
import { threadCount } from "./thread";
import { DRAINS, STEPS, ThreadState, WAKES, awake, settle } from "./thread-state";

// State.flags
/** On the search's stack. */
export const OPEN: u8 = 1;
/** Its strongly connected component is not complete. */
export const COMPONENT: u8 = 2;
/** A step leads to another state. */
export const MOVED: u8 = 4;
/** A step leads out of its component, or the program has ended here. */
export const LEAVES: u8 = 8;

/**
 *     0 | sum: what its hash is made of | 4 | parent: where it was first reached from | 8 | low:
 *     Tarjan's low link | 12 | todo: decisions to try | 16 | rest: decisions left out | 20 | below:
 *     next in the component stack | 24 | order: in which states were reached | 28 | via u8:
 *     decision, flags u8 | 32 | threads: ThreadState.., then the memory | ..
 */
@unmanaged
export class State {
  sum: u32;
  parent: State | null;
  low: u32;
  todo: u32;
  rest: u32;
  below: State | null;
  order: u32;
  via: u8;
  flags: u8;
  pad: u16;
  static readonly TUPLE: usize = 32;
}

/** Open addressing; a slot is the address of a state and its hash, 8 bytes. */
let slots: usize = 0;
let mask: u32 = 0;
export let stateCount: u32 = 0;
/** The tuple that is looked up next, and what its hash is made of. */
export let candidate: usize = 0;
let candidateSum: u32 = 0;
/** A factor for each word of a tuple: its hash is made of the sum of the products. */
let factors: usize = 0;

/** Of a tuple, with what fills it up to whole u64s. */
// @ts-ignore: decorator
@inline
function tupleBytes(): usize {
  return ((<usize>threadCount + 2) >> 1) << 3;
}

const FIRST_SLOTS: u32 = 1024;
const FACTOR: u32 = 0x2c1b3c6d;

export function openStates(): void {
  candidate = allocateState(tupleBytes());
  factors = allocateState(tupleBytes());
  slots = allocateState(<usize>FIRST_SLOTS << 3);
  mask = FIRST_SLOTS - 1;
  stateCount = 0;
  if (!slots) return;
  memory.fill(slots, 0, <usize>FIRST_SLOTS << 3);
  memory.fill(candidate, 0, tupleBytes());
  // Not in an arithmetic progression, in which moving one word up and another down cancels out.
  let factor = FACTOR;
  for (let i: usize = 0; i < tupleBytes(); i += 4) {
    store<u32>(factors + i, factor);
    factor *= FACTOR;
  }
}

// @ts-ignore: decorator
@inline
export function tupleOf(s: State): usize {
  return changetype<usize>(s) + State.TUPLE;
}

// @ts-ignore: decorator
@inline
export function threadOf(tuple: usize, index: u32): ThreadState {
  return changetype<ThreadState>(<usize>load<u32>(tuple + (<usize>index << 2)));
}

// @ts-ignore: decorator
@inline
export function memoryOf(tuple: usize): Shared {
  return changetype<Shared>(<usize>load<u32>(tuple + (<usize>threadCount << 2)));
}

// @ts-ignore: decorator
@inline
export function setMemory(tuple: usize, m: Shared): void {
  store<u32>(tuple + (<usize>threadCount << 2), changetype<u32>(m));
}

// @ts-ignore: decorator
@inline
export function setThread(tuple: usize, index: u32, s: ThreadState): void {
  store<u32>(tuple + (<usize>index << 2), changetype<u32>(s));
}

export function copyTuple(to: usize, from: usize): void {
  for (let i: usize = 0; i < tupleBytes(); i += 8) store<u64>(to + i, load<u64>(from + i));
}

// @ts-ignore: decorator
@inline
function sameTuple(a: usize, b: usize): bool {
  for (let i: usize = 0; i < tupleBytes(); i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  return true;
}

/** After the candidate was written as a whole. */
export function sumCandidate(): void {
  candidateSum = 0;
  for (let i: usize = 0; i < tupleBytes(); i += 4) {
    candidateSum += load<u32>(candidate + i) * load<u32>(factors + i);
  }
}

// @ts-ignore: decorator
@inline
function setWord(index: u32, word: u32): void {
  const at = <usize>index << 2;
  candidateSum += (word - load<u32>(candidate + at)) * load<u32>(factors + at);
  store<u32>(candidate + at, word);
}

/** Of the candidate, a thread and the memory: a decision changes no more. */
// @ts-ignore: decorator
@inline
export function setCandidate(index: u32, s: ThreadState, m: Shared): void {
  setWord(index, changetype<u32>(s));
  setWord(threadCount, changetype<u32>(m));
}

/** The candidate is a state's tuple again, after setCandidate() of this thread. */
// @ts-ignore: decorator
@inline
export function resetCandidate(index: u32, s: State): void {
  store<u32>(candidate + (<usize>index << 2), changetype<u32>(threadOf(tupleOf(s), index)));
  store<u32>(candidate + (<usize>threadCount << 2), changetype<u32>(memoryOf(tupleOf(s))));
  candidateSum = s.sum;
}

// @ts-ignore: decorator
@inline
function hashOf(sum: u32): u32 {
  const h = (sum ^ (sum >> 15)) * 0x9e3779b1;
  return h ^ (h >> 16);
}

/** Was the state that findState() gave there before? */
export let known: bool = false;

/** The state of the candidate tuple; null when there is no room for it. */
export function findState(): State | null {
  const hash = hashOf(candidateSum);
  let i = hash & mask;
  for (;;) {
    const slot = load<u64>(slots + (<usize>i << 3));
    const at = <usize>(<u32>slot);
    if (!at) break;
    if (<u32>(slot >> 32) == hash && sameTuple(at + State.TUPLE, candidate)) {
      known = true;
      return changetype<State>(at);
    }
    i = (i + 1) & mask;
  }
  known = false;
  const at = allocateState(State.TUPLE + tupleBytes());
  if (!at) return null;
  const s = changetype<State>(at);
  s.sum = candidateSum;
  s.flags = 0;
  s.order = stateCount++;
  copyTuple(tupleOf(s), candidate);
  store<u64>(slots + (<usize>i << 3), <u64>at | (<u64>hash << 32));
  if (stateCount << 1 > mask) widen();
  return arenaFull() ? null : s;
}

function widen(): void {
  const count = (mask + 1) << 1;
  const wider = allocateState(<usize>count << 3);
  if (!wider) return;
  memory.fill(wider, 0, <usize>count << 3);
  for (let n: u32 = 0; n <= mask; n++) {
    const slot = load<u64>(slots + (<usize>n << 3));
    if (!slot) continue;
    let i = <u32>(slot >> 32) & (count - 1);
    while (load<u64>(wider + (<usize>i << 3))) i = (i + 1) & (count - 1);
    store<u64>(wider + (<usize>i << 3), slot);
  }
  slots = wider;
  mask = count - 1;
}

/** Every thread before its first access; false when the search must begin again. */
export function firstTuple(tuple: usize): bool {
  for (let i: u32 = 0; i < threadCount; i++) {
    const local = firstLocal(i);
    if (local == null) return false;
    const s = settle(local, changetype<Buffer | null>(0));
    if (s == null) return false;
    setThread(tuple, i, s);
  }
  setMemory(tuple, initialShared());
  return true;
}

/** A decision is a bit: the step of thread i, or i + 16: the drain of its oldest store. */
export const DRAIN: u32 = 16;

/** The decisions that are possible. */
export function decisionsOf(tuple: usize): u32 {
  let all: u32 = 0;
  const m = memoryOf(tuple);
  for (let i: u32 = 0; i < threadCount; i++) {
    const s = threadOf(tuple, i);
    let possible: u32 = s.possible;
    if (possible & WAKES && !awake(s, m)) possible &= ~STEPS;
    all |= ((possible & STEPS) | ((possible & DRAINS) << (DRAIN - 1))) << i;
  }
  return all;
}
