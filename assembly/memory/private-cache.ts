// The private L2 of a unit, where the cluster's shared cache is an L3: an array of lines outside
// the core block. What the unit may do with a line is what its L2 says; the L1D holds a part of
// that, in the same state or, silently modified, in M where the L2 has E.
//
// Simplified: inclusive of the L1D, and it holds code lines too, in S, though the L1I may keep what
// it drops. No more than tags, states and LRU: l1.ts fills and empties it.
import { Line, NO_SLOT, findLine } from "./cache";
import { Core } from "./core";
import { l2Sets, l2Ways } from "./params";

/** Bytes of one unit's array. */
export function privateCacheBytes(): usize {
  return <usize>(l2Sets * l2Ways) * Line.BYTES;
}

/** The line in the unit's private L2, or null; the unit must have one. */
export function findPrivate(core: usize, line: u32): Line | null {
  const base = <usize>Core.of(core).l2;
  const slot = findLine(base, l2Sets, l2Ways, line);
  return slot == NO_SLOT ? null : Line.at(base, slot);
}
