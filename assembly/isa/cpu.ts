// The architectural state of one logical CPU in 64-bit mode, at the start of its core block
// (abi.ts). Left out: compatibility and legacy modes, x87/SSE state, debug registers other than as
// storage. CR8 is the local APIC's TPR and lives there.
import { CORE_CPU, CORE_LIMIT_MASK, CORE_TLB, CORE_TLB_BYTES, RUN_RUNNING } from "../abi";
import { Core } from "../memory/core";
import { fetchFilterFlush } from "../memory/fetch-filter";
import { filterFlush } from "../memory/filter";

// Byte offsets in the register file. An operand of a decoded record is such an offset, so that AH
// is simply byte 1 and an 8-bit operation a plain byte access.
export const RAX: u32 = 0;
export const RCX: u32 = 8;
export const RDX: u32 = 16;
export const RBX: u32 = 24;
export const RSP: u32 = 32;
export const RBP: u32 = 40;
export const RSI: u32 = 48;
export const RDI: u32 = 56;
export const R11: u32 = 88;
/** Always 0: the base or index of an address that has none. */
export const ZERO: u32 = 128;
/** Operands of cracked instructions; dead between instructions. */
export const TMP0: u32 = 136;
export const TMP1: u32 = 144;
/** Linear address of the code line under execution: the base of a RIP-relative address. */
export const LINE: u32 = 152;
export const FS_BASE: u32 = 160;
export const GS_BASE: u32 = 168;

// Segment registers, in the order of the ModRM reg field
export const ES: u32 = 0;
export const CS: u32 = 1;
export const SS: u32 = 2;
export const DS: u32 = 3;
export const FS: u32 = 4;
export const GS: u32 = 5;

// EFLAGS (SDM Vol. 1 3.4.3, "EFLAGS Register")
export const CF: u32 = 1 << 0;
export const PF: u32 = 1 << 2;
export const AF: u32 = 1 << 4;
export const ZF: u32 = 1 << 6;
export const SF: u32 = 1 << 7;
export const TF: u32 = 1 << 8;
export const IF: u32 = 1 << 9;
export const DF: u32 = 1 << 10;
export const OF: u32 = 1 << 11;
export const IOPL: u32 = 3 << 12;
export const NT: u32 = 1 << 14;
export const RF: u32 = 1 << 16;
export const VM: u32 = 1 << 17;
export const AC: u32 = 1 << 18;
export const ID: u32 = 1 << 21;
export const STATUS_FLAGS: u32 = CF | PF | AF | ZF | SF | OF;

export const CR0_PE: u64 = 1 << 0;
export const CR0_MP: u64 = 1 << 1;
export const CR0_ET: u64 = 1 << 4;
export const CR0_NE: u64 = 1 << 5;
export const CR0_WP: u64 = 1 << 16;
export const CR0_AM: u64 = 1 << 18;
export const CR0_NW: u64 = 1 << 29;
export const CR0_CD: u64 = 1 << 30;
export const CR0_PG: u64 = 1 << 31;
export const CR4_TSD: u64 = 1 << 2;
export const CR4_PSE: u64 = 1 << 4;
export const CR4_PAE: u64 = 1 << 5;
export const CR4_PGE: u64 = 1 << 7;
export const CR4_PCE: u64 = 1 << 8;
export const CR4_FSGSBASE: u64 = 1 << 16;
export const EFER_SCE: u64 = 1 << 0;
export const EFER_LME: u64 = 1 << 8;
export const EFER_LMA: u64 = 1 << 10;
export const EFER_NXE: u64 = 1 << 11;

/** IA32_MISC_ENABLE at reset: fast strings; no BTS, no PEBS. */
export const MISC_ENABLE: u64 = (1 << 0) | (1 << 11) | (1 << 12);

// Exceptions (SDM Vol. 3A 6.3.1, "External Interrupts", Table 6-1)
export const DE: u32 = 0;
export const DB: u32 = 1;
export const BP: u32 = 3;
export const UD: u32 = 6;
export const NM: u32 = 7;
export const DFAULT: u32 = 8;
export const TS: u32 = 10;
export const NP: u32 = 11;
export const SSFAULT: u32 = 12;
export const GP: u32 = 13;
export const PAGE: u32 = 14;
export const ALIGN: u32 = 17;
/** Cpu.pending when there is none. */
export const NO_EXCEPTION: u32 = 0xffffffff;

// Cpu.shadow: what is kept away from the boundary before the next instruction
/** Interrupts: STI. */
export const SHADOW_STI: u32 = 1;
/** The protected instruction is under way. */
export const SHADOW_TAKEN: u32 = 2;
/** Interrupts and the trap of a single step: MOV SS. */
export const SHADOW_SS: u32 = 3;
/** The trap of a single step only: SYSCALL that has cleared TF. */
export const SHADOW_STEP: u32 = 4;

/** What a TLB or filter entry must allow for this CPL (access.ts, fetch.ts). */
export const NEED_USER_READ: u32 = 1;
export const NEED_SUPERVISOR_WRITE: u32 = 2;
export const NEED_USER_WRITE: u32 = 4;
/**
 * No entry allows this: while alignment is checked (#AC) no store goes the fast way, which does not
 * look at it. Loads need no such thing: the fast way takes aligned ones only.
 */
export const NEED_ALIGNED: u32 = 512;

/**
 * Core block + CORE_CPU.
 *
 *       0 | rax rcx rdx rbx rsp rbp rsi rdi r8..r15 | 128 | zero tmp0 tmp1 line fsBase gsBase
 *     176 | lazy flags | 208 | what this CPL needs | 224 | rip rflags crs msrs | 344 | tables
 *     396 | shadow, exception in flight | 440 | store in flight | 464 | large pages, LDT
 *     480 | unimplemented instruction
 *     504 | debug registers | 552 | scratch
 */
@unmanaged
export class Cpu {
  rax: u64; rcx: u64; rdx: u64; rbx: u64;
  rsp: u64; rbp: u64; rsi: u64; rdi: u64;
  r8: u64; r9: u64; r10: u64; r11: u64;
  r12: u64; r13: u64; r14: u64; r15: u64;
  zero: u64;
  tmp0: u64;
  tmp1: u64;
  line: u64;
  fsBase: u64;
  gsBase: u64;
  /** The last result that set flags (flags.ts). */
  carryX: i64;
  carryY: i64;
  flagR: i64;
  flagKind: u32;
  pad0: u32;
  /** NEED_* for a load, a store, and 1 if code pages must be user pages: they follow the CPL. */
  needRead: u32;
  needWrite: u32;
  fetchUser: u32;
  cpl: u32;
  rip: u64;
  /** EFLAGS without the status flags, which are lazy. */
  rflags: u64;
  cr0: u64;
  cr2: u64;
  cr3: u64;
  cr4: u64;
  efer: u64;
  star: u64;
  lstar: u64;
  cstar: u64;
  sfmask: u64;
  kernelGsBase: u64;
  tscAux: u64;
  pat: u64;
  tscOffset: u64;
  /** Descriptor tables and the task register. */
  gdtBase: u64;
  idtBase: u64;
  trBase: u64;
  gdtLimit: u32;
  idtLimit: u32;
  trLimit: u32;
  es: u16; cs: u16; ss: u16; ds: u16; fs: u16; gs: u16;
  tr: u16;
  ldtr: u16;
  /** SHADOW_*, 0 for none. */
  shadow: u32;
  /** DPL of what ES .. GS hold, 2 bits each in their order; 3 if conforming or null. */
  segmentDpl: u32;
  /** The exception to deliver, NO_EXCEPTION for none; `error` is its code, or -1 for none. */
  pending: u32;
  error: i32;
  faultLin: u64;
  /** Length of the INT instruction: its return address is after it; 0 for a fault. */
  softLength: u32;
  /** The vector under delivery, to tell a double fault; NO_EXCEPTION outside of delivery. */
  delivering: u32;
  flagB: i64;
  /** The store that was checked and reserved last (access.ts). */
  writePhys: u64;
  writePhys2: u64;
  /** Bytes of it in the first line, 0 for a store that does not cross one. */
  writeSplit: u32;
  /** Where a locked access may work in place. */
  lockHost: u32;
  /** A page larger than 4 KiB is in the TLB: INVLPG must look for its fragments. */
  largePages: u32;
  ldtLimit: u32;
  ldtBase: u64;
  /** For the host when Core.run is RUN_UNIMPLEMENTED. */
  badRip: u64;
  badBytes0: u64;
  badBytes1: u64;
  dr0: u64; dr1: u64; dr2: u64; dr3: u64; dr6: u64; dr7: u64;
  miscEnable: u64;
  /** 16 bytes assembled from two lines, or read from a device. */
  scratch0: u64;
  scratch1: u64;

  @inline static of(core: usize): Cpu {
    return changetype<Cpu>(core + CORE_CPU);
  }
}

/**
 * [from, to) of the fields that are state, for the state hash; the rest is dead between
 * instructions.
 */
export const CPU_STATE_RANGES: usize = 5;
export const CPU_STATE: usize = memory.data<u32>([
  0, 128,
  160, 204,
  208, 400,
  400, 440,
  464, 480,
]);

@inline
export function getReg<T>(core: usize, offset: u32): T {
  return load<T>(core + offset);
}

/** Write a register. A 32-bit result clears the upper half; 8 and 16-bit results leave the rest. */
@inline
export function setReg<T>(core: usize, offset: u32, value: T): void {
  if (sizeof<T>() == 4) store<u64>(core + offset, <u64>value & 0xffffffff);
  else store<T>(core + offset, value);
}

/**
 * Raise an exception: execute() delivers it. Always false, so that `return raise(..)` ends a
 * failing access.
 */
export function raise(core: usize, vector: u32, error: i32 = -1): bool {
  const cpu = Cpu.of(core);
  cpu.pending = vector;
  cpu.error = error;
  cpu.softLength = 0;
  return false;
}

/** Enter ring `cpl`; also after a change of EFLAGS.AC, which counts in ring 3. */
export function setCpl(core: usize, cpl: u32): void {
  const cpu = Cpu.of(core);
  const user = cpl == 3;
  cpu.cpl = cpl;
  cpu.needRead = user ? NEED_USER_READ : 0;
  cpu.needWrite = user ? NEED_USER_WRITE : NEED_SUPERVISOR_WRITE;
  if (user && cpu.cr0 & CR0_AM && cpu.rflags & AC) cpu.needWrite |= NEED_ALIGNED;
  cpu.fetchUser = user ? 1 : 0;
}

/** Is the address canonical for 48 bits? */
@inline
export function canonical(lin: u64): bool {
  return (<i64>lin << 16 >> 16) == <i64>lin;
}

/** Drop every translation of this CPU that has gone stale, and what was derived from it. */
export function flushTlb(core: usize): void {
  memory.fill(core + CORE_TLB, 0, CORE_TLB_BYTES);
  fetchFilterFlush(core);
  Cpu.of(core).largePages = 0;
  filterFlush(core);
}

/** Cpu.segmentDpl with FS and GS null. */
const NULL_FS_GS: u32 = (3 << (2 * FS)) | (3 << (2 * GS));

/**
 * Put a CPU into 64-bit mode at `rip`, as the Linux 64-bit boot protocol and the MADT wake-up
 * mailbox leave it: flat segments, paging on, interrupts off.
 */
export function resetLongMode(core: usize, rip: u64, rsi: u64, cr3: u64): void {
  memory.fill(core + CORE_CPU, 0, CORE_LIMIT_MASK);
  const cpu = Cpu.of(core);
  cpu.rip = rip;
  cpu.rsi = rsi;
  cpu.rflags = 2;
  cpu.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
  cpu.cr3 = cr3;
  cpu.cr4 = CR4_PAE | CR4_PGE;
  cpu.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
  cpu.pat = 0x0007040600070406;
  cpu.miscEnable = MISC_ENABLE;
  cpu.dr6 = 0xffff0ff0;
  cpu.dr7 = 0x400;
  cpu.cs = 0x10;
  cpu.ds = cpu.es = cpu.ss = 0x18;
  cpu.segmentDpl = NULL_FS_GS;
  cpu.flagR = 1; // ZF clear
  cpu.pending = NO_EXCEPTION;
  cpu.delivering = NO_EXCEPTION;
  setCpl(core, 0);
  flushTlb(core);
  Core.of(core).run = RUN_RUNNING;
}
