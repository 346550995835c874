// Local vector table and timer of the local APIC (SDM Vol. 3A "APIC Timer"): one-shot, periodic,
// TSC-deadline. The timer counts TSC cycles (CPUID 15H says crystal : TSC = 1 : 1), divided by DCR.
// LINT0, LINT1, thermal, performance and error entries are registers only.
import { CORE_LAPIC } from "../abi";
import { Core } from "../memory/core";
import { accept, Lapic, LVT_FIELD, NEVER, SVR_ENABLE, word } from "./lapic-state";

export const LVT_TIMER: u32 = 0x320;
export const LVT_ERROR: u32 = 0x370;

const LVT_MASKED: u32 = 0x10000;
const LVT_WRITABLE: u32 = 0x117ff;
const TIMER_WRITABLE: u32 = 0x710ff;
const TIMER_MODE: u32 = 0x60000;
const TIMER_PERIODIC: u32 = 0x20000;
const TIMER_DEADLINE: u32 = 0x40000;

/** IA32_TSC_DEADLINE. */
export function lapicTscDeadline(core: usize): u64 {
  return Lapic.of(core).tscDeadline;
}

/**
 * WRMSR IA32_TSC_DEADLINE: ignored in the other timer modes; 0 disarms; a past value fires at once.
 */
export function lapicSetTscDeadline(core: usize, value: u64): void {
  if ((lvt(core, LVT_TIMER) & TIMER_MODE) != TIMER_DEADLINE) return;
  const lapic = Lapic.of(core);
  const clock = Core.of(core).clock;
  lapic.tscDeadline = value;
  lapic.deadline = value == 0 ? NEVER : value > clock ? value : clock;
}

/** Cycle of the next timer expiry, u64.MAX_VALUE for none. */
@inline
export function lapicDeadline(core: usize): u64 {
  return Lapic.of(core).deadline;
}

/** The timer expires: called once the core's clock has reached lapicDeadline(). */
export function lapicFire(core: usize): void {
  const lapic = Lapic.of(core);
  const entry = lvt(core, LVT_TIMER);
  const mode = entry & TIMER_MODE;
  if (mode == TIMER_PERIODIC) {
    restart(core, lapic.deadline);
  } else {
    lapic.deadline = NEVER;
    lapic.tscDeadline = 0;
  }
  if (!(entry & LVT_MASKED)) accept(core, entry & 0xff);
}

/** Write of ICR (initial count): starts the timer, or stops it with 0. */
export function setInitialCount(core: usize, value: u32): void {
  Lapic.of(core).initialCount = value;
  if ((lvt(core, LVT_TIMER) & TIMER_MODE) != TIMER_DEADLINE) restart(core, Core.of(core).clock);
}

@inline
export function lvt(core: usize, register: u32): u32 {
  return load<u32>(core + CORE_LAPIC + LVT_FIELD + word(register - LVT_TIMER));
}

@inline
function setLvt(core: usize, register: u32, value: u32): void {
  store<u32>(core + CORE_LAPIC + LVT_FIELD + word(register - LVT_TIMER), value);
}

export function writeLvt(core: usize, register: u32, value: u32): void {
  const lapic = Lapic.of(core);
  const old = lvt(core, register);
  value &= register == LVT_TIMER ? TIMER_WRITABLE : LVT_WRITABLE;
  if (!(lapic.svr & SVR_ENABLE)) value |= LVT_MASKED;
  setLvt(core, register, value);
  // Changing to or from TSC-deadline mode disarms the timer (SDM Vol. 3A "TSC-Deadline Mode").
  if (register == LVT_TIMER && (old ^ value) & TIMER_DEADLINE) {
    lapic.deadline = NEVER;
    lapic.tscDeadline = 0;
    lapic.initialCount = 0;
  }
}

/** Software disable masks every entry; reset too. */
export function maskLvts(core: usize): void {
  for (let r = LVT_TIMER; r <= LVT_ERROR; r += 16) setLvt(core, r, lvt(core, r) | LVT_MASKED);
}

/** Cycles per timer tick: DCR bits 3, 1, 0 are 000 for 2 up to 110 for 128, 111 for 1. */
@inline
function divisor(lapic: Lapic): u64 {
  const code = ((lapic.divide >> 1) & 4) | (lapic.divide & 3);
  return (<u64>1) << ((code + 1) & 7);
}

/** The timer counts from initialCount, starting at cycle `from`. */
function restart(core: usize, from: u64): void {
  const lapic = Lapic.of(core);
  lapic.deadline = lapic.initialCount ? from + <u64>lapic.initialCount * divisor(lapic) : NEVER;
}

/** CCR: ticks until the next expiry. */
export function currentCount(core: usize): u32 {
  const lapic = Lapic.of(core);
  const clock = Core.of(core).clock;
  if ((lvt(core, LVT_TIMER) & TIMER_MODE) == TIMER_DEADLINE || lapic.deadline == NEVER) return 0;
  if (lapic.deadline <= clock) return 0;
  return <u32>((lapic.deadline - clock + divisor(lapic) - 1) / divisor(lapic));
}
