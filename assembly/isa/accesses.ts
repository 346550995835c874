// What an instruction is as its records tell: its length, its operands, how many bytes of memory it
// reads and writes, and where its memory operand is. The tests compare it with another decoder.
import { TMP1, ZERO } from "./cpu";
import { conditionOf, operands } from "./operands";
import { ADDRESS32, Op, Rec, REC_BYTES, REP, REPNE, STACK } from "./record";

// Accesses.flags; the others are those of the records
const LOCKED: u32 = 64;
/** The records contradict each other. */
const TORN: u32 = 128;

/**
 *     0 | length | op | reads | writes | 16 | operand | base | index | scale | 32 | disp i64 |
 *    40 | segment | flags | 48 | operands | condition | 56 | 64 | operands [4] of 16 bytes | 128
 *
 * u32 each unless said otherwise. `op` is that of the body; `operand` is 1 with a memory operand.
 */
@unmanaged
export class Accesses {
  length: u32;
  op: u32;
  reads: u32;
  writes: u32;
  operand: u32;
  base: u32;
  index: u32;
  scale: u32;
  disp: i64;
  segment: u32;
  flags: u32;
  operands: u32;
  condition: u32;
  pad0: u64;

  static readonly BYTES: usize = 128;

  // @ts-ignore: decorator
  @inline static at(out: usize): Accesses {
    return changetype<Accesses>(out);
  }
}
const OPERANDS_AT: usize = 64;

/** Bytes that a record reads. */
function readsOf(rec: Rec): u32 {
  const op = <i32>rec.op;
  const size = <u32>rec.size;
  if (op >= Op.LD_8 && op <= Op.LD_64) return <u32>1 << <u32>(op - Op.LD_8);
  if (op >= Op.MOV_RM_8 && op <= Op.MOV_RM_64) return <u32>1 << <u32>(op - Op.MOV_RM_8);
  switch (op) {
    case Op.LDRMW: case Op.LDLOCK: case Op.POP_M: case Op.POPF: case Op.POP_SEG: case Op.MOVS:
    case Op.LODS: case Op.SCAS: case Op.OUTS: return size;
    case Op.MOVZX_RM_8: case Op.MOVSX_RM_8_32: case Op.MOVSX_RM_8_64: case Op.XLAT: return 1;
    case Op.MOVZX_RM_16: case Op.MOVSX_RM_16_32: case Op.MOVSX_RM_16_64: case Op.POP_16:
    case Op.LEAVE_16: return 2;
    case Op.MOVSX_RM_32_64: return 4;
    case Op.POP_R: case Op.LEAVE: case Op.RET: case Op.RET_IMM: case Op.CMPXCHG8B: return 8;
    case Op.CMPXCHG16B: return 16;
    case Op.CMPS: case Op.RET_FAR: return size << 1;
    case Op.LOAD_FAR: case Op.JMP_FAR: case Op.CALL_FAR: return size + 2;
    case Op.LGDT: case Op.LIDT: return 10;
    case Op.IRET: return size * 5;
    default: return 0;
  }
}

/** Bytes that a record writes. */
function writesOf(rec: Rec): u32 {
  const op = <i32>rec.op;
  const size = <u32>rec.size;
  if (op >= Op.MOV_MR_8 && op <= Op.MOV_MR_64) return <u32>1 << <u32>(op - Op.MOV_MR_8);
  switch (op) {
    case Op.LDRMW: case Op.LDLOCK: case Op.MOV_MI: case Op.POP_M: case Op.PUSHF: case Op.PUSH_SEG:
    case Op.MOVS: case Op.STOS: case Op.INS: case Op.MOVBE_M: return size;
    case Op.SETCC_M: return 1;
    case Op.PUSH_16: case Op.MOV_FROM_SEG_M: case Op.SLDT_M: case Op.STR_M: case Op.SMSW_M:
      return 2;
    case Op.PUSH_R: case Op.PUSH_I: case Op.CALL: case Op.CALL_R: case Op.CMPXCHG8B: return 8;
    case Op.CMPXCHG16B: return 16;
    case Op.SGDT: case Op.SIDT: return 10;
    case Op.CALL_FAR: return size << 1;
    default: return 0;
  }
}

/** Whether the record has a memory operand: the stack and the strings are none. */
function hasOperand(rec: Rec): bool {
  const op = <i32>rec.op;
  if (op >= Op.LD_8 && op <= Op.LDLOCK) return true;
  if (op >= Op.MOV_RM_8 && op <= Op.MOV_MI) return true;
  if (op >= Op.MOVSX_RM_8_32 && op <= Op.LEA_64) return true;
  switch (op) {
    case Op.ADDRESS: case Op.BIT_ADDRESS: case Op.MOVZX_RM_8: case Op.MOVZX_RM_16: case Op.LEA_16:
    case Op.SETCC_M: case Op.MOVBE_M: case Op.POP_M: case Op.CMPXCHG8B: case Op.CMPXCHG16B:
    case Op.LOAD_FAR: case Op.JMP_FAR: case Op.CALL_FAR: case Op.LGDT: case Op.LIDT: case Op.SGDT:
    case Op.SIDT: case Op.MOV_FROM_SEG_M: case Op.SLDT_M: case Op.STR_M: case Op.SMSW_M:
    case Op.INVLPG: case Op.CLFLUSH: return true;
    default: return false;
  }
}

/** A micro-operation around the body. */
function isPart(op: i32): bool {
  return op <= Op.STLOCK;
}

/** The first record with the memory operand: all of it is there. */
function firstOperand(a: Accesses, rec: Rec): void {
  a.operand = 1;
  a.base = rec.b;
  a.index = rec.x;
  a.scale = rec.scale;
  a.disp = rec.op == Op.ADDRESS ? rec.imm : rec.disp;
  if (rec.op == Op.ADDRESS && rec.s != ZERO) a.segment = rec.s;
  a.flags |= <u32>rec.flags & (ADDRESS32 | STACK);
}

/**
 * A further one: where the address was computed before it names just that, else the same operand
 * again.
 */
function nextOperand(a: Accesses, rec: Rec, computed: bool): void {
  const same = computed
    ? rec.b == TMP1 && rec.x == ZERO && !rec.disp
    : rec.b == a.base && rec.x == a.index && rec.disp == a.disp;
  if (!same) a.flags |= TORN;
}

/** The instruction whose records are from `p` up to `end`, to `out`. */
export function accesses(p: usize, end: usize, out: usize): void {
  const a = Accesses.at(out);
  memory.fill(out, 0, Accesses.BYTES);
  let computed = false;
  let read: u32 = 0;
  let bodies: u32 = 0;
  for (; p < end; p += REC_BYTES) {
    const rec = Rec.at(p);
    const op = <i32>rec.op;
    a.length = rec.len;
    a.reads += readsOf(rec);
    a.writes += writesOf(rec);
    if (hasOperand(rec)) {
      if (a.operand) nextOperand(a, rec, computed);
      else firstOperand(a, rec);
      if (op == Op.ADDRESS || op == Op.BIT_ADDRESS) computed = true;
    }
    if (op == Op.LDRMW || op == Op.LDLOCK) read = rec.size;
    if (op == Op.LDLOCK) a.flags |= LOCKED;
    // What was read is written, in the same way and size
    if (op == Op.STRMW && (rec.size != read || a.flags & LOCKED)) a.flags |= TORN;
    if (op == Op.STLOCK && (rec.size != read || !(a.flags & LOCKED))) a.flags |= TORN;
    if (isPart(op)) continue;
    bodies++;
    a.op = op;
    a.flags |= <u32>rec.flags & (REP | REPNE);
    a.operands = operands(rec, out + OPERANDS_AT);
    a.condition = conditionOf(rec);
  }
  if (bodies != 1) a.flags |= TORN;
}
