// Instructions with which a kernel runs the CPU: control registers, descriptor tables, SYSCALL,
// HLT, fences. Serialising instructions drain the store buffer; SYSCALL, SYSRET, SWAPGS and MOV to
// CR8 do not.
// Deviations: RSM, MONITOR and performance counters are not there; the debug registers keep what is
// written, but no breakpoint ever matches; SYSRET to 32-bit code stops the run.
import {
  ENGINE_EXPLORE, MACHINE_BASE, M_COST_LFENCE, M_COST_MFENCE, M_COST_PAUSE, M_COST_RDTSC,
  M_COST_SFENCE, M_COST_SYSCALL, RUN_HALTED, RUN_UNIMPLEMENTED, WAIT_FENCE_DRAIN,
} from "../abi";
import { lapicCr8, lapicSetCr8 } from "../device/lapic";
import { Core } from "../memory/core";
import { portDrain } from "../memory/port";
import { leaveAfter, readUser } from "./access";
import {
  CR0_CD, CR0_ET, CR0_NE, CR0_NW, CR0_PE, CR0_PG, CR0_WP, CR4_FSGSBASE, CR4_PAE, CR4_PCE, CR4_PGE,
  CR4_PSE, CR4_TSD, CS, Cpu, EFER_SCE, GP, IF, R11, RCX, RF, SHADOW_STEP, SHADOW_STI, SS, TF, UD,
  canonical, flushTlb, getReg, raise, setCpl, setReg,
} from "./cpu";
import { writeEflags } from "./exception";
import { getFlags } from "./flags";
import { readTsc } from "./msr";
import { addressOf, vectorOf } from "./operand-address";
import { flushNonGlobal, flushPage } from "./paging";
import { Op, Rec } from "./record";
import { localTable, setSelector, taskDescriptor } from "./segment";
import { storeBoth } from "./stores";

/**
 * CR4 bits that this CPU takes: those of the features that CPUID lists (cpuid.ts), and PCE, which
 * it does not tell of. DE, MCE, OSFXSR and the rest are #GP.
 */
const CR4_LEGAL: u64 = CR4_TSD | CR4_PSE | CR4_PAE | CR4_PGE | CR4_PCE | CR4_FSGSBASE;
/**
 * PE MP EM TS ET NE WP AM NW CD PG. Other bits below 32 stay clear, and so do reserved ones of CR3:
 * "attempts to set them have no impact" (SDM Vol. 2B, "MOV - Move to/from Control Registers").
 */
const CR0_KEPT: u64 = 0xe005003f;
/** PWT, PCD and the table's address. */
const CR3_KEPT: u64 = 0x000000fffffff018;
/** Bits above the physical address width are #GP. */
const CR3_LEGAL: u64 = 0x000000ffffffffff;
const DR6_LEGAL: u64 = 0xe00f;
const DR6_SET: u64 = 0xffff0ff0;
const DR7_LEGAL: u64 = 0xffff2bff;
const DR7_SET: u64 = 0x400;
/** Cycles of CLFLUSH on Core 2. */
export const CLFLUSH_CYCLES: u64 = 240;

// @ts-ignore: decorator
@inline
export function charge(core: usize, cost: i32): void {
  Core.of(core).clock += <u64>load<u32>(MACHINE_BASE + <usize>cost) - 1;
}

/** #GP(0) unless in ring 0. */
// @ts-ignore: decorator
@inline
export function privileged(core: usize): bool {
  return Cpu.of(core).cpl == 0 ? true : raise(core, GP, 0);
}

/** A privileged instruction that serialises. */
function serialising(core: usize): bool {
  return privileged(core) && portDrain(core);
}

/** d := CRn */
export function moveFromCr(core: usize, p: usize): bool {
  if (!privileged(core)) return false;
  const cpu = Cpu.of(core);
  let value: u64;
  switch (Rec.at(p).cc) {
    case 0: value = cpu.cr0; break;
    case 2: value = cpu.cr2; break;
    case 3: value = cpu.cr3; break;
    case 4: value = cpu.cr4; break;
    case 8: value = lapicCr8(core); break;
    default: return raise(core, UD);
  }
  setReg<u64>(core, Rec.at(p).d, value);
  return true;
}

/** CRn := s. CR8 may let an interrupt through and does not serialise; the others do. */
export function moveToCr(core: usize, p: usize): bool {
  if (!privileged(core)) return false;
  const cpu = Cpu.of(core);
  const value = load<u64>(core + <usize>Rec.at(p).s);
  const number = <u32>Rec.at(p).cc;
  if (number == 8) {
    if (value > 15) return raise(core, GP, 0);
    lapicSetCr8(core, value);
    leaveAfter(core);
    return true;
  }
  if (!portDrain(core)) return false;
  switch (number) {
    case 0:
      // 64-bit mode needs paging and protection; not write-through alone does not exist
      if (value >> 32 || !(value & CR0_PG) || !(value & CR0_PE)) return raise(core, GP, 0);
      if (value & CR0_NW && !(value & CR0_CD)) return raise(core, GP, 0);
      if ((cpu.cr0 ^ value) & CR0_WP) flushTlb(core);
      cpu.cr0 = (value & CR0_KEPT) | CR0_ET | CR0_NE;
      return true;
    case 2:
      cpu.cr2 = value;
      return true;
    case 3:
      if (value & ~CR3_LEGAL) return raise(core, GP, 0);
      cpu.cr3 = value & CR3_KEPT;
      flushNonGlobal(core);
      return true;
    case 4:
      if (value & ~CR4_LEGAL || !(value & CR4_PAE)) return raise(core, GP, 0);
      if ((cpu.cr4 ^ value) & CR4_PGE) flushTlb(core);
      cpu.cr4 = value;
      return true;
    default: return raise(core, UD);
  }
}

/** Debug registers hold what is written; nothing ever matches. */
export function moveDr(core: usize, p: usize, write: bool): bool {
  if (!privileged(core)) return false;
  const rec = Rec.at(p);
  let n = <u32>rec.cc;
  if (n == 4 || n == 5) n += 2; // aliases while CR4.DE is clear
  if (n > 7) return raise(core, UD);
  const at = core + offsetof<Cpu>("dr0") + (<usize>(n > 3 ? n - 2 : n) << 3);
  if (!write) {
    setReg<u64>(core, rec.d, load<u64>(at));
    return true;
  }
  const value = load<u64>(core + <usize>rec.s);
  if (n > 3 && value >> 32) return raise(core, GP, 0);
  // Bits that are fixed stay so (SDM Vol. 3B Figure 17-1, "Debug Registers").
  const fixed = n == 6 ? (value & DR6_LEGAL) | DR6_SET : (value & DR7_LEGAL) | DR7_SET;
  store<u64>(at, n > 3 ? fixed : value);
  return true;
}

/** LGDT, LIDT */
export function loadTable(core: usize, p: usize, op: u32): bool {
  if (!serialising(core)) return false;
  const cpu = Cpu.of(core);
  const lin = addressOf(core, p);
  let host = readUser(core, lin, 2, vectorOf(p));
  if (!host) return false;
  const limit = <u32>load<u16>(host);
  host = readUser(core, lin + 2, 8, vectorOf(p));
  if (!host) return false;
  const base = load<u64>(host);
  if (!canonical(base)) return raise(core, GP, 0);
  if (op == Op.LGDT) {
    cpu.gdtLimit = limit;
    cpu.gdtBase = base;
  } else {
    cpu.idtLimit = limit;
    cpu.idtBase = base;
  }
  return true;
}

/** SGDT, SIDT: limit, then base */
export function storeTable(core: usize, p: usize, op: u32): bool {
  const cpu = Cpu.of(core);
  const lin = addressOf(core, p);
  const gdt = op == Op.SGDT;
  const limit = <u64>(gdt ? cpu.gdtLimit : cpu.idtLimit);
  const base = gdt ? cpu.gdtBase : cpu.idtBase;
  return storeBoth(core, lin, 2, limit, lin + 2, 8, base, vectorOf(p));
}

export function loadLdt(core: usize, p: usize): bool {
  return serialising(core) && localTable(core, load<u16>(core + <usize>Rec.at(p).s));
}

/** LMSW: bits 0 to 3 of CR0; it cannot clear PE, and the others mean nothing here. */
export function loadStatusWord(core: usize, p: usize): bool {
  if (!serialising(core)) return false;
  const cpu = Cpu.of(core);
  const value = <u64>getReg<u16>(core, Rec.at(p).s);
  cpu.cr0 = (cpu.cr0 & ~0xe) | (value & 0xe);
  return true;
}

export function loadTask(core: usize, p: usize): bool {
  return serialising(core) && taskDescriptor(core, load<u16>(core + <usize>Rec.at(p).s));
}

export function invalidatePage(core: usize, p: usize): bool {
  if (!serialising(core)) return false;
  flushPage(core, addressOf(core, p));
  return true;
}

/** RCX := RIP, R11 := RFLAGS; to LSTAR in ring 0. Does not drain. */
export function systemCall(core: usize, next: u64): bool {
  const cpu = Cpu.of(core);
  if (!(cpu.efer & EFER_SCE)) return raise(core, UD);
  const selector = <u32>(cpu.star >> 32) & 0xffff;
  setReg<u64>(core, RCX, next);
  setReg<u64>(core, R11, (cpu.rflags | getFlags(core)) & ~(<u64>RF));
  const flags = load<u64>(core + <usize>R11) & ~cpu.sfmask;
  writeEflags(core, flags, 0xffffffff);
  setSelector(core, CS, selector & 0xfffc);
  setSelector(core, SS, selector + 8);
  setCpl(core, 0);
  // A step into the kernel traps there, unless FMASK has cleared TF.
  if (<u32>load<u64>(core + <usize>R11) & ~(<u32>flags) & TF) cpu.shadow = SHADOW_STEP;
  cpu.rip = cpu.lstar;
  charge(core, M_COST_SYSCALL);
  return true;
}

/** RIP := RCX, RFLAGS := R11, ring 3. Does not drain. */
export function systemReturn(core: usize, size: u32): bool {
  const cpu = Cpu.of(core);
  if (!(cpu.efer & EFER_SCE)) return raise(core, UD);
  if (!privileged(core)) return false;
  if (size != 8) {
    Core.of(core).run = RUN_UNIMPLEMENTED;
    return false;
  }
  if (!canonical(cpu.rcx)) return raise(core, GP, 0);
  const selector = <u32>(cpu.star >> 48);
  setSelector(core, CS, ((selector + 16) & 0xffff) | 3);
  setSelector(core, SS, ((selector + 8) & 0xffff) | 3);
  writeEflags(core, cpu.r11 & 0x3c7fd7, 0xffffffff);
  setCpl(core, 3);
  cpu.rip = cpu.rcx;
  charge(core, M_COST_SYSCALL);
  // IF or TF may be set now
  leaveAfter(core);
  return true;
}

export function swapGs(core: usize): bool {
  if (!privileged(core)) return false;
  const cpu = Cpu.of(core);
  const base = cpu.gsBase;
  cpu.gsBase = cpu.kernelGsBase;
  cpu.kernelGsBase = base;
  return true;
}

/** RDFSBASE .. WRGSBASE */
export function segmentBase(core: usize, p: usize, op: u32): bool {
  const cpu = Cpu.of(core);
  if (!(cpu.cr4 & CR4_FSGSBASE)) return raise(core, UD);
  const rec = Rec.at(p);
  const wide = rec.size == 8;
  if (op == Op.RDFSBASE || op == Op.RDGSBASE) {
    const base = op == Op.RDFSBASE ? cpu.fsBase : cpu.gsBase;
    setReg<u64>(core, rec.d, wide ? base : base & 0xffffffff);
    return true;
  }
  const value = load<u64>(core + <usize>rec.s) & (wide ? ~0 : 0xffffffff);
  if (!canonical(value)) return raise(core, GP, 0);
  if (op == Op.WRFSBASE) cpu.fsBase = value;
  else cpu.gsBase = value;
  return true;
}

/** EDX:EAX := the time-stamp counter; RDTSCP also ECX := IA32_TSC_AUX */
export function timeStamp(core: usize, withAux: bool): bool {
  const cpu = Cpu.of(core);
  if (cpu.cr4 & CR4_TSD && cpu.cpl) return raise(core, GP, 0);
  // The explore engine has no time.
  const tsc = ENGINE == ENGINE_EXPLORE ? 0 : readTsc(core);
  cpu.rax = tsc & 0xffffffff;
  cpu.rdx = tsc >> 32;
  if (withAux) cpu.rcx = cpu.tscAux;
  charge(core, M_COST_RDTSC);
  return true;
}

export function halt(core: usize): bool {
  if (!privileged(core)) return false;
  Core.of(core).run = RUN_HALTED;
  leaveAfter(core);
  return true;
}

/** CLI, STI (SDM Vol. 2B, "STI": interrupts are let in one instruction later) */
export function setInterruptFlag(core: usize, on: bool): bool {
  const cpu = Cpu.of(core);
  if (cpu.cpl > (<u32>(cpu.rflags >> 12) & 3)) return raise(core, GP, 0);
  if (on && !(cpu.rflags & IF)) {
    cpu.shadow = SHADOW_STI;
    leaveAfter(core);
  }
  cpu.rflags = on ? cpu.rflags | IF : cpu.rflags & ~(<u64>IF);
  return true;
}

/** PAUSE, MFENCE, SFENCE, LFENCE: only MFENCE drains. */
export function fence(core: usize, op: u32): bool {
  if (op == Op.MFENCE && !portDrain(core, WAIT_FENCE_DRAIN)) return false;
  charge(core, op == Op.MFENCE ? M_COST_MFENCE : op == Op.SFENCE ? M_COST_SFENCE
    : op == Op.LFENCE ? M_COST_LFENCE : M_COST_PAUSE);
  return true;
}
