// The explicit operands of an instruction as its records tell them, in the manual's order. The
// tests compare them with another decoder: what is listed here is what the op's body works on.
import { RAX, RCX, RDX, TMP0 } from "./cpu";
import { ADDRESS32, IMMEDIATE, Op, Rec } from "./record";

// What an operand is
const REGISTER: u32 = 1;
const SEGMENT: u32 = 2;
const CONTROL: u32 = 3;
const DEBUG: u32 = 4;
const CONSTANT: u32 = 5;
const MEMORY: u32 = 6;
const TARGET: u32 = 7;
/** The elements of a string, or of XLAT's table: `number` is the base of the source's segment. */
const STRING: u32 = 8;

/** kind u8 | size u8 | number u16 | 4 | 8 | value i64 | 16 */
const OPERAND_BYTES: usize = 16;

let to: usize = 0;
let first: usize = 0;

function operand(kind: u32, size: u32, number: u32 = 0, value: i64 = 0): void {
  store<u64>(to, kind | (size << 8) | (number << 16));
  store<i64>(to, value, 8);
  to += OPERAND_BYTES;
}

/** A place in the register file; TMP0 is what was loaded from memory. */
function place(size: u32, slot: u32): void {
  if (slot == TMP0) operand(MEMORY, 0);
  else operand(REGISTER, size, slot);
}

function pair(size: u32, a: u32, b: u32): void {
  place(size, a);
  place(size, b);
}

function constant(size: u32, value: i64): void {
  operand(CONSTANT, size, 0, value);
}

/** Operand size of an op of a row _8, _16, _32, _64 that begins with `op8`. */
// @ts-ignore: decorator
@inline
function sizeFrom(op: i32, op8: i32): u32 {
  return <u32>1 << <u32>(op - op8);
}

/** Ops in rows of sizes; false if `op` is none. */
function hot(rec: Rec, op: i32): bool {
  if (op >= Op.ADD_RR_8 && op <= Op.TEST_RI_64) {
    const size = <u32>1 << (<u32>(op - Op.ADD_RR_8) & 3);
    place(size, rec.d);
    if ((op - Op.ADD_RR_8) & 4) constant(size, rec.imm);
    else place(size, rec.s);
  } else if (op >= Op.MOV_RM_8 && op <= Op.MOV_RM_64) {
    place(sizeFrom(op, Op.MOV_RM_8), rec.d);
    operand(MEMORY, 0);
  } else if (op >= Op.MOV_MR_8 && op <= Op.MOV_MR_64) {
    operand(MEMORY, 0);
    place(sizeFrom(op, Op.MOV_MR_8), rec.s);
  } else if (op >= Op.MOV_RR_8 && op <= Op.MOV_RR_64) {
    pair(sizeFrom(op, Op.MOV_RR_8), rec.d, rec.s);
  } else if (op >= Op.MOV_RI_8 && op <= Op.MOV_RI_64) {
    const size = sizeFrom(op, Op.MOV_RI_8);
    place(size, rec.d);
    constant(size, rec.imm);
  } else if (op >= Op.INC_8 && op <= Op.INC_64) place(sizeFrom(op, Op.INC_8), rec.d);
  else if (op >= Op.DEC_8 && op <= Op.DEC_64) place(sizeFrom(op, Op.DEC_8), rec.d);
  else if (op >= Op.NEG_32 && op <= Op.NOT_64) place((op - Op.NEG_32) & 1 ? 8 : 4, rec.d);
  else if (op >= Op.SHL_32 && op <= Op.SAR_64) {
    place((op - Op.SHL_32) & 1 ? 8 : 4, rec.d);
    constant(1, rec.imm);
  } else if (op >= Op.JO && op <= Op.JG) operand(TARGET, 0, 0, rec.disp);
  else return extension(rec, op);
  return true;
}

/** MOVZX and MOVSX: a source narrower than the destination. */
function extension(rec: Rec, op: i32): bool {
  let from: u32 = 1;
  switch (op) {
    case Op.MOVZX_RM_8: case Op.MOVSX_RM_8_32: case Op.MOVSX_RM_8_64: case Op.MOVZX_RM_16:
    case Op.MOVSX_RM_16_32: case Op.MOVSX_RM_16_64: case Op.MOVSX_RM_32_64:
      place(rec.size, rec.d);
      operand(MEMORY, 0);
      return true;
    case Op.MOVSX_RR_32_64: from = 4; break;
    case Op.MOVZX_RR_16: case Op.MOVSX_RR_16_32: case Op.MOVSX_RR_16_64: from = 2; break;
    case Op.MOVZX_RR_8: case Op.MOVSX_RR_8_32: case Op.MOVSX_RR_8_64: case Op.MOVZX_16:
    case Op.MOVSX_16: break;
    default: return false;
  }
  place(rec.size, rec.d);
  place(from, rec.s);
  return true;
}

/** A source that is an immediate of a byte, or else the register `slot`. */
function byteOr(rec: Rec, size: u32, slot: u32): void {
  if (<u32>rec.flags & IMMEDIATE) constant(1, rec.imm);
  else place(size, slot);
}

/** Instructions of programs; false for another op. */
function program(rec: Rec, op: i32): bool {
  const size = <u32>rec.size;
  switch (op) {
    case Op.MOV_MI: operand(MEMORY, 0); constant(size, rec.imm); break;
    case Op.LEA_16: place(2, rec.d); operand(MEMORY, 0); break;
    case Op.LEA_32: place(4, rec.d); operand(MEMORY, 0); break;
    case Op.LEA_64: place(8, rec.d); operand(MEMORY, 0); break;
    case Op.IMUL_RR_16: case Op.CMOV_16: pair(2, rec.d, rec.s); break;
    case Op.IMUL_RR_32: case Op.CMOV_32: pair(4, rec.d, rec.s); break;
    case Op.IMUL_RR_64: case Op.CMOV_64: pair(8, rec.d, rec.s); break;
    case Op.IMUL_RI_16: pair(2, rec.d, rec.s); constant(2, rec.imm); break;
    case Op.IMUL_RI_32: pair(4, rec.d, rec.s); constant(4, rec.imm); break;
    case Op.IMUL_RI_64: pair(8, rec.d, rec.s); constant(8, rec.imm); break;
    case Op.SETCC: case Op.NEG_8: case Op.NOT_8: place(1, rec.d); break;
    case Op.NEG_16: case Op.NOT_16: case Op.POP_16: place(2, rec.d); break;
    case Op.SETCC_M: case Op.POP_M: case Op.CMPXCHG8B: case Op.CMPXCHG16B:
      operand(MEMORY, 0);
      break;
    case Op.SHIFT: place(size, rec.d); byteOr(rec, 1, rec.s); break;
    case Op.SHIFT_DOUBLE: pair(size, rec.d, rec.s); byteOr(rec, 1, RCX); break;
    case Op.MUL: case Op.IMUL: case Op.DIV: case Op.IDIV: place(size, rec.s); break;
    case Op.BT: case Op.BTS: case Op.BTR: case Op.BTC:
      place(size, rec.d);
      byteOr(rec, size, rec.s);
      break;
    case Op.BSF: case Op.BSR: case Op.POPCNT: case Op.LZCNT: case Op.TZCNT: case Op.XCHG_RR:
    case Op.XADD: case Op.CMPXCHG: case Op.MOVBE:
      pair(size, rec.d, rec.s);
      break;
    case Op.BSWAP: place(size, rec.d); break;
    case Op.XCHG_MR: case Op.MOVBE_M: operand(MEMORY, 0); place(size, rec.s); break;
    case Op.PUSH_R: case Op.CALL_R: case Op.JMP_R: place(8, rec.s); break;
    case Op.PUSH_I: constant(8, rec.imm); break;
    case Op.PUSH_16:
      if (<u32>rec.flags & IMMEDIATE) constant(2, rec.imm);
      else place(2, rec.s);
      break;
    case Op.POP_R: place(8, rec.d); break;
    case Op.CALL: case Op.JMP: operand(TARGET, 0, 0, rec.disp); break;
    case Op.LOOP: case Op.JRCXZ:
      operand(TARGET, <u32>rec.flags & ADDRESS32 ? 4 : 8, 0, rec.disp);
      break;
    case Op.RET_IMM: case Op.RET_FAR: constant(2, rec.imm); break;
    case Op.ENTER: constant(2, rec.imm); constant(1, rec.imm >> 16); break;
    case Op.INT: constant(1, rec.imm); break;
    case Op.ANDN: case Op.PEXT: case Op.PDEP: case Op.MULX:
      pair(size, rec.d, rec.x);
      place(size, rec.s);
      break;
    case Op.BLSR: case Op.BLSMSK: case Op.BLSI: pair(size, rec.d, rec.s); break;
    case Op.BZHI: case Op.BEXTR: case Op.SHLX: case Op.SARX: case Op.SHRX:
      pair(size, rec.d, rec.s);
      place(size, rec.x);
      break;
    case Op.RORX: pair(size, rec.d, rec.s); constant(1, rec.imm); break;
    case Op.MOVS: case Op.STOS: case Op.LODS: case Op.CMPS: case Op.SCAS: case Op.INS: case Op.OUTS:
      operand(STRING, size, rec.s, <u32>rec.flags & ADDRESS32 ? 4 : 8);
      break;
    case Op.XLAT: operand(STRING, 1, rec.s, <u32>rec.flags & ADDRESS32 ? 4 : 8); break;
    default: return false;
  }
  return true;
}

/** The port of IN and OUT. */
function port(rec: Rec): void {
  byteOr(rec, 2, RDX);
}

/** Instructions of kernels, and those with no operand. */
function kernel(rec: Rec, op: i32): void {
  const size = <u32>rec.size;
  switch (op) {
    case Op.IN: place(size, RAX); port(rec); break;
    case Op.OUT: port(rec); place(size, RAX); break;
    case Op.PUSH_SEG: case Op.POP_SEG: operand(SEGMENT, 0, rec.cc); break;
    case Op.MOV_SEG: operand(SEGMENT, 0, rec.cc); place(size, rec.s); break;
    case Op.MOV_FROM_SEG: place(size, rec.d); operand(SEGMENT, 0, rec.cc); break;
    case Op.MOV_FROM_SEG_M: operand(MEMORY, 0); operand(SEGMENT, 0, rec.cc); break;
    case Op.LOAD_FAR: place(size, rec.d); operand(MEMORY, 0); break;
    case Op.MOV_FROM_CR: place(8, rec.d); operand(CONTROL, 0, rec.cc); break;
    case Op.MOV_TO_CR: operand(CONTROL, 0, rec.cc); place(8, rec.s); break;
    case Op.MOV_FROM_DR: place(8, rec.d); operand(DEBUG, 0, rec.cc); break;
    case Op.MOV_TO_DR: operand(DEBUG, 0, rec.cc); place(8, rec.s); break;
    case Op.LLDT: case Op.LTR: case Op.VERR: case Op.VERW: case Op.LMSW: place(size, rec.s); break;
    case Op.LAR: case Op.LSL: pair(size, rec.d, rec.s); break;
    case Op.SLDT: case Op.STR: case Op.SMSW: case Op.RDFSBASE: case Op.RDGSBASE:
      place(size, rec.d);
      break;
    case Op.WRFSBASE: case Op.WRGSBASE: place(size, rec.s); break;
    case Op.JMP_FAR: case Op.CALL_FAR: case Op.LGDT: case Op.LIDT: case Op.SGDT: case Op.SIDT:
    case Op.SLDT_M: case Op.STR_M: case Op.SMSW_M: case Op.INVLPG: case Op.CLFLUSH:
      operand(MEMORY, 0);
  }
}

/** The operands of the record that is the body, to `out`; returns how many. */
export function operands(rec: Rec, out: usize): u32 {
  first = to = out;
  const op = <i32>rec.op;
  if (!hot(rec, op) && !program(rec, op)) kernel(rec, op);
  return <u32>((to - first) / OPERAND_BYTES);
}

/** Its condition code, counted from 1; 0 for an instruction without one. */
export function conditionOf(rec: Rec): u32 {
  const op = <i32>rec.op;
  if (op >= Op.JO && op <= Op.JG) return <u32>(op - Op.JO) + 1;
  switch (op) {
    case Op.CMOV_16: case Op.CMOV_32: case Op.CMOV_64: case Op.SETCC: case Op.SETCC_M:
      return rec.cc + 1;
    default: return 0;
  }
}
