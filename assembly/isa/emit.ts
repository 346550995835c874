// Writing records: where they go, and the micro-operations around a memory operand (record.ts).
import { LINE, TMP0, TMP1, ZERO } from "./cpu";
import { Insn, slotOf } from "./operand";
import { ADDRESS32, CONTINUES, Op, Rec, REC_BYTES, REP, REPNE, STACK, clearRec } from "./record";

/**
 * Where the next record goes, and the offset of the instruction in its line: scratch of one decode.
 */
let cursor: usize = 0;
let offset: u32 = 0;

/** Write from `p` on, for the instruction at offset `at` of its line. */
export function emitAt(p: usize, at: u32): void {
  cursor = p;
  offset = at;
}

/** The address after the last record written. */
export function emitEnd(): usize {
  return cursor;
}

/** Log2 of an operand size: _8 + sizeIndex is the op of that size. */
// @ts-ignore: decorator
@inline
export function sizeIndex(size: u32): u32 {
  return ctz<u32>(size);
}

export function emit(i: Insn, op: u32): Rec {
  const rec = clearRec(cursor);
  cursor += REC_BYTES;
  rec.op = <u16>op;
  rec.off = <u8>offset;
  rec.len = <u8>i.len;
  rec.nextOff = <u8>(offset + i.len);
  rec.size = <u8>i.size;
  rec.cc = <u8>(i.opcode & 15);
  rec.imm = i.imm;
  rec.flags = <u8>((i.rep ? REP : 0) | (i.repne ? REPNE : 0));
  return rec;
}

/** emit() with the memory operand. */
export function emitMemory(i: Insn, op: u32): Rec {
  const rec = emit(i, op);
  rec.b = <u8>i.base;
  rec.x = <u8>i.index;
  rec.scale = <u8>i.scale;
  rec.disp = <i32>i.disp;
  if (i.stack) rec.flags |= <u8>STACK;
  return rec;
}

export function emitD(i: Insn, op: u32, d: u32): Rec {
  const rec = emit(i, op);
  rec.d = <u8>d;
  return rec;
}

export function emitS(i: Insn, op: u32, s: u32): Rec {
  const rec = emit(i, op);
  rec.s = <u8>s;
  return rec;
}

export function emitDS(i: Insn, op: u32, d: u32, s: u32): Rec {
  const rec = emit(i, op);
  rec.d = <u8>d;
  rec.s = <u8>s;
  return rec;
}

/**
 * The record has no room for a segment, a 32-bit address or a long displacement: compute such an
 * address before.
 */
export function simplifyAddress(i: Insn, lea: bool): void {
  if (i.base == LINE) i.disp += <i64>(offset + i.len);
  const segment = lea ? 0 : i.segment;
  if (!segment && !i.address32 && <i64>(<i32>i.disp) == i.disp) return;
  const rec = emitMemory(i, Op.ADDRESS);
  rec.imm = i.disp;
  if (segment) rec.s = <u8>segment;
  if (i.address32) rec.flags |= <u8>ADDRESS32;
  i.base = TMP1;
  i.index = ZERO;
  i.disp = 0;
  i.stack = false;
}

// @ts-ignore: decorator
@inline
export function inMemory(i: Insn): bool {
  return i.mod != 3;
}

/** The register with the value of operand E, which is only read. */
export function readE(i: Insn, size: u32): u32 {
  if (!inMemory(i)) return slotOf(i, i.rm, size);
  emitMemory(i, Op.LD_8 + sizeIndex(size)).d = <u8>TMP0;
  return TMP0;
}

/** The register with the value of operand E, which is read and written: ends with finishE(). */
export function modifyE(i: Insn): u32 {
  if (!inMemory(i)) return slotOf(i, i.rm, i.size);
  emitMemory(i, i.lock ? Op.LDLOCK : Op.LDRMW);
  return TMP0;
}

export function finishE(i: Insn): void {
  if (!inMemory(i)) return;
  const rec = emit(i, i.lock ? Op.STLOCK : Op.STRMW);
  rec.flags |= <u8>CONTINUES;
}

// @ts-ignore: decorator
@inline
export function slotG(i: Insn): u32 {
  return slotOf(i, i.reg, i.size);
}

