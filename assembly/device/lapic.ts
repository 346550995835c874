// Local APIC of one CPU: registers, as xAPIC page and as x2APIC MSRs (SDM Vol. 3A chapter "Advanced
// Programmable Interrupt Controller"). The parts: lapic-state.ts, lapic-timer.ts, ipi.ts.
// Deviations: NMI, SMI, INIT and SIPI messages are ignored (processors start through the MADT
// mailbox); logical xAPIC destinations use the flat model; lowest priority means "every match, as
// fixed"; no error interrupt.
import { CORE_LAPIC } from "../abi";
import { LAPIC_PHYS } from "./map";
import {
  accept, BASE_BSP, BASE_ENABLE, BASE_X2APIC, endOfInterrupt, IRR_FIELD, ISR_FIELD, Lapic,
  LAPIC_FIELDS, lapicIsX2, NEVER, NONE, setTpr, SVR_ENABLE, TMR_FIELD, word,
} from "./lapic-state";
import {
  currentCount, lvt, LVT_ERROR, LVT_TIMER, maskLvts, setInitialCount, writeLvt,
} from "./lapic-timer";
import { sendIpi } from "./ipi";

export { lapicAccept, lapicAck, lapicIsX2, lapicPending } from "./lapic-state";
export { lapicDeadline, lapicFire, lapicSetTscDeadline, lapicTscDeadline } from "./lapic-timer";

// Register offsets in the xAPIC page; the x2APIC MSR is 800H + offset / 16.
const ID: u32 = 0x020;
const VERSION: u32 = 0x030;
const TPR: u32 = 0x080;
const PPR: u32 = 0x0a0;
const EOI: u32 = 0x0b0;
const LDR: u32 = 0x0d0;
const DFR: u32 = 0x0e0;
const SVR: u32 = 0x0f0;
const ISR: u32 = 0x100; // eight registers, then TMR and IRR
const TMR: u32 = 0x180;
const IRR: u32 = 0x200;
const ESR: u32 = 0x280;
const ICR_LOW: u32 = 0x300;
const ICR_HIGH: u32 = 0x310;
const INITIAL_COUNT: u32 = 0x380;
const CURRENT_COUNT: u32 = 0x390;
const DIVIDE: u32 = 0x3e0;
const SELF_IPI: u32 = 0x3f0;

export const MSR_X2APIC: u32 = 0x800;
export const MSR_X2APIC_LAST: u32 = 0x83f;

const VERSION_VALUE: u32 = 0x00050014; // six LVT entries, version 14H
const XAPIC_BROADCAST: u32 = 0xff;
const X2APIC_BROADCAST: u32 = 0xffffffff;
const ICR_WRITABLE: u32 = 0x000ccfff; // delivery status always reads as idle

/** `first`: the bootstrap processor. */
export function lapicReset(core: usize, id: u32, first: bool): void {
  memory.fill(core + CORE_LAPIC, 0, LAPIC_FIELDS);
  const lapic = Lapic.of(core);
  lapic.pending = NONE;
  lapic.id = id;
  lapic.base = LAPIC_PHYS | BASE_ENABLE | (first ? BASE_BSP : 0);
  lapic.svr = 0xff;
  lapic.deadline = NEVER;
  maskLvts(core);
}

/** IA32_APIC_BASE. */
export function lapicBase(core: usize): u64 {
  return <u64>Lapic.of(core).base;
}

/**
 * WRMSR IA32_APIC_BASE; false = #GP. The page cannot be moved, the APIC not be disabled, and x2APIC
 * mode is left only by reset (SDM Vol. 3A "x2APIC State Transitions").
 */
export function lapicSetBase(core: usize, value: u64): bool {
  const lapic = Lapic.of(core);
  const fixed = LAPIC_PHYS | BASE_ENABLE | (lapic.base & BASE_BSP);
  if ((value & ~(<u64>BASE_X2APIC)) != fixed) return false;
  if (lapic.base & BASE_X2APIC && !(<u32>value & BASE_X2APIC)) return false;
  lapic.base = <u32>value;
  return true;
}

/** CR8 is TPR bits 7-4. */
@inline
export function lapicCr8(core: usize): u64 {
  return <u64>(Lapic.of(core).tpr >> 4);
}

export function lapicSetCr8(core: usize, value: u64): void {
  setTpr(core, (<u32>value & 15) << 4);
}

/** 32-bit read at `offset` of the xAPIC page. */
export function lapicRead(core: usize, offset: u32): u32 {
  const lapic = Lapic.of(core);
  switch (offset & 0xff0) {
    case ID:
      return lapicIsX2(core) ? lapic.id : lapic.id << 24;
    case VERSION:
      return VERSION_VALUE;
    case TPR:
      return lapic.tpr;
    case PPR:
      return lapic.ppr;
    case LDR:
      return lapicIsX2(core) ? ((lapic.id >> 4) << 16) | (1 << (lapic.id & 15)) : lapic.ldr;
    case DFR:
      return 0xffffffff;
    case SVR:
      return lapic.svr;
    case ESR:
      return lapic.esr;
    case ICR_LOW:
      return lapic.icrLow;
    case ICR_HIGH:
      return lapic.icrHigh;
    case INITIAL_COUNT:
      return lapic.initialCount;
    case CURRENT_COUNT:
      return currentCount(core);
    case DIVIDE:
      return lapic.divide;
    default:
      if (offset - LVT_TIMER <= LVT_ERROR - LVT_TIMER) return lvt(core, offset);
      if (offset - ISR < 0x80) return load<u32>(core + ISR_FIELD + CORE_LAPIC + word(offset - ISR));
      if (offset - IRR >= 0x80 && offset - TMR >= 0x80) return 0;
      if (offset - IRR < 0x80) return load<u32>(core + IRR_FIELD + CORE_LAPIC + word(offset - IRR));
      return load<u32>(core + TMR_FIELD + CORE_LAPIC + word(offset - TMR));
  }
}

/** 32-bit write at `offset` of the xAPIC page. */
export function lapicWrite(core: usize, offset: u32, value: u32): void {
  const lapic = Lapic.of(core);
  switch (offset & 0xff0) {
    case TPR:
      setTpr(core, value & 0xff);
      break;
    case EOI:
      endOfInterrupt(core);
      break;
    case LDR:
      lapic.ldr = value & 0xff000000;
      break;
    case SVR:
      lapic.svr = value & 0x1ff;
      if (!(value & SVR_ENABLE)) maskLvts(core);
      break;
    case ESR:
      lapic.esr = 0;
      break;
    case ICR_LOW:
      lapic.icrLow = value & ICR_WRITABLE;
      sendIpi(core, value, lapic.icrHigh >> 24, XAPIC_BROADCAST);
      break;
    case ICR_HIGH:
      lapic.icrHigh = value & 0xff000000;
      break;
    case INITIAL_COUNT:
      setInitialCount(core, value);
      break;
    case DIVIDE:
      lapic.divide = value & 0xb;
      break;
    default:
      if (offset - LVT_TIMER <= LVT_ERROR - LVT_TIMER) writeLvt(core, offset, value);
  }
}

/**
 * Whether RDMSR (or WRMSR) of an x2APIC MSR is legal (SDM Vol. 3A "Local APIC Register Address Map
 * Supported by x2APIC").
 */
export function lapicMsrLegal(core: usize, msr: u32, write: bool): bool {
  if (!lapicIsX2(core)) return false;
  const offset = (msr - MSR_X2APIC) << 4;
  switch (offset) {
    case ID:
    case VERSION:
    case PPR:
    case LDR:
    case CURRENT_COUNT:
      return !write;
    case EOI:
    case SELF_IPI:
      return write;
    case TPR:
    case SVR:
    case ESR:
    case ICR_LOW:
    case INITIAL_COUNT:
    case DIVIDE:
      return true;
    default:
      if (offset - LVT_TIMER <= LVT_ERROR - LVT_TIMER) return true;
      return !write && offset - ISR < 0x180;
  }
}

/** RDMSR 800H to 83FH, after lapicMsrLegal(). */
export function lapicReadMsr(core: usize, msr: u32): u64 {
  const offset = (msr - MSR_X2APIC) << 4;
  if (offset == ICR_LOW) {
    const lapic = Lapic.of(core);
    return (<u64>lapic.icrHigh << 32) | <u64>lapic.icrLow;
  }
  return <u64>lapicRead(core, offset);
}

/** WRMSR 800H to 83FH, after lapicMsrLegal(). */
export function lapicWriteMsr(core: usize, msr: u32, value: u64): void {
  const offset = (msr - MSR_X2APIC) << 4;
  if (offset == ICR_LOW) {
    const lapic = Lapic.of(core);
    lapic.icrLow = <u32>value & ICR_WRITABLE;
    lapic.icrHigh = <u32>(value >> 32);
    sendIpi(core, <u32>value, lapic.icrHigh, X2APIC_BROADCAST);
  } else if (offset == SELF_IPI) {
    accept(core, <u32>value & 0xff);
  } else {
    lapicWrite(core, offset, <u32>value);
  }
}
