// Stores of several words by one instruction: a far CALL, a nested ENTER, SGDT and SIDT. Every word
// is probed before the first is stored, so that a fault or a stall at any of them leaves no trace.
import { portHolds, portLock, portLockFirst, portReserve, portWrite } from "../memory/port";
import { hostOf, loadSized, storeSized } from "../memory/ram";
import { checkLinear, headOf, stopAtDevice } from "./access";
import { Cpu } from "./cpu";
import { TLB_DEVICE, Tlb, translate } from "./paging";

const LINE_BYTES: u64 = 64;

/** The part of a store at `lin` can be stored: its page is in the TLB until the next access. */
function probePart(core: usize, lin: u64): bool {
  const t = translate(core, lin, true, Cpu.of(core).cpl == 3);
  if (!t) return false;
  return <u32>changetype<Tlb>(t).frame & TLB_DEVICE ? stopAtDevice(core) : true;
}

/**
 * Entries of the store buffer that a store of `size` bytes at `lin` takes; 0 = it stalls or faults.
 * Words on two neighbouring pages can be probed one after the other: the TLB holds both.
 */
export function probeWrite(core: usize, lin: u64, size: u32, vector: u32): u32 {
  if (!checkLinear(core, lin, size, Cpu.of(core).cpl == 3, vector)) return 0;
  if (!probePart(core, lin)) return 0;
  const head = headOf(lin, size);
  if (head == size) return 1;
  return probePart(core, lin + head) ? 2 : 0;
}

// @ts-ignore: decorator
@inline
function probedPhys(core: usize, lin: u64): u64 {
  return (Tlb.of(core, lin).frame & ~4095) | (lin & 4095);
}

/** A store that was probed, and reserved together with the others. */
function storeProbed(core: usize, lin: u64, size: u32, value: u64): void {
  const head = headOf(lin, size);
  portWrite(core, probedPhys(core, lin), head, value);
  if (head == size) return;
  portWrite(core, probedPhys(core, lin + head), size - head, value >> (head << 3));
}

/** Two stores, `first` before the other; both or none. */
export function storeBoth(
  core: usize, first: u64, firstSize: u32, firstValue: u64, lin: u64, size: u32, value: u64,
  vector: u32,
): bool {
  const entries = probeWrite(core, first, firstSize, vector);
  if (!entries) return false;
  const more = probeWrite(core, lin, size, vector);
  if (!more || !portReserve(core, entries + more)) return false;
  storeProbed(core, first, firstSize, firstValue);
  storeProbed(core, lin, size, value);
  return true;
}

/** Entries of the store buffer that `words` words of `size` bytes from `lin` on take. */
function entriesOf(lin: u64, size: u32, words: u32): u32 {
  let entries: u32 = 0;
  for (let i: u32 = 0; i < words; i++) {
    entries += headOf(lin + i * size, size) == size ? 1 : 2;
  }
  return entries;
}

/**
 * Before an instruction reads what it will push: words that are more than a store buffer holds are
 * written in place, in lines that are owned as for a locked access. False = a stall.
 */
export function ownWords(core: usize, lin: u64, size: u32, words: u32): bool {
  if (portHolds(entriesOf(lin, size, words))) return true;
  const start = lin & ~(LINE_BYTES - 1);
  const end = lin + words * size;
  let first = probedPhys(core, start);
  for (let at = start; at < end; at += LINE_BYTES) first = min(first, probedPhys(core, at));
  // The lowest line first, by everyone: who has it keeps it for PAIR_HOLD cycles while the others,
  // which nobody else asks for before, come all at once. Reading before that would take them from
  // the one who has it.
  if (!portLockFirst(core, first)) return false;
  let owned = true;
  for (let at = start; at < end; at += LINE_BYTES) {
    if (!portLock(core, probedPhys(core, at), 8)) owned = false;
  }
  return owned;
}

/**
 * Push `words` words of `size` bytes, all probed before: from the host's `from` to `lin`, the last
 * one first. All or none.
 */
export function storeWords(core: usize, lin: u64, size: u32, words: u32, from: usize): bool {
  const entries = entriesOf(lin, size, words);
  if (portHolds(entries)) {
    if (!portReserve(core, entries)) return false;
    for (let i = words; i > 0; i--) {
      const at = (i - 1) * size;
      storeProbed(core, lin + at, size, loadSized(from + at, size));
    }
    return true;
  }
  // What was read since may have cost a line
  if (!ownWords(core, lin, size, words)) return false;
  for (let n: u32 = 0; n < words * size; n++) {
    storeSized(hostOf(probedPhys(core, lin + n)), 1, <u64>load<u8>(from + n));
  }
  return true;
}
