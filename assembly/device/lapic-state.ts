// State of one CPU's local APIC: which vectors are requested and in service, and which one the CPU
// may take (SDM Vol. 3A "Interrupt Acceptance for Fixed Interrupts", "Task and Processor
// Priorities").
import { CORE_LAPIC } from "../abi";
import { check } from "../check";
import { send } from "../memory/message";
import { MSG_EOI } from "../memory/protocol";

export const NONE: i32 = -1;
export const NEVER: u64 = u64.MAX_VALUE;

export const SVR_ENABLE: u32 = 0x100;
export const BASE_BSP: u32 = 0x100;
export const BASE_X2APIC: u32 = 0x400;
export const BASE_ENABLE: u32 = 0x800;

// Fields of an interrupt message, as in ICR
export const ICR_LOGICAL: u32 = 0x800;
const ICR_LEVEL: u32 = 0x8000;
const DELIVERY_SHIFT: u32 = 8;
const DELIVERY_FIXED: u32 = 0;
const DELIVERY_LOWEST: u32 = 1;

const VECTOR_MIN: u32 = 16; // lower ones are illegal in a message
const ESR_RECEIVED_ILLEGAL: u32 = 0x40;

/**
 * Core block + CORE_LAPIC.
 *
 *     0 | pending i32 | 4 | id | 8 | base | 12 | tpr | 16 | ppr | 20 | svr | 24 | ldr | 28
 *    28 | esr | 32 | icrHigh | 36 | icrLow | 40 | initialCount | 44 | divide | 48
 *    48 | deadline u64 | 56 | tscDeadline u64 | 64 | lvt[6] | 88 | pad | 96 | irr[8] | 128
 *   128 | isr[8] | 160 | tmr[8] | 192
 */
@unmanaged
export class Lapic {
  /** Cached answer of lapicPending(): highest requested vector above PPR, or -1. */
  pending: i32;
  id: u32;
  /** Low half of IA32_APIC_BASE. */
  base: u32;
  tpr: u32;
  ppr: u32;
  svr: u32;
  ldr: u32;
  esr: u32;
  icrHigh: u32;
  icrLow: u32;
  initialCount: u32;
  divide: u32;
  /** Next timer expiry in cycles, NEVER while the timer is stopped. */
  deadline: u64;
  tscDeadline: u64;

  @inline static of(core: usize): Lapic {
    return changetype<Lapic>(core + CORE_LAPIC);
  }
}
export const LVT_FIELD: usize = 64;
export const IRR_FIELD: usize = 96;
export const ISR_FIELD: usize = 128;
/** Trigger modes: 1 = level, its EOI goes to the I/O APIC. */
export const TMR_FIELD: usize = 160;
export const LAPIC_FIELDS: usize = 192;

/** Vector that the CPU takes next if RFLAGS.IF allows, or -1. */
@inline
export function lapicPending(core: usize): i32 {
  return load<i32>(core + CORE_LAPIC);
}

/** Interrupt acknowledge: IRR to ISR. Only while lapicPending() is not -1. */
export function lapicAck(core: usize): i32 {
  const vector = lapicPending(core);
  check(vector != NONE);
  clearBit(core + IRR_FIELD, vector);
  setBit(core + ISR_FIELD, vector);
  update(core);
  return vector;
}

/**
 * An interrupt message arrives. `message` has ICR's layout: vector in bits 0-7, delivery mode in
 * 8-10, and for a logical destination bit 11 with the destination byte in 24-31, which this APIC
 * compares with its own LDR.
 */
export function lapicAccept(core: usize, message: u32): void {
  const lapic = Lapic.of(core);
  const delivery = (message >> DELIVERY_SHIFT) & 7;
  if (delivery != DELIVERY_FIXED && delivery != DELIVERY_LOWEST) return;
  if (message & ICR_LOGICAL && !((message & lapic.ldr) >> 24)) return;
  accept(core, message & 0xff);
  const trigger = core + TMR_FIELD;
  if (message & ICR_LEVEL) setBit(trigger, message & 0xff);
  else clearBit(trigger, message & 0xff);
}

/** IA32_APIC_BASE bit 10. */
@inline
export function lapicIsX2(core: usize): bool {
  return (Lapic.of(core).base & BASE_X2APIC) != 0;
}

/** Puts `vector` into IRR. */
export function accept(core: usize, vector: u32): void {
  if (vector < VECTOR_MIN) {
    Lapic.of(core).esr |= ESR_RECEIVED_ILLEGAL;
    return;
  }
  if (!(Lapic.of(core).svr & SVR_ENABLE)) return;
  setBit(core + IRR_FIELD, vector);
  update(core);
}

/** EOI: the vector in service with the highest priority is done. */
export function endOfInterrupt(core: usize): void {
  const vector = highest(core + ISR_FIELD);
  if (vector == NONE) return;
  clearBit(core + ISR_FIELD, vector);
  update(core);
  // SDM Vol. 3A "Signaling Interrupt Servicing Completion"
  const level = load<u32>(core + TMR_FIELD + CORE_LAPIC + <usize>((vector >> 5) << 2));
  if ((level >> (vector & 31)) & 1) send(core, MSG_EOI, 0, 0, vector);
}

export function setTpr(core: usize, value: u32): void {
  Lapic.of(core).tpr = value;
  update(core);
}

/** PPR and the cached pending vector; after every change of IRR, ISR or TPR. */
function update(core: usize): void {
  const lapic = Lapic.of(core);
  const service = highest(core + ISR_FIELD);
  const inService: u32 = service == NONE ? 0 : <u32>service & 0xf0;
  lapic.ppr = lapic.tpr >> 4 >= inService >> 4 ? lapic.tpr : inService;
  const request = highest(core + IRR_FIELD);
  lapic.pending = request != NONE && <u32>request >> 4 > lapic.ppr >> 4 ? request : NONE;
}

/** Highest vector in a 256-bit set, or -1. */
function highest(set: usize): i32 {
  for (let i = 3; i >= 0; i--) {
    const bits = load<u64>(set + CORE_LAPIC + (<usize>i << 3));
    if (bits) return (i << 6) + 63 - <i32>clz(bits);
  }
  return NONE;
}

@inline
function setBit(set: usize, vector: u32): void {
  const at = set + CORE_LAPIC + <usize>((vector >> 5) << 2);
  store<u32>(at, load<u32>(at) | (1 << (vector & 31)));
}

@inline
function clearBit(set: usize, vector: u32): void {
  const at = set + CORE_LAPIC + <usize>((vector >> 5) << 2);
  store<u32>(at, load<u32>(at) & ~(1 << (vector & 31)));
}

/** Byte offset of a register of ISR or IRR: registers are 16 bytes apart, words 4. */
@inline
export function word(offset: u32): usize {
  return <usize>((offset >> 4) << 2);
}
