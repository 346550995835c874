// Segment registers and descriptors as 64-bit mode uses them (SDM Vol. 3A 3.4.5, "Segment
// Descriptors", 5.2.1, "Code Segment Descriptor in 64-bit Mode"). Only FS and GS have bases; limits
// are not checked. A descriptor that is loaded gets its accessed bit by a locked update.
// Deviations: no call gates; a data segment that a return to an outer ring makes null keeps its
// base.
import { CS, Cpu, ES, FS, GP, GS, NP, SS, SSFAULT, canonical, raise } from "./cpu";
import { lockSystem, read } from "./access";
import { NO_ADDRESS } from "./paging";

// Descriptor bits
const ACCESSED: u64 = 1 << 40;
const TYPE_CODE: u64 = 1 << 43;
const CONFORMING: u64 = 1 << 42;
const WRITABLE: u64 = 1 << 41;
const NOT_SYSTEM: u64 = 1 << 44;
const PRESENT: u64 = 1 << 47;
const LONG_MODE: u64 = 1 << 53;
const DEFAULT_32: u64 = 1 << 54;
const GRANULARITY: u64 = 1 << 55;
const TYPE_LDT: u32 = 2;
const TYPE_TSS: u32 = 9; // available
/** Where the type is in a descriptor, and in that byte the bit of a TSS that is in use. */
const TYPE_BYTE: u64 = 5;
const BUSY: u8 = 2;
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

/** Linear address of the descriptor of a selector; NO_ADDRESS beyond its table, or without one. */
export function descriptorAt(core: usize, selector: u32): u64 {
  const cpu = Cpu.of(core);
  const at = selector & 0xfff8;
  if (!(selector & LOCAL)) return at + 7 <= cpu.gdtLimit ? cpu.gdtBase + at : NO_ADDRESS;
  return cpu.ldtr & 0xfffc && at + 7 <= cpu.ldtLimit ? cpu.ldtBase + at : NO_ADDRESS;
}

/**
 * The descriptor of a selector that is not null; beyond the table, or all zero, it is
 * #GP(selector).
 */
export function descriptorOf(core: usize, selector: u32, vector: u32): u64 {
  const at = descriptorAt(core, selector);
  if (at == NO_ADDRESS) {
    raise(core, vector, selectorError(selector));
    return NO_DESCRIPTOR;
  }
  const host = read(core, at, 8, false, GP);
  if (!host) return NO_DESCRIPTOR;
  const descriptor = load<u64>(host);
  if (!descriptor) raise(core, vector, selectorError(selector));
  return descriptor;
}

/** Set bits of the type of a descriptor that was read before; false = a stall or a fault. */
function changeType(core: usize, selector: u32, bits: u8): bool {
  const host = lockSystem(core, descriptorAt(core, selector) + TYPE_BYTE);
  if (!host) return false;
  store<u8>(host, load<u8>(host) | bits);
  return true;
}

/** The segment is about to be loaded (SDM Vol. 3A 3.4.5.1, "Code- and Data-Segment Types"). */
function markAccessed(core: usize, selector: u32, descriptor: u64): bool {
  return descriptor & ACCESSED ? true : changeType(core, selector, 1);
}

/** What loading CS with a descriptor amounts to. */
export const CODE_BAD: u32 = 0;
export const CODE_OK: u32 = 1;
/** Legal, but not 64-bit code. */
export const CODE_LEGACY: u32 = 2;

/**
 * Check a code segment for a transfer to privilege level `cpl`, and mark it accessed. CODE_BAD =
 * #GP, #NP, or a stall.
 */
export function checkCode(core: usize, descriptor: u64, selector: u32, cpl: u32): u32 {
  const wanted = NOT_SYSTEM | TYPE_CODE;
  const dpl = dplOf(descriptor);
  const privileged = descriptor & CONFORMING ? dpl > cpl : dpl != cpl;
  // L and D together are reserved
  const both = (descriptor & (LONG_MODE | DEFAULT_32)) == (LONG_MODE | DEFAULT_32);
  if ((descriptor & wanted) != wanted || privileged || both) {
    raise(core, GP, selectorError(selector));
    return CODE_BAD;
  }
  if (!(descriptor & PRESENT)) {
    raise(core, NP, selectorError(selector));
    return CODE_BAD;
  }
  if (!markAccessed(core, selector, descriptor)) return CODE_BAD;
  return descriptor & LONG_MODE ? CODE_OK : CODE_LEGACY;
}

export function getSelector(core: usize, segment: u32): u32 {
  return load<u16>(core + offsetof<Cpu>("es") + (<usize>segment << 1));
}

export function setSelector(core: usize, segment: u32, selector: u32): void {
  store<u16>(core + offsetof<Cpu>("es") + (<usize>segment << 1), <u16>selector);
}

/** Direct jumps and calls look at the RPL too, but not those to conforming code. */
// @ts-ignore: decorator
@inline
export function isConforming(descriptor: u64): bool {
  return (descriptor & CONFORMING) != 0;
}

function baseOf(descriptor: u64): u64 {
  return ((descriptor >> 16) & 0xffffff) | ((descriptor >> 56) << 24);
}

function setBase(core: usize, segment: u32, base: u64): void {
  const cpu = Cpu.of(core);
  if (segment == FS) cpu.fsBase = base;
  else if (segment == GS) cpu.gsBase = base;
}

/** The limit in bytes. */
export function limitOf(descriptor: u64): u32 {
  const limit = <u32>(descriptor & 0xffff) | (<u32>(descriptor >> 32) & 0xf0000);
  return descriptor & GRANULARITY ? (limit << 12) | 0xfff : limit;
}

/** Cpu.segmentDpl of one segment register. */
function setSegmentDpl(core: usize, segment: u32, dpl: u32): void {
  const cpu = Cpu.of(core);
  const shift = segment << 1;
  cpu.segmentDpl = (cpu.segmentDpl & ~((<u32>3) << shift)) | (dpl << shift);
}

/**
 * SS for privilege level `cpl`, of MOV, LSS and the returns: null outside of ring 3, else writable
 * data of that level, with its RPL. False = #GP, #SS, or a stall.
 */
export function checkStack(core: usize, selector: u32, cpl: u32): bool {
  const rpl = selector & 3;
  if (!(selector & 0xfffc)) return cpl != 3 && rpl == cpl ? true : raise(core, GP, 0);
  const descriptor = descriptorOf(core, selector, GP);
  if (descriptor == NO_DESCRIPTOR) return false;
  const wanted = NOT_SYSTEM | WRITABLE;
  const data = (descriptor & (wanted | TYPE_CODE)) == wanted;
  if (!data || rpl != cpl || dplOf(descriptor) != cpl) {
    return raise(core, GP, selectorError(selector));
  }
  if (!(descriptor & PRESENT)) return raise(core, SSFAULT, selectorError(selector));
  return markAccessed(core, selector, descriptor);
}

/**
 * After a return to the outer ring `cpl`: data segments that it may not use become null (SDM Vol.
 * 2B, "RET", RETURN-TO-OUTER-PRIVILEGE-LEVEL).
 */
export function dropInnerSegments(core: usize, cpl: u32): void {
  for (let segment = ES; segment <= GS; segment++) {
    if (segment == CS || segment == SS) continue;
    if (((Cpu.of(core).segmentDpl >> (segment << 1)) & 3) >= cpl) continue;
    setSelector(core, segment, 0);
    setSegmentDpl(core, segment, 3);
  }
}

/** Load a data segment register. */
export function loadSegment(core: usize, segment: u32, selector: u32): bool {
  const cpu = Cpu.of(core);
  const rpl = selector & 3;
  if (segment == SS) {
    if (!checkStack(core, selector, cpu.cpl)) return false;
    setSelector(core, SS, selector);
    return true;
  }
  if (!(selector & 0xfffc)) {
    setSelector(core, segment, selector);
    setBase(core, segment, 0);
    setSegmentDpl(core, segment, 3);
    return true;
  }
  const descriptor = descriptorOf(core, selector, GP);
  if (descriptor == NO_DESCRIPTOR) return false;
  const dpl = dplOf(descriptor);
  const readable = !(descriptor & TYPE_CODE) || (descriptor & WRITABLE) != 0;
  const conforming = (descriptor & (TYPE_CODE | CONFORMING)) == (TYPE_CODE | CONFORMING);
  const allowed = conforming || (dpl >= rpl && dpl >= cpu.cpl);
  if (!(descriptor & NOT_SYSTEM) || !readable || !allowed) {
    return raise(core, GP, selectorError(selector));
  }
  if (!(descriptor & PRESENT)) return raise(core, NP, selectorError(selector));
  if (!markAccessed(core, selector, descriptor)) return false;
  setSelector(core, segment, selector);
  setBase(core, segment, baseOf(descriptor));
  setSegmentDpl(core, segment, conforming ? 3 : dpl);
  return true;
}

/** CS and SS as SYSCALL, SYSRET and interrupts set them: without a look at the tables. */
export function setFlatSegments(core: usize, cs: u32, ss: u32): void {
  setSelector(core, CS, cs);
  setSelector(core, SS, ss);
}

/**
 * The low half of the 16-byte descriptor of a TSS or an LDT, which is in the GDT; its base goes to
 * Cpu.tmp1. NO_DESCRIPTOR = #GP, #NP, or a stall.
 */
function systemDescriptor(core: usize, selector: u32, type: u32): u64 {
  const cpu = Cpu.of(core);
  const error = selectorError(selector);
  if (selector & LOCAL || (selector & 0xfff8) + 15 > cpu.gdtLimit) {
    raise(core, GP, error);
    return NO_DESCRIPTOR;
  }
  const low = descriptorOf(core, selector, GP);
  if (low == NO_DESCRIPTOR) return NO_DESCRIPTOR;
  const host = read(core, descriptorAt(core, selector) + 8, 8, false, GP);
  if (!host) return NO_DESCRIPTOR;
  const high = load<u64>(host);
  const base = baseOf(low) | (high << 32);
  const legal = (<u32>(low >> 40) & 0x1f) == type && !((high >> 40) & 0x1f) && canonical(base);
  if (!legal || !(low & PRESENT)) {
    raise(core, legal ? NP : GP, error);
    return NO_DESCRIPTOR;
  }
  cpu.tmp1 = base;
  return low;
}

/** LTR: an available 64-bit TSS, which becomes busy in the table. */
export function taskDescriptor(core: usize, selector: u32): bool {
  const cpu = Cpu.of(core);
  if (!(selector & 0xfffc)) return raise(core, GP, 0);
  const low = systemDescriptor(core, selector, TYPE_TSS);
  if (low == NO_DESCRIPTOR || !changeType(core, selector, BUSY)) return false;
  cpu.tr = <u16>selector;
  cpu.trBase = cpu.tmp1;
  cpu.trLimit = limitOf(low);
  return true;
}

/** LLDT: a null selector leaves no LDT. */
export function localTable(core: usize, selector: u32): bool {
  const cpu = Cpu.of(core);
  if (selector & 0xfffc) {
    const low = systemDescriptor(core, selector, TYPE_LDT);
    if (low == NO_DESCRIPTOR) return false;
    cpu.ldtBase = cpu.tmp1;
    cpu.ldtLimit = limitOf(low);
  }
  cpu.ldtr = <u16>selector;
  return true;
}
