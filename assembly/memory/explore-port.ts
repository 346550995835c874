// The memory port of the explore engine. It runs one thread at a time, from one access to shared
// memory to the next: such an access needs the explorer's leave (`granted`) and the value that it
// reads; without it the access stalls, and what it is about to do is left in `pending`. A store to
// shared memory goes into a list, which the explorer appends to the thread's store buffer.
// An instruction that reads shared memory more than once runs again for every read: the values
// that it has read so far are latched, because between two of them other threads may run.
// Deviations: code that is written while it runs is a fault; devices read as ones.
import {
  LOG_EXECUTE, LOG_FORWARD, LOG_LOAD, LOG_LOCKED, LOG_PRIVATE, LOG_STORE,
  PENDING_BLOCKED, PENDING_FAULT, PENDING_FENCE, PENDING_LOAD, PENDING_LOCK, PENDING_NONE,
  PENDING_SLEEP, SLEEP_RUNNING,
} from "../abi";
import { allocate } from "./arena";
import { Core, STALL_DRAIN, STALL_LOAD, STALL_LOCK } from "./core";
import { UNSHARED, conflict, markExecuted, markWritten, share, touch } from "./granule";
import { hostOf, loadSized, storeSized } from "./ram";
import { logEvent, logging, markLog, rewindLog } from "./replay-log";

/** Reads of shared memory in one instruction at most; more is a fault. */
export const LATCHES: u32 = 8;
/** Stores of one step at most; a step ends before it can make more. */
export const PUSHES: u32 = 64;
const UNDOS: u32 = 64;

/** What the thread is about to do: PENDING_*, and where in the shared memory. */
export let pending: u32 = 0;
export let pendingOffset: u32 = 0;
export let pendingSize: u32 = 0;
/** The second part of a locked access of 16 bytes or over two lines; size 0 without one. */
export let pendingOffset2: u32 = 0;
export let pendingSize2: u32 = 0;

/** Values of the instruction's reads so far, 8 bytes each. */
export let latches: usize = 0;
export let latchCount: u32 = 0;
/** The instruction has waited for its store buffer. */
export let fenced: bool = false;

/** Stores of the step: 0 | offset u32 | 4 | size | 8 | value u64 | 16 | rip u64 | 24 */
export let pushes: usize = 0;
export const PUSH_BYTES: usize = 24;
export let pushCount: u32 = 0;

let thread: u32 = 0;
/** PENDING_* that may be performed now, once. */
let granted: u32 = 0;
let value1: u64 = 0;
let value2: u64 = 0;
/** Reads of the instruction under way. */
let reads: u32 = 0;
let pushMark: u32 = 0;
let rip: u64 = 0;

/** The locked access under way: physical addresses, sizes, and what RAM held there. */
let lock1: u64 = 0;
let lock2: u64 = 0;
let lockSize1: u32 = 0;
let lockSize2: u32 = 0;
let kept1: u64 = 0;
let kept2: u64 = 0;

/** Stores to unshared memory of the instruction under way: address, and the word before. */
let undo: usize = 0;
let undoCount: u32 = 0;
/** Stores and locked accesses to unshared memory so far. */
export let privateStores: u32 = 0;

/** A predicate runs: all memory is its own, and is put back after it. */
let alone: bool = false;
let journal: usize = 0;
let journalCount: u32 = 0;
/** Words that a predicate writes at most; it fails beyond them. */
const JOURNAL_MAX: u32 = 8192;

export function openPort(): void {
  latches = allocate(<usize>LATCHES << 3);
  pushes = allocate((<usize>PUSHES + 8) * PUSH_BYTES);
  undo = allocate(<usize>UNDOS << 4);
  journal = allocate(<usize>JOURNAL_MAX << 4);
}

export function beginAlone(): void {
  alone = true;
  journalCount = 0;
}

/** RAM as it was at beginAlone(). False when too much of it was written to put it back. */
export function endAlone(): bool {
  alone = false;
  const whole = journalCount < JOURNAL_MAX;
  while (journalCount > 0) {
    journalCount--;
    const at = journal + (<usize>journalCount << 4);
    store<u64>(<usize>load<u32>(at), load<u64>(at, 8));
  }
  return whole;
}

/** Is there room for what the next instruction writes? */
export function journalHasRoom(): bool {
  return journalCount + 64 < JOURNAL_MAX;
}

/** A step of thread `who` begins, which may do `grant` once, reading `v1` and `v2`. */
export function beginStep(who: u32, grant: u32, v1: u64, v2: u64): void {
  thread = who;
  granted = grant;
  value1 = v1;
  value2 = v2;
  pushCount = 0;
  latchCount = 0;
  fenced = false;
}

/** The step goes on with an instruction that has read so much already. */
export function restoreLatches(count: u32, from: usize, waited: bool): void {
  latchCount = count;
  fenced = waited;
  for (let i: u32 = 0; i < count; i++) {
    store<u64>(latches + (<usize>i << 3), load<u64>(from + (<usize>i << 3)));
  }
}

/** Before the instruction at `at`. */
export function beginInstruction(at: u64): void {
  rip = at;
  reads = 0;
  pending = PENDING_NONE;
  pushMark = pushCount;
  undoCount = 0;
  lockSize1 = lockSize2 = 0;
  markLog();
  if (logging) logEvent(LOG_EXECUTE, thread, 0, 0, at);
}

/** It is complete: its locked access takes effect, and nothing of it is latched any more. */
export function endInstruction(): void {
  latchCount = 0;
  fenced = false;
}

/** It stalled or faulted: nothing of it has happened. */
export function undoInstruction(): void {
  pushCount = pushMark;
  while (undoCount > 0) {
    undoCount--;
    const at = undo + (<usize>undoCount << 4);
    store<u64>(<usize>load<u32>(at), load<u64>(at, 8));
  }
  rewindLog();
}

/** Size of a part of the locked access that the instruction made, 0 without one. */
export function lockedSize(part: u32): u32 {
  return part ? lockSize2 : lockSize1;
}

/** The value that the locked access left there; RAM is put back as it was. */
export function takeLocked(part: u32): u64 {
  const phys = part ? lock2 : lock1;
  const size = part ? lockSize2 : lockSize1;
  const value = loadSized(hostOf(phys), size);
  storeSized(hostOf(phys), size, part ? kept2 : kept1);
  if (logging) logEvent(LOG_LOCKED, thread, phys, size, value);
  return value;
}

function wait(core: usize, kind: u32, stall: u32): bool {
  Core.of(core).stall = stall;
  pending = kind;
  return false;
}

function waitAt(core: usize, kind: u32, stall: u32, offset: u32, size: u32): usize {
  pendingOffset = offset;
  pendingSize = size;
  pendingOffset2 = pendingSize2 = 0;
  wait(core, kind, stall);
  return 0;
}

export function exploreRead(core: usize, phys: u64, size: u32): usize {
  if (alone) return hostOf(phys);
  const offset = touch(thread, phys, size, false);
  if (conflict) return waitAt(core, PENDING_NONE, STALL_LOAD, 0, 0);
  if (offset == UNSHARED) return hostOf(phys);
  const host = latches + (<usize>reads << 3);
  if (reads++ < latchCount) return host;
  if (reads > LATCHES) return waitAt(core, PENDING_FAULT, STALL_LOAD, offset, size);
  if (granted != PENDING_LOAD) return waitAt(core, PENDING_LOAD, STALL_LOAD, offset, size);
  granted = PENDING_NONE;
  store<u64>(host, value1);
  latchCount++;
  if (logging) logEvent(<u32>value2 ? LOG_FORWARD : LOG_LOAD, thread, phys, size, value1);
  return host;
}

/** Older stores of the thread are visible: true once, then again for the same instruction. */
function fence(core: usize): bool {
  if (fenced || alone) return true;
  if (granted != PENDING_FENCE) return wait(core, PENDING_FENCE, STALL_DRAIN);
  granted = PENDING_NONE;
  fenced = true;
  return true;
}

export function exploreDrain(core: usize): bool {
  return fence(core);
}

function remember(phys: u64, size: u32): void {
  const word = hostOf(phys & ~7);
  const last = hostOf((phys + size - 1) & ~7);
  for (let at = word; at <= last; at += 8) {
    if (alone) {
      const kept = journal + (<usize>journalCount << 4);
      journalCount++;
      store<u32>(kept, <u32>at);
      store<u64>(kept, load<u64>(at), 8);
      continue;
    }
    privateStores++;
    const slot = undo + (<usize>undoCount << 4);
    store<u32>(slot, <u32>at);
    store<u64>(slot, load<u64>(at), 8);
    if (undoCount < UNDOS - 1) undoCount++;
  }
}

export function exploreFetch(core: usize, physLine: u64): usize {
  markExecuted(physLine);
  return hostOf(physLine);
}

export function exploreWrite(core: usize, phys: u64, size: u32, value: u64): void {
  if (alone) {
    remember(phys, size);
    storeSized(hostOf(phys), size, value);
    return;
  }
  const offset = touch(thread, phys, size, true);
  markWritten(phys, size);
  // The search begins again: RAM must stay as the program finds it.
  if (conflict) return;
  if (offset == UNSHARED) {
    remember(phys, size);
    storeSized(hostOf(phys), size, value);
    if (logging) logEvent(LOG_PRIVATE, thread, phys, size, value);
    return;
  }
  const at = pushes + <usize>pushCount * PUSH_BYTES;
  store<u32>(at, offset);
  store<u32>(at, size, 4);
  store<u64>(at, size == 8 ? value : value & ((<u64>1 << (size << 3)) - 1), 8);
  store<u64>(at, rip, 16);
  if (pushCount < PUSHES) pushCount++;
  if (logging) logEvent(LOG_STORE, thread, phys, size, value);
}

/** A locked access waits for leave if it is to shared memory, and else for the buffer only. */
function lockParts(
  core: usize, phys: u64, size: u32, phys2: u64, size2: u32,
): bool {
  if (alone) {
    remember(phys, size);
    if (size2) remember(phys2, size2);
    return true;
  }
  const offset = touch(thread, phys, size, true);
  let offset2 = offset;
  if (size2) {
    offset2 = touch(thread, phys2, size2, true);
    if ((offset == UNSHARED) != (offset2 == UNSHARED)) {
      share(<u32>((offset == UNSHARED ? phys : phys2) >> 3));
    }
    markWritten(phys2, size2);
  }
  markWritten(phys, size);
  if (conflict) return wait(core, PENDING_NONE, STALL_LOCK);
  if (offset == UNSHARED) {
    remember(phys, size);
    if (size2) remember(phys2, size2);
    return fence(core);
  }
  if (granted != PENDING_LOCK) {
    waitAt(core, PENDING_LOCK, STALL_LOCK, offset, size);
    pendingOffset2 = offset2;
    pendingSize2 = size2;
    return false;
  }
  granted = PENDING_NONE;
  lock1 = phys;
  lockSize1 = size;
  kept1 = enter(phys, size, value1);
  lock2 = phys2;
  lockSize2 = size2;
  if (size2) kept2 = enter(phys2, size2, value2);
  return true;
}

/** The value goes to RAM, where the instruction works on it; what was there. */
function enter(phys: u64, size: u32, value: u64): u64 {
  const kept = loadSized(hostOf(phys), size);
  storeSized(hostOf(phys), size, value);
  if (logging) logEvent(LOG_LOAD, thread, phys, size, value);
  return kept;
}

export function exploreLock(core: usize, phys: u64, size: u32): usize {
  const wide = size == 16;
  const done = lockParts(core, phys, wide ? 8 : size, phys + 8, wide ? 8 : 0);
  return done ? hostOf(phys) : 0;
}

export function exploreLockPair(core: usize, phys: u64, phys2: u64, size: u32): bool {
  const head = 64 - (<u32>phys & 63);
  return lockParts(core, phys, head, phys2, size - head);
}

/** Sleep until the word says running in memory, with every older store visible there. */
export function exploreSleep(core: usize, phys: u64): bool {
  if (alone) return true;
  const offset = touch(thread, phys, 4, false);
  if (conflict) return wait(core, PENDING_NONE, STALL_DRAIN);
  if (offset == UNSHARED) {
    if (load<u32>(hostOf(phys)) == SLEEP_RUNNING) return fence(core);
    return wait(core, PENDING_BLOCKED, STALL_DRAIN);
  }
  if (granted != PENDING_SLEEP) {
    waitAt(core, PENDING_SLEEP, STALL_DRAIN, offset, 4);
    return false;
  }
  granted = PENDING_NONE;
  return true;
}
