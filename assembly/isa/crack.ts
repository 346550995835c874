// From a parsed instruction to records: chooses the op, cracks memory operands off (record.ts). The
// system instructions are in crack-system.ts.
import { RAX, RCX, RSP, TMP1, ZERO } from "./cpu";
import { crackSystem } from "./crack-system";
import {
  emit, emitAt, emitD, emitDS, emitEnd, emitMemory, emitS, finishE, inMemory, modifyE, readE,
  simplifyAddress, sizeIndex, slotG,
} from "./emit";
import { F, FORM, M } from "./opcodes";
import { Insn, opcodeRegister, slotOf } from "./operand";
import { ADDRESS32, IMMEDIATE, Op } from "./record";

/** The instruction cracked last never goes on to the next one. */
let ends: bool = false;

/** ADD .. CMP and TEST: `ops` is the op of their RR_8 form. */
function crackAlu(i: Insn, ops: u32, writes: bool): void {
  const rr = ops + sizeIndex(i.size);
  const ri = rr + 4;
  switch (i.row & FORM) {
    case F.Gb_Eb:
    case F.Gv_Ev:
      emitDS(i, rr, slotG(i), readE(i, i.size));
      break;
    case F.AL_Ib:
    case F.rAX_Iz:
      emitD(i, ri, RAX);
      break;
    case F.Eb_Gb:
    case F.Ev_Gv:
      emitDS(i, rr, writes ? modifyE(i) : readE(i, i.size), slotG(i));
      if (writes) finishE(i);
      break;
    default:
      emitD(i, ri, writes ? modifyE(i) : readE(i, i.size));
      if (writes) finishE(i);
  }
}

/** INC, DEC, NOT, NEG: `op` is the op of their 8-bit form, or of their only one. */
function crackUnary(i: Insn, op: u32): void {
  emitD(i, op, modifyE(i));
  finishE(i);
}

/** NEG and NOT have hot ops for 32 and 64 bits only. */
function unaryOp(size: u32, op32: u32, op8: u32): u32 {
  return size >= 4 ? op32 + (size >> 3) : op8 + (size >> 1);
}

/** ROL .. SAR by an immediate, by 1 or by CL. */
function crackShift(i: Insn, operation: u32): void {
  const form = i.row & FORM;
  const byCl = form == F.Eb_CL || form == F.Ev_CL;
  if (form == F.Eb_1 || form == F.Ev_1) i.imm = 1;
  i.imm &= i.size == 8 ? 63 : 31;
  const d = modifyE(i);
  if (!byCl && i.imm && i.size >= 4 && operation >= <u32>M.SHL) {
    const wide = i.size >> 3;
    const op = operation == M.SHR ? Op.SHR_32 : operation == M.SAR ? Op.SAR_32 : Op.SHL_32;
    emitD(i, op + wide, d);
  } else {
    const rec = emitDS(i, Op.SHIFT, d, RCX);
    if (!byCl) rec.flags |= <u8>IMMEDIATE;
    rec.cc = <u8>(operation - M.ROL);
  }
  finishE(i);
}

function crackDoubleShift(i: Insn, right: bool): void {
  const rec0 = slotG(i);
  const rec = emitDS(i, Op.SHIFT_DOUBLE, modifyE(i), rec0);
  if ((i.row & FORM) == F.Ev_Gv_Ib) rec.flags |= <u8>IMMEDIATE;
  rec.cc = right ? 1 : 0;
  finishE(i);
}

function crackMov(i: Insn): void {
  const index = sizeIndex(i.size);
  switch (i.row & FORM) {
    case F.Eb_Gb:
    case F.Ev_Gv:
      if (inMemory(i)) emitMemory(i, Op.MOV_MR_8 + index).s = <u8>slotG(i);
      else emitDS(i, Op.MOV_RR_8 + index, slotOf(i, i.rm, i.size), slotG(i));
      break;
    case F.Gb_Eb:
    case F.Gv_Ev:
      if (inMemory(i)) emitMemory(i, Op.MOV_RM_8 + index).d = <u8>slotG(i);
      else emitDS(i, Op.MOV_RR_8 + index, slotG(i), slotOf(i, i.rm, i.size));
      break;
    case F.AL_Ob:
    case F.rAX_Ov:
      emitMemory(i, Op.MOV_RM_8 + index).d = <u8>RAX;
      break;
    case F.Ob_AL:
    case F.Ov_rAX:
      emitMemory(i, Op.MOV_MR_8 + index).s = <u8>RAX;
      break;
    case F.Zb_Ib:
    case F.Zv_Iv:
      emitD(i, Op.MOV_RI_8 + index, slotOf(i, opcodeRegister(i), i.size));
      break;
    default: // E, immediate
      if (inMemory(i)) emitMemory(i, Op.MOV_MI);
      else emitD(i, Op.MOV_RI_8 + index, slotOf(i, i.rm, i.size));
  }
}

/** MOVZX, MOVSX, MOVSXD: `from` is the size of the source. */
function crackExtend(i: Insn, from: u32, signed: bool): void {
  const d = i.reg << 3;
  if (i.size == 2) {
    if (from == 4) from = 2; // MOVSXD r16, r/m16
    const s = readE(i, from);
    const byteOp: u32 = signed ? <u32>Op.MOVSX_16 : <u32>Op.MOVZX_16;
    const rec = emitDS(i, from == 2 ? <u32>Op.MOV_RR_16 : byteOp, d, s);
    rec.size = 2;
    return;
  }
  const m = inMemory(i);
  let op: u32;
  if (from == 4 && i.size == 4) op = m ? Op.MOV_RM_32 : Op.MOV_RR_32; // MOVSXD without REX.W
  else if (!signed) op = (m ? Op.MOVZX_RM_8 : Op.MOVZX_RR_8) + (from >> 1);
  else {
    const form = from == 4 ? 4 : (from >> 1) + (i.size == 8 ? 2 : 0);
    op = (m ? Op.MOVSX_RM_8_32 : Op.MOVSX_RR_8_32) + form;
  }
  if (m) emitMemory(i, op).d = <u8>d;
  else emitDS(i, op, d, slotOf(i, i.rm, from));
}

function crackPush(i: Insn): void {
  const form = i.row & FORM;
  if (form == F.Ib || form == F.Iz) {
    if (i.size == 8) emit(i, Op.PUSH_I);
    else {
      const rec = emit(i, Op.PUSH_16);
      rec.flags |= <u8>IMMEDIATE;
    }
    return;
  }
  const s = form == F.Zv ? opcodeRegister(i) << 3 : readE(i, i.size);
  emitS(i, i.size == 8 ? Op.PUSH_R : <u32>Op.PUSH_16, s);
}

function crackPop(i: Insn): void {
  const op: u32 = i.size == 8 ? <u32>Op.POP_R : <u32>Op.POP_16;
  if ((i.row & FORM) == F.Zv) emitD(i, op, opcodeRegister(i) << 3);
  else if (!inMemory(i)) emitD(i, op, i.rm << 3);
  else {
    emitMemory(i, Op.POP_M);
  }
}

/** BT, BTS, BTR, BTC (`op`). In memory, a register names a bit of the whole bit string. */
function crackBit(i: Insn, op: u32): void {
  const immediate = (i.row & FORM) == F.Ev_Ib;
  const s = slotG(i);
  if (inMemory(i) && !immediate) {
    emitMemory(i, Op.BIT_ADDRESS).s = <u8>s;
    i.base = TMP1;
    i.index = ZERO;
    i.disp = 0;
  }
  const writes = op != Op.BT;
  const rec = emitDS(i, op, writes ? modifyE(i) : readE(i, i.size), s);
  if (immediate) rec.flags |= <u8>IMMEDIATE;
  if (writes) finishE(i);
}

function crackXchg(i: Insn): void {
  if ((i.row & FORM) == F.Zv_rAX) {
    emitDS(i, Op.XCHG_RR, opcodeRegister(i) << 3, RAX);
  } else if (inMemory(i)) {
    // Locked with or without the prefix (SDM Vol. 3A 8.1.2.1, "Automatic Locking")
    emitMemory(i, Op.LDLOCK);
    emitS(i, Op.XCHG_MR, slotG(i));
  } else {
    emitDS(i, Op.XCHG_RR, slotOf(i, i.rm, i.size), slotG(i));
  }
}

function crackImul(i: Insn): void {
  const s = readE(i, i.size);
  const immediate = (i.row & FORM) != F.Gv_Ev;
  if (i.size == 2) emitDS(i, immediate ? <u32>Op.IMUL_RI_16 : <u32>Op.IMUL_RR_16, i.reg << 3, s);
  else emitDS(i, (immediate ? Op.IMUL_RI_32 : Op.IMUL_RR_32) + (i.size >> 3), i.reg << 3, s);
}

function crackCmov(i: Insn): void {
  const s = readE(i, i.size);
  emitDS(i, i.size == 2 ? <u32>Op.CMOV_16 : Op.CMOV_32 + (i.size >> 3), i.reg << 3, s);
}

function crackLea(i: Insn): void {
  emitMemory(i, bySize(i, Op.LEA_16, Op.LEA_32, Op.LEA_64)).d = <u8>(i.reg << 3);
}

/** A string instruction: `s` is the base of the source's segment. */
function crackString(i: Insn, op: u32): void {
  const rec = emitS(i, op, i.segment ? i.segment : ZERO);
  if (i.address32) rec.flags |= <u8>ADDRESS32;
  if ((op == Op.INS || op == Op.OUTS) && rec.size == 8) rec.size = 4;
}

/** A jump to a relative target. */
function crackJump(i: Insn, op: u32, unconditional: bool): void {
  const rec = emit(i, op);
  rec.disp = <i32>i.imm + <i32>rec.nextOff; // of the target, from the line
  rec.imm = 0; // no link yet (fetch.ts)
  if (i.address32) rec.flags |= <u8>ADDRESS32; // JRCXZ and LOOP count in ECX
  ends = unconditional;
}

/**
 * The three-operand instructions of BMI1 and BMI2. The group of BLSR has its destination in vvvv.
 */
function crackVex(i: Insn, mnemonic: u32): void {
  const s = readE(i, i.size);
  const rec = emitDS(i, Op.ANDN + (mnemonic - M.ANDN), (i.group ? i.vvvv : i.reg) << 3, s);
  rec.x = <u8>(i.vvvv << 3);
}

function bySize(i: Insn, op16: u32, op32: u32, op64: u32): u32 {
  return i.size == 8 ? op64 : i.size == 4 ? op32 : op16;
}

function crackMain(i: Insn, mnemonic: u32): bool {
  switch (mnemonic) {
    case M.ADD: case M.OR: case M.ADC: case M.SBB: case M.AND: case M.SUB: case M.XOR: case M.CMP:
      crackAlu(i, Op.ADD_RR_8 + ((mnemonic - M.ADD) << 3), mnemonic != M.CMP);
      break;
    case M.TEST: crackAlu(i, Op.TEST_RR_8, false); break;
    case M.ROL: case M.ROR: case M.RCL: case M.RCR: case M.SHL: case M.SHR: case M.SAL: case M.SAR:
      crackShift(i, mnemonic);
      break;
    case M.INC: crackUnary(i, Op.INC_8 + sizeIndex(i.size)); break;
    case M.DEC: crackUnary(i, Op.DEC_8 + sizeIndex(i.size)); break;
    case M.NOT: crackUnary(i, unaryOp(i.size, Op.NOT_32, Op.NOT_8)); break;
    case M.NEG: crackUnary(i, unaryOp(i.size, Op.NEG_32, Op.NEG_8)); break;
    case M.MUL: emitS(i, Op.MUL, readE(i, i.size)); break;
    case M.IMUL: emitS(i, Op.IMUL, readE(i, i.size)); break;
    case M.DIV: emitS(i, Op.DIV, readE(i, i.size)); break;
    case M.IDIV: emitS(i, Op.IDIV, readE(i, i.size)); break;
    case M.IMUL2: case M.IMUL3: crackImul(i); break;
    case M.MOV: crackMov(i); break;
    case M.MOVSXD: crackExtend(i, 4, true); break;
    case M.MOVZX: crackExtend(i, i.opcode & 1 ? 2 : 1, false); break;
    case M.MOVSX: crackExtend(i, i.opcode & 1 ? 2 : 1, true); break;
    case M.LEA: crackLea(i); break;
    case M.XCHG: crackXchg(i); break;
    case M.XADD: {
      const s = slotG(i);
      emitDS(i, Op.XADD, modifyE(i), s);
      finishE(i);
      break;
    }
    case M.CMPXCHG: {
      const s = slotG(i);
      emitDS(i, Op.CMPXCHG, modifyE(i), s);
      finishE(i);
      break;
    }
    case M.CMPXCHG8B: emitMemory(i, i.size == 8 ? <u32>Op.CMPXCHG16B : <u32>Op.CMPXCHG8B); break;
    case M.PUSH: crackPush(i); break;
    case M.POP: crackPop(i); break;
    case M.JCC: crackJump(i, Op.JO + (i.opcode & 15), false); break;
    case M.JMP:
      if ((i.row & FORM) == F.Ev) emitS(i, Op.JMP_R, readE(i, 8));
      else crackJump(i, Op.JMP, true);
      ends = true;
      break;
    case M.CALL:
      if ((i.row & FORM) == F.Ev) emitS(i, Op.CALL_R, readE(i, 8));
      else crackJump(i, Op.CALL, true);
      ends = true;
      break;
    case M.RET: emit(i, (i.row & FORM) == F.Iw ? <u32>Op.RET_IMM : <u32>Op.RET); ends = true; break;
    case M.LOOP: case M.LOOPE: case M.LOOPNE: crackJump(i, Op.LOOP, false); break;
    case M.JRCXZ: crackJump(i, Op.JRCXZ, false); break;
    case M.SETCC:
      if (inMemory(i)) emitMemory(i, Op.SETCC_M);
      else emitD(i, Op.SETCC, slotOf(i, i.rm, 1));
      break;
    case M.CMOVCC: crackCmov(i); break;
    case M.CBW: emit(i, bySize(i, Op.CBW, Op.CWDE, Op.CDQE)); break;
    case M.CWD: emit(i, bySize(i, Op.CWD, Op.CDQ, Op.CQO)); break;
    case M.LEAVE: emit(i, i.size == 8 ? <u32>Op.LEAVE : <u32>Op.LEAVE_16); break;
    case M.ENTER: emit(i, Op.ENTER); break;
    case M.BT: crackBit(i, Op.BT); break;
    case M.BTS: crackBit(i, Op.BTS); break;
    case M.BTR: crackBit(i, Op.BTR); break;
    case M.BTC: crackBit(i, Op.BTC); break;
    case M.BSF: emitDS(i, i.rep ? <u32>Op.TZCNT : <u32>Op.BSF, i.reg << 3, readE(i, i.size)); break;
    case M.BSR: emitDS(i, i.rep ? <u32>Op.LZCNT : <u32>Op.BSR, i.reg << 3, readE(i, i.size)); break;
    case M.POPCNT: emitDS(i, Op.POPCNT, i.reg << 3, readE(i, i.size)); break;
    case M.BSWAP: emitD(i, Op.BSWAP, opcodeRegister(i) << 3); break;
    case M.MOVBE:
      if ((i.row & FORM) == F.M_Gv) emitMemory(i, Op.MOVBE_M).s = <u8>(i.reg << 3);
      else emitDS(i, Op.MOVBE, i.reg << 3, readE(i, i.size));
      break;
    case M.ANDN: case M.BZHI: case M.PEXT: case M.PDEP: case M.MULX: case M.BEXTR: case M.SHLX:
    case M.SARX: case M.SHRX: case M.RORX: case M.BLSR: case M.BLSMSK: case M.BLSI:
      crackVex(i, mnemonic);
      break;
    case M.SHLD: crackDoubleShift(i, false); break;
    case M.SHRD: crackDoubleShift(i, true); break;
    case M.MOVS: crackString(i, Op.MOVS); break;
    case M.STOS: crackString(i, Op.STOS); break;
    case M.LODS: crackString(i, Op.LODS); break;
    case M.CMPS: crackString(i, Op.CMPS); break;
    case M.SCAS: crackString(i, Op.SCAS); break;
    case M.INS: crackString(i, Op.INS); break;
    case M.OUTS: crackString(i, Op.OUTS); break;
    default: return false;
  }
  return true;
}

/** The NOP that carries a mark: 0F 1F 84 00 disp32, the displacement being the mark. */
function isMark(i: Insn): bool {
  return i.len == 8 && (i.bytes0 & 0xffffffff) == 0x00841f0f;
}

function crackNop(i: Insn): void {
  if (isMark(i)) emit(i, Op.MARK).disp = <i32>(i.bytes0 >> 32);
  emit(i, Op.NOP);
}

/** Does the row's memory operand name data? LEA and NOP only look like it. */
function touchesMemory(mnemonic: u32): bool {
  return mnemonic != M.LEA && mnemonic != M.NOP && mnemonic != M.PREFETCH;
}

/**
 * Write the records of the instruction at `at` in its line from `p` on. Returns the address after
 * them; crackEnds() tells whether the next instruction can follow.
 */
export function crack(i: Insn, p: usize, at: u32): usize {
  emitAt(p, at);
  ends = false;
  const mnemonic = i.row & 0xff;
  // POP computes its destination with rSP already incremented
  if (mnemonic == M.POP && i.base == RSP) i.disp += <i64>i.size;
  if (i.mod != 3 && mnemonic != M.NOP && mnemonic != M.INVALID) {
    simplifyAddress(i, !touchesMemory(mnemonic));
  }
  if (mnemonic == M.INVALID) {
    emit(i, Op.UD);
    ends = true;
  } else if (mnemonic == M.NOP) {
    crackNop(i);
  } else if (!crackMain(i, mnemonic)) {
    ends = crackSystem(i, mnemonic);
  }
  return emitEnd();
}

export function crackEnds(): bool {
  return ends;
}

/** An instruction of more than 15 bytes. */
export function crackTooLong(i: Insn, p: usize, at: u32): usize {
  emitAt(p, at);
  emit(i, Op.TOO_LONG);
  return emitEnd();
}
