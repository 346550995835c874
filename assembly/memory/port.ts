// The memory port: the seam between the instruction set and an engine. Which engine is a constant
// of the build, so the other branch folds away and no access goes through a table. Addresses are
// physical and inside one line.
//
// Core.clock must be true before a call, and is read again after it: a port may charge cycles. On 0
// or false the access cannot complete now: Core.stall says why, nothing has changed, the
// instruction runs again later.
import { ENGINE_EXPLORE, ENGINE_FLAT, WAIT_SERIAL_DRAIN } from "../abi";
import {
  exploreDrain, exploreFetch, exploreLock, exploreLockPair, exploreRead, exploreSleep,
  exploreWrite,
} from "./explore-port";
import { flatDevice, flatFetch, flatLock, flatRead, flatWrite } from "./flat-port";
import { sbEntries } from "./params";
import {
  timingDrain, timingFetch, timingIo, timingLock, timingLockFirst, timingLockPair, timingPost,
  timingRead,
  timingReserve, timingWrite,
} from "./timing-port";
import { ACCESS_MEMORY, ACCESS_WRITE } from "./protocol";

/** Host address where `size` bytes can be read now, possibly in the store buffer; 0 = stall. */
export function portRead(core: usize, phys: u64, size: u32): usize {
  if (ENGINE == ENGINE_FLAT) return flatRead(phys);
  if (ENGINE == ENGINE_EXPLORE) return exploreRead(core, phys, size);
  return timingRead(core, phys, size);
}

/** The store buffer has room for `entries` more stores; false = stall. */
export function portReserve(core: usize, entries: u32): bool {
  if (ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE) return true;
  return timingReserve(core, entries);
}

/** A store buffer has room for `entries` stores at all. */
export function portHolds(entries: u32): bool {
  return ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE ? true : entries <= sbEntries;
}

/** A store of the low `size` bytes of `value`. Reserved before; cannot fail. */
export function portWrite(core: usize, phys: u64, size: u32, value: u64): void {
  if (ENGINE == ENGINE_FLAT) flatWrite(phys, size, value);
  else if (ENGINE == ENGINE_EXPLORE) exploreWrite(core, phys, size, value);
  else timingWrite(core, phys, size, value);
}

/**
 * Every older store is visible and the line is owned: host address to read and write in place now;
 * 0 = stall.
 */
export function portLock(core: usize, phys: u64, size: u32): usize {
  if (ENGINE == ENGINE_FLAT) return flatLock(phys);
  if (ENGINE == ENGINE_EXPLORE) return exploreLock(core, phys, size);
  return timingLock(core, phys, size);
}

/**
 * The first line of several, for an engine of which portHolds() can be false: it is kept until the
 * others, to be asked for by portLock(), should be there.
 */
export function portLockFirst(core: usize, phys: u64): bool {
  if (ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE) return true;
  return timingLockFirst(core, phys);
}

/**
 * As portLock() for an access of `size` bytes in all that crosses from one line into another: both
 * are owned now; false = stall.
 */
export function portLockPair(core: usize, phys: u64, phys2: u64, size: u32): bool {
  if (ENGINE == ENGINE_FLAT) return flatLock(phys) != 0 && flatLock(phys2) != 0;
  if (ENGINE == ENGINE_EXPLORE) return exploreLockPair(core, phys, phys2, size);
  return timingLockPair(core, phys, phys2, size);
}

/** Every older store is visible; false = stall, which counts as one of `cause` (WAIT_*_DRAIN). */
export function portDrain(core: usize, cause: u32 = WAIT_SERIAL_DRAIN): bool {
  if (ENGINE == ENGINE_FLAT) return true;
  if (ENGINE == ENGINE_EXPLORE) return exploreDrain(core);
  return timingDrain(core, cause);
}

/** Host address of the 64 bytes of a code line that this core may execute; 0 = stall. */
export function portFetch(core: usize, physLine: u64): usize {
  if (ENGINE == ENGINE_FLAT) return flatFetch(physLine);
  if (ENGINE == ENGINE_EXPLORE) return exploreFetch(core, physLine);
  return timingFetch(core, physLine);
}

/** IN or OUT, performed once; a value read is in Core.ioValue. False = stall. */
export function portIo(core: usize, port: u32, size: u32, write: bool, value: u64): bool {
  if (ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE) return flatDevice(core);
  return timingIo(core, port, size | (<u32>write * ACCESS_WRITE), value);
}

/** A read of a device window, as portIo(). */
export function portDeviceRead(core: usize, phys: u32, size: u32): bool {
  if (ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE) return flatDevice(core);
  return timingIo(core, phys, size | ACCESS_MEMORY, 0);
}

/** A write to a device window; false = stall. */
export function portDeviceWrite(core: usize, phys: u32, size: u32, value: u64): bool {
  if (ENGINE == ENGINE_FLAT || ENGINE == ENGINE_EXPLORE) return flatDevice(core);
  return timingPost(core, phys, size | ACCESS_MEMORY | ACCESS_WRITE, value);
}

/** MARK_SLEEP on the word at `phys`; false = stall: it does not say running yet. */
export function portSleep(core: usize, phys: u64): bool {
  return ENGINE == ENGINE_EXPLORE ? exploreSleep(core, phys) : true;
}
