// The shared cache of a cluster, its last level: inclusive of what its units hold, with the
// directory that tells which of them do. Its state is what the cluster may do; a line in E or M may
// be owned by one unit.
import { check } from "../check";
import { INVALID } from "./protocol";
import { sharedSets, sharedWays } from "./params";

/**
 *     0 | tag u32 | 4 | state u8 | 5 | owner u8 | 6 | hold u8 | 7 | pending u8 |
 *     8 | presence u32 | pad u32 | 16 | lru u64 | 24 | done u64 | 32
 *
 * `owner`: 1 + the unit that has the line in E or M, 0 for none. `presence`: bit u = unit u has it
 * as data (in its L1D, or in its private L2 if it has one), bit 16 + u = in its L1I. `done`,
 * `hold`: the last hand-over was granted at cycle `done`, and its winner keeps the line for `hold`
 * cycles. `pending`: a request to the home agent is under way, the line may not be evicted.
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
  return <usize>(sharedSets * sharedWays) * SharedLine.BYTES;
}

/** The line with `tag`, or null. */
export function findShared(base: usize, tag: u32): SharedLine | null {
  const first = (tag & (sharedSets - 1)) * sharedWays;
  for (let way: u32 = 0; way < sharedWays; way++) {
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
  const first = (tag & (sharedSets - 1)) * sharedWays;
  let best = SharedLine.at(base, first);
  let oldest = u64.MAX_VALUE;
  for (let way: u32 = 0; way < sharedWays; way++) {
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
