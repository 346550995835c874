// Who reads and writes which memory: words of eight bytes, each shared or not. A word that one
// thread alone touches, or that nobody writes, is part of that thread's own state: no other thread
// can tell when it is read or written. Nobody knows beforehand which words those are. So every word
// counts as unshared at first, and when a second thread touches one that is written, the search
// begins again with that word shared: at the end no such touch was met, so none was missed.
import { allocate, arenaNext } from "./arena";
import { Table, intern, openTable } from "./intern";
import { hostOf } from "./ram";

/** Words shared at most; a program beyond it is too large to explore. */
export const SHARED_MAX: u32 = 4096;
/** Unshared words that one thread writes at most. */
export const PRIVATE_MAX: u32 = 16384;
/** Granule.slot of a word that is not shared. */
export const UNSHARED: u32 = 0xffffffff;
/** Granule.owned when no thread keeps it. */
export const UNOWNED: u32 = 0xffffffff;

/**
 *     0 | hash | 4 | word u32: physical address >> 3 | 8 | readers | 12 | writers |
 *     16 | slot u32: place in the shared memory | 20 | owned u32: place in the writer's list |
 *     24 | code u32: the line that begins here was executed (1), written (2) | 28
 */
@unmanaged
export class Granule {
  hash: u32;
  word: u32;
  readers: u32;
  writers: u32;
  slot: u32;
  owned: u32;
  code: u32;
  static readonly BYTES: usize = 28;
}

let table: Table = changetype<Table>(0);
/** Physical addresses >> 3 of the shared words, ascending. */
let shared: usize = 0;
export let sharedCount: u32 = 0;
/** Threads' lists of unshared words that they write: address >> 3 and initial value, 16 bytes. */
let owned: usize = 0;
let ownedCounts: usize = 0;
/** A word has to be shared, or a limit was hit: the search must begin again. */
export let conflict: bool = false;
export let tooManyWords: bool = false;
/** What the engine does not explore was met: REFUSED_*, and the search ends. */
export let refused: u32 = 0;
export const REFUSED_CODE: u32 = 1;
export const REFUSED_STEP: u32 = 2;
/** What is shared stays as it is: a conflict is told, but nothing is learnt from it. */
let fixed: bool = false;
/** Before this address in the arena lies what a new search keeps. */
export let granulesEnd: usize = 0;

/** A new program: nothing is shared. Lists are kept for `threads`. */
export function openGranules(threads: u32): void {
  shared = allocate(<usize>(SHARED_MAX + 4) << 2);
  owned = allocate(<usize>threads * PRIVATE_MAX << 4);
  ownedCounts = allocate(<usize>threads << 2);
  sharedCount = 0;
  tooManyWords = false;
  granulesEnd = arenaNext();
}

/** A new search: the shared words in their places, nothing touched yet. */
export function resetGranules(threads: u32): void {
  conflict = false;
  refused = 0;
  memory.fill(ownedCounts, 0, <usize>threads << 2);
  table = openTable();
  for (let i: u32 = 0; i < sharedCount; i++) granuleOf(sharedWord(i)).slot = i;
}

// @ts-ignore: decorator
@inline
export function sharedWord(index: u32): u32 {
  return load<u32>(shared + (<usize>index << 2));
}

function granuleOf(word: u32): Granule {
  const g = changetype<Granule>(allocate(Granule.BYTES));
  g.word = word;
  g.readers = g.writers = 0;
  g.slot = UNSHARED;
  g.owned = UNOWNED;
  g.code = 0;
  return changetype<Granule>(intern(table, changetype<usize>(g), 4, 1));
}

/** One run of a search that has ended: it may go where a search that was cut short has not been. */
export function fixShared(on: bool): void {
  fixed = on;
  conflict = false;
  refused = 0;
}

export function refuse(why: u32): void {
  refused = why;
  conflict = true;
}

/** Make a word shared in the next search, in the order of addresses. */
export function share(word: u32): void {
  conflict = true;
  if (fixed) return;
  let i = sharedCount;
  for (let n: u32 = 0; n < sharedCount; n++) if (sharedWord(n) == word) return;
  if (sharedCount == SHARED_MAX) {
    tooManyWords = true;
    return;
  }
  while (i > 0 && sharedWord(i - 1) > word) {
    store<u32>(shared + (<usize>i << 2), sharedWord(i - 1));
    i--;
  }
  store<u32>(shared + (<usize>i << 2), word);
  sharedCount++;
}

/**
 * Thread `thread` accesses `size` bytes, at most 8. Returns the offset in the shared memory, or
 * UNSHARED. An access over two words makes them both shared or both unshared, so that it has one
 * place.
 */
export function touch(thread: u32, phys: u64, size: u32, write: bool): u32 {
  const first = <u32>(phys >> 3);
  const last = <u32>((phys + size - 1) >> 3);
  const slot = touchWord(thread, first, write);
  if (first != last) {
    const other = touchWord(thread, last, write);
    if ((slot == UNSHARED) != (other == UNSHARED)) share(slot == UNSHARED ? first : last);
  }
  return slot == UNSHARED ? UNSHARED : (slot << 3) + (<u32>phys & 7);
}

function touchWord(thread: u32, word: u32, write: bool): u32 {
  const g = granuleOf(word);
  if (g.slot != UNSHARED) return g.slot;
  const bit = <u32>1 << thread;
  const writers = write ? g.writers | bit : g.writers;
  const all = g.readers | g.writers | bit;
  if (writers && all & (all - 1)) {
    share(word);
    return UNSHARED;
  }
  g.writers = writers;
  if (!write) g.readers |= bit;
  if (write && g.owned == UNOWNED) own(thread, g);
  return UNSHARED;
}

const EXECUTED: u32 = 1;
const WRITTEN: u32 = 2;

/** Code that any thread writes, before or after, is refused: what a fetch sees is not modelled. */
function markLine(phys: u64, as: u32): void {
  const g = granuleOf(<u32>(phys >> 6) << 3);
  g.code |= as;
  if (g.code == (EXECUTED | WRITTEN)) refuse(REFUSED_CODE);
}

export function markExecuted(phys: u64): void {
  markLine(phys, EXECUTED);
}

export function markWritten(phys: u64, size: u32): void {
  markLine(phys, WRITTEN);
  if ((phys & 63) + size > 64) markLine(phys + size - 1, WRITTEN);
}

/** From now on the word is part of the thread's state. */
function own(thread: u32, g: Granule): void {
  const n = ownedCount(thread);
  if (n == PRIVATE_MAX) {
    tooManyWords = true;
    conflict = true;
    return;
  }
  const at = ownedAt(thread, n);
  store<u32>(at, g.word);
  store<u64>(at, load<u64>(hostOf(<u64>g.word << 3)), 8);
  store<u32>(ownedCounts + (<usize>thread << 2), n + 1);
  g.owned = n;
}

// @ts-ignore: decorator
@inline
export function ownedCount(thread: u32): u32 {
  return load<u32>(ownedCounts + (<usize>thread << 2));
}

/** 0 | word u32 | 8 | initial value u64 | 16 */
// @ts-ignore: decorator
@inline
function ownedAt(thread: u32, index: u32): usize {
  return owned + (<usize>(thread * PRIVATE_MAX + index) << 4);
}

/** Host address of an unshared word that the thread writes. */
// @ts-ignore: decorator
@inline
export function ownedHost(thread: u32, index: u32): usize {
  return hostOf(<u64>load<u32>(ownedAt(thread, index)) << 3);
}

// @ts-ignore: decorator
@inline
export function ownedInitial(thread: u32, index: u32): u64 {
  return load<u64>(ownedAt(thread, index), 8);
}

/** Bit of a shared word in a mask: of more than 64 words several share a bit. */
// @ts-ignore: decorator
@inline
export function bitsOf(offset: u32, size: u32): u64 {
  if (!size) return 0;
  return ((<u64>1) << <u64>(offset >> 3 & 63)) | ((<u64>1) << <u64>((offset + size - 1) >> 3 & 63));
}
