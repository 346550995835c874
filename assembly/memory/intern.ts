// Hash-consing: one copy of every record, so that equal things have equal addresses and a state of
// the whole program is a handful of them. Open addressing; a record begins with its key's hash.
import { allocate, arenaFull, release } from "./arena";

/** 0 | slots u32: address of `mask + 1` record addresses | 4 | mask | 8 | count | 12 */
@unmanaged
export class Table {
  slots: u32;
  mask: u32;
  count: u32;
  static readonly BYTES: usize = 16;
}

const FIRST_SLOTS: u32 = 256;

export function openTable(): Table {
  const t = changetype<Table>(allocate(Table.BYTES));
  t.slots = <u32>newSlots(FIRST_SLOTS);
  t.mask = FIRST_SLOTS - 1;
  t.count = 0;
  return t;
}

function newSlots(count: u32): usize {
  const bytes = <usize>count << 2;
  const slots = allocate(bytes);
  if (!arenaFull()) memory.fill(slots, 0, bytes);
  return slots;
}

// @ts-ignore: decorator
@inline
export function mix(hash: u64, word: u32): u64 {
  const h = (hash ^ word) * 0x9e3779b97f4a7c15;
  return h ^ (h >> 29);
}

/** Hash of `words` u32s. */
// @ts-ignore: decorator
@inline
export function hashWords(key: usize, words: u32): u32 {
  let h: u64 = words;
  for (let i: u32 = 0; i < words; i++) h = mix(h, load<u32>(key + (<usize>i << 2)));
  return <u32>(h >> 32) ^ <u32>h;
}

// @ts-ignore: decorator
@inline
function equal(a: usize, b: usize, words: u32): bool {
  for (let i: usize = 0; i < <usize>words << 2; i += 4) {
    if (load<u32>(a + i) != load<u32>(b + i)) return false;
  }
  return true;
}

/**
 * The record with the key of `candidate`, which was allocated last: an older one, and `candidate`
 * is given back, or `candidate` itself. The key is `words` u32s at offset `at` of a record; where
 * keys differ in length their first word says it.
 */
// @ts-ignore: decorator
@inline
export function intern(t: Table, candidate: usize, at: usize, words: u32): usize {
  const hash = hashWords(candidate + at, words);
  let i = hash & t.mask;
  for (;;) {
    const found = <usize>load<u32>(<usize>t.slots + (<usize>i << 2));
    if (!found) break;
    if (load<u32>(found) == hash && equal(found + at, candidate + at, words)) {
      release(candidate);
      return found;
    }
    i = (i + 1) & t.mask;
  }
  store<u32>(candidate, hash);
  store<u32>(<usize>t.slots + (<usize>i << 2), <u32>candidate);
  t.count++;
  if (t.count << 1 > t.mask) widen(t);
  return candidate;
}

/** Twice the slots. */
function widen(t: Table): void {
  const count = (t.mask + 1) << 1;
  const slots = newSlots(count);
  if (arenaFull()) return;
  const mask = count - 1;
  for (let n: u32 = 0; n <= t.mask; n++) {
    const record = load<u32>(<usize>t.slots + (<usize>n << 2));
    if (!record) continue;
    let i = load<u32>(<usize>record) & mask;
    while (load<u32>(slots + (<usize>i << 2))) i = (i + 1) & mask;
    store<u32>(slots + (<usize>i << 2), record);
  }
  t.slots = <u32>slots;
  t.mask = mask;
}
