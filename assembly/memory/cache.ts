// A set-associative array of lines with exact LRU: tags and MESI states, no data. The L1s of a core
// use it as it is; the shared cache of a cluster has lines of its own with a directory in them
// (shared-cache.ts).
import { INVALID } from "./protocol";

/** findLine() found nothing. */
export const NO_SLOT: u32 = 0xffffffff;

/**
 * A line of an L1.
 *
 *     0 | tag u32: physical address >> 6 | 4 | state u8 | 5 | filters u24 | 8 | lru u64 | 16
 *
 * `filters`: for each thread of the unit 12 bits, 1 + the index of its filter entry that names this
 * line, or 0. They are no state.
 */
@unmanaged
export class Line {
  tag: u32;
  state: u8;
  filtersLow: u8;
  filtersHigh: u16;
  /** Cycle of the last use. */
  lru: u64;
  static readonly BYTES: usize = 16;

  @inline static at(base: usize, slot: u32): Line {
    return changetype<Line>(base + (<usize>slot << 4));
  }
}

/** The filter entry of `thread` that names the line: 1 + its index, or 0. */
// @ts-ignore: decorator
@inline
export function filterOf(line: Line, thread: u32): u32 {
  return (load<u32>(changetype<usize>(line), 4) >>> (8 + 12 * thread)) & 0xfff;
}

export function setFilter(line: Line, thread: u32, filter: u32): void {
  const shift = 8 + 12 * thread;
  const others = load<u32>(changetype<usize>(line), 4) & ~(<u32>0xfff << shift);
  store<u32>(changetype<usize>(line), others | (filter << shift), 4);
}

/** The slot of the line with `tag` in a valid state, or NO_SLOT. `sets` is a power of two. */
export function findLine(base: usize, sets: u32, ways: u32, tag: u32): u32 {
  const first = (tag & (sets - 1)) * ways;
  for (let way: u32 = 0; way < ways; way++) {
    const line = Line.at(base, first + way);
    if (line.tag == tag && line.state != INVALID) return first + way;
  }
  return NO_SLOT;
}

/** The slot that a new line with `tag` takes: an invalid one, else the least recently used. */
export function victimSlot(base: usize, sets: u32, ways: u32, tag: u32): u32 {
  const first = (tag & (sets - 1)) * ways;
  let best = first;
  let oldest = u64.MAX_VALUE;
  for (let way: u32 = 0; way < ways; way++) {
    const line = Line.at(base, first + way);
    if (line.state == INVALID) return first + way;
    if (line.lru < oldest) {
      oldest = line.lru;
      best = first + way;
    }
  }
  return best;
}
