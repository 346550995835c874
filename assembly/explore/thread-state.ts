// A thread with its store buffer, and what x86-TSO lets it do: a load takes the youngest buffered
// store that covers it, and else reads memory; a locked access, MFENCE and a sleep wait until the
// buffer is empty; SFENCE and LFENCE do not (SDM Vol. 3A 8.2.2, "Memory Ordering in P6 and More
// Recent Processor Families", and the x86-TSO of Sewell et al.). Under sc every access waits, so
// that a store is visible before anything else.
// A load that buffered stores cover in part only takes their bytes from them and the others from
// memory: no manual forbids it, and herd7's model allows it. Processors wait for those stores
// instead (Intel's optimization manual, "Store Forwarding"): the model `stalling` does as they.
import {
  EXPLORE_SC, EXPLORE_STALL, PENDING_FENCE, PENDING_LOAD, PENDING_LOCK, PENDING_SLEEP, PENDING_STEP,
  SLEEP_RUNNING,
} from "../abi";
import { allocate } from "../memory/arena";
import { bitsOf } from "../memory/granule";
import { Table, intern, openTable } from "../memory/intern";
import {
  Buffer, append, bitsBelow, countOf, heldBits, heldValue, heldWhole, overlay,
} from "./buffer";
import { Edge, Local } from "./local-state";
import { Shared, readShared } from "./shared-state";
import { STEP_STORES_MAX, edgeOf, repeatStep, storeOf } from "./step";

// ThreadState.can: what its next step needs
/** Nothing: it has ended, or will never go on. */
export const CAN_NEVER: u32 = 0;
/** A store of its own must drain first. */
export const CAN_AFTER_DRAIN: u32 = 1;
/** It may go on; what it reads is known. */
export const CAN_FORWARD: u32 = 2;
/** It may go on, reading memory. */
export const CAN_LOAD: u32 = 3;
export const CAN_LOCK: u32 = 4;
/** It may go on when the word in memory says running. */
export const CAN_WAKE: u32 = 5;

// ThreadState.possible
/** Its next step can be taken, and if WAKES is set, when the word in memory says running. */
export const STEPS: u32 = 1;
/** A store is in the buffer. */
export const DRAINS: u32 = 2;
export const WAKES: u32 = 4;

/**
 *     0 | hash | 4 | local | 8 | buffer | 12 | can u16, possible u16 | 16 | value, held u64:
 *     forwarded, and which bits of it | 32 | headMask u64 | 40 | drained: the state after its
 *     oldest store drained | 44 | moves | 48
 */
@unmanaged
export class ThreadState {
  hash: u32;
  local: Local;
  buffer: Buffer | null;
  can: u16;
  possible: u16;
  value: u64;
  held: u64;
  headMask: u64;
  drained: ThreadState | null;
  moves: Move | null;
  static readonly BYTES: usize = 48;
}

/** A step taken from a ThreadState.   0 | next | 4 | edge | 8 | to | 12 | pad | 16 | v1, v2 | 32 */
@unmanaged
export class Move {
  next: Move | null;
  edge: Edge;
  to: ThreadState;
  pad: u32;
  v1: u64;
  v2: u64;
  static readonly BYTES: usize = 32;
}

/** Fences in a row that a thread passes in one step: more is an endless loop of them. */
const SETTLE_MAX: u32 = 1000;

let table: Table = changetype<Table>(0);
let capacity: u32 = 0;
let sequential: bool = false;
let stalling: bool = false;
/** A step had to wait because the store buffer was full. */
export let bufferFull: bool = false;

/** `entries`: of a store buffer. */
export function openThreadStates(entries: u32, model: u32): void {
  table = openTable();
  capacity = entries;
  sequential = model == <u32>EXPLORE_SC;
  stalling = model == <u32>EXPLORE_STALL;
  bufferFull = false;
}

export function threadStateCount(): u32 {
  return table.count;
}

function canOf(local: Local, buffer: Buffer | null, s: ThreadState): u32 {
  const kind = local.pending;
  if (kind > <u32>PENDING_STEP) return CAN_NEVER;
  if (buffer == null) {
    if (kind == PENDING_LOAD) return CAN_LOAD;
    if (kind == PENDING_LOCK) return CAN_LOCK;
    return kind == PENDING_SLEEP ? CAN_WAKE : CAN_FORWARD;
  }
  if (sequential) return CAN_AFTER_DRAIN;
  if (kind != PENDING_LOAD && kind != PENDING_STEP) return CAN_AFTER_DRAIN;
  if (buffer.count + STEP_STORES_MAX > capacity) {
    bufferFull = true;
    return CAN_AFTER_DRAIN;
  }
  if (kind == PENDING_STEP) return CAN_FORWARD;
  overlay(buffer, local.offset1, local.size1);
  if (!heldBits) return CAN_LOAD;
  if (stalling && !heldWhole) return CAN_AFTER_DRAIN;
  s.value = heldValue;
  s.held = heldBits;
  return heldBits == bitsBelow(local.size1) ? CAN_FORWARD : CAN_LOAD;
}

function possibleOf(s: ThreadState): u32 {
  let set = s.buffer == null ? 0 : DRAINS;
  if (s.can >= <u16>CAN_FORWARD) set |= STEPS;
  if (s.can == <u16>CAN_WAKE) set |= WAKES;
  return set;
}

function stateOf(local: Local, buffer: Buffer | null): ThreadState {
  const s = changetype<ThreadState>(allocate(ThreadState.BYTES));
  s.local = local;
  s.buffer = buffer;
  const found = changetype<ThreadState>(intern(table, changetype<usize>(s), 4, 2));
  if (found == s) {
    s.value = s.held = 0;
    s.drained = null;
    s.moves = null;
    s.headMask = buffer == null ? 0 : bitsOf(buffer.head.offset, buffer.head.size);
    s.can = <u16>canOf(local, buffer, s);
    s.possible = <u16>possibleOf(s);
  }
  return found;
}

/**
 * The state, or the next one that waits for anything: what nobody can notice happens at once. Null
 * when the search must begin again. `log`: its instructions go into the log of a replay.
 */
export function settle(
  local: Local, buffer: Buffer | null, log: bool = false,
): ThreadState | null {
  for (let n: u32 = 0; n < SETTLE_MAX; n++) {
    const fence = local.pending == PENDING_FENCE && buffer == null;
    const room = !sequential && countOf(buffer) + STEP_STORES_MAX <= capacity;
    const step = local.pending == PENDING_STEP && (buffer == null || room);
    if (!fence && !step) break;
    const edge = edgeOf(local, 0, 0);
    if (edge == null) return null;
    if (log) repeatStep(local, 0, 0);
    local = edge.to;
    buffer = appendAll(buffer, edge);
  }
  return stateOf(local, buffer);
}

/** The buffer with the stores of a step. */
export function appendAll(buffer: Buffer | null, edge: Edge): Buffer | null {
  for (let i: u32 = 0; i < edge.pushes; i++) buffer = append(buffer, storeOf(edge, i));
  return buffer;
}

/** Its oldest store has drained. */
export function drain(s: ThreadState): ThreadState | null {
  if (s.drained != null) return s.drained;
  s.drained = settle(s.local, s.buffer!.rest);
  return s.drained;
}

/** The values that its access reads from `memory` now; of a forwarded load, or none, its own. */
// @ts-ignore: decorator
@inline
export function firstValue(s: ThreadState, memory: Shared): u64 {
  if (s.can == CAN_FORWARD) return s.value;
  return (readShared(memory, s.local.offset1, s.local.size1) & ~s.held) | s.value;
}

// @ts-ignore: decorator
@inline
export function secondValue(s: ThreadState, memory: Shared): u64 {
  const size = s.local.size2;
  return size ? readShared(memory, s.local.offset2, size) : 0;
}

/** Of one that waits to be woken: may it go on now? */
// @ts-ignore: decorator
@inline
export function awake(s: ThreadState, memory: Shared): bool {
  return <u32>readShared(memory, s.local.offset1, 4) == <u32>SLEEP_RUNNING;
}

/** Its step with the values it reads from `memory`; null when the search must begin again. */
export function move(s: ThreadState, memory: Shared): Move | null {
  const v1 = firstValue(s, memory);
  const v2 = secondValue(s, memory);
  let m = s.moves;
  while (m != null) {
    if (m.v1 == v1 && m.v2 == v2) return m;
    m = m.next;
  }
  return newMove(s, v1, v2);
}

function newMove(s: ThreadState, v1: u64, v2: u64): Move | null {
  const edge = edgeOf(s.local, v1, v2);
  if (edge == null) return null;
  const to = settle(edge.to, appendAll(s.buffer, edge));
  if (to == null) return null;
  const m = changetype<Move>(allocate(Move.BYTES));
  m.next = s.moves;
  m.edge = edge;
  m.to = to;
  m.v1 = v1;
  m.v2 = v2;
  s.moves = m;
  return m;
}
