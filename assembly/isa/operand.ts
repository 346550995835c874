// Taking an instruction apart (SDM Vol. 2A chapter 2, "Instruction Format"): prefixes, opcode,
// ModRM, SIB, displacement and immediate. What the parts mean is decode.ts's business.
// Deviation: an instruction longer than 15 bytes is found by its own bytes only, as on silicon, not
// by paging.
import { scratchInsn } from "./scratch";
import { FS_BASE, GS_BASE, LINE, RBP, RSP, ZERO } from "./cpu";
import {
  D64, F, F3, F64, FORM, GROUP, GROUPS, LOCK, M, MEM, NO_REP, NO_VVVV, ONE_BYTE, TWO_BYTE, rowOf,
  threeByteRow, vexRow,
} from "./opcodes";

/** Longest instruction. */
export const INSTRUCTION_BYTES: u32 = 15;

// Insn.state after parse()
export const PARSED: u32 = 0;
/** The instruction goes on beyond the bytes given. */
export const SHORT: u32 = 1;
/** More than 15 bytes: #GP. */
export const LONG: u32 = 2;

/** The instruction being decoded: scratch of one decode, one per instance. */
@unmanaged
export class Insn {
  bytes0: u64;
  bytes1: u64;
  imm: i64;
  disp: i64;
  /** Bytes given; bytes taken so far, in the end the length. */
  given: u32;
  len: u32;
  state: u32;
  row: u32;
  opcode: u32;
  /** Opcode map: 0 one byte, 1 0F, 2 0F 38, 3 0F 3A. */
  map: u8;
  operand16: bool;
  address32: bool;
  lock: bool;
  repne: bool;
  rep: bool;
  hasModrm: bool;
  group: bool;
  rex: u32;
  /** Register-file offset of the FS or GS base, 0 for none. */
  segment: u32;
  mod: u32;
  /** ModRM reg and rm with their REX bits. */
  reg: u32;
  rm: u32;
  /** Operand size in bytes. */
  size: u32;
  base: u32;
  index: u32;
  scale: u32;
  /** A base of rSP or rBP: faults are #SS. */
  stack: bool;
  vex: bool;
  /** Register that VEX.vvvv names. */
  vvvv: u32;
  static readonly BYTES: usize = 128;
}


// @ts-ignore: decorator
@inline
export function insn(): Insn {
  return changetype<Insn>(scratchInsn);
}

function fetch8(i: Insn): u32 {
  if (i.len >= INSTRUCTION_BYTES) {
    i.state = LONG;
    return 0;
  }
  if (i.len >= i.given) {
    if (i.state == PARSED) i.state = SHORT;
    return 0;
  }
  return load<u8>(scratchInsn + i.len++);
}

/** A little-endian integer of 1, 2, 4 or 8 bytes, sign-extended. */
function fetchSigned(i: Insn, size: u32): i64 {
  let value: i64 = 0;
  for (let n: u32 = 0; n < size; n++) value |= <i64>(<u64>fetch8(i) << (n << 3));
  const unused = 64 - (size << 3);
  return value << unused >> unused;
}

function prefixes(i: Insn): u32 {
  while (i.state == PARSED) {
    const byte = fetch8(i);
    if (i.state != PARSED) return 0;
    switch (byte) {
      case 0x26: case 0x2e: case 0x36: case 0x3e: break; // ES, CS, SS, DS: no effect in 64-bit mode
      case 0x64: i.segment = FS_BASE; break;
      case 0x65: i.segment = GS_BASE; break;
      case 0x66: i.operand16 = true; break;
      case 0x67: i.address32 = true; break;
      case 0xf0: i.lock = true; break;
      case 0xf2: i.repne = true; i.rep = false; break;
      case 0xf3: i.rep = true; i.repne = false; break;
      default:
        if ((byte & 0xf0) != 0x40) return byte;
        // REX counts only right before the opcode
        i.rex = byte;
        const next = fetch8(i);
        if (i.state != PARSED) return 0;
        if ((next & 0xf0) != 0x40 && !isPrefix(next)) return next;
        i.rex = 0;
        i.len--;
    }
  }
  return 0;
}

function isPrefix(byte: u32): bool {
  switch (byte) {
    case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: case 0x66: case 0x67:
    case 0xf0: case 0xf2: case 0xf3: return true;
    default: return false;
  }
}

/**
 * ModRM, SIB and displacement (SDM Vol. 2A Table 2-2, "32-Bit Addressing Forms with the ModR/M
 * Byte").
 */
function modrm(i: Insn, registerOnly: bool): void {
  const byte = fetch8(i);
  i.hasModrm = true;
  i.mod = registerOnly ? 3 : byte >> 6;
  i.reg = ((byte >> 3) & 7) | ((i.rex & 4) << 1);
  i.rm = (byte & 7) | ((i.rex & 1) << 3);
  if (i.mod == 3) return;
  let base = i.rm;
  if ((byte & 7) == 4) {
    const sib = fetch8(i);
    base = (sib & 7) | ((i.rex & 1) << 3);
    const index = ((sib >> 3) & 7) | ((i.rex & 2) << 2);
    if (index != 4) i.index = index << 3;
    i.scale = sib >> 6;
    if ((sib & 7) == 5 && i.mod == 0) {
      i.disp = fetchSigned(i, 4);
      return;
    }
  } else if ((byte & 7) == 5 && i.mod == 0) {
    i.base = LINE; // RIP-relative: decode.ts adds the offset of the next instruction
    i.disp = fetchSigned(i, 4);
    return;
  }
  i.base = base << 3;
  i.stack = (i.base == RSP || i.base == RBP) && !i.segment;
  if (i.mod == 1) i.disp = fetchSigned(i, 1);
  else if (i.mod == 2) i.disp = fetchSigned(i, 4);
}

/** Is the row's form one with byte operands? */
function byteForm(form: u32): bool {
  switch (form) {
    case F.Eb_Gb: case F.Gb_Eb: case F.Eb_Ib: case F.Eb: case F.Eb_1: case F.Eb_CL: case F.AL_Ib:
    case F.Zb_Ib: case F.AL_Ob: case F.Ob_AL: case F.Xb: case F.AL_DX: return true;
    default: return false;
  }
}

function operandSize(i: Insn, form: u32): u32 {
  if (byteForm(form)) return 1;
  if (i.rex & 8 || i.row & F64) return 8;
  if (i.operand16) return 2;
  return i.row & D64 ? 8 : 4;
}

function immediate(i: Insn, form: u32): void {
  switch (form) {
    case F.Eb_Ib: case F.Ev_Ib: case F.Gv_Ev_Ib: case F.Ev_Gv_Ib: case F.AL_Ib: case F.Zb_Ib:
    case F.Jb:
    case F.Ib: case F.eAX_Ib:
      i.imm = fetchSigned(i, 1);
      break;
    case F.Ev_Iz: case F.Gv_Ev_Iz: case F.rAX_Iz: case F.Jz: case F.Iz:
      i.imm = fetchSigned(i, i.size == 2 ? 2 : 4);
      break;
    case F.Zv_Iv:
      i.imm = fetchSigned(i, i.size);
      break;
    case F.AL_Ob: case F.rAX_Ov: case F.Ob_AL: case F.Ov_rAX:
      i.disp = fetchSigned(i, i.address32 ? 4 : 8);
      i.mod = 0;
      break;
    case F.Iw:
      i.imm = fetchSigned(i, 2);
      break;
    case F.Iw_Ib: // ENTER: the frame size in the low 16 bits, the nesting level above
      i.imm = fetchSigned(i, 2) & 0xffff;
      i.imm |= fetchSigned(i, 1) << 16;
      break;
  }
}

/** Choose the group's row; group 3 TEST alone has an immediate. */
function groupRow(i: Insn): void {
  const opcodeRow = i.row;
  i.group = true;
  const form = opcodeRow & FORM;
  const row = rowOf(GROUPS, ((opcodeRow & 0xff) << 3) + (i.reg & 7));
  if (!row) {
    i.row = M.INVALID;
    return;
  }
  i.row = (row & FORM ? row : row | form) | (opcodeRow & (D64 | F64));
  if ((row & 0xff) == M.TEST) i.row = M.TEST | (form == F.Eb ? F.Eb_Ib : F.Ev_Iz);
}

/** Opcode and escapes. */
function opcode(i: Insn): void {
  let byte = prefixes(i);
  if (i.state == PARSED) {
    if (byte == 0xc4 || byte == 0xc5) {
      vexOpcode(i, byte == 0xc5);
      return;
    }
    if (byte == 0x0f) {
      byte = fetch8(i);
      i.map = byte == 0x38 ? 2 : byte == 0x3a ? 3 : 1;
      if (i.map > 1) byte = fetch8(i);
    }
  }
  i.opcode = byte;
  if (i.state != PARSED) return;
  if (i.map == 0) i.row = rowOf(ONE_BYTE, byte);
  else if (i.map == 1) i.row = rowOf(TWO_BYTE, byte);
  else if (i.map == 2) i.row = threeByteRow(byte);
}

/**
 * VEX prefix and opcode (SDM Vol. 2A 2.3, "Intel Advanced Vector Extensions (Intel AVX)"). No
 * instruction here has vectors, so that L must be 0; other prefixes before VEX are #UD.
 */
function vexOpcode(i: Insn, short: bool): void {
  const first = fetch8(i);
  const last = short ? first : fetch8(i);
  i.vex = true;
  i.map = short ? 1 : <u8>(first & 31);
  i.vvvv = ~(last >> 3) & 15;
  const illegal = i.rex || i.lock || i.operand16 || i.rep || i.repne || last & 4;
  // R, X, B inverted, and W
  i.rex = 0x40 | ((~first >> 5) & (short ? 4 : 7)) | (short ? 0 : (last >> 4) & 8);
  i.opcode = fetch8(i);
  i.row = i.state != PARSED || illegal ? 0 : vexRow(i.map, i.opcode, last & 3);
}

/**
 * Legality that the row alone decides (SDM Vol. 2A 2.1.1, "Instruction Prefixes"; LOCK's own page).
 */
function legal(i: Insn): bool {
  const row = i.row;
  if (row & MEM && i.mod == 3) return false;
  if (row & F3 && !i.rep) return false;
  if (row & NO_REP && (i.rep || i.repne)) return false;
  if (row & NO_VVVV && i.vvvv) return false;
  if (i.lock && (!(row & LOCK) || i.mod == 3)) return false;
  return true;
}

/**
 * Parse the instruction whose first `given` bytes were put at bytes0. State, row, operands and
 * length are left in insn(); an instruction that is #UD has the row M.INVALID.
 */
export function parse(given: u32): Insn {
  const i = insn();
  memory.fill(scratchInsn + offsetof<Insn>("imm"), 0, Insn.BYTES - offsetof<Insn>("imm"));
  i.given = given;
  i.base = i.index = ZERO;
  i.mod = 3;
  opcode(i);
  let form = i.row & FORM;
  if (form && form <= <u32>F.LAST_MODRM) modrm(i, form == F.Rq_Cq);
  if (i.row & GROUP) {
    groupRow(i);
    form = i.row & FORM;
  }
  i.size = operandSize(i, form);
  immediate(i, form);
  if (i.state == PARSED && !legal(i)) i.row = M.INVALID;
  return i;
}

/**
 * Register-file offset of a register operand of `size` bytes: without REX, 4-7 are AH, CH, DH, BH.
 */
export function slotOf(i: Insn, register: u32, size: u32): u32 {
  if (size == 1 && !i.rex && register >= 4 && register < 8) return ((register - 4) << 3) + 1;
  return register << 3;
}

/** The register named by the low three bits of the opcode. */
// @ts-ignore: decorator
@inline
export function opcodeRegister(i: Insn): u32 {
  return (i.opcode & 7) | ((i.rex & 1) << 3);
}
