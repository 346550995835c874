// The shared memory: its words one after the other, in the order of their addresses. Equal contents
// are one record, and what a store makes of one is remembered.
import { allocate } from "../memory/arena";
import { sharedCount, sharedWord } from "../memory/granule";
import { Table, intern, openTable } from "../memory/intern";
import { hostOf, loadSized, storeSized } from "../memory/ram";
import { Entry } from "./buffer";

/** 0 | hash | 4 | pad | 8 | words u64.. */
@unmanaged
export class Shared {
  hash: u32;
  pad: u32;
  static readonly WORDS: usize = 8;
}

/** A store on a memory.   0 | hash | 4 | before | 8 | entry | 12 | after | 16 */
@unmanaged
class Commit {
  hash: u32;
  before: Shared;
  entry: Entry;
  after: Shared;
  static readonly BYTES: usize = 16;
}

let memories: Table = changetype<Table>(0);
let commits: Table = changetype<Table>(0);

export function openShared(): void {
  memories = openTable();
  commits = openTable();
}

function fresh(): Shared {
  return changetype<Shared>(allocate(Shared.WORDS + (<usize>sharedCount << 3)));
}

function settled(m: Shared): Shared {
  return changetype<Shared>(intern(memories, changetype<usize>(m), Shared.WORDS, sharedCount << 1));
}

/** As the program finds it. */
export function initialShared(): Shared {
  const m = fresh();
  const words = changetype<usize>(m) + Shared.WORDS;
  for (let i: u32 = 0; i < sharedCount; i++) {
    store<u64>(words + (<usize>i << 3), load<u64>(hostOf(<u64>sharedWord(i) << 3)));
  }
  return settled(m);
}

// @ts-ignore: decorator
@inline
export function readShared(m: Shared, offset: u32, size: u32): u64 {
  return loadSized(changetype<usize>(m) + Shared.WORDS + offset, size);
}

/** The memory after a store. */
export function commit(m: Shared, e: Entry): Shared {
  const c = changetype<Commit>(allocate(Commit.BYTES));
  c.before = m;
  c.entry = e;
  const found = changetype<Commit>(intern(commits, changetype<usize>(c), 4, 2));
  if (found != c) return found.after;
  const after = fresh();
  memory.copy(
    changetype<usize>(after) + Shared.WORDS, changetype<usize>(m) + Shared.WORDS,
    <usize>sharedCount << 3,
  );
  storeSized(changetype<usize>(after) + Shared.WORDS + e.offset, e.size, e.value);
  c.after = settled(after);
  return c.after;
}

/** Put the shared words into RAM. */
export function restoreShared(m: Shared): void {
  const words = changetype<usize>(m) + Shared.WORDS;
  for (let i: u32 = 0; i < sharedCount; i++) {
    store<u64>(hostOf(<u64>sharedWord(i) << 3), load<u64>(words + (<usize>i << 3)));
  }
}
