// Decoded code lines: the records of one 64-byte line of physical memory, decoded as they are first
// reached and kept with a copy of the bytes they came from. One cache per worker, shared by its
// CPUs. It is no state: whatever it holds, execution is the same.
import { history } from "../memory/params";
import { Accesses, accesses } from "./accesses";
import { crack, crackEnds, crackTooLong } from "./crack";
import { M } from "./opcodes";
import { Insn, INSTRUCTION_BYTES, LONG, PARSED, SHORT, insn, parse } from "./operand";
import { Op, Rec, REC_BYTES, clearRec } from "./record";
import { scratchRecords } from "./scratch";

/** Most records of one line; more instructions than that begin anew (Op.MORE). */
const RECORDS: u32 = 60;
/**
 * Most records of one instruction, with what may have to follow it: HISTORY, CROSS, ADDRESS,
 * BIT_ADDRESS, LD, op, ST, NEXT.
 */
const RECORDS_EACH: u32 = 8;
/** RAM ends far below. */
const NO_LINE: u32 = 0xffffffff;
const LINE_SHIFT: u32 = 6;
const LINE_MASK: u32 = 63;

/**
 * 0 | physLine u32 | 4 | generation u32 | 8 | count u32 | 16 | bytes [64] | 80 | map [64] | 160 |
 * records
 */
@unmanaged
export class CodeLine {
  /** Physical address >> 6. */
  physLine: u32;
  /** Never the same again for other contents of any line. */
  generation: u32;
  /** Records in use. */
  count: u32;

  // @ts-ignore: decorator
  @inline static at(line: usize): CodeLine {
    return changetype<CodeLine>(line);
  }
}
const BYTES_AT: usize = 16;
const MAP_AT: usize = 80;
/** Records are numbered from 1, so that 0 in the map is "not decoded". */
const RECORDS_AT: usize = 160 - REC_BYTES;
export const CODE_LINE_BYTES: usize = 160 + <usize>RECORDS * REC_BYTES;

/** The record that decodes the byte at `off`, 0 for none yet. */
// @ts-ignore: decorator
@inline
export function recordAt(line: usize, off: usize): usize {
  const index = <usize>load<u8>(line + off, MAP_AT);
  return index ? line + RECORDS_AT + index * REC_BYTES : 0;
}

/** The byte at `off` of the line. */
export function codeByte(line: usize, off: u32): u8 {
  return load<u8>(line + off, BYTES_AT);
}

let generations: u32 = 0;

/**
 * Give the slot at `line` to a line of memory with its bytes at `host`, unless it has just that.
 */
export function openLine(line: usize, physLine: u32, host: usize): void {
  const l = CodeLine.at(line);
  if (l.generation && l.physLine == physLine && sameBytes(line + BYTES_AT, host)) return;
  l.physLine = physLine;
  memory.copy(line + BYTES_AT, host, 64);
  emptyLine(line);
}

/** The slot holds nothing, and what refers to it finds another generation. */
export function dropLine(line: usize): void {
  const l = CodeLine.at(line);
  if (!l.generation) return;
  l.physLine = NO_LINE;
  emptyLine(line);
}

function sameBytes(a: usize, b: usize): bool {
  for (let i: usize = 0; i < 64; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false;
  return true;
}

function emptyLine(line: usize): void {
  const l = CodeLine.at(line);
  l.generation = ++generations;
  l.count = 0;
  memory.fill(line + MAP_AT, 0, 64);
}

/** Op.MORE: the line is full. */
export function decodeMore(line: usize, off: u32): usize {
  emptyLine(line);
  return decodeFrom(line, off);
}

/** A record of the line itself, not of an instruction. */
function link(line: usize, op: u32, off: u32): Rec {
  const rec = clearRec(nextRecord(line));
  rec.op = <u16>op;
  rec.off = <u8>off;
  rec.nextOff = <u8>off;
  CodeLine.at(line).count++;
  return rec;
}

// @ts-ignore: decorator
@inline
function nextRecord(line: usize): usize {
  return line + RECORDS_AT + <usize>(CodeLine.at(line).count + 1) * REC_BYTES;
}

/**
 * Decode from `off` to the end of the line, a jump or a byte decoded before. Returns the first
 * record.
 */
export function decodeFrom(line: usize, off: u32): usize {
  const l = CodeLine.at(line);
  const first = nextRecord(line);
  while (off <= LINE_MASK) {
    const known = recordAt(line, off);
    if (known) {
      link(line, Op.JOIN, off).aux = <u32>known;
      return first;
    }
    if (l.count + RECORDS_EACH + 1 > RECORDS) {
      link(line, Op.MORE, off).aux = <u32>line;
      return first;
    }
    store<u8>(line + off, <u8>(l.count + 1), MAP_AT);
    if (history) link(line, Op.HISTORY, off);
    const i = insn();
    i.bytes0 = load<u64>(line + off, BYTES_AT);
    i.bytes1 = load<u64>(line + off, BYTES_AT + 8);
    parse(min(INSTRUCTION_BYTES, 64 - off));
    if (i.state == SHORT) {
      link(line, Op.CROSS, off).aux = <u32>line;
      l.count += RECORDS_EACH - 1; // room for the instruction, see decodeCrossing()
      return first;
    }
    if (crackOne(line, i, off)) return first;
    off += i.len;
  }
  link(line, Op.NEXT, off);
  return first;
}

/** Write the records of the instruction; true if no other can follow. */
function crackOne(line: usize, i: Insn, off: u32): bool {
  const l = CodeLine.at(line);
  const p = nextRecord(line);
  if (i.state == LONG) {
    crackTooLong(i, p, off);
    l.count++;
    return true;
  }
  l.count += <u32>((crack(i, p, off) - p) / REC_BYTES);
  return crackEnds();
}

/**
 * The instruction behind CROSS record `p` of `line` ends in the line after, decoded at `next`:
 * write its records, and remember the bytes that they came from by `next` and its generation.
 */
export function decodeCrossing(p: usize, next: usize): void {
  const cross = Rec.at(p);
  const line = <usize>cross.aux;
  const off = <u32>cross.off;
  const head: u32 = 64 - off;
  const i = insn();
  const scratch = changetype<usize>(i);
  for (let n: u32 = 0; n < 16; n++) {
    const from = n < head ? line + off + n : next + n - head;
    const byte = load<u8>(from, BYTES_AT);
    store<u8>(scratch + n, byte);
  }
  parse(INSTRUCTION_BYTES);
  cross.disp = <i32>next;
  cross.imm = CodeLine.at(next).generation;
  const at = p + REC_BYTES;
  let end: usize;
  if (i.state == PARSED) {
    end = crack(i, at, off);
    if (crackEnds()) return;
  } else {
    crackTooLong(i, at, off);
    return;
  }
  const rec = clearRec(end);
  rec.op = <u16>Op.NEXT;
  rec.off = rec.nextOff = <u8>(off + i.len);
}

/** End of the records that decodeLength() made last. */
let crackedEnd: usize = 0;

/**
 * Length of the instruction whose bytes are at `at`; 0 if there is none (UD0 to UD2 count as one),
 * more than 15 if it is too long.
 */
export function decodeLength(at: usize): u32 {
  const i = insn();
  i.bytes0 = load<u64>(at);
  i.bytes1 = load<u64>(at, 8);
  parse(INSTRUCTION_BYTES);
  if (i.state != PARSED) return INSTRUCTION_BYTES + 1;
  crackedEnd = crack(i, scratchRecords, 0);
  const last = crackedEnd - REC_BYTES;
  return Rec.at(last).op == Op.UD && (i.row & 0xff) != M.UD2 ? 0 : i.len;
}

/** All of it (accesses.ts), to `out`; its length there is decodeLength(). */
export function decodeAccesses(at: usize, out: usize): void {
  const length = decodeLength(at);
  Accesses.at(out).length = length;
  if (!length || length > INSTRUCTION_BYTES) return;
  accesses(scratchRecords, crackedEnd, out);
}

/**
 * Row of the instruction at `at`, 0 if there is none: opcode | opcode map << 8 | 10H << 8 for a
 * register operand E, 20H << 8 for a group, with ModRM reg << 16.
 */
export function decodeRow(at: usize): u32 {
  if (!decodeLength(at)) return 0;
  const i = insn();
  const register = i.hasModrm && i.mod == 3 ? 0x10 : 0;
  const key = i.opcode | ((i.map | register) << 8);
  if (!i.group) return key;
  // 0F 01 F8 and F9 are two instructions.
  const rm = (i.row & 0xff) == M.INVLPG && register ? i.rm << 20 : 0;
  return key | 0x2000 | ((i.reg & 7) << 16) | rm;
}
