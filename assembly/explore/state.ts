// A state of the whole program: a ThreadState for each thread and the shared memory, as addresses
// of their records. All states that the search has seen are in one hash table; the search's stack
// is in them too, as the way back to the state from which each was first reached.
import { allocateState, arenaFull } from "../memory/arena";
import { Buffer } from "./buffer";
import { initialShared, Shared } from "./shared-state";
import { firstLocal } from "./step";
import { threadCount } from "./thread";
import { ThreadState, enabled, settle } from "./thread-state";

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
 *     0 | pad | 4 | parent: where it was first reached from | 8 | via u8: decision, flags u8 | 12 |
 *     order: in which states were reached | 16 | low: Tarjan's low link | 20 | todo: decisions to
 *     try | 24 | rest: decisions left out | 28 | below: next in the component stack | 32 |
 *     threads: ThreadState.., then the memory | ..
 */
@unmanaged
export class State {
  pad0: u32;
  parent: State | null;
  via: u8;
  flags: u8;
  pad: u16;
  order: u32;
  low: u32;
  todo: u32;
  rest: u32;
  below: State | null;
  static readonly TUPLE: usize = 32;
}

/** Open addressing; a slot is the address of a state and its hash, 8 bytes. */
let slots: usize = 0;
let mask: u32 = 0;
export let stateCount: u32 = 0;
/** The tuple that is looked up next. */
export let candidate: usize = 0;

const FIRST_SLOTS: u32 = 1024;

export function openStates(): void {
  candidate = allocateState(<usize>(threadCount + 1) << 2);
  slots = allocateState(<usize>FIRST_SLOTS << 3);
  if (slots) memory.fill(slots, 0, <usize>FIRST_SLOTS << 3);
  mask = FIRST_SLOTS - 1;
  stateCount = 0;
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
  for (let i: usize = 0; i <= <usize>threadCount << 2; i += 4) {
    store<u32>(to + i, load<u32>(from + i));
  }
}

export function sameTuple(a: usize, b: usize): bool {
  for (let i: usize = 0; i <= <usize>threadCount << 2; i += 4) {
    if (load<u32>(a + i) != load<u32>(b + i)) return false;
  }
  return true;
}

/** A sum of products: the multiplications do not wait for each other. */
// @ts-ignore: decorator
@inline
function hashOf(tuple: usize): u32 {
  let h: u64 = 0;
  let factor: u64 = 0x9e3779b97f4a7c15;
  for (let i: usize = 0; i <= <usize>threadCount << 2; i += 4) {
    h += <u64>load<u32>(tuple + i) * factor;
    factor += 0xd1342543de82ef96;
  }
  h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15;
  return <u32>(h >> 32);
}

/** Was the state that findState() gave there before? */
export let known: bool = false;

/** The state of the candidate tuple; null when there is no room for it. */
export function findState(): State | null {
  const hash = hashOf(candidate);
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
  const at = allocateState(State.TUPLE + (<usize>(threadCount + 1) << 2));
  if (!at) return null;
  const s = changetype<State>(at);
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
    if (s.buffer != null) all |= <u32>1 << (DRAIN + i);
    if (enabled(s, m)) all |= <u32>1 << i;
  }
  return all;
}
