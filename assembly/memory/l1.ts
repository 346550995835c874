// The private caches of a unit: filling and losing lines, with what hangs on them: the filters and
// fetch filters of its threads, the presence bits of the shared cache. `core` is any thread of it.
import { check } from "../check";
import { CORE_CODE_PAGES, CORE_L1D, CORE_L1I } from "../abi";
import {
  CAUSE_DIRTY, CAUSE_EVICTED, CAUSE_FILL, CAUSE_INCLUSION, CAUSE_WRITTEN_BACK, LEVEL_L1D, LEVEL_L1I,
  LEVEL_PRIVATE, LEVEL_SHARED, TRACE_LOST,
} from "../trace-kinds";
import { Line, NO_SLOT, findLine, victimSlot } from "./cache";
import { Cluster, coreAt, sharedOf } from "./cluster";
import { Core, nextThread, wakeWatchers } from "./core";
import { fetchFilterDrop } from "./fetch-filter";
import { filterDrop } from "./filter";
import { MSHR_GRANTED, Mshr, findMshr } from "./mshr";
import { l1Sets, l1Ways, l2Sets, l2Ways, tracing } from "./params";
import { findPrivate } from "./private-cache";
import { EXCLUSIVE, GETI, GETX, INVALID, MODIFIED, SHARED } from "./protocol";
import { SharedLine, findShared } from "./shared-cache";
import { trace, traceLine } from "./trace";

/** The L1D slot of a line in a valid state, or NO_SLOT. */
// @ts-ignore: decorator
@inline
export function findData(core: usize, line: u32): u32 {
  return findLine(<usize>Core.of(core).caches + CORE_L1D, l1Sets, l1Ways, line);
}

/** The L1I slot of a line, or NO_SLOT. */
// @ts-ignore: decorator
@inline
export function findCode(core: usize, line: u32): u32 {
  return findLine(<usize>Core.of(core).caches + CORE_L1I, l1Sets, l1Ways, line);
}

/** The line in an L1D slot. */
// @ts-ignore: decorator
@inline
export function dataLine(core: usize, slot: u32): Line {
  return Line.at(<usize>Core.of(core).caches + CORE_L1D, slot);
}

// @ts-ignore: decorator
@inline
function codeLine(core: usize, slot: u32): Line {
  return Line.at(<usize>Core.of(core).caches + CORE_L1I, slot);
}

/** Presence bit of a unit's L1D (or L1I) in the shared cache. */
// @ts-ignore: decorator
@inline
export function dataBit(unit: u32): u32 {
  return 1 << unit;
}

// @ts-ignore: decorator
@inline
export function codeBit(unit: u32): u32 {
  return 0x10000 << unit;
}

/** Presence bits of a unit that gets a line by `kind` of request: a private L2 holds code, too. */
// @ts-ignore: decorator
@inline
export function bitsOf(kind: u8, unit: u32): u32 {
  if (kind != GETI) return dataBit(unit);
  return l2Sets ? codeBit(unit) | dataBit(unit) : codeBit(unit);
}

/** The unit has the line as data, by what the directory calls so. */
export function holdsData(core: usize, line: u32): bool {
  if (Core.of(core).l2) return findPrivate(core, line) != null;
  return findData(core, line) != NO_SLOT;
}

/** The unit's copy of the line, if it has one, is modified. */
export function isModified(core: usize, line: u32): bool {
  const slot = findData(core, line);
  if (slot != NO_SLOT && dataLine(core, slot).state == MODIFIED) return true;
  if (!Core.of(core).l2) return false;
  const found = findPrivate(core, line);
  return found != null && changetype<Line>(changetype<usize>(found)).state == MODIFIED;
}

/**
 * Puts a line into the L1D in `state` at cycle `time`, evicting another if the set is full. A line
 * that a sibling has brought in meanwhile keeps the better of the two states.
 */
export function fillData(core: usize, line: u32, state: u8, time: u64): void {
  let slot = findData(core, line);
  const fresh = slot == NO_SLOT;
  if (fresh) {
    slot = victimSlot(<usize>Core.of(core).caches + CORE_L1D, l1Sets, l1Ways, line);
    const victim = dataLine(core, slot);
    if (victim.state != INVALID) evictData(core, victim, slot, time);
  }
  const l = dataLine(core, slot);
  if (tracing && (fresh || l.state < state)) {
    traceLine(time, core, LEVEL_L1D, line, fresh ? INVALID : l.state, state, CAUSE_FILL);
  }
  l.tag = line;
  if (fresh || l.state < state) l.state = state;
  if (l.lru < time) l.lru = time;
}

export function evictData(core: usize, victim: Line, slot: u32, time: u64): void {
  const dirty = victim.state == MODIFIED;
  if (!Core.of(core).l2) {
    leaveDirectory(core, victim.tag, dirty, time);
  } else if (dirty) {
    const found = findPrivate(core, victim.tag);
    check(found != null);
    const l = changetype<Line>(changetype<usize>(found));
    if (tracing && l.state != MODIFIED) {
      traceLine(time, core, LEVEL_PRIVATE, l.tag, l.state, MODIFIED, CAUSE_DIRTY);
    }
    l.state = MODIFIED;
  }
  dropData(core, victim, slot, time, dirty ? CAUSE_WRITTEN_BACK : CAUSE_EVICTED);
}

/** The L1D line at `slot` goes. */
function dropData(core: usize, line: Line, slot: u32, time: u64, cause: u32): void {
  if (tracing) traceLine(time, core, LEVEL_L1D, line.tag, line.state, INVALID, cause);
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) filterDrop(t, line, slot);
  line.state = INVALID;
  line.lru = 0;
}

/**
 * The place in the private L2 for a line that is not in it: the caller empties it first if it holds
 * another (evictPrivate) and fills it (fillPrivate).
 */
export function privatePlace(core: usize, line: u32): Line {
  const base = <usize>Core.of(core).l2;
  return Line.at(base, victimSlot(base, l2Sets, l2Ways, line));
}

/** Puts a line into the private L2 at `place`, which is empty, in `state` at cycle `time`. */
export function fillPrivate(core: usize, place: Line, line: u32, state: u8, time: u64): void {
  if (tracing) traceLine(time, core, LEVEL_PRIVATE, line, INVALID, state, CAUSE_FILL);
  place.tag = line;
  place.state = state;
  place.lru = time;
}

/** A line leaves the private L2 and so the L1D. */
export function evictPrivate(core: usize, victim: Line, time: u64): void {
  const line = victim.tag;
  const dirty = isModified(core, line);
  leaveDirectory(core, line, dirty, time);
  const slot = findData(core, line);
  if (slot != NO_SLOT) dropData(core, dataLine(core, slot), slot, time, CAUSE_INCLUSION);
  if (tracing) {
    const cause = dirty ? CAUSE_WRITTEN_BACK : CAUSE_EVICTED;
    traceLine(time, core, LEVEL_PRIVATE, line, victim.state, INVALID, cause);
  }
  victim.state = INVALID;
  victim.lru = 0;
}

/** The unit has dropped its copy of the line. */
function leaveDirectory(core: usize, line: u32, dirty: bool, time: u64): void {
  const c = Core.of(core);
  const cluster = Cluster.of(c.cluster);
  wakeWatchers(core, line);
  // A line that is promised to the unit in another state is on its way: the directory speaks of
  // that copy.
  const promise = promised(core, line);
  if (promise >= EXCLUSIVE) return;
  const found = findShared(sharedOf(cluster), line);
  if (!found) return;
  const s = changetype<SharedLine>(changetype<usize>(found));
  if (promise == INVALID) s.presence &= ~dataBit(c.unit);
  if (s.owner != <u8>(c.unit + 1)) return;
  s.owner = 0;
  if (!dirty) return;
  if (tracing && s.state != MODIFIED) {
    traceLine(time, coreAt(cluster, 0), LEVEL_SHARED, line, s.state, MODIFIED, CAUSE_DIRTY);
  }
  s.state = MODIFIED;
}

/**
 * The best state in which the line is promised to a thread of the unit as data, or INVALID. A
 * request to own it counts as a promise, but not with a private L2: there it may be for a copy that
 * is just being dropped.
 */
function promised(core: usize, line: u32): u8 {
  let best: u8 = INVALID;
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.kind == GETX && !l2Sets) return MODIFIED;
    if (m.status != MSHR_GRANTED) continue;
    if (m.kind != GETI) best = max(best, m.state);
    else if (l2Sets) best = max(best, SHARED);
  }
  return best;
}

/** No thread of the unit may execute the line any more. */
function dropFetchFilters(core: usize, line: u32): void {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) fetchFilterDrop(t, line);
}

/** Puts a code line into the L1I at cycle `time`. */
export function fillCode(core: usize, line: u32, time: u64): void {
  const c = Core.of(core);
  const caches = <usize>c.caches;
  let slot = findCode(core, line);
  if (slot == NO_SLOT) {
    slot = victimSlot(caches + CORE_L1I, l1Sets, l1Ways, line);
    const victim = codeLine(core, slot);
    if (victim.state != INVALID) {
      const shared = findShared(sharedOf(Cluster.of(c.cluster)), victim.tag);
      if (shared) {
        const s = changetype<SharedLine>(changetype<usize>(shared));
        s.presence &= ~codeBit(c.unit);
      }
      dropFetchFilters(core, victim.tag);
      if (tracing) {
        traceLine(time, core, LEVEL_L1I, victim.tag, victim.state, INVALID, CAUSE_EVICTED);
      }
    }
    if (tracing) traceLine(time, core, LEVEL_L1I, line, INVALID, SHARED, CAUSE_FILL);
  }
  const page = line >>> 6;
  const at = caches + <usize>((page >>> 3) & 1023);
  store<u8>(at, load<u8>(at, CORE_CODE_PAGES) | (<u8>1 << <u8>(page & 7)), CORE_CODE_PAGES);
  const l = codeLine(core, slot);
  l.tag = line;
  l.state = SHARED;
  l.lru = time;
}

/**
 * False: no line of the page of `phys` was ever in the L1I. It spares most stores the look-up; that
 * a page once had code decides nothing.
 */
// @ts-ignore: decorator
@inline
export function mayHoldCode(core: usize, phys: u32): bool {
  const at = <usize>Core.of(core).caches + <usize>((phys >>> 15) & 1023);
  const byte = load<u8>(at, CORE_CODE_PAGES);
  return ((<u32>byte >>> ((phys >>> 12) & 7)) & 1) != 0;
}

/**
 * The unit's copies of a line are invalidated, or downgraded to Shared, at cycle `time`, because of
 * CAUSE_*.
 */
export function loseLine(core: usize, line: u32, toShared: bool, time: u64, cause: u32): void {
  const slot = findData(core, line);
  let had = slot != NO_SLOT;
  if (Core.of(core).l2 && losePrivate(core, line, toShared, time, cause)) had = true;
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const c = Core.of(t);
    // A store at the head of the buffer that was ready before asks again now, not in the past.
    if (c.headOwned < time) c.headOwned = time;
    if (tracing && had) trace(time, c.cpu, TRACE_LOST, 0, 64, <u64>line << 6, <u64>toShared);
  }
  if (slot != NO_SLOT) {
    const l = dataLine(core, slot);
    if (toShared) {
      if (tracing && l.state != SHARED) {
        traceLine(time, core, LEVEL_L1D, line, l.state, SHARED, cause);
      }
      l.state = SHARED;
    } else {
      dropData(core, l, slot, time, cause);
    }
  }
  if (had) wakeWatchers(core, line);
  if (!toShared) loseCode(core, line, time, cause);
}

function losePrivate(core: usize, line: u32, toShared: bool, time: u64, cause: u32): bool {
  const found = findPrivate(core, line);
  if (!found) return false;
  const l = changetype<Line>(changetype<usize>(found));
  const state: u8 = toShared ? SHARED : INVALID;
  if (tracing && l.state != state) {
    traceLine(time, core, LEVEL_PRIVATE, line, l.state, state, cause);
  }
  l.state = state;
  if (!toShared) l.lru = 0;
  return true;
}

/** The unit's code copy of a line goes. */
export function loseCode(core: usize, line: u32, time: u64, cause: u32): void {
  const slot = findCode(core, line);
  if (slot == NO_SLOT) return;
  const l = codeLine(core, slot);
  if (tracing) traceLine(time, core, LEVEL_L1I, line, l.state, INVALID, cause);
  l.state = INVALID;
  l.lru = 0;
  dropFetchFilters(core, line);
}
