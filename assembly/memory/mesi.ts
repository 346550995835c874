// The protocol between the L1s of one cluster and its shared cache, as the textbook's table: for a
// request to a line that the cluster may use, what it costs, what the others lose and what the
// requester gets.
import { EXCLUSIVE, GETX, MODIFIED, SHARED } from "./protocol";

/** Who else in the cluster has the line. */
export const OTHERS_NONE: u32 = 0;
export const OTHERS_SHARED: u32 = 1;
export const OTHERS_OWNER: u32 = 2; // one sibling has it in E or M

/** Where the answer comes from: the row of latencies. */
export const FROM_SHARED: u8 = 0;
export const FROM_SIBLING_LOAD: u8 = 1;
export const FROM_SIBLING_UPGRADE: u8 = 2;
export const FROM_SIBLING_OWN: u8 = 3;

// A row: latency | what the siblings keep (their state after the snoop) | state granted
const NOT_SNOOPED: u8 = 0xff;
// @ts-ignore: decorator
@inline
const ROW: usize = 4;

// prettier-ignore
const TABLE = memory.data<u8>([
  //                 latency               siblings after  granted
  /* GETS  none   */ FROM_SHARED,              NOT_SNOOPED,    EXCLUSIVE, 0,
  /* GETS  shared */ FROM_SHARED,              NOT_SNOOPED,    SHARED,    0,
  /* GETS  owner  */ FROM_SIBLING_LOAD,    SHARED,         SHARED,    0,
  /* GETX  none   */ FROM_SHARED,              NOT_SNOOPED,    MODIFIED,  0,
  /* GETX  shared */ FROM_SIBLING_UPGRADE, 0 /*INVALID*/,  MODIFIED,  0,
  /* GETX  owner  */ FROM_SIBLING_OWN,     0 /*INVALID*/,  MODIFIED,  0,
]);

/**
 * The row for a request of `kind` (GETS, GETI or GETX) when the others hold the line as `others`.
 */
// @ts-ignore: decorator
@inline
export function transition(kind: u8, others: u32): usize {
  return TABLE + <usize>((kind == GETX ? 3 : 0) + others) * ROW;
}

/** FROM_*: where the answer comes from. */
// @ts-ignore: decorator
@inline
export function servedFrom(row: usize): u8 {
  return load<u8>(row);
}

/** Siblings lose something. */
// @ts-ignore: decorator
@inline
export function snoops(row: usize): bool {
  return load<u8>(row, 1) != NOT_SNOOPED;
}

/** State that the siblings keep when snooped. */
// @ts-ignore: decorator
@inline
export function siblingsKeep(row: usize): u8 {
  return load<u8>(row, 1);
}

/** State that the requester's L1 gets. */
// @ts-ignore: decorator
@inline
export function granted(row: usize): u8 {
  return load<u8>(row, 2);
}
