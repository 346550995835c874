// The private caches of a core: filling and losing lines, with what hangs on them: the filter, the
// fetch filter, the presence bits of the shared cache.
import { CORE_CODE_PAGES, CORE_L1D, CORE_L1I, RUN_PARKED } from "../abi";
import { Line, NO_SLOT, findLine, victimSlot } from "./cache";
import { Core } from "./core";
import { fetchFilterDrop } from "./fetch-filter";
import { filterDrop } from "./filter";
import { findMshr } from "./mshr";
import { l1Sets, l1Ways, tracing } from "./params";
import { INVALID, MODIFIED, SHARED } from "./protocol";
import { SharedLine, findShared } from "./shared-cache";
import { TRACE_LOST, trace } from "./trace";

/** The L1D slot of a line in a valid state, or NO_SLOT. */
// @ts-ignore: decorator
@inline
export function findData(core: usize, line: u32): u32 {
  return findLine(core + CORE_L1D, l1Sets, l1Ways, line);
}

/** The L1I slot of a line, or NO_SLOT. */
// @ts-ignore: decorator
@inline
export function findCode(core: usize, line: u32): u32 {
  return findLine(core + CORE_L1I, l1Sets, l1Ways, line);
}

/** Presence bit of a core's L1D (or L1I) in the shared cache. */
// @ts-ignore: decorator
@inline
export function dataBit(slot: u32): u32 {
  return 1 << slot;
}

// @ts-ignore: decorator
@inline
export function codeBit(slot: u32): u32 {
  return 0x10000 << slot;
}

/** Puts a line into the L1D in `state` at cycle `time`, evicting another if the set is full. */
export function fillData(core: usize, l2: usize, line: u32, state: u8, time: u64): void {
  let slot = findData(core, line);
  if (slot == NO_SLOT) {
    slot = victimSlot(core + CORE_L1D, l1Sets, l1Ways, line);
    const victim = Line.at(core + CORE_L1D, slot);
    if (victim.state != INVALID) evictData(core, l2, victim, slot);
  }
  const l = Line.at(core + CORE_L1D, slot);
  l.tag = line;
  l.state = state;
  if (l.lru < time) l.lru = time;
}

function evictData(core: usize, l2: usize, victim: Line, slot: u32): void {
  const c = Core.of(core);
  const shared = findShared(l2, victim.tag);
  // A line that is promised to this core in another state is on its way: the directory speaks of
  // that copy.
  if (shared && !findMshr(core, victim.tag)) {
    const s = changetype<SharedLine>(changetype<usize>(shared));
    s.presence &= ~dataBit(c.slot);
    if (s.owner == <u8>(c.slot + 1)) {
      s.owner = 0;
      if (victim.state == MODIFIED) s.state = MODIFIED;
    }
  }
  filterDrop(core, victim, slot);
  victim.state = INVALID;
  victim.lru = 0;
}

/** Puts a code line into the L1I at cycle `time`. */
export function fillCode(core: usize, l2: usize, line: u32, time: u64): void {
  let slot = findCode(core, line);
  if (slot == NO_SLOT) {
    slot = victimSlot(core + CORE_L1I, l1Sets, l1Ways, line);
    const victim = Line.at(core + CORE_L1I, slot);
    if (victim.state != INVALID) {
      const shared = findShared(l2, victim.tag);
      if (shared) {
        const s = changetype<SharedLine>(changetype<usize>(shared));
        s.presence &= ~codeBit(Core.of(core).slot);
      }
      fetchFilterDrop(core, victim.tag);
    }
  }
  const page = line >>> 6;
  const at = core + <usize>((page >>> 3) & 1023);
  store<u8>(at, load<u8>(at, CORE_CODE_PAGES) | (<u8>1 << <u8>(page & 7)), CORE_CODE_PAGES);
  const l = Line.at(core + CORE_L1I, slot);
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
  const byte = load<u8>(core + <usize>((phys >>> 15) & 1023), CORE_CODE_PAGES);
  return ((<u32>byte >>> ((phys >>> 12) & 7)) & 1) != 0;
}

/** The core's copies of a line are invalidated, or downgraded to Shared, at cycle `time`. */
export function loseLine(core: usize, line: u32, toShared: bool, time: u64): void {
  const c = Core.of(core);
  // A store at the head of the buffer that was ready before asks again now, not in the past.
  if (c.headOwned < time) c.headOwned = time;
  const slot = findData(core, line);
  if (slot != NO_SLOT) {
    const l = Line.at(core + CORE_L1D, slot);
    if (toShared) {
      l.state = SHARED;
    } else {
      filterDrop(core, l, slot);
      l.state = INVALID;
      l.lru = 0;
    }
    if (tracing) trace(time, c.cpu, TRACE_LOST, 0, 64, <u64>line << 6, <u64>toShared);
    if (c.run == RUN_PARKED) c.recheck = 1;
  }
  if (!toShared) loseCode(core, line);
}

/** The core's code copy of a line goes. */
export function loseCode(core: usize, line: u32): void {
  const slot = findCode(core, line);
  if (slot == NO_SLOT) return;
  Line.at(core + CORE_L1I, slot).state = INVALID;
  Line.at(core + CORE_L1I, slot).lru = 0;
  fetchFilterDrop(core, line);
}
