// The memory port of the test engine: flat RAM, every access completes at once, a store is visible
// at once. It has no timing and no caches; device accesses read as ones and writes to them vanish.
import { CORE_FILTER, MACHINE_BASE, M_CORES, M_CPUS } from "../abi";
import { Core } from "./core";
import { fetchFilterDrop } from "./fetch-filter";
import { hostOf, storeSized } from "./ram";

// @ts-ignore: decorator
@inline
export function flatRead(phys: u64): usize {
  return hostOf(phys);
}

/** Lines that some CPU may hold decoded: one bit for each of 2^15 classes of line addresses. */
const CODE_CLASSES: usize = 1 << 15;
const code: usize = memory.data(4096);

// @ts-ignore: decorator
@inline
function codeBit(physLine: u32): u32 {
  return physLine & <u32>(CODE_CLASSES - 1);
}

export function flatFetch(physLine: u64): usize {
  const bit = codeBit(<u32>(physLine >> 6));
  store<u8>(code + (bit >> 3), load<u8>(code + (bit >> 3)) | <u8>(<u32>1 << (bit & 7)));
  return hostOf(physLine);
}

/** A store to a line that may be code: every CPU fetches it again. */
export function flatDropCode(phys: u64): void {
  const line = <u32>(phys >> 6);
  const bit = codeBit(line);
  if (!((<u32>load<u8>(code + (bit >> 3)) >> (bit & 7)) & 1)) return;
  const cpus = load<u32>(MACHINE_BASE + M_CPUS);
  for (let i: u32 = 0; i < cpus; i++) {
    fetchFilterDrop(load<u32>(MACHINE_BASE + M_CORES + 4 * <usize>i), line);
  }
}

export function flatWrite(phys: u64, size: u32, value: u64): void {
  flatDropCode(phys);
  storeSized(hostOf(phys), size, value);
}

export function flatLock(phys: u64): usize {
  flatDropCode(phys);
  return hostOf(phys);
}

/** What filterFill() does in the timing engine; there is no L1 to find the line in. */
export function flatFill(core: usize, lin: u64, phys: u64, permissions: u32): void {
  const entry = core + CORE_FILTER + (<usize>(lin >> 2) & 0x1ff0);
  store<u64>(entry, lin & ~63);
  store<u32>(entry, <u32>hostOf(phys) - <u32>lin, 8);
  store<u32>(entry, permissions, 12);
}

export function flatDevice(core: usize): bool {
  Core.of(core).ioValue = ~0;
  return true;
}
