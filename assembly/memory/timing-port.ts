// The memory port of the timing engine: what a core's access costs and when it must wait. Every
// function brings the store buffer up to Core.clock first; a false or zero result means "not now":
// the instruction has changed nothing and runs again after the core's next event.
import {
  M_LAT_UNCACHED, SERVED_BUFFER, SERVED_L1, WAIT_LOCK_DRAIN, WAIT_SERIAL_DRAIN,
} from "../abi";
import { CAUSE_LOCK, LEVEL_L1D, TRACE_LOAD, TRACE_LOCKED } from "../trace-kinds";
import { NO_SLOT } from "./cache";
import { ask } from "./agent";
import {
  Core, accessTime, IO_ANSWERED, IO_IDLE, IO_WAITING, STALL_DRAIN, STALL_FETCH, STALL_FULL,
  STALL_IO, STALL_LOAD, STALL_LOCK, STALL_PARTIAL, wakeWatchers,
} from "./core";
import { dataLine, findCode, findData } from "./l1";
import { countLoad, countLocked } from "./counters";
import { ripNow } from "./history";
import { post } from "./message";
import { findMshr } from "./mshr";
import {
  costForward, costL1, costLock, costLockSibling, emptyMask, holdCycles, param, sbEntries, tracing,
  tracingLoads, tracingStores,
} from "./params";
import { EXCLUSIVE, GETI, GETS, GETX, MODIFIED, MSG_IO } from "./protocol";
import { hostOf, loadSized } from "./ram";
import { Store } from "./store";
import { advance, holdsStoreTo, push, refreshMask } from "./store-buffer";
import { trace, traceLine } from "./trace";

/** Offset of the value in a store buffer entry: a forwarded load reads it there. */
const VALUE_AT: usize = 16;

export function timingRead(core: usize, phys: u64, size: u32): usize {
  const c = Core.of(core);
  const now = accessTime(c);
  advance(core, now);
  for (let i = c.sbCount; i > 0; i--) {
    const e = Store.at(core, c.sbHead + i - 1);
    const from = <u32>phys - e.phys;
    if (from < e.size && from + size <= e.size) {
      const host = changetype<usize>(e) + VALUE_AT + <usize>from;
      c.clock += costForward - costL1;
      countLoad(core, SERVED_BUFFER, phys, size);
      if (tracing && (c.label || tracingLoads)) bound(core, c, phys, size, host);
      return host;
    }
    if (<u32>phys < e.phys + e.size && e.phys < <u32>phys + size) {
      // A load that overlaps a buffered store only partly waits for its commit (store-forward
      // failure).
      c.stall = STALL_PARTIAL;
      return 0;
    }
  }
  const tag = <u32>(phys >> 6);
  const slot = findData(core, tag);
  if (slot == NO_SLOT) {
    if (!findMshr(core, tag)) ask(core, tag, GETS, <u8>holdCycles, now);
    missed(c, tag);
    c.stall = STALL_LOAD;
    return 0;
  }
  countLoad(core, sourceOf(c, tag), phys, size);
  const line = dataLine(core, slot);
  // The latest use, whoever is first to say so: a sibling may be cycles behind.
  if (line.lru < c.clock) line.lru = c.clock;
  if (tracing && (c.label || tracingLoads)) bound(core, c, phys, size, hostOf(phys));
  // A bit of the mask sent it here for a store that is long visible.
  else if ((c.sbMask >> (phys >> 3)) & 1) refreshMask(core);
  return hostOf(phys);
}

/** A load or a locked access waits for the line. */
// @ts-ignore: decorator
@inline
function missed(c: Core, tag: u32): void {
  c.missLine = tag + 1;
  c.missSource = SERVED_L1;
}

/** Where the line of an access that is done now came from. */
// @ts-ignore: decorator
@inline
function sourceOf(c: Core, tag: u32): u32 {
  if (c.missLine != tag + 1) return SERVED_L1;
  c.missLine = 0;
  return c.missSource;
}

/** The value of a load that is recorded is decided. */
function bound(core: usize, c: Core, phys: u64, size: u32, host: usize): void {
  const rip = <u64><u32>ripNow(core);
  trace(c.clock, c.cpu, TRACE_LOAD, c.label, size, phys, loadSized(host, size), rip);
  c.label = 0;
  refreshMask(core);
}

export function timingReserve(core: usize, entries: u32): bool {
  const c = Core.of(core);
  if (c.sbCount + entries <= sbEntries) return true;
  advance(core, accessTime(c));
  if (c.sbCount + entries <= sbEntries) return true;
  c.stall = STALL_FULL;
  return false;
}

export function timingWrite(core: usize, phys: u64, size: u32, value: u64): void {
  push(core, phys, size, value);
}

/** Every older store is visible; `cause` (WAIT_*_DRAIN) is charged with the wait. */
export function timingDrain(core: usize, cause: u32 = WAIT_SERIAL_DRAIN): bool {
  const c = Core.of(core);
  if (!c.sbCount) return true;
  advance(core, accessTime(c));
  if (!c.sbCount) return true;
  c.stall = STALL_DRAIN;
  c.drainCause = cause;
  return false;
}

/**
 * The line is exclusively owned; if not, it is asked for, to be held for `hold` cycles once it is
 * there.
 */
function ownForLock(core: usize, c: Core, phys: u64, hold: u8): bool {
  const tag = <u32>(phys >> 6);
  const slot = findData(core, tag);
  if (slot != NO_SLOT && dataLine(core, slot).state >= EXCLUSIVE) {
    const line = dataLine(core, slot);
    if (tracing && line.state != MODIFIED) {
      traceLine(c.clock, core, LEVEL_L1D, tag, line.state, MODIFIED, CAUSE_LOCK);
    }
    line.state = MODIFIED;
    if (line.lru < c.clock) line.lru = c.clock;
    if (c.sibling) {
      wakeWatchers(core, tag);
      followSibling(c, tag);
    }
    countLocked(core, sourceOf(c, tag), phys);
    return true;
  }
  if (!findMshr(core, tag)) ask(core, tag, GETX, hold, accessTime(c));
  missed(c, tag);
  c.stall = STALL_LOCK;
  return false;
}

/**
 * A locked access after one of the sibling to the same line. The line stays in their L1, but it is
 * locked from the other's load to its store (SDM Vol. 3A 8.1.4, "Effects of a LOCK Operation on
 * Internal Processor Caches"): this one waits for that; and nothing is forwarded from one thread's
 * store buffer to the other's loads.
 */
function followSibling(c: Core, tag: u32): void {
  const unit = Core.of(c.caches);
  const mark = 1 + ((tag << 1) | c.thread);
  if (unit.lastLocked == 1 + ((tag << 1) | (c.thread ^ 1))) {
    c.clock = max(c.clock, unit.lockedUntil) + costLockSibling;
  }
  unit.lastLocked = mark;
  unit.lockedUntil = c.clock + costLock;
}

export function timingLock(core: usize, phys: u64, size: u32): usize {
  const c = Core.of(core);
  if (!timingDrain(core, WAIT_LOCK_DRAIN)) return 0;
  advance(core, accessTime(c));
  // The winner holds the line until its locked operation is done: snoops are deferred by that much.
  if (!ownForLock(core, c, phys, <u8>(costLock + <u64>holdCycles))) return 0;
  if (tracing && (c.label || tracingLoads || tracingStores)) {
    locked(core, c, phys, size, loadSized(hostOf(phys), size));
  }
  return hostOf(phys);
}

/**
 * For how long the first line of a locked access over two is held: longer than the second one takes
 * to come.
 */
const PAIR_HOLD: u8 = 255;

/**
 * Both lines of a locked access that crosses from one to the next. The lower line is taken first,
 * by everyone: of two CPUs that want the same pair one has the lower line, and keeps it until it
 * has the other.
 */
export function timingLockPair(core: usize, phys: u64, phys2: u64, size: u32): bool {
  const c = Core.of(core);
  if (!timingDrain(core, WAIT_LOCK_DRAIN)) return false;
  advance(core, accessTime(c));
  if (!ownForLock(core, c, min(phys, phys2), PAIR_HOLD)) return false;
  // The higher one no longer than any other: held as long, it would outlast a peer's lower one.
  const hold = <u8>(costLock + <u64>holdCycles);
  if (!ownForLock(core, c, max(phys, phys2), hold)) return false;
  if (tracing && (c.label || tracingLoads || tracingStores)) {
    const head: u32 = 64 - (<u32>phys & 63);
    const tail = loadSized(hostOf(phys2), size - head);
    locked(core, c, phys, size, loadSized(hostOf(phys), head) | (tail << (head << 3)));
  }
  return true;
}

/** The lowest of the lines that an instruction writes in place, as that of a pair. */
export function timingLockFirst(core: usize, phys: u64): bool {
  const c = Core.of(core);
  if (!timingDrain(core, WAIT_LOCK_DRAIN)) return false;
  advance(core, accessTime(c));
  return ownForLock(core, c, phys, PAIR_HOLD);
}

/** A locked access that finds `value` is recorded. */
function locked(core: usize, c: Core, phys: u64, size: u32, value: u64): void {
  trace(c.clock, c.cpu, TRACE_LOCKED, c.label, size, phys, value, <u64><u32>ripNow(core));
  c.label = 0;
  c.sbMask = emptyMask;
}

export function timingFetch(core: usize, physLine: u64): usize {
  const c = Core.of(core);
  advance(core, accessTime(c));
  const tag = <u32>(physLine >> 6);
  // What this core stored there is fetched, and not what was there before.
  const own = holdsStoreTo(core, tag);
  if (own || findCode(core, tag) == NO_SLOT) {
    if (!own && !findMshr(core, tag)) ask(core, tag, GETI, <u8>holdCycles, accessTime(c));
    c.stall = STALL_FETCH;
    return 0;
  }
  // The fetch filter hides most uses of a line, and it is no state: so a use leaves no stamp, and
  // the L1I replaces the line that was filled first.
  return hostOf(physLine);
}

/** An access to a port, or to a device window (`aux` as in device/hub.ts). */
export function timingIo(core: usize, port: u32, aux: u32, value: u64): bool {
  const c = Core.of(core);
  if (c.ioState == IO_ANSWERED) {
    c.ioState = IO_IDLE;
    return true;
  }
  if (c.ioState == IO_IDLE) {
    if (!timingDrain(core)) return false;
    post(
      c.clock + <u64>(param(M_LAT_UNCACHED) / 2), c.cpu, MSG_IO, c.cpu, port,
      aux, value,
    );
    c.ioState = IO_WAITING;
  }
  c.stall = STALL_IO;
  return false;
}

/** A write to a device window is posted: it is on its way when the CPU goes on. */
export function timingPost(core: usize, phys: u32, aux: u32, value: u64): bool {
  if (!timingDrain(core)) return false;
  const c = Core.of(core);
  c.clock += <u64>(param(M_LAT_UNCACHED) / 2);
  post(c.clock, c.cpu, MSG_IO, c.cpu, phys, aux, value);
  return true;
}
