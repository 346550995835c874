// A decoded instruction: one or more records of 32 bytes, the last of which ends it. A memory
// operand is cracked off into micro-operations of its own, so that the bodies work on registers
// only:
//     add rax, [m]        LD tmp0 · ADD rax, tmp0
//     add [m], rax        LDRMW tmp0 · ADD tmp0, rax · STRMW
//     lock add [m], rax   LDLOCK tmp0 · ADD tmp0, rax · STLOCK
// LDRMW has checked and reserved the store, so that STRMW cannot fail: nothing fails after the ADD,
// and running the instruction again from its first record is always right.
import { ZERO } from "./cpu";

/**
 *     0 | op u16 | 2 | off | len | nextOff | d | s | b | x | scale | 10 | size | flags | cc | pad
 *    16 | disp i32 | 20 | aux u32 | 24 | imm i64 | 32
 *
 * Offsets of bytes are relative to the line that the instruction begins in, because decoded lines
 * are keyed by their physical address. d, s, b, x are offsets in the register file (cpu.ts).
 */
@unmanaged
export class Rec {
  op: u16;
  off: u8;
  len: u8;
  /** off + len: where the next instruction begins; may lie in the next line. */
  nextOff: u8;
  d: u8;
  s: u8;
  /**
   * Base and index of the memory operand; its linear address is [b] + ([x] << scale) + disp.
   * Without one, x is a third register operand.
   */
  b: u8;
  x: u8;
  scale: u8;
  /** Operand size in bytes, where the op does not say it. */
  size: u8;
  flags: u8;
  /** Condition code, mnemonic, segment register or the like, as the op has it. */
  cc: u8;
  pad0: u8;
  pad1: u16;
  disp: i32;
  aux: u32;
  imm: i64;

  @inline static at(p: usize): Rec {
    return changetype<Rec>(p);
  }
}
export const REC_BYTES: usize = 32;

// Rec.flags
/** Ends an instruction whose body was an earlier record: no stop in between. */
export const CONTINUES: u32 = 1;
/** The source is `imm`, not register s. */
export const IMMEDIATE: u32 = 2;
/** Stack segment: a non-canonical address is #SS, not #GP. */
export const STACK: u32 = 4;
export const REP: u32 = 8;
export const REPNE: u32 = 16;
/** 32-bit effective address. */
export const ADDRESS32: u32 = 32;

/**
 * The ALU operations, as in bits 5-3 of the opcodes 00-3F; their ops are ALU + 8 * operation + ..
 */
export const ALU_ADD: u32 = 0;
export const ALU_OR: u32 = 1;
export const ALU_ADC: u32 = 2;
export const ALU_SBB: u32 = 3;
export const ALU_AND: u32 = 4;
export const ALU_SUB: u32 = 5;
export const ALU_XOR: u32 = 6;
export const ALU_CMP: u32 = 7;

/**
 * What a record does. _8 .. _64 follow each other, so that OP_8 + log2(size) is the op of a size.
 * R, I, M name the operands: register, immediate, memory.
 */
export const enum Op {
  // Micro-operations: none of them ends an instruction
  NEXT, // go on at the linear address line + off
  JOIN, // go on at record aux
  CROSS, // the instruction that follows ends in the next line
  MORE, // decode more of the line
  ADDRESS, // tmp1 = linear address with a segment base or of 32 bits
  BIT_ADDRESS, // tmp1 = address of the word that holds bit [s]
  LD_8, LD_16, LD_32, LD_64, // zero-extended into d
  LDRMW, LDLOCK,
  MARK, // before the NOP that carries it
  HISTORY, // before each instruction, while what is executed is to be remembered
  // The end of an instruction whose body came before
  STRMW, STLOCK,
  // Hot instructions
  NOP,
  MOV_RM_8, MOV_RM_16, MOV_RM_32, MOV_RM_64,
  MOV_MR_8, MOV_MR_16, MOV_MR_32, MOV_MR_64,
  MOV_MI,
  MOV_RR_8, MOV_RR_16, MOV_RR_32, MOV_RR_64,
  MOV_RI_8, MOV_RI_16, MOV_RI_32, MOV_RI_64,
  MOVZX_RR_8, MOVZX_RR_16, MOVZX_RM_8, MOVZX_RM_16, // to 32 or 64 bits
  MOVSX_RR_8_32, MOVSX_RR_16_32, MOVSX_RR_8_64, MOVSX_RR_16_64, MOVSX_RR_32_64,
  MOVSX_RM_8_32, MOVSX_RM_16_32, MOVSX_RM_8_64, MOVSX_RM_16_64, MOVSX_RM_32_64,
  LEA_32, LEA_64,
  ADD_RR_8, ADD_RR_16, ADD_RR_32, ADD_RR_64, ADD_RI_8, ADD_RI_16, ADD_RI_32, ADD_RI_64,
  OR_RR_8, OR_RR_16, OR_RR_32, OR_RR_64, OR_RI_8, OR_RI_16, OR_RI_32, OR_RI_64,
  ADC_RR_8, ADC_RR_16, ADC_RR_32, ADC_RR_64, ADC_RI_8, ADC_RI_16, ADC_RI_32, ADC_RI_64,
  SBB_RR_8, SBB_RR_16, SBB_RR_32, SBB_RR_64, SBB_RI_8, SBB_RI_16, SBB_RI_32, SBB_RI_64,
  AND_RR_8, AND_RR_16, AND_RR_32, AND_RR_64, AND_RI_8, AND_RI_16, AND_RI_32, AND_RI_64,
  SUB_RR_8, SUB_RR_16, SUB_RR_32, SUB_RR_64, SUB_RI_8, SUB_RI_16, SUB_RI_32, SUB_RI_64,
  XOR_RR_8, XOR_RR_16, XOR_RR_32, XOR_RR_64, XOR_RI_8, XOR_RI_16, XOR_RI_32, XOR_RI_64,
  CMP_RR_8, CMP_RR_16, CMP_RR_32, CMP_RR_64, CMP_RI_8, CMP_RI_16, CMP_RI_32, CMP_RI_64,
  TEST_RR_8, TEST_RR_16, TEST_RR_32, TEST_RR_64, TEST_RI_8, TEST_RI_16, TEST_RI_32, TEST_RI_64,
  INC_8, INC_16, INC_32, INC_64,
  DEC_8, DEC_16, DEC_32, DEC_64,
  NEG_32, NEG_64, NOT_32, NOT_64,
  SHL_32, SHL_64, SHR_32, SHR_64, SAR_32, SAR_64, // by imm, not 0
  IMUL_RR_32, IMUL_RR_64, IMUL_RI_32, IMUL_RI_64,
  CMOV_32, CMOV_64, SETCC,
  CWDE, CDQE, CDQ, CQO,
  PUSH_R, PUSH_I, POP_R, LEAVE,
  CALL, CALL_R, RET, JMP, JMP_R,
  JO, JNO, JB, JAE, JE, JNE, JBE, JA, JS, JNS, JP, JNP, JL, JGE, JLE, JG,
  // The rest goes to dispatch.ts
  SLOW,
  CMOV_16 = SLOW, SETCC_M, NEG_8, NEG_16, NOT_8, NOT_16,
  SHIFT, SHIFT_DOUBLE, MOVZX_16, MOVSX_16, LEA_16, CBW, CWD,
  IMUL_RR_16, IMUL_RI_16, MUL, IMUL, DIV, IDIV,
  BT, BTS, BTR, BTC, BSF, BSR, POPCNT, BSWAP,
  XCHG_RR, XCHG_MR, XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B,
  MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS,
  PUSH_16, POP_16, POP_M, PUSHF, POPF, ENTER, LEAVE_16, PUSH_SEG, POP_SEG,
  RET_IMM, LOOP, JRCXZ, JMP_FAR, CALL_FAR, RET_FAR, IRET,
  INT, INT3, UD, UNIMPLEMENTED,
  CLC, STC, CMC, CLD, STD, CLI, STI, LAHF, SAHF, XLAT,
  PAUSE, MFENCE, SFENCE, LFENCE, HLT, IN, OUT,
  MOV_SEG, MOV_FROM_SEG, MOV_FROM_SEG_M, LOAD_FAR, MOV_FROM_CR, MOV_TO_CR, MOV_FROM_DR, MOV_TO_DR,
  LGDT, LIDT, SGDT, SIDT, LLDT, LTR, SLDT, STR, SLDT_M, STR_M, SMSW, SMSW_M, CLTS, INVLPG, WBINVD,
  CLFLUSH,
  CPUID, RDTSC, RDTSCP, RDMSR, WRMSR, SYSCALL, SYSRET, SWAPGS,
  RDFSBASE, RDGSBASE, WRFSBASE, WRGSBASE, TOO_LONG,
  LZCNT, TZCNT, MOVBE, MOVBE_M,
  ANDN, BLSR, BLSMSK, BLSI, BZHI, PEXT, PDEP, MULX, BEXTR, SHLX, SARX, SHRX, RORX,
  LAR, LSL, VERR, VERW, LMSW, INT1, RDPMC,
}

/** A fresh record with no operands. */
export function clearRec(p: usize): Rec {
  memory.fill(p, 0, REC_BYTES);
  const rec = Rec.at(p);
  rec.d = rec.s = rec.b = rec.x = <u8>ZERO;
  return rec;
}
