// Orders of decisions of a cluster (Cluster.decisions) as ranks: only which came first matters.
import { check } from "../../check";

const RANK_LIMIT: u32 = 64;
export const RANKS_BYTES: usize = 8 * <usize>RANK_LIMIT;

let area: usize = 0;
let count: u32 = 0;

/** Starts an empty set at `base`. */
export function openRanks(base: usize): void {
  area = base;
  count = 0;
}

export function addRank(order: u64): void {
  for (let i: u32 = 0; i < count; i++) if (load<u64>(area + (<usize>i << 3)) == order) return;
  check(count < RANK_LIMIT);
  store<u64>(area + (<usize>count << 3), order);
  count++;
}

/** How many different orders of the set come before. */
export function rankOf(order: u64): u32 {
  let rank: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    if (load<u64>(area + (<usize>i << 3)) < order) rank++;
  }
  return rank;
}

export function rankCount(): u32 {
  return count;
}
