// The filter of a CPU: linear line -> host address, for lines that its L1D holds and its TLB
// translates. It makes the common load one compare. It is a cache of those two and no state: an
// entry is dropped when the line leaves the L1D (filterDrop) or a translation may have changed
// (filterFlush).
import { CORE_FILTER, CORE_L1D } from "../abi";
import { Line, NO_SLOT, filterOf, findLine, setFilter } from "./cache";
import { Core } from "./core";
import { l1Sets, l1Ways, ramBase } from "./params";

/** Permissions of an entry, taken from the page. */
export const FILTER_USER_READ: u32 = 1;
export const FILTER_SUPERVISOR_WRITE: u32 = 2;
export const FILTER_USER_WRITE: u32 = 4;

export const FILTER_ENTRIES: u32 = 512;
const ENTRY_SHIFT: usize = 4;
/** Tag of an empty entry: odd, so no masked linear address equals it. */
const EMPTY: u64 = 1;

/**
 * Core block + CORE_FILTER + 16 * index.
 *
 *     0 | tag u64 | 8 | delta u32 | 12 | place << 8 | permissions u32 | 16
 *
 * `place` is the line's distance from core block + CORE_L1D in lines: its slot, and less than 0 in
 * the block of a second thread.
 */
@unmanaged
export class Filter {
  tag: u64;
  delta: u32;
  placeFlags: u32;

  @inline static of(core: usize, lin: u64): Filter {
    const offset = <usize>(lin >> 2) & ((FILTER_ENTRIES - 1) << ENTRY_SHIFT);
    return changetype<Filter>(core + CORE_FILTER + offset);
  }
}

/**
 * Enters the line of `lin`, which must be in the L1D; does nothing when it is not (its store is
 * buffered).
 */
export function filterFill(core: usize, lin: u64, phys: u64, permissions: u32): void {
  const c = Core.of(core);
  const lines = <usize>c.caches + CORE_L1D;
  const slot = findLine(lines, l1Sets, l1Ways, <u32>(phys >> 6));
  if (slot == NO_SLOT) return;
  const line = Line.at(lines, slot);
  const index = (<u32>(lin >> 6)) & (FILTER_ENTRIES - 1);
  // One entry a line: an alias of the same line at another linear address takes the place of the
  // former.
  if (filterOf(line, c.thread) != index + 1) filterDrop(core, line, slot);
  setFilter(line, c.thread, index + 1);
  const e = Filter.of(core, lin);
  e.tag = lin & ~63;
  e.delta = <u32>(ramBase + <usize>phys) - <u32>lin;
  e.placeFlags = <u32>(placeOf(core, slot) << 8) | permissions;
}

// @ts-ignore: decorator
@inline
function placeOf(core: usize, slot: u32): i32 {
  return (<i32>(Core.of(core).caches - <u32>core) >> 4) + <i32>slot;
}

/** The L1D line at `slot` is no longer readable: its entry, if it still has one, goes. */
export function filterDrop(core: usize, line: Line, slot: u32): void {
  const thread = Core.of(core).thread;
  const filter = filterOf(line, thread);
  if (!filter) return;
  const e = changetype<Filter>(core + CORE_FILTER + (<usize>(filter - 1) << ENTRY_SHIFT));
  if (<i32>e.placeFlags >> 8 == placeOf(core, slot)) e.tag = EMPTY;
  setFilter(line, thread, 0);
}

/** Every translation may have changed. */
export function filterFlush(core: usize): void {
  for (let i: u32 = 0; i < FILTER_ENTRIES; i++) {
    store<u64>(core + CORE_FILTER + (<usize>i << ENTRY_SHIFT), EMPTY);
  }
}

/** The translation of the 4 KiB page of `lin` may have changed. */
export function filterFlushPage(core: usize, lin: u64): void {
  for (let line: u64 = 0; line < 4096; line += 64) {
    const at = (lin & ~4095) + line;
    const e = Filter.of(core, at);
    if (e.tag == at) e.tag = EMPTY;
  }
}
