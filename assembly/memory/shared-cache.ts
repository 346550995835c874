// The shared cache of a cluster: inclusive of its cores' L1s, with the directory that tells which
// of them hold a line. Its state is what the cluster may do; a line in E or M may be owned by one
// L1.
import { check } from "../check";
import { INVALID } from "./protocol";
import { l2Sets, l2Ways } from "./params";

/**
 *     0 | tag u32 | 4 | state u8 | 5 | owner u8 | 6 | hold u8 | 7 | pending u8 |
 *     8 | presence u32 | pad u32 | 16 | lru u64 | 24 | done u64 | 32
 *
 * `owner`: 1 + slot of the core whose L1D has the line in E or M, 0 for none. `presence`: bit s =
 * L1D of slot s, bit 16 + s = its L1I. `done`, `hold`: the last hand-over was granted at cycle
 * `done`, and its winner keeps the line for `hold` cycles. `pending`: a request to the home agent
 * is under way, the line may not be evicted.
 */
@unmanaged
export class SharedLine {
  tag: u32;
  state: u8;
  owner: u8;
  hold: u8;
  pending: u8;
  presence: u32;
  pad0: u32;
  lru: u64;
  done: u64;
  static readonly BYTES: usize = 32;

  @inline static at(base: usize, slot: u32): SharedLine {
    return changetype<SharedLine>(base + (<usize>slot << 5));
  }
}

/** Bytes of the array. */
export function sharedCacheBytes(): usize {
  return <usize>(l2Sets * l2Ways) * SharedLine.BYTES;
}

/** The line with `tag`, or null. */
export function findShared(base: usize, tag: u32): SharedLine | null {
  const first = (tag & (l2Sets - 1)) * l2Ways;
  for (let way: u32 = 0; way < l2Ways; way++) {
    const line = SharedLine.at(base, first + way);
    if (line.tag == tag && line.state != INVALID) return line;
  }
  return null;
}

/**
 * The place for a new line with `tag`: an invalid one, else the least recently used. Lines with a
 * request at the home agent, or granted for a cycle from `start` on, stay. There is always another:
 * the buses do not deliver as many lines in a window as a set has ways.
 */
export function victimShared(base: usize, tag: u32, start: u64): SharedLine {
  const first = (tag & (l2Sets - 1)) * l2Ways;
  let best = SharedLine.at(base, first);
  let oldest = u64.MAX_VALUE;
  for (let way: u32 = 0; way < l2Ways; way++) {
    const line = SharedLine.at(base, first + way);
    if (line.state == INVALID) return line;
    if (!line.pending && line.done < start && line.lru < oldest) {
      oldest = line.lru;
      best = line;
    }
  }
  check(oldest != u64.MAX_VALUE);
  return best;
}
