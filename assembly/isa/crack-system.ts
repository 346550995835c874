// From a parsed instruction to records: the instructions that only a kernel, or a program at its
// edges, uses.
import { CS, GS, RAX, ZERO } from "./cpu";
import { emit, emitD, emitDS, emitMemory, emitS, inMemory, readE } from "./emit";
import { F, FORM, M } from "./opcodes";
import { Insn, opcodeRegister } from "./operand";
import { ADDRESS32, IMMEDIATE, Op } from "./record";

/** IN and OUT: port in an immediate or in DX, at most 32 bits. */
function crackIo(i: Insn, op: u32): void {
  const form = i.row & FORM;
  const rec = emit(i, op);
  if (rec.size == 8) rec.size = 4;
  if (form == F.AL_Ib || form == F.eAX_Ib) {
    rec.flags |= <u8>IMMEDIATE;
    rec.imm &= 0xff;
  }
}

/** 0F 01 with a register operand: the whole ModRM byte is the opcode. */
function crackGroup7(i: Insn): void {
  switch (((i.reg & 7) << 3) | (i.rm & 7)) {
    case 0x38: emit(i, Op.SWAPGS); break;
    case 0x39: emit(i, Op.RDTSCP); break;
    default: emit(i, Op.UD);
  }
}

/** 0F AE: fences, CLFLUSH, and after F3 the segment bases; x87 and SSE state is not there. */
function crackGroup15(i: Insn): void {
  const reg = i.reg & 7;
  if (inMemory(i)) {
    if (reg == 7 && !i.operand16 && !i.rep && !i.repne) emitMemory(i, Op.CLFLUSH);
    else emit(i, Op.UD);
    return;
  }
  if (i.rep && reg < 4) {
    const rec = emitDS(i, Op.RDFSBASE + reg, i.rm << 3, i.rm << 3);
    rec.size = <u8>i.size;
  } else if (i.rep || i.repne || i.operand16 || reg < 5) emit(i, Op.UD);
  else emit(i, reg == 5 ? <u32>Op.LFENCE : reg == 6 ? <u32>Op.MFENCE : <u32>Op.SFENCE);
}

/** SLDT, STR, SMSW: 16 bits in memory, the operand size in a register. */
function crackStoreWord(i: Insn, op: u32, opMemory: u32): void {
  if (inMemory(i)) emitMemory(i, opMemory);
  else emitD(i, op, i.rm << 3);
}

/**
 * A descriptor-table register or INVLPG: `op` with its memory operand; other opcodes with a
 * register.
 */
function crackTable(i: Insn, op: u32): void {
  if (inMemory(i)) emitMemory(i, op);
  else crackGroup7(i);
}

function hasCr(number: u32): bool {
  return number == 0 || (number >= 2 && number <= 4) || number == 8;
}

/** MOV to or from a control or debug register. */
function crackSpecial(i: Insn, op: u32, exists: bool): void {
  if (exists) emitDS(i, op, i.rm << 3, i.rm << 3).cc = <u8>i.reg;
  else emit(i, Op.UD);
}

/** Returns whether the instruction never goes on to the next one. */
export function crackSystem(i: Insn, mnemonic: u32): bool {
  switch (mnemonic) {
    case M.NOP:
    case M.PREFETCH: emit(i, Op.NOP); break;
    case M.PAUSE_NOP: {
      // 90 is XCHG rAX, rAX but for its upper half; with REX.B it is XCHG with r8, unless F3 makes
      // it PAUSE
      const register = opcodeRegister(i);
      if (i.rep) emit(i, Op.PAUSE);
      else if (register) emitDS(i, Op.XCHG_RR, register << 3, RAX);
      else emit(i, Op.NOP);
      break;
    }
    case M.FENCE: crackGroup15(i); break;
    case M.CLC: emit(i, Op.CLC); break;
    case M.STC: emit(i, Op.STC); break;
    case M.CMC: emit(i, Op.CMC); break;
    case M.CLD: emit(i, Op.CLD); break;
    case M.STD: emit(i, Op.STD); break;
    case M.CLI: emit(i, Op.CLI); break;
    case M.STI: emit(i, Op.STI); break;
    case M.LAHF: emit(i, Op.LAHF); break;
    case M.SAHF: emit(i, Op.SAHF); break;
    case M.XLAT: {
      const rec = emitS(i, Op.XLAT, i.segment ? i.segment : ZERO);
      if (i.address32) rec.flags |= <u8>ADDRESS32;
      break;
    }
    case M.PUSHF: emit(i, Op.PUSHF); break;
    case M.POPF: emit(i, Op.POPF); break;
    case M.PUSH_SEG: emit(i, Op.PUSH_SEG).cc = i.opcode == 0xa0 ? 4 : 5; break;
    case M.POP_SEG: emit(i, Op.POP_SEG).cc = i.opcode == 0xa1 ? 4 : 5; break;
    case M.INT3: emit(i, Op.INT3); return true;
    case M.INT: {
      const rec = emit(i, Op.INT);
      rec.imm &= 0xff;
      return true;
    }
    case M.UD2: emit(i, Op.UD); return true;
    case M.IRET: emit(i, Op.IRET); return true;
    case M.RETF: {
      const rec = emit(i, Op.RET_FAR);
      if ((i.row & FORM) == F.None) rec.imm = 0;
      return true;
    }
    case M.JMPF: emitMemory(i, Op.JMP_FAR); return true;
    case M.CALLF: emitMemory(i, Op.CALL_FAR); return true;
    case M.HLT: emit(i, Op.HLT); break;
    case M.IN: crackIo(i, Op.IN); break;
    case M.OUT: crackIo(i, Op.OUT); break;
    case M.MOV_SEG:
      if ((i.reg & 7) == CS || (i.reg & 7) > GS) emit(i, Op.UD);
      else emitS(i, Op.MOV_SEG, readE(i, 2)).cc = <u8>(i.reg & 7);
      break;
    case M.MOV_FROM_SEG: {
      if ((i.reg & 7) > GS) {
        emit(i, Op.UD);
        break;
      }
      const rec = inMemory(i)
        ? emitMemory(i, Op.MOV_FROM_SEG_M)
        : emitD(i, Op.MOV_FROM_SEG, i.rm << 3);
      rec.cc = <u8>(i.reg & 7);
      break;
    }
    case M.LSS: case M.LFS: case M.LGS: {
      const rec = emitMemory(i, Op.LOAD_FAR);
      rec.d = <u8>(i.reg << 3);
      rec.cc = mnemonic == M.LSS ? 2 : mnemonic == M.LFS ? 4 : 5;
      break;
    }
    case M.MOV_FROM_CR: crackSpecial(i, Op.MOV_FROM_CR, hasCr(i.reg)); break;
    case M.MOV_TO_CR: crackSpecial(i, Op.MOV_TO_CR, hasCr(i.reg)); break;
    case M.MOV_FROM_DR: crackSpecial(i, Op.MOV_FROM_DR, i.reg < 8); break;
    case M.MOV_TO_DR: crackSpecial(i, Op.MOV_TO_DR, i.reg < 8); break;
    case M.LGDT: crackTable(i, Op.LGDT); break;
    case M.LIDT: crackTable(i, Op.LIDT); break;
    case M.SGDT: crackTable(i, Op.SGDT); break;
    case M.SIDT: crackTable(i, Op.SIDT); break;
    case M.INVLPG: crackTable(i, Op.INVLPG); break;
    case M.LLDT: emitS(i, Op.LLDT, readE(i, 2)); break;
    case M.LTR: emitS(i, Op.LTR, readE(i, 2)); break;
    case M.VERR: emitS(i, Op.VERR, readE(i, 2)); break;
    case M.VERW: emitS(i, Op.VERW, readE(i, 2)); break;
    case M.LAR: emitDS(i, Op.LAR, i.reg << 3, readE(i, 2)); break;
    case M.LSL: emitDS(i, Op.LSL, i.reg << 3, readE(i, 2)); break;
    case M.LMSW: emitS(i, Op.LMSW, readE(i, 2)); break;
    case M.SLDT: crackStoreWord(i, Op.SLDT, Op.SLDT_M); break;
    case M.STR: crackStoreWord(i, Op.STR, Op.STR_M); break;
    case M.SMSW:
      crackStoreWord(i, Op.SMSW, Op.SMSW_M);
      break;
    case M.CLTS: emit(i, Op.CLTS); break;
    case M.WBINVD: emit(i, Op.WBINVD); break;
    case M.CPUID: emit(i, Op.CPUID); break;
    case M.RDTSC: emit(i, Op.RDTSC); break;
    case M.RDPMC: emit(i, Op.RDPMC); break;
    case M.RDMSR: emit(i, Op.RDMSR); break;
    case M.WRMSR: emit(i, Op.WRMSR); break;
    case M.SYSCALL: emit(i, Op.SYSCALL); return true;
    case M.SYSRET: emit(i, Op.SYSRET); return true;
    case M.INT1: emit(i, Op.INT1); return true;
    default: emit(i, Op.UNIMPLEMENTED); return true;
  }
  return false;
}
