// What an instruction does to memory as its records tell: how many bytes it reads and writes, and
// where its memory operand is. The tests compare it with another decoder.
import { Op, Rec, REC_BYTES } from "./record";

/** reads u32 | writes u32 | base u32 | index u32 | scale u32 | disp i32 | has an operand u32 */
@unmanaged
export class Accesses {
  reads: u32;
  writes: u32;
  base: u32;
  index: u32;
  scale: u32;
  disp: i32;
  operand: u32;

  // @ts-ignore: decorator
  @inline static at(out: usize): Accesses {
    return changetype<Accesses>(out);
  }
}

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

/** The accesses of the instruction whose records are from `p` up to `end`, to `out`. */
export function accesses(p: usize, end: usize, out: usize): void {
  const a = Accesses.at(out);
  memory.fill(out, 0, 28);
  for (; p < end; p += REC_BYTES) {
    const rec = Rec.at(p);
    a.reads += readsOf(rec);
    a.writes += writesOf(rec);
    if (a.operand || !hasOperand(rec)) continue;
    a.operand = 1;
    a.base = rec.b;
    a.index = rec.x;
    a.scale = rec.scale;
    a.disp = rec.op == Op.ADDRESS ? <i32>rec.imm : rec.disp;
  }
}
