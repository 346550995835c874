// From a linear address to the records of the instruction there: the fetch filter, and behind it
// translation, the instruction cache (through the memory port) and the decoder.
import { Core } from "../memory/core";
import { FETCH_ENTRIES, FetchEntry } from "../memory/fetch-filter";
import { portFetch } from "../memory/port";
import { hostOf } from "../memory/ram";
import { onReturn } from "../memory/trace";
import { Cpu, GP, canonical, raise } from "./cpu";
import {
  CODE_LINE_BYTES, CodeLine, codeByte, decodeCrossing, decodeFrom, dropLine, openLine, recordAt,
} from "./decode";
import { NO_ADDRESS, translateFetch } from "./paging";
import { Rec, REC_BYTES } from "./record";
import { SCRATCH_BYTES, openScratch } from "./scratch";

/** Lines decoded at a time, a power of two: 256 KiB of code. */
const LINES: usize = 4096;

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

/** Whatever is decoded may be of other bytes than those that the adopted cores may execute. */
export function forgetDecoded(): void {
  for (let i: usize = 0; i < LINES; i++) dropLine(cache + i * CODE_LINE_BYTES);
}

/**
 * The place of a line. Neighbours in linear memory never share one, because the low six bits of
 * their line numbers are those of the linear line: a crossing instruction can hold on to both.
 */
// @ts-ignore: decorator
@inline
function slotOfLine(physLine: u32): usize {
  return cache + <usize>((physLine ^ (physLine >> 12 << 6)) & <u32>(LINES - 1)) * CODE_LINE_BYTES;
}

/** Where the lines that the core may execute are decoded is not known; until adoptFetches(). */
export function orphanFetches(core: usize): void {
  for (let i: u32 = 0; i < FETCH_ENTRIES; i++) FetchEntry.at(core, i).decoded = 0;
}

/** Lines that the core may execute are decoded by this worker from now on. */
export function adoptFetches(core: usize): void {
  for (let i: u32 = 0; i < FETCH_ENTRIES; i++) {
    const e = FetchEntry.at(core, i);
    e.decoded = <u32>slotOfLine(e.physLine);
  }
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

/** The jump whose target is being looked up, and the decoded line that it is in. */
let linkFrom: usize = 0;
let linkLine: usize = 0;
let linkGeneration: u32 = 0;

/**
 * The record before the target of jump record p, which goes to `rip`, if the jump knows it and it
 * is still right for this core; else 0. A link is the target record (aux), its line and that line's
 * generation (imm): it saves the loads that depend on each other in a look-up.
 */
// @ts-ignore: decorator
@inline
export function follow(core: usize, base: u64, rip: u64, p: usize): usize {
  const rec = Rec.at(p);
  // Within the line under execution there is nothing to verify: its records go all together.
  if ((rip ^ base) < 64 && rec.aux) return <usize>rec.aux - REC_BYTES;
  const e = FetchEntry.of(core, rip);
  const line = <usize>(<u32>rec.imm);
  if (
    e.tag == ((rip & ~63) | <u64>Cpu.of(core).fetchUser) && <usize>e.decoded == line &&
    CodeLine.at(line).generation == <u32>(rec.imm >> 32) && CodeLine.at(line).physLine == e.physLine
  ) return <usize>rec.aux - REC_BYTES;
  beginLink(core, base, p);
  return 0;
}

function beginLink(core: usize, base: u64, p: usize): void {
  linkLine = findLine(core, base);
  linkFrom = linkLine ? p : 0;
  if (linkLine) linkGeneration = CodeLine.at(linkLine).generation;
}

/** fetchRecord() at the start of a run: no jump led here. */
export function fetchFirst(core: usize, rip: u64): usize {
  linkFrom = 0;
  return fetchRecord(core, rip);
}

/** fetchRecord() at the end of an instruction: links the jump that led here. */
export function fetchTarget(core: usize, rip: u64): usize {
  const p = fetchRecord(core, rip);
  const from = linkFrom;
  linkFrom = 0;
  // Bringing in the target may have taken the place of the jump.
  if (!p || !from || CodeLine.at(linkLine).generation != linkGeneration) return p;
  const line = findLine(core, rip);
  Rec.at(from).aux = <u32>p;
  Rec.at(from).imm = <i64>(<u64>line | (<u64>CodeLine.at(line).generation << 32));
  return p;
}

/** The first record of the instruction at `rip`; 0 = stall or fault. */
function fetchRecord(core: usize, rip: u64): usize {
  let line = findLine(core, rip);
  if (!line) line = fetchLine(core, rip);
  if (!line) return 0;
  const off = <u32>rip & 63;
  if (Core.of(core).returned) onReturn(core, (<u64>CodeLine.at(line).physLine << 6) | off);
  const p = recordAt(line, off);
  return p ? p : decodeFrom(line, off);
}

/**
 * Before an instruction that ends in the line after `base`: this core may execute that line too,
 * and the records behind CROSS record `p` are of its present bytes. False = stall or fault.
 */
export function fetchCrossing(core: usize, base: u64, p: usize): bool {
  const lin = base + 64;
  let next = findLine(core, lin);
  if (!next) next = fetchLine(core, lin);
  if (!next) return false;
  const cross = Rec.at(p);
  if (<usize>cross.disp != next || cross.imm != <i64>CodeLine.at(next).generation) {
    decodeCrossing(p, next);
  }
  return true;
}

/** Copy up to `count` bytes of code at `lin`, as far as this core holds their lines. */
export function copyCode(core: usize, lin: u64, to: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const line = findLine(core, lin + i);
    store<u8>(to + i, line ? codeByte(line, <u32>(lin + i) & 63) : 0);
  }
}
