// Store buffers as lists that share their tails: a store, and the younger ones behind it. Draining
// is following a pointer. Equal buffers are one record.
import { allocate } from "../memory/arena";
import { bitsOf } from "../memory/granule";
import { Table, intern, openTable } from "../memory/intern";

/** A store to shared memory.   0 | hash | 4 | offset | 8 | size | 12 | pad | 16 | value u64 | 24 */
@unmanaged
export class Entry {
  hash: u32;
  offset: u32;
  size: u32;
  pad: u32;
  value: u64;
  static readonly BYTES: usize = 24;
}

/**
 * The oldest store and the rest; 0 is the empty buffer.   0 | hash | 4 | head | 8 | rest | 12 |
 * count | 16 | mask u64: shared words of all its stores | 24
 */
@unmanaged
export class Buffer {
  hash: u32;
  head: Entry;
  rest: Buffer | null;
  count: u32;
  mask: u64;
  static readonly BYTES: usize = 24;
}

let entries: Table = changetype<Table>(0);
let buffers: Table = changetype<Table>(0);

export function openBuffers(): void {
  entries = openTable();
  buffers = openTable();
}

export function entryOf(offset: u32, size: u32, value: u64): Entry {
  const e = changetype<Entry>(allocate(Entry.BYTES));
  e.offset = offset;
  e.size = size;
  e.pad = 0;
  e.value = value;
  return changetype<Entry>(intern(entries, changetype<usize>(e), 4, 5));
}

function cons(head: Entry, rest: Buffer | null): Buffer {
  const b = changetype<Buffer>(allocate(Buffer.BYTES));
  b.head = head;
  b.rest = rest;
  const found = changetype<Buffer>(intern(buffers, changetype<usize>(b), 4, 2));
  if (found == b) {
    b.count = rest == null ? 1 : rest.count + 1;
    b.mask = bitsOf(head.offset, head.size) | (rest == null ? 0 : rest.mask);
  }
  return found;
}

/** The buffer with one more store, the youngest. */
export function append(b: Buffer | null, e: Entry): Buffer {
  return b == null ? cons(e, null) : cons(b.head, append(b.rest, e));
}

// @ts-ignore: decorator
@inline
export function countOf(b: Buffer | null): u32 {
  return b == null ? 0 : b.count;
}

/** Bits of the low `size` bytes. */
// @ts-ignore: decorator
@inline
export function bitsBelow(size: u32): u64 {
  return size == 8 ? ~0 : ((<u64>1) << (size << 3)) - 1;
}

/** What the stores of a buffer say of an access: the value, and the bits of it that they cover. */
export let heldValue: u64 = 0;
export let heldBits: u64 = 0;
/** The youngest of them covers all of it. */
export let heldWhole: bool = false;

/** Byte by byte, a younger store hides an older one. */
export function overlay(b: Buffer | null, offset: u32, size: u32): void {
  heldValue = heldBits = 0;
  heldWhole = false;
  let i = b;
  while (i != null) {
    const e = i.head;
    i = i.rest;
    if (offset >= e.offset + e.size || e.offset >= offset + size) continue;
    const up = e.offset > offset ? (e.offset - offset) << 3 : 0;
    const down = offset > e.offset ? (offset - e.offset) << 3 : 0;
    const bits = (bitsBelow(e.size) >> down << up) & bitsBelow(size);
    heldBits |= bits;
    heldValue = (heldValue & ~bits) | ((e.value >> down << up) & bits);
    heldWhole = bits == bitsBelow(size);
  }
}
