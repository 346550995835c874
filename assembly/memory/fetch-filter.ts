// The fetch filter of a core: linear code line -> decoded line (isa/fetch.ts). An entry is valid
// only while the core may execute the line and its TLB translates it, so it is dropped when either
// goes. It is a cache, not state.
import { CORE_FETCH, CORE_LIMIT_MASK } from "../abi";

export const FETCH_ENTRIES: u32 = 256;
const ENTRY_SHIFT: usize = 4;
/** Tag of an empty entry: no line address has this bit. */
const EMPTY: u64 = 2;

/**
 * Core block + CORE_FETCH + 16 * index.   0 | tag u64: line | user | 8 | decoded u32 | 12 |
 * physLine u32 | 16
 */
@unmanaged
export class FetchEntry {
  /** Linear address of the line; bit 0 is set in entries for CPL 3. */
  tag: u64;
  /** Address of the decoded line, which may have been given to another line since. */
  decoded: u32;
  /** Physical address >> 6. */
  physLine: u32;

  // @ts-ignore: decorator
  @inline static of(core: usize, lin: u64): FetchEntry {
    return changetype<FetchEntry>(
      core + CORE_FETCH + (<usize>(lin >> 2) & ((FETCH_ENTRIES - 1) << ENTRY_SHIFT)),
    );
  }

  // @ts-ignore: decorator
  @inline static at(core: usize, index: u32): FetchEntry {
    return changetype<FetchEntry>(core + CORE_FETCH + (<usize>index << ENTRY_SHIFT));
  }
}

/** The core may no longer execute this line, or its bytes changed. */
export function fetchFilterDrop(core: usize, physLine: u32): void {
  for (let i: u32 = 0; i < FETCH_ENTRIES; i++) {
    const e = FetchEntry.at(core, i);
    if (e.physLine == physLine) e.tag = EMPTY;
  }
  leaveLine(core);
}

/**
 * What was dropped may be the line under execution: leave after the instruction, so that it is
 * looked up again. If it went on to its end, a run that stops in between would look it up earlier
 * than one that does not, and pay for a walk that the other one does not make.
 */
// @ts-ignore: decorator
@inline
function leaveLine(core: usize): void {
  store<u64>(core, 0, CORE_LIMIT_MASK);
}

/** The translation of the 4 KiB page of `lin` goes, or may have changed. */
export function fetchFilterFlushPage(core: usize, lin: u64): void {
  for (let line: u64 = 0; line < 4096; line += 64) {
    const at = (lin & ~4095) + line;
    const e = FetchEntry.of(core, at);
    // With the bit of CPL 3, or without
    if ((e.tag & ~1) == at) e.tag = EMPTY;
  }
  leaveLine(core);
}

/** Every translation may have changed. */
export function fetchFilterFlush(core: usize): void {
  for (let i: u32 = 0; i < FETCH_ENTRIES; i++) FetchEntry.at(core, i).tag = EMPTY;
  leaveLine(core);
}
