// An entry of the store buffer: what is known of one store between its retirement and its commit.
import { CORE_SB } from "../abi";
import { Line, NO_SLOT } from "./cache";
import { Core } from "./core";
import { dataLine, findData } from "./l1";
import { EXCLUSIVE } from "./protocol";

/** Places in the ring; a machine uses M_SB_ENTRIES of them. */
export const SB_PLACES: u32 = 64;
/** The ring comes round. */
export const SB_INDEX: u32 = SB_PLACES - 1;

/**
 * Core block + CORE_SB + 32 * index.
 *
 *     0 | phys u32 | 4 | size, source u8 | label u16 | 8 | issue u64 | 16 | value u64 |
 *     24 | delay u32 | 28 | slot u32 | 32
 */
@unmanaged
export class Store {
  phys: u32;
  size: u8;
  /** Counters only: where its line came from, SERVED_L1 if it was owned. */
  source: u8;
  label: u16;
  /** Cycle at which the store entered the buffer. */
  issue: u64;
  value: u64;
  /** Cycles after which it may leave the buffer, as far as the store itself is concerned. */
  delay: u32;
  /** L1D slot at which its line was seen last, to be looked at first. */
  slot: u32;

  @inline get ready(): u64 {
    return this.issue + this.delay;
  }

  @inline static at(core: usize, index: u32): Store {
    return changetype<Store>(core + CORE_SB + (<usize>(index & SB_INDEX) << 5));
  }
}

/** The L1D line that the store may commit to, or null: not owned. */
// @ts-ignore: decorator
@inline
export function ownedLine(core: usize, e: Store): Line | null {
  const tag = e.phys >>> 6;
  const same = dataLine(core, e.slot);
  if (same.tag == tag && same.state >= EXCLUSIVE) return same;
  return findOwned(core, e, tag);
}

function findOwned(core: usize, e: Store, tag: u32): Line | null {
  const slot = findData(core, tag);
  if (slot == NO_SLOT) return null;
  e.slot = slot;
  const line = dataLine(core, slot);
  return line.state >= EXCLUSIVE ? line : null;
}

/** The head may leave the buffer from this cycle on, if its line is owned. */
// @ts-ignore: decorator
@inline
export function headReady(core: usize, c: Core): u64 {
  return max(max(Store.at(core, c.sbHead).ready, c.sbLastCommit + 1), c.headOwned);
}
