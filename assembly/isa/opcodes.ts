// The opcode maps of 64-bit mode (SDM Vol. 2D Appendix A, "Opcode Map"), a row for each opcode in
// opcode order: mnemonic, operand form in the manual's letters, attributes. Rows not given in the
// manual, invalid in 64-bit mode, and those of x87, MMX, SSE, AVX and of SYSENTER are INVALID: #UD,
// as on a CPU whose CPUID does not list them.

/** Mnemonics; the ALU and shift groups in the order of their ModRM reg field. */
export const enum M {
  INVALID, // #UD
  ADD, OR, ADC, SBB, AND, SUB, XOR, CMP,
  ROL, ROR, RCL, RCR, SHL, SHR, SAL, SAR,
  TEST, NOT, NEG, MUL, IMUL, DIV, IDIV, IMUL2, IMUL3, INC, DEC,
  MOV, MOVSXD, MOVZX, MOVSX, LEA, XCHG, XADD, CMPXCHG, CMPXCHG8B,
  PUSH, POP, PUSHF, POPF, ENTER, LEAVE, PUSH_SEG, POP_SEG,
  JCC, SETCC, CMOVCC, JMP, CALL, RET, LOOPNE, LOOPE, LOOP, JRCXZ, JMPF, CALLF, RETF, IRET,
  INT, INT3, INT1, UD2,
  CBW, CWD, CLC, STC, CMC, CLD, STD, CLI, STI, LAHF, SAHF, XLAT,
  NOP, PAUSE_NOP, HLT, IN, OUT, FENCE, CLFLUSH, PREFETCH,
  MOVS, STOS, LODS, CMPS, SCAS, INS, OUTS,
  BT, BTS, BTR, BTC, BSF, BSR, POPCNT, BSWAP, SHLD, SHRD, MOVBE,
  ANDN, BLSR, BLSMSK, BLSI, BZHI, PEXT, PDEP, MULX, BEXTR, SHLX, SARX, SHRX, RORX,
  MOV_SEG, MOV_FROM_SEG, LSS, LFS, LGS, MOV_FROM_CR, MOV_TO_CR, MOV_FROM_DR, MOV_TO_DR,
  SGDT, SIDT, LGDT, LIDT, SLDT, STR, LLDT, LTR, VERR, VERW, LAR, LSL, SMSW, LMSW, INVLPG, CLTS,
  WBINVD,
  CPUID, RDTSC, RDPMC, RDMSR, WRMSR, SYSCALL, SYSRET, GRP7_REG,
}

/** Operand forms. A form up to F.LAST_MODRM has a ModRM byte. */
export const enum F {
  Eb_Gb = 1 << 8, Ev_Gv = 2 << 8, Gb_Eb = 3 << 8, Gv_Ev = 4 << 8, Eb_Ib = 5 << 8, Ev_Iz = 6 << 8,
  Ev_Ib = 7 << 8,
  Eb = 8 << 8, Ev = 9 << 8, Eb_1 = 10 << 8, Ev_1 = 11 << 8, Eb_CL = 12 << 8, Ev_CL = 13 << 8,
  Gv_Eb = 14 << 8, Gv_Ew = 15 << 8, Gv_Ed = 16 << 8, Gv_M = 17 << 8, Gv_Mp = 18 << 8, M = 19 << 8,
  Ev_Sw = 20 << 8, Sw_Ew = 21 << 8, Ew = 22 << 8, Gv_Ev_Ib = 23 << 8, Gv_Ev_Iz = 24 << 8,
  Ev_Gv_Ib = 25 << 8, Ev_Gv_CL = 26 << 8, Rq_Cq = 27 << 8, Ev_nop = 28 << 8, M_Gv = 29 << 8,
  LAST_MODRM = 29 << 8,
  None = 30 << 8, AL_Ib = 31 << 8, rAX_Iz = 32 << 8, Zv = 33 << 8, Zv_rAX = 34 << 8,
  Zb_Ib = 35 << 8,
  Zv_Iv = 36 << 8, AL_Ob = 37 << 8, rAX_Ov = 38 << 8, Ob_AL = 39 << 8, Ov_rAX = 40 << 8,
  Jb = 41 << 8, Jz = 42 << 8, Ib = 43 << 8, Iz = 44 << 8, Iw = 45 << 8, Iw_Ib = 46 << 8,
  Xb = 47 << 8, Xv = 48 << 8, eAX_Ib = 49 << 8, AL_DX = 50 << 8, eAX_DX = 51 << 8,
}
export const FORM: u32 = 0xff00;

/** LOCK is legal when the destination is in memory. */
export const LOCK: u32 = 1 << 16;
/** Operand size 64 by default; 66 makes it 16. */
export const D64: u32 = 1 << 17;
/** Operand size always 64. */
export const F64: u32 = 1 << 18;
/** The mnemonic is a group's: its row is chosen by ModRM reg. */
export const GROUP: u32 = 1 << 19;
/** Memory operand only; a register is #UD. */
export const MEM: u32 = 1 << 20;
/** Legal only after F3. */
export const F3: u32 = 1 << 21;
/** Another instruction, or none, after F2 and F3. */
export const NO_REP: u32 = 1 << 22;
/** VEX.vvvv names no register: it must be 1111. */
export const NO_VVVV: u32 = 1 << 23;

/** Rows INVALID, and the rows of prefixes and escapes, which the decoder has consumed before. */
const o: u32 = 0;

/**
 * Groups (SDM Vol. 2D A.4, "Opcode Extensions"), by the number that a GROUP row has as mnemonic.
 */
const GRP1: u32 = GROUP | 0;
const GRP1A: u32 = GROUP | 1;
const GRP2: u32 = GROUP | 2;
const GRP3: u32 = GROUP | 3;
const GRP4: u32 = GROUP | 4;
const GRP5: u32 = GROUP | 5;
const GRP6: u32 = GROUP | 6;
const GRP7: u32 = GROUP | 7;
const GRP8: u32 = GROUP | 8;
const GRP9: u32 = GROUP | 9;
const GRP11: u32 = GROUP | 10;
const GRP15: u32 = GROUP | 11;
const GRP17: u32 = GROUP | 12;

/** One-byte opcodes (Table A-2). */
export const ONE_BYTE: usize = memory.data<u32>([
  // 00
  M.ADD | F.Eb_Gb | LOCK, M.ADD | F.Ev_Gv | LOCK, M.ADD | F.Gb_Eb, M.ADD | F.Gv_Ev,
  M.ADD | F.AL_Ib, M.ADD | F.rAX_Iz, o, o,
  M.OR | F.Eb_Gb | LOCK, M.OR | F.Ev_Gv | LOCK, M.OR | F.Gb_Eb, M.OR | F.Gv_Ev,
  M.OR | F.AL_Ib, M.OR | F.rAX_Iz, o, o,
  // 10
  M.ADC | F.Eb_Gb | LOCK, M.ADC | F.Ev_Gv | LOCK, M.ADC | F.Gb_Eb, M.ADC | F.Gv_Ev,
  M.ADC | F.AL_Ib, M.ADC | F.rAX_Iz, o, o,
  M.SBB | F.Eb_Gb | LOCK, M.SBB | F.Ev_Gv | LOCK, M.SBB | F.Gb_Eb, M.SBB | F.Gv_Ev,
  M.SBB | F.AL_Ib, M.SBB | F.rAX_Iz, o, o,
  // 20
  M.AND | F.Eb_Gb | LOCK, M.AND | F.Ev_Gv | LOCK, M.AND | F.Gb_Eb, M.AND | F.Gv_Ev,
  M.AND | F.AL_Ib, M.AND | F.rAX_Iz, o, o,
  M.SUB | F.Eb_Gb | LOCK, M.SUB | F.Ev_Gv | LOCK, M.SUB | F.Gb_Eb, M.SUB | F.Gv_Ev,
  M.SUB | F.AL_Ib, M.SUB | F.rAX_Iz, o, o,
  // 30
  M.XOR | F.Eb_Gb | LOCK, M.XOR | F.Ev_Gv | LOCK, M.XOR | F.Gb_Eb, M.XOR | F.Gv_Ev,
  M.XOR | F.AL_Ib, M.XOR | F.rAX_Iz, o, o,
  M.CMP | F.Eb_Gb, M.CMP | F.Ev_Gv, M.CMP | F.Gb_Eb, M.CMP | F.Gv_Ev,
  M.CMP | F.AL_Ib, M.CMP | F.rAX_Iz, o, o,
  // 40: REX
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // 50
  M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64,
  M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64, M.PUSH | F.Zv | D64,
  M.POP | F.Zv | D64, M.POP | F.Zv | D64, M.POP | F.Zv | D64, M.POP | F.Zv | D64,
  M.POP | F.Zv | D64, M.POP | F.Zv | D64, M.POP | F.Zv | D64, M.POP | F.Zv | D64,
  // 60
  o, o, o, M.MOVSXD | F.Gv_Ed, o, o, o, o,
  M.PUSH | F.Iz | D64, M.IMUL3 | F.Gv_Ev_Iz, M.PUSH | F.Ib | D64, M.IMUL3 | F.Gv_Ev_Ib,
  M.INS | F.Xb, M.INS | F.Xv, M.OUTS | F.Xb, M.OUTS | F.Xv,
  // 70
  M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64,
  M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64,
  M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64,
  M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64, M.JCC | F.Jb | F64,
  // 80
  GRP1 | F.Eb_Ib, GRP1 | F.Ev_Iz, o, GRP1 | F.Ev_Ib,
  M.TEST | F.Eb_Gb, M.TEST | F.Ev_Gv, M.XCHG | F.Eb_Gb | LOCK, M.XCHG | F.Ev_Gv | LOCK,
  M.MOV | F.Eb_Gb, M.MOV | F.Ev_Gv, M.MOV | F.Gb_Eb, M.MOV | F.Gv_Ev,
  M.MOV_FROM_SEG | F.Ev_Sw, M.LEA | F.Gv_M | MEM, M.MOV_SEG | F.Sw_Ew, GRP1A | F.Ev | D64,
  // 90
  M.PAUSE_NOP | F.Zv_rAX, M.XCHG | F.Zv_rAX, M.XCHG | F.Zv_rAX, M.XCHG | F.Zv_rAX,
  M.XCHG | F.Zv_rAX, M.XCHG | F.Zv_rAX, M.XCHG | F.Zv_rAX, M.XCHG | F.Zv_rAX,
  M.CBW | F.Xv, M.CWD | F.Xv, o, o,
  M.PUSHF | F.None | D64, M.POPF | F.None | D64, M.SAHF | F.None, M.LAHF | F.None,
  // A0
  M.MOV | F.AL_Ob, M.MOV | F.rAX_Ov, M.MOV | F.Ob_AL, M.MOV | F.Ov_rAX,
  M.MOVS | F.Xb, M.MOVS | F.Xv, M.CMPS | F.Xb, M.CMPS | F.Xv,
  M.TEST | F.AL_Ib, M.TEST | F.rAX_Iz, M.STOS | F.Xb, M.STOS | F.Xv,
  M.LODS | F.Xb, M.LODS | F.Xv, M.SCAS | F.Xb, M.SCAS | F.Xv,
  // B0
  M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib,
  M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib, M.MOV | F.Zb_Ib,
  M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv,
  M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv, M.MOV | F.Zv_Iv,
  // C0
  GRP2 | F.Eb_Ib, GRP2 | F.Ev_Ib, M.RET | F.Iw | F64, M.RET | F.None | F64,
  o, o, GRP11 | F.Eb_Ib, GRP11 | F.Ev_Iz,
  M.ENTER | F.Iw_Ib | D64, M.LEAVE | F.None | D64, M.RETF | F.Iw, M.RETF | F.None,
  M.INT3 | F.None, M.INT | F.Ib, o, M.IRET | F.None,
  // D0
  GRP2 | F.Eb_1, GRP2 | F.Ev_1, GRP2 | F.Eb_CL, GRP2 | F.Ev_CL, o, o, o, M.XLAT | F.None,
  o, o, o, o, o, o, o, o,
  // E0
  M.LOOPNE | F.Jb | F64, M.LOOPE | F.Jb | F64, M.LOOP | F.Jb | F64, M.JRCXZ | F.Jb | F64,
  M.IN | F.AL_Ib, M.IN | F.eAX_Ib, M.OUT | F.AL_Ib, M.OUT | F.eAX_Ib,
  M.CALL | F.Jz | F64, M.JMP | F.Jz | F64, o, M.JMP | F.Jb | F64,
  M.IN | F.AL_DX, M.IN | F.eAX_DX, M.OUT | F.AL_DX, M.OUT | F.eAX_DX,
  // F0
  o, M.INT1 | F.None, o, o, M.HLT | F.None, M.CMC | F.None, GRP3 | F.Eb, GRP3 | F.Ev,
  M.CLC | F.None, M.STC | F.None, M.CLI | F.None, M.STI | F.None,
  M.CLD | F.None, M.STD | F.None, GRP4 | F.Eb, GRP5 | F.Ev,
]);

/** Two-byte opcodes, 0F xx (Table A-3). */
export const TWO_BYTE: usize = memory.data<u32>([
  // 00
  GRP6 | F.Ew, GRP7 | F.Ev, M.LAR | F.Gv_Ew, M.LSL | F.Gv_Ew,
  o, M.SYSCALL | F.None, M.CLTS | F.None, M.SYSRET | F.Xv,
  M.WBINVD | F.None, M.WBINVD | F.None, o, M.UD2 | F.None, o, M.PREFETCH | F.Ev_nop, o, o,
  // 10
  o, o, o, o, o, o, o, o,
  M.PREFETCH | F.Ev_nop, M.NOP | F.Ev_nop, M.NOP | F.Ev_nop, M.NOP | F.Ev_nop,
  M.NOP | F.Ev_nop, M.NOP | F.Ev_nop, M.NOP | F.Ev_nop, M.NOP | F.Ev_nop,
  // 20
  M.MOV_FROM_CR | F.Rq_Cq | F64, M.MOV_FROM_DR | F.Rq_Cq | F64,
  M.MOV_TO_CR | F.Rq_Cq | F64, M.MOV_TO_DR | F.Rq_Cq | F64,
  o, o, o, o, o, o, o, o, o, o, o, o,
  // 30
  M.WRMSR | F.None, M.RDTSC | F.None, M.RDMSR | F.None, M.RDPMC | F.None,
  o, o, o, o, o, o, o, o, o, o, o, o,
  // 40
  M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev,
  M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev,
  M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev,
  M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev, M.CMOVCC | F.Gv_Ev,
  // 50
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // 60
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // 70
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // 80
  M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64,
  M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64,
  M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64,
  M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64, M.JCC | F.Jz | F64,
  // 90
  M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb,
  M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb,
  M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb,
  M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb, M.SETCC | F.Eb,
  // A0
  M.PUSH_SEG | F.None | D64, M.POP_SEG | F.None | D64, M.CPUID | F.None, M.BT | F.Ev_Gv,
  M.SHLD | F.Ev_Gv_Ib, M.SHLD | F.Ev_Gv_CL, o, o,
  M.PUSH_SEG | F.None | D64, M.POP_SEG | F.None | D64, o, M.BTS | F.Ev_Gv | LOCK,
  M.SHRD | F.Ev_Gv_Ib, M.SHRD | F.Ev_Gv_CL, GRP15 | F.Ev, M.IMUL2 | F.Gv_Ev,
  // B0
  M.CMPXCHG | F.Eb_Gb | LOCK, M.CMPXCHG | F.Ev_Gv | LOCK, M.LSS | F.Gv_Mp | MEM,
  M.BTR | F.Ev_Gv | LOCK,
  M.LFS | F.Gv_Mp | MEM, M.LGS | F.Gv_Mp | MEM, M.MOVZX | F.Gv_Eb, M.MOVZX | F.Gv_Ew,
  M.POPCNT | F.Gv_Ev | F3, M.UD2 | F.Gv_Ev, GRP8 | F.Ev_Ib, M.BTC | F.Ev_Gv | LOCK,
  M.BSF | F.Gv_Ev, M.BSR | F.Gv_Ev, M.MOVSX | F.Gv_Eb, M.MOVSX | F.Gv_Ew,
  // C0
  M.XADD | F.Eb_Gb | LOCK, M.XADD | F.Ev_Gv | LOCK, o, o, o, o, o, GRP9 | F.Ev,
  M.BSWAP | F.Zv, M.BSWAP | F.Zv, M.BSWAP | F.Zv, M.BSWAP | F.Zv,
  M.BSWAP | F.Zv, M.BSWAP | F.Zv, M.BSWAP | F.Zv, M.BSWAP | F.Zv,
  // D0
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // E0
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, o,
  // F0: FF is UD0
  o, o, o, o, o, o, o, o, o, o, o, o, o, o, o, M.UD2 | F.Gv_Ev,
]);

/**
 * Rows of the groups by ModRM reg (Table A-6). A row with a form of its own replaces the opcode's.
 */
export const GROUPS: usize = memory.data<u32>([
  // 1
  M.ADD | LOCK, M.OR | LOCK, M.ADC | LOCK, M.SBB | LOCK, M.AND | LOCK, M.SUB | LOCK, M.XOR | LOCK,
  M.CMP,
  // 1A
  M.POP, o, o, o, o, o, o, o,
  // 2: /6 is SAL
  M.ROL, M.ROR, M.RCL, M.RCR, M.SHL, M.SHR, M.SAL, M.SAR,
  // 3: TEST has an immediate, which the decoder adds
  M.TEST, M.TEST, M.NOT | LOCK, M.NEG | LOCK, M.MUL, M.IMUL, M.DIV, M.IDIV,
  // 4
  M.INC | LOCK, M.DEC | LOCK, o, o, o, o, o, o,
  // 5
  M.INC | LOCK, M.DEC | LOCK, M.CALL | F64, M.CALLF | MEM, M.JMP | F64, M.JMPF | MEM, M.PUSH | D64,
  o,
  // 6
  M.SLDT, M.STR, M.LLDT, M.LTR, M.VERR, M.VERW, o, o,
  // 7: with a register operand GRP7_REG
  M.SGDT, M.SIDT, M.LGDT, M.LIDT, M.SMSW, o, M.LMSW, M.INVLPG,
  // 8
  o, o, o, o, M.BT, M.BTS | LOCK, M.BTR | LOCK, M.BTC | LOCK,
  // 9
  o, M.CMPXCHG8B | LOCK | MEM, o, o, o, o, o, o,
  // 11
  M.MOV, o, o, o, o, o, o, o,
  // 15: /0 to /4 are x87 and SSE state with a memory operand
  M.FENCE, M.FENCE, M.FENCE, M.FENCE, M.FENCE, M.FENCE, M.FENCE, M.FENCE,
  // 17
  o, M.BLSR | F.Ev, M.BLSMSK | F.Ev, M.BLSI | F.Ev, o, o, o, o,
]);

/** Three-byte opcodes 0F 38 xx (Table A-4) without a VEX prefix. */
export function threeByteRow(opcode: u32): u32 {
  switch (opcode) {
    case 0xf0: return M.MOVBE | F.Gv_M | MEM | NO_REP;
    case 0xf1: return M.MOVBE | F.M_Gv | MEM | NO_REP;
    default: return o;
  }
}

/**
 * Opcodes after a VEX prefix: `map` is 2 for 0F 38 and 3 for 0F 3A, `prefix` the implied one: 0
 * none, 1 66, 2 F3, 3 F2.
 */
export function vexRow(map: u32, opcode: u32, prefix: u32): u32 {
  switch ((map << 12) | (opcode << 4) | prefix) {
    case 0x2f20: return M.ANDN | F.Gv_Ev;
    case 0x2f30: return GRP17 | F.Ev;
    case 0x2f50: return M.BZHI | F.Gv_Ev;
    case 0x2f52: return M.PEXT | F.Gv_Ev;
    case 0x2f53: return M.PDEP | F.Gv_Ev;
    case 0x2f63: return M.MULX | F.Gv_Ev;
    case 0x2f70: return M.BEXTR | F.Gv_Ev;
    case 0x2f71: return M.SHLX | F.Gv_Ev;
    case 0x2f72: return M.SARX | F.Gv_Ev;
    case 0x2f73: return M.SHRX | F.Gv_Ev;
    case 0x3f03: return M.RORX | F.Gv_Ev_Ib | NO_VVVV;
    default: return o;
  }
}

// @ts-ignore: decorator
@inline
export function rowOf(table: usize, index: u32): u32 {
  return load<u32>(table + (<usize>index << 2));
}
