// The L1s of a unit: filling and losing lines, with what hangs on them: the filters and fetch
// filters of its threads, the presence bits of the shared cache. `core` is any thread of the unit.
import { CORE_CODE_PAGES, CORE_L1D, CORE_L1I } from "../abi";
import { Line, NO_SLOT, findLine, victimSlot } from "./cache";
import { Cluster, l2Of } from "./cluster";
import { Core, nextThread, wakeWatchers } from "./core";
import { fetchFilterDrop } from "./fetch-filter";
import { filterDrop } from "./filter";
import { Mshr, findMshr } from "./mshr";
import { l1Sets, l1Ways, tracing } from "./params";
import { GETI, INVALID, MODIFIED, SHARED } from "./protocol";
import { SharedLine, findShared } from "./shared-cache";
import { TRACE_LOST, trace } from "./trace";

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
    if (victim.state != INVALID) evictData(core, victim, slot);
  }
  const l = dataLine(core, slot);
  l.tag = line;
  if (fresh || l.state < state) l.state = state;
  if (l.lru < time) l.lru = time;
}

function evictData(core: usize, victim: Line, slot: u32): void {
  const c = Core.of(core);
  const shared = findShared(l2Of(Cluster.of(c.cluster)), victim.tag);
  // A line that is promised to the unit in another state is on its way: the directory speaks of
  // that copy.
  if (shared && !awaitsData(core, victim.tag)) {
    const s = changetype<SharedLine>(changetype<usize>(shared));
    s.presence &= ~dataBit(c.unit);
    if (s.owner == <u8>(c.unit + 1)) {
      s.owner = 0;
      if (victim.state == MODIFIED) s.state = MODIFIED;
    }
  }
  wakeWatchers(core, victim.tag);
  dropFilters(core, victim, slot);
  victim.state = INVALID;
  victim.lru = 0;
}

/** A thread of the unit has asked for the line as data. */
function awaitsData(core: usize, line: u32): bool {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (found && changetype<Mshr>(changetype<usize>(found)).kind != GETI) return true;
  }
  return false;
}

/** No thread of the unit may read the L1D line at `slot` any more. */
function dropFilters(core: usize, line: Line, slot: u32): void {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) filterDrop(t, line, slot);
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
      const shared = findShared(l2Of(Cluster.of(c.cluster)), victim.tag);
      if (shared) {
        const s = changetype<SharedLine>(changetype<usize>(shared));
        s.presence &= ~codeBit(c.unit);
      }
      dropFetchFilters(core, victim.tag);
    }
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

/** The unit's copies of a line are invalidated, or downgraded to Shared, at cycle `time`. */
export function loseLine(core: usize, line: u32, toShared: bool, time: u64): void {
  const slot = findData(core, line);
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const c = Core.of(t);
    // A store at the head of the buffer that was ready before asks again now, not in the past.
    if (c.headOwned < time) c.headOwned = time;
    if (tracing && slot != NO_SLOT) {
      trace(time, c.cpu, TRACE_LOST, 0, 64, <u64>line << 6, <u64>toShared);
    }
  }
  if (slot != NO_SLOT) {
    const l = dataLine(core, slot);
    if (toShared) {
      l.state = SHARED;
    } else {
      dropFilters(core, l, slot);
      l.state = INVALID;
      l.lru = 0;
    }
    wakeWatchers(core, line);
  }
  if (!toShared) loseCode(core, line);
}

/** The unit's code copy of a line goes. */
export function loseCode(core: usize, line: u32): void {
  const slot = findCode(core, line);
  if (slot == NO_SLOT) return;
  const l = codeLine(core, slot);
  l.state = INVALID;
  l.lru = 0;
  dropFetchFilters(core, line);
}
