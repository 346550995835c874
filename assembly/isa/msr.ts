// RDMSR and WRMSR (SDM Vol. 4 2.1, "Architectural MSRs"). MSRs that a kernel probes and we do not
// model read as 0 and ignore writes where the list below says so; any other is #GP(0).
import {
  MSR_X2APIC, MSR_X2APIC_LAST, lapicBase, lapicMsrLegal, lapicReadMsr, lapicSetBase,
  lapicSetTscDeadline, lapicTscDeadline, lapicWriteMsr,
} from "../device/lapic";
import { Core } from "../memory/core";
import { portDrain } from "../memory/port";
import { leaveAfter } from "./access";
import {
  Cpu, EFER_LMA, EFER_LME, EFER_NXE, EFER_SCE, GP, MISC_ENABLE, canonical, flushTlb, raise,
} from "./cpu";

const IA32_TSC: u32 = 0x10;
const IA32_APIC_BASE: u32 = 0x1b;
const IA32_FEATURE_CONTROL: u32 = 0x3a;
const IA32_BIOS_SIGN_ID: u32 = 0x8b;
const IA32_MTRRCAP: u32 = 0xfe;
const IA32_SYSENTER_CS: u32 = 0x174;
const IA32_SYSENTER_EIP: u32 = 0x176;
const IA32_MCG_CAP: u32 = 0x179;
const IA32_MISC_ENABLE: u32 = 0x1a0;
const IA32_PAT: u32 = 0x277;
const IA32_MTRR_DEF_TYPE: u32 = 0x2ff;
const IA32_TSC_DEADLINE: u32 = 0x6e0;
const X2APIC_TPR: u32 = 0x808;
const X2APIC_EOI: u32 = 0x80b;
const X2APIC_SIVR: u32 = 0x80f;
const X2APIC_ESR: u32 = 0x828;
const X2APIC_ICR: u32 = 0x830;
const X2APIC_LVT_TIMER: u32 = 0x832;
const X2APIC_LVT_ERROR: u32 = 0x837;
const X2APIC_DIVIDE: u32 = 0x83e;
const X2APIC_SELF_IPI: u32 = 0x83f;
const IA32_EFER: u32 = 0xc0000080;
const IA32_STAR: u32 = 0xc0000081;
const IA32_LSTAR: u32 = 0xc0000082;
const IA32_CSTAR: u32 = 0xc0000083;
const IA32_FMASK: u32 = 0xc0000084;
const IA32_FS_BASE: u32 = 0xc0000100;
const IA32_GS_BASE: u32 = 0xc0000101;
const IA32_KERNEL_GS_BASE: u32 = 0xc0000102;
const IA32_TSC_AUX: u32 = 0xc0000103;

/**
 * IA32_MISC_ENABLE (SDM Vol. 4 Table 2-2): fast strings can be switched, which changes nothing; BTS
 * and PEBS are not available, which cannot. The bits of features that are not there, and those that
 * would change what CPUID says (22, 34), are #GP.
 */
const FAST_STRINGS: u64 = 1 << 0;

/** What the time-stamp counter reads at the start of the instruction. */
export function readTsc(core: usize): u64 {
  return Core.of(core).clock + Cpu.of(core).tscOffset;
}

/** The clock at which the time-stamp counter reads `tsc`, now at the earliest; 0 stays 0. */
function clockOfTsc(core: usize, tsc: u64): u64 {
  if (!tsc) return 0;
  const away = <i64>(tsc - readTsc(core));
  return Core.of(core).clock + (away > 0 ? away : 0);
}

/** What IA32_TSC_DEADLINE reads: the local APIC has it as a clock. */
function readDeadline(core: usize): u64 {
  const clock = lapicTscDeadline(core);
  return clock ? clock + Cpu.of(core).tscOffset : 0;
}

/** IA32_TIME_STAMP_COUNTER := tsc; a deadline stays the same count. */
function writeTsc(core: usize, tsc: u64): void {
  const deadline = readDeadline(core);
  Cpu.of(core).tscOffset = tsc - Core.of(core).clock;
  if (deadline) lapicSetTscDeadline(core, clockOfTsc(core, deadline));
}

/** Bits that a write to an x2APIC register may have (SDM Vol. 3A Table 10-6). */
function x2apicBits(msr: u32): u64 {
  switch (msr) {
    case X2APIC_TPR: case X2APIC_SELF_IPI: return 0xff;
    case X2APIC_EOI: case X2APIC_ESR: return 0;
    case X2APIC_SIVR: return 0x1ff;
    case X2APIC_ICR: return 0xffffffff000ccfff;
    case X2APIC_LVT_TIMER: return 0x710ff;
    case X2APIC_LVT_TIMER + 1: case X2APIC_LVT_TIMER + 2: return 0x117ff; // thermal, performance
    case X2APIC_LVT_TIMER + 3: case X2APIC_LVT_TIMER + 4: return 0x1f7ff; // LINT0, LINT1
    case X2APIC_LVT_ERROR: return 0x110ff;
    case X2APIC_DIVIDE: return 0xb;
    default: return 0xffffffff;
  }
}

/** MSRs without a model: reads 0, writes are ignored. */
function isQuiet(msr: u32): bool {
  switch (msr) {
    case IA32_FEATURE_CONTROL: case IA32_BIOS_SIGN_ID: case IA32_MTRRCAP: case IA32_MCG_CAP:
    case IA32_MTRR_DEF_TYPE: return true;
    default: return msr >= IA32_SYSENTER_CS && msr <= IA32_SYSENTER_EIP;
  }
}

/** EDX:EAX := MSR[ECX] */
export function readMsr(core: usize): bool {
  const cpu = Cpu.of(core);
  if (cpu.cpl) return raise(core, GP, 0);
  const msr = <u32>cpu.rcx;
  let value: u64 = 0;
  switch (msr) {
    case IA32_TSC: value = readTsc(core); break;
    case IA32_APIC_BASE: value = lapicBase(core); break;
    case IA32_MISC_ENABLE: value = cpu.miscEnable; break;
    case IA32_PAT: value = cpu.pat; break;
    case IA32_TSC_DEADLINE: value = readDeadline(core); break;
    case IA32_EFER: value = cpu.efer; break;
    case IA32_STAR: value = cpu.star; break;
    case IA32_LSTAR: value = cpu.lstar; break;
    case IA32_CSTAR: value = cpu.cstar; break;
    case IA32_FMASK: value = cpu.sfmask; break;
    case IA32_FS_BASE: value = cpu.fsBase; break;
    case IA32_GS_BASE: value = cpu.gsBase; break;
    case IA32_KERNEL_GS_BASE: value = cpu.kernelGsBase; break;
    case IA32_TSC_AUX: value = cpu.tscAux; break;
    default:
      if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST) {
        if (!lapicMsrLegal(core, msr, false)) return raise(core, GP, 0);
        value = lapicReadMsr(core, msr);
      } else if (!isQuiet(msr)) return raise(core, GP, 0);
  }
  cpu.rax = value & 0xffffffff;
  cpu.rdx = value >> 32;
  return true;
}

/** EFER: LMA and LME stay, because there is no leaving 64-bit mode. */
function writeEfer(core: usize, value: u64): bool {
  const cpu = Cpu.of(core);
  const kept = EFER_LMA | EFER_LME;
  if (value & ~(EFER_SCE | EFER_NXE | kept) || !(value & EFER_LME)) return raise(core, GP, 0);
  const changed = (cpu.efer ^ value) & EFER_NXE;
  cpu.efer = value | kept;
  if (changed) flushTlb(core);
  return true;
}

/** Each byte of the PAT is a memory type (SDM Vol. 3A 11.12.2, "IA32_PAT MSR"). */
function patLegal(value: u64): bool {
  for (let i: u64 = 0; i < 64; i += 8) {
    const type = <u32>(value >> i) & 0xff;
    if (type == 2 || type == 3 || type > 7) return false;
  }
  return true;
}

/** MSR[ECX] := EDX:EAX. Serialises, but for the x2APIC and TSC-deadline MSRs. */
export function writeMsr(core: usize): bool {
  const cpu = Cpu.of(core);
  if (cpu.cpl) return raise(core, GP, 0);
  const msr = <u32>cpu.rcx;
  const value = (cpu.rdx << 32) | (cpu.rax & 0xffffffff);
  if (msr >= MSR_X2APIC && msr <= MSR_X2APIC_LAST) {
    const legal = lapicMsrLegal(core, msr, true) && !(value & ~x2apicBits(msr));
    if (!legal) return raise(core, GP, 0);
    lapicWriteMsr(core, msr, value);
    leaveAfter(core);
    return true;
  }
  if (msr == IA32_TSC_DEADLINE) {
    lapicSetTscDeadline(core, clockOfTsc(core, value));
    leaveAfter(core);
    return true;
  }
  if (!portDrain(core)) return false;
  switch (msr) {
    case IA32_TSC: writeTsc(core, value); break;
    case IA32_APIC_BASE:
      if (!lapicSetBase(core, value)) return raise(core, GP, 0);
      break;
    case IA32_MISC_ENABLE:
      if (value & ~MISC_ENABLE) return raise(core, GP, 0);
      cpu.miscEnable = (value & FAST_STRINGS) | (MISC_ENABLE & ~FAST_STRINGS);
      break;
    case IA32_PAT:
      if (!patLegal(value)) return raise(core, GP, 0);
      cpu.pat = value;
      break;
    case IA32_EFER: return writeEfer(core, value);
    case IA32_STAR: cpu.star = value; break;
    case IA32_LSTAR:
      if (!canonical(value)) return raise(core, GP, 0);
      cpu.lstar = value;
      break;
    case IA32_CSTAR:
      if (!canonical(value)) return raise(core, GP, 0);
      cpu.cstar = value;
      break;
    case IA32_FMASK:
      if (value >> 32) return raise(core, GP, 0);
      cpu.sfmask = value;
      break;
    case IA32_FS_BASE:
      if (!canonical(value)) return raise(core, GP, 0);
      cpu.fsBase = value;
      break;
    case IA32_GS_BASE:
      if (!canonical(value)) return raise(core, GP, 0);
      cpu.gsBase = value;
      break;
    case IA32_KERNEL_GS_BASE:
      if (!canonical(value)) return raise(core, GP, 0);
      cpu.kernelGsBase = value;
      break;
    case IA32_TSC_AUX:
      if (value >> 32) return raise(core, GP, 0);
      cpu.tscAux = value;
      break;
    default:
      if (!isQuiet(msr)) return raise(core, GP, 0);
  }
  leaveAfter(core);
  return true;
}
