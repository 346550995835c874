// From a linear address to the records of the instruction there: the fetch filter, and behind it translation, the
// instruction cache (through the memory port) and the decoder.
import { FetchEntry } from "../memory/fetch-filter";
import { portFetch } from "../memory/port";
import { hostOf } from "../memory/ram";
import { Cpu, GP, canonical, raise } from "./cpu";
import {
  CODE_LINE_BYTES, CodeLine, codeByte, decodeCrossing, decodeFrom, openLine, recordAt,
} from "./decode";
import { NO_ADDRESS, translateFetch } from "./paging";
import { Rec } from "./record";
import { SCRATCH_BYTES, openScratch } from "./scratch";

/** Lines decoded at a time, a power of two: 512 KiB of code. */
const LINES: usize = 8192;

let cache: usize = 0;

/** Bytes of one worker's cache of decoded lines. */
export function decodeBytes(): usize {
  return SCRATCH_BYTES + LINES * CODE_LINE_BYTES;
}

/** This worker's cache of decoded lines, zero at first. */
export function openDecode(base: usize): void {
  openScratch(base);
  cache = base + SCRATCH_BYTES;
}

/**
 * The place of a line. Neighbours in linear memory never share one, because the low six bits of their line
 * numbers are those of the linear line: a crossing instruction can hold on to both.
 */
// @ts-ignore: decorator
@inline
function slotOfLine(physLine: u32): usize {
  return cache + <usize>((physLine ^ (physLine >> 13 << 6)) & <u32>(LINES - 1)) * CODE_LINE_BYTES;
}

/** The decoded line of `lin` if this core may execute it and it is still in its place; else 0. */
// @ts-ignore: decorator
@inline
export function findLine(core: usize, lin: u64): usize {
  const e = FetchEntry.of(core, lin);
  if (e.tag != ((lin & ~63) | <u64>Cpu.of(core).fetchUser)) return 0;
  const line = <usize>e.decoded;
  return CodeLine.at(line).physLine == e.physLine ? line : 0;
}

/** The decoded line of `lin`, brought in if need be; 0 = stall or fault. */
export function fetchLine(core: usize, lin: u64): usize {
  const e = FetchEntry.of(core, lin);
  const tag = (lin & ~63) | <u64>Cpu.of(core).fetchUser;
  if (e.tag == tag) {
    // The core still may execute it: only its place was taken, which is nobody's business outside.
    const line = slotOfLine(e.physLine);
    openLine(line, e.physLine, hostOf(<u64>e.physLine << 6));
    return line;
  }
  if (!canonical(lin)) {
    raise(core, GP, 0);
    return 0;
  }
  const phys = translateFetch(core, lin);
  if (phys == NO_ADDRESS) return 0;
  const host = portFetch(core, phys & ~63);
  if (!host) return 0;
  const physLine = <u32>(phys >> 6);
  const line = slotOfLine(physLine);
  openLine(line, physLine, host);
  e.tag = tag;
  e.physLine = physLine;
  e.decoded = <u32>line;
  return line;
}

/** The first record of the instruction at `rip`; 0 = stall or fault. */
export function fetchRecord(core: usize, rip: u64): usize {
  let line = findLine(core, rip);
  if (!line) line = fetchLine(core, rip);
  if (!line) return 0;
  const off = <u32>rip & 63;
  const p = recordAt(line, off);
  return p ? p : decodeFrom(line, off);
}

/**
 * Before an instruction that ends in the line after `base`: this core may execute that line too, and the
 * records behind CROSS record `p` are of its present bytes. False = stall or fault.
 */
export function fetchCrossing(core: usize, base: u64, p: usize): bool {
  const lin = base + 64;
  let next = findLine(core, lin);
  if (!next) next = fetchLine(core, lin);
  if (!next) return false;
  const cross = Rec.at(p);
  if (<usize>cross.disp != next || cross.imm != <i64>CodeLine.at(next).generation) decodeCrossing(p, next);
  return true;
}

/** Copy up to `count` bytes of code at `lin`, as far as this core holds their lines. */
export function copyCode(core: usize, lin: u64, to: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const line = findLine(core, lin + i);
    store<u8>(to + i, line ? codeByte(line, <u32>(lin + i) & 63) : 0);
  }
}
