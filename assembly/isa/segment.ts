// Segment registers and descriptors as 64-bit mode uses them (SDM Vol. 3A 3.4.5, "Segment
// Descriptors", 5.2.1, "Code Segment Descriptor in 64-bit Mode"). Only FS and GS have bases; limits
// are not checked.
// Deviations: the accessed bit of a descriptor is not set; there is no LDT; a return to an outer
// ring does not clear data segment registers.
import { GP, NP, SS, SSFAULT, CS, Cpu, FS, GS, raise } from "./cpu";
import { read, write } from "./access";

// Descriptor bits
const TYPE_CODE: u64 = 1 << 43;
const CONFORMING: u64 = 1 << 42;
const WRITABLE: u64 = 1 << 41;
const NOT_SYSTEM: u64 = 1 << 44;
const PRESENT: u64 = 1 << 47;
const LONG_MODE: u64 = 1 << 53;
/** Selector bit: the descriptor is in the LDT. */
const LOCAL: u32 = 4;

/** No descriptor: a stall or a fault. */
export const NO_DESCRIPTOR: u64 = 0;

// @ts-ignore: decorator
@inline
export function dplOf(descriptor: u64): u32 {
  return <u32>(descriptor >> 45) & 3;
}

/** Offset in the GDT, as error codes have it. */
// @ts-ignore: decorator
@inline
export function selectorError(selector: u32): i32 {
  return <i32>(selector & 0xfffc);
}

/**
 * The descriptor of a selector that is not null; beyond the table, or all zero, it is
 * #GP(selector).
 */
export function descriptorOf(core: usize, selector: u32, vector: u32): u64 {
  const cpu = Cpu.of(core);
  const at = selector & 0xfff8;
  if (selector & LOCAL || at + 7 > cpu.gdtLimit) {
    raise(core, vector, selectorError(selector));
    return NO_DESCRIPTOR;
  }
  const host = read(core, cpu.gdtBase + at, 8, false, GP);
  if (!host) return NO_DESCRIPTOR;
  const descriptor = load<u64>(host);
  if (!descriptor) raise(core, vector, selectorError(selector));
  return descriptor;
}

/** What loading CS with a descriptor amounts to. */
export const CODE_BAD: u32 = 0;
export const CODE_OK: u32 = 1;
/** Legal, but not 64-bit code. */
export const CODE_LEGACY: u32 = 2;

/** Check a code segment for a transfer to privilege level `cpl`; raises #GP or #NP. */
export function checkCode(core: usize, descriptor: u64, selector: u32, cpl: u32): u32 {
  const wanted = NOT_SYSTEM | TYPE_CODE;
  const dpl = dplOf(descriptor);
  const privileged = descriptor & CONFORMING ? dpl > cpl : dpl != cpl;
  if ((descriptor & wanted) != wanted || privileged) {
    raise(core, GP, selectorError(selector));
    return CODE_BAD;
  }
  if (!(descriptor & PRESENT)) {
    raise(core, NP, selectorError(selector));
    return CODE_BAD;
  }
  return descriptor & LONG_MODE ? CODE_OK : CODE_LEGACY;
}

export function getSelector(core: usize, segment: u32): u32 {
  return load<u16>(core + offsetof<Cpu>("es") + (<usize>segment << 1));
}

export function setSelector(core: usize, segment: u32, selector: u32): void {
  store<u16>(core + offsetof<Cpu>("es") + (<usize>segment << 1), <u16>selector);
}

function baseOf(descriptor: u64): u64 {
  return ((descriptor >> 16) & 0xffffff) | ((descriptor >> 56) << 24);
}

function setBase(core: usize, segment: u32, base: u64): void {
  const cpu = Cpu.of(core);
  if (segment == FS) cpu.fsBase = base;
  else if (segment == GS) cpu.gsBase = base;
}

/** Load a data segment register. */
export function loadSegment(core: usize, segment: u32, selector: u32): bool {
  const cpu = Cpu.of(core);
  const rpl = selector & 3;
  if (!(selector & 0xfffc)) {
    // A null SS is legal outside of ring 3
    if (segment == SS && (cpu.cpl == 3 || rpl != cpu.cpl)) return raise(core, GP, 0);
    setSelector(core, segment, selector);
    setBase(core, segment, 0);
    return true;
  }
  const descriptor = descriptorOf(core, selector, GP);
  if (descriptor == NO_DESCRIPTOR) return false;
  const dpl = dplOf(descriptor);
  let legal: bool;
  if (segment == SS) {
    const wanted = NOT_SYSTEM | WRITABLE;
    legal = (descriptor & (wanted | TYPE_CODE)) == wanted && rpl == cpu.cpl && dpl == cpu.cpl;
  } else {
    const readable = !(descriptor & TYPE_CODE) || (descriptor & WRITABLE) != 0;
    const conforming = (descriptor & (TYPE_CODE | CONFORMING)) == (TYPE_CODE | CONFORMING);
    const allowed = conforming || (dpl >= rpl && dpl >= cpu.cpl);
    legal = (descriptor & NOT_SYSTEM) != 0 && readable && allowed;
  }
  if (!legal) return raise(core, GP, selectorError(selector));
  if (!(descriptor & PRESENT)) {
    return raise(core, segment == SS ? SSFAULT : NP, selectorError(selector));
  }
  setSelector(core, segment, selector);
  setBase(core, segment, baseOf(descriptor));
  return true;
}

/** CS and SS as SYSCALL, SYSRET and interrupts set them: without a look at the tables. */
export function setFlatSegments(core: usize, cs: u32, ss: u32): void {
  setSelector(core, CS, cs);
  setSelector(core, SS, ss);
}

/** LTR: an available 64-bit TSS, which becomes busy in the table. */
export function taskDescriptor(core: usize, selector: u32): bool {
  const cpu = Cpu.of(core);
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  const low = descriptorOf(core, selector, GP);
  if (low == NO_DESCRIPTOR) return false;
  const type = <u32>(low >> 40) & 0x1f;
  if (type != 9 || (selector & 0xfff8) + 15 > cpu.gdtLimit) {
    return raise(core, GP, selectorError(selector));
  }
  if (!(low & PRESENT)) return raise(core, NP, selectorError(selector));
  const host = read(core, cpu.gdtBase + (selector & 0xfff8) + 8, 8, false, GP);
  if (!host) return false;
  const high = load<u64>(host) << 32;
  // Busy from now on, in the table too
  const busy = <u64>(<u32>(low >> 40) & 0xff) | 2;
  if (!write(core, cpu.gdtBase + (selector & 0xfff8) + 5, 1, busy, false, GP)) return false;
  cpu.tr = <u16>selector;
  cpu.trBase = baseOf(low) | high;
  const limit = <u32>(low & 0xffff) | (<u32>(low >> 32) & 0xf0000);
  cpu.trLimit = (low >> 55) & 1 ? (limit << 12) | 0xfff : limit;
  return true;
}
