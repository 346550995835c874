// Data accesses by linear address: the common case in line, through the filter and the TLB; the
// rest (translation, accesses over a line or page, devices) in functions. Everything returns 0 or
// false when the access cannot be done now: either it stalls (Core.stall) or an exception is
// pending (Cpu.pending). Nothing has changed then.
// Deviations: a read-modify-write of a device register stops the run, and so do stores of several
// words.
import {
  CORE_FILTER, CORE_L1D, CORE_LIMIT_MASK, CORE_MEM, ENGINE_EXPLORE, ENGINE_FLAT, MACHINE_BASE,
  MARK_SLEEP, MARK_TAG, M_RAM_BYTES, RUN_UNIMPLEMENTED,
} from "../abi";
import { lapicIsX2, lapicRead, lapicWrite } from "../device/lapic";
import { LAPIC_BYTES, LAPIC_PHYS } from "../device/map";
import { Core } from "../memory/core";
import { Filter, filterFill } from "../memory/filter";
import { flatFill } from "../memory/flat-port";
import {
  portDeviceRead, portDeviceWrite, portDrain, portLock, portLockPair, portRead, portReserve,
  portSleep, portWrite,
} from "../memory/port";
import { hostOf, loadSized, storeSized } from "../memory/ram";
import { ALIGN, Cpu, GP, NEED_ALIGNED, canonical, raise } from "./cpu";
import { NO_ADDRESS, TLB_DEVICE, Tlb, tlbTag, translate } from "./paging";

/** Cycles of an access to the local APIC's page (a write of the ICR on Core 2, rounded). */
const LAPIC_CYCLES: u64 = 100;
const SB_MASK_AT: usize = 24; // Core.sbMask

/**
 * Host address of `size` bytes at `lin` if it is an aligned load that hits the L1D with nothing
 * buffered in its way; else 0. Stamps the line with `clock` for LRU, as portRead() does; the caller
 * counts it.
 */
// @ts-ignore: decorator
@inline
export function readFast(core: usize, lin: u64, size: u32, clock: u64): usize {
  const e = core + (<usize>(lin >> 2) & 0x1ff0);
  const flags = load<u32>(e, CORE_FILTER + 12);
  const need = Cpu.of(core).needRead;
  if (
    load<u64>(e, CORE_FILTER) == (lin & (~63 | <u64>(size - 1))) &&
    !((load<u64>(core, CORE_MEM + SB_MASK_AT) >> (lin >> 3)) & 1) &&
    (flags & need) == need
  ) {
    if (ENGINE != ENGINE_FLAT) {
      const line = core + <usize>((<i32>flags >> 8) << 4);
      // The latest use: a sibling may be ahead of this thread.
      store<u64>(line, max(load<u64>(line, CORE_L1D + 8), clock), CORE_L1D + 8);
    }
    return <usize>(<u32>lin + load<u32>(e, CORE_FILTER + 8));
  }
  return 0;
}

/**
 * Physical address of a store of `size` bytes that can go straight to the port; NO_FAST_WRITE if
 * not.
 */
// @ts-ignore: decorator
@inline
export function writeFast(core: usize, lin: u64, size: u32): u64 {
  const e = Tlb.of(core, lin);
  const need = Cpu.of(core).needWrite;
  if (
    e.tag == tlbTag(lin) && (<u32>e.frame & (need | TLB_DEVICE)) == need &&
    (<u32>lin & 63) + size <= 64
  ) return (e.frame & ~4095) | (lin & 4095);
  return NO_FAST_WRITE;
}
export const NO_FAST_WRITE: u64 = ~0;

// @ts-ignore: decorator
@inline
function ramBytes(): u64 {
  return <u64>load<u32>(MACHINE_BASE + M_RAM_BYTES);
}

/**
 * The address is canonical, and aligned where ring 3 has that checked (SDM Vol. 3A 6.15, "Interrupt
 * 17 - Alignment Check Exception"). In this order and before any translation, as on silicon.
 */
export function checkLinear(core: usize, lin: u64, size: u32, user: bool, vector: u32): bool {
  if (!canonical(lin)) return raise(core, vector, 0);
  if (<u32>lin & (size - 1) && user && Cpu.of(core).needWrite & NEED_ALIGNED) {
    return raise(core, ALIGN, 0);
  }
  return canonical(lin + size - 1) ? true : raise(core, vector, 0);
}

/** Bytes of an access that lie in its first line. */
// @ts-ignore: decorator
@inline
export function headOf(lin: u64, size: u32): u32 {
  const room: u32 = 64 - (<u32>lin & 63);
  return size <= room ? size : room;
}

/** Host address of a load inside one line. */
function readPart(core: usize, lin: u64, size: u32, user: bool): usize {
  const t = translate(core, lin, false, user);
  if (!t) return 0;
  const frame = changetype<Tlb>(t).frame;
  const phys = (frame & ~4095) | (lin & 4095);
  if (<u32>frame & TLB_DEVICE) return readDevice(core, phys, size);
  const host = portRead(core, phys, size);
  if (!host) return 0;
  if (ENGINE == ENGINE_FLAT) flatFill(core, lin, phys, <u32>frame & 7);
  // The explore engine must see every access: its filter stays empty.
  else if (ENGINE != ENGINE_EXPLORE && Filter.of(core, lin).tag != (lin & ~63)) {
    filterFill(core, lin, phys, <u32>frame & 7);
  }
  return host;
}

/**
 * Host address where `size` bytes (up to 8) at `lin` can be read. `user`: with the rights of the
 * CPL, which is 3. `vector` is the fault of a non-canonical address: #GP, or #SS for the stack.
 */
export function read(core: usize, lin: u64, size: u32, user: bool, vector: u32): usize {
  if (!checkLinear(core, lin, size, user, vector)) return 0;
  const head = headOf(lin, size);
  if (head == size) return readPart(core, lin, size, user);
  const scratch = core + offsetof<Cpu>("scratch0");
  let host = readPart(core, lin, head, user);
  if (!host) return 0;
  const low = loadSized(host, head);
  host = readPart(core, lin + head, size - head, user);
  if (!host) return 0;
  store<u64>(scratch, low | (loadSized(host, size - head) << (head << 3)));
  return scratch;
}

/** A load with the rights of the CPL. */
export function readUser(core: usize, lin: u64, size: u32, vector: u32): usize {
  return read(core, lin, size, Cpu.of(core).cpl == 3, vector);
}

/**
 * Check and reserve a store: translation of both its lines, dirty bits, room in the store buffer.
 */
export function prepareWrite(core: usize, lin: u64, size: u32, user: bool, vector: u32): bool {
  const cpu = Cpu.of(core);
  if (!checkLinear(core, lin, size, user, vector)) return false;
  const head = headOf(lin, size);
  cpu.writeSplit = 0;
  let t = translate(core, lin, true, user);
  if (!t) return false;
  cpu.writePhys = (changetype<Tlb>(t).frame & ~4095) | (lin & 4095);
  if (head == size) return portReserve(core, 1);
  t = translate(core, lin + head, true, user);
  if (!t) return false;
  cpu.writePhys2 = (changetype<Tlb>(t).frame & ~4095) | ((lin + head) & 4095);
  cpu.writeSplit = head;
  return portReserve(core, 2);
}

/** The store prepared last. */
export function commitWrite(core: usize, size: u32, value: u64): void {
  const cpu = Cpu.of(core);
  const head = cpu.writeSplit;
  if (!head) {
    portWrite(core, cpu.writePhys, size, value);
    return;
  }
  portWrite(core, cpu.writePhys, head, value);
  portWrite(core, cpu.writePhys2, size - head, value >> (head << 3));
}

/** A store that has no fast way. */
export function write(core: usize, lin: u64, size: u32, value: u64, user: bool, vector: u32): bool {
  if (!prepareWrite(core, lin, size, user, vector)) return false;
  const cpu = Cpu.of(core);
  if (cpu.writePhys >= ramBytes()) return writeDevice(core, cpu.writePhys, size, value);
  if (cpu.writeSplit && cpu.writePhys2 >= ramBytes()) return stopAtDevice(core);
  commitWrite(core, size, value);
  return true;
}

/** A store with the rights of the CPL. */
export function writeUser(core: usize, lin: u64, size: u32, value: u64, vector: u32): bool {
  return write(core, lin, size, value, Cpu.of(core).cpl == 3, vector);
}

/** The read of a read-modify-write; the write is prepared, so that it cannot fail. */
export function readForWrite(core: usize, lin: u64, size: u32, vector: u32): usize {
  // The write first: its fault has a write's error code even if the read would fail too.
  if (!prepareToRam(core, lin, size, vector)) return 0;
  return readUser(core, lin, size, vector);
}

/** prepareWrite() with the rights of the CPL, for what cannot go to a device. */
export function prepareToRam(core: usize, lin: u64, size: u32, vector: u32): bool {
  const cpu = Cpu.of(core);
  if (!prepareWrite(core, lin, size, cpu.cpl == 3, vector)) return false;
  if (cpu.writePhys >= ramBytes() || (cpu.writeSplit && cpu.writePhys2 >= ramBytes())) {
    return stopAtDevice(core);
  }
  return true;
}

/**
 * Host address of a locked access: every older store is visible and the line is ours until the next
 * access.
 */
export function lockForWrite(core: usize, lin: u64, size: u32, vector: u32): usize {
  const user = Cpu.of(core).cpl == 3;
  if (!checkLinear(core, lin, size, user, vector)) return 0;
  const head = headOf(lin, size);
  if (head != size) return lockSplit(core, lin, size, head);
  Cpu.of(core).writeSplit = 0;
  const phys = lockPhys(core, lin, user);
  return phys == NO_ADDRESS ? 0 : portLock(core, phys, size);
}

/** A byte that the CPU itself changes in a descriptor, locked, as silicon does it. */
export function lockSystem(core: usize, lin: u64): usize {
  if (!checkLinear(core, lin, 1, false, GP)) return 0;
  const phys = lockPhys(core, lin, false);
  return phys == NO_ADDRESS ? 0 : portLock(core, phys, 1);
}

/** Physical address of a part of a locked access, NO_ADDRESS for a stall, a fault or a device. */
function lockPhys(core: usize, lin: u64, user: bool): u64 {
  const t = translate(core, lin, true, user);
  if (!t) return NO_ADDRESS;
  const frame = changetype<Tlb>(t).frame;
  if (!(<u32>frame & TLB_DEVICE)) return (frame & ~4095) | (lin & 4095);
  stopAtDevice(core);
  return NO_ADDRESS;
}

/**
 * A locked access over two lines, both of which are ours until the next access: its operand is
 * worked on in the scratch, from where writeLocked() takes it to memory.
 */
function lockSplit(core: usize, lin: u64, size: u32, head: u32): usize {
  const cpu = Cpu.of(core);
  const user = cpu.cpl == 3;
  const low = lockPhys(core, lin, user);
  if (low == NO_ADDRESS) return 0;
  const high = lockPhys(core, lin + head, user);
  if (high == NO_ADDRESS) return 0;
  if (!portLockPair(core, low, high, size)) return 0;
  cpu.writePhys = low;
  cpu.writePhys2 = high;
  cpu.writeSplit = head;
  const tail = loadSized(hostOf(high), size - head);
  cpu.scratch0 = loadSized(hostOf(low), head) | (tail << (head << 3));
  return core + offsetof<Cpu>("scratch0");
}

/** After the operand at the address that lockForWrite() gave was changed. */
// @ts-ignore: decorator
@inline
export function writeLocked(core: usize, size: u32): void {
  if (Cpu.of(core).writeSplit) writeLockedSplit(core, size);
}

function writeLockedSplit(core: usize, size: u32): void {
  const cpu = Cpu.of(core);
  const head = cpu.writeSplit;
  storeSized(hostOf(cpu.writePhys), head, cpu.scratch0);
  storeSized(hostOf(cpu.writePhys2), size - head, cpu.scratch0 >> (head << 3));
}

export function stopAtDevice(core: usize): bool {
  Core.of(core).run = RUN_UNIMPLEMENTED;
  return false;
}

// @ts-ignore: decorator
@inline
function isLapic(core: usize, phys: u64): bool {
  return phys - <u64>LAPIC_PHYS < <u64>LAPIC_BYTES && !lapicIsX2(core);
}

function readDevice(core: usize, phys: u64, size: u32): usize {
  if (!portDrain(core)) return 0;
  const cpu = Cpu.of(core);
  cpu.scratch0 = ~0;
  cpu.scratch1 = ~0;
  if (isLapic(core, phys)) {
    const register = lapicRead(core, <u32>phys & 0xff0);
    cpu.scratch0 = <u64>register >> ((phys & 15) << 3);
    Core.of(core).clock += LAPIC_CYCLES;
  } else if (phys < <u64>1 << 32) {
    if (!portDeviceRead(core, <u32>phys, size)) return 0;
    cpu.scratch0 = Core.of(core).ioValue;
  }
  return core + offsetof<Cpu>("scratch0");
}

function writeDevice(core: usize, phys: u64, size: u32, value: u64): bool {
  if (!portDrain(core)) return false;
  if (isLapic(core, phys)) {
    Core.of(core).clock += LAPIC_CYCLES;
    // Registers are written whole (SDM Vol. 3A "The Local APIC Block Diagram")
    if (size == 4 && !(phys & 15)) lapicWrite(core, <u32>phys & 0xff0, <u32>value);
    // The write may have let an interrupt through: execute() looks before the next instruction.
    leaveAfter(core);
  } else if (phys < <u64>1 << 32) {
    return portDeviceWrite(core, <u32>phys, size, value);
  }
  return true;
}

/** Make execute() look around after this instruction. */
export function leaveAfter(core: usize): void {
  store<u64>(core, 0, CORE_LIMIT_MASK);
}

/** A mark that the explore engine gives a meaning to; false = stall or fault. */
export function passMark(core: usize, disp: u32): bool {
  if (disp >>> 16 != (<u32>MARK_TAG << 8 | <u32>MARK_SLEEP)) return true;
  const lin = Cpu.of(core).rax;
  if (!canonical(lin)) return raise(core, GP, 0);
  const t = translate(core, lin, false, Cpu.of(core).cpl == 3);
  if (!t) return false;
  return portSleep(core, (changetype<Tlb>(t).frame & ~4095) | (lin & 4095));
}
