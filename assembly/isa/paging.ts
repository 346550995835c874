// 4-level paging (SDM Vol. 3A 4.5, "4-Level Paging") with pages of 4 KiB, 2 MiB and 1 GiB, and the
// TLB. As on silicon a translation stays in use, right or wrong, until INVLPG or a load of CR3
// drops it. Walks and their accessed and dirty bits go through the memory port like every access.
// Deviations: no PCID, protection keys, SMEP, SMAP; no cache of upper levels; global pages only by
// CR4.PGE.
import { CORE_TLB, MACHINE_BASE, M_COST_L1, M_RAM_BYTES } from "../abi";
import { Core } from "../memory/core";
import { fetchFilterFlush, fetchFilterFlushPage } from "../memory/fetch-filter";
import { filterFlush, filterFlushPage } from "../memory/filter";
import { portLock, portRead } from "../memory/port";
import {
  CR0_WP, CR4_PGE, Cpu, EFER_NXE, NEED_SUPERVISOR_WRITE, NEED_USER_READ, NEED_USER_WRITE, PAGE,
  raise,
} from "./cpu";
import { scratchWalk } from "./scratch";

// Code has a TLB of its own, as on every processor that we model: a loop and its data never turn
// each other out, wherever the linker put them. Both are direct-mapped.
const DATA_ENTRIES: u32 = 512;
const CODE_ENTRIES: u32 = 128;
const TLB_ENTRIES: u32 = DATA_ENTRIES + CODE_ENTRIES;

/**
 * What a translation allows, in the low bits of a TLB entry; the first three are NEED_* of cpu.ts.
 */
export const TLB_EXECUTE: u32 = 8;
export const TLB_USER_EXECUTE: u32 = 16;
const TLB_GLOBAL: u32 = 32;
/** A fragment of a 2 MiB or 1 GiB page. */
const TLB_2M: u32 = 64;
const TLB_1G: u32 = 128;
/** Not RAM: a device, or nothing. */
export const TLB_DEVICE: u32 = 256;

/** translate() failed: a stall (Core.stall) or a fault (Cpu.pending). */
export const NO_ADDRESS: u64 = ~0;

// Page-table entries (SDM Vol. 3A Table 4-20, "Format of a Page-Table Entry that Maps a 4-KByte
// Page")
const P: u64 = 1 << 0;
const RW: u64 = 1 << 1;
const US: u64 = 1 << 2;
const A: u64 = 1 << 5;
const D: u64 = 1 << 6;
const PS: u64 = 1 << 7;
const G: u64 = 1 << 8;
const XD: u64 = 1 << 63;
const FRAME: u64 = 0x000ffffffffff000;
/** Address bits above the 40 that CPUID reports are reserved. */
const RESERVED: u64 = 0x000fff0000000000;

// Page-fault error code (SDM Vol. 3A 4.7, "Page-Fault Exceptions")
const PF_PRESENT: u32 = 1;
const PF_WRITE: u32 = 2;
const PF_USER: u32 = 4;
const PF_RESERVED: u32 = 8;
const PF_FETCH: u32 = 16;

/** Walks of one translation: more than one only if another CPU changes the tables meanwhile. */
const ATTEMPTS: u32 = 8;

/**
 * Core block + CORE_TLB + 16 * index, those of data first.
 *
 *     0 | tag u64: page | 1 | 8 | frame | TLB_* u64 | 16
 */
@unmanaged
export class Tlb {
  tag: u64;
  frame: u64;

  // @ts-ignore: decorator
  @inline static of(core: usize, lin: u64): Tlb {
    return changetype<Tlb>(core + CORE_TLB + ((<usize>(lin >> 12) & (DATA_ENTRIES - 1)) << 4));
  }

  // @ts-ignore: decorator
  @inline static ofFetch(core: usize, lin: u64): Tlb {
    return Tlb.at(core, DATA_ENTRIES + (<u32>(lin >> 12) & (CODE_ENTRIES - 1)));
  }

  // @ts-ignore: decorator
  @inline static at(core: usize, index: u32): Tlb {
    return changetype<Tlb>(core + CORE_TLB + (<usize>index << 4));
  }
}

/** The tag of the page of `lin`. */
// @ts-ignore: decorator
@inline
export function tlbTag(lin: u64): u64 {
  return (lin & ~4095) | 1;
}

/**
 * TLB entry `e`, which translates `lin` for an access that needs all of `need` (NEED_*, TLB_EXECUTE
 * ..), after a walk if need be; 0 = stall or page fault. `access` is the error code of the access
 * itself.
 */
function lookUp(core: usize, e: Tlb, lin: u64, need: u32, access: u32): usize {
  if (e.tag != tlbTag(lin) || (<u32>e.frame & need) != need) {
    // An entry that does not allow the access is no proof: the tables may allow more by now.
    for (let n: u32 = 0; ; n++) {
      const done = walk(core, e, lin, access);
      if (done == WALK_FAILED || n == ATTEMPTS) return 0;
      if (done == WALK_FILLED) break;
    }
  }
  return changetype<usize>(e);
}

const WALK_FAILED: u32 = 0;
const WALK_FILLED: u32 = 1;
/** An entry changed under the walk. */
const WALK_AGAIN: u32 = 2;

function fault(core: usize, lin: u64, error: u32): u32 {
  const cpu = Cpu.of(core);
  cpu.faultLin = lin;
  raise(core, PAGE, <i32>error);
  return WALK_FAILED;
}

/** Walk the tables and fill TLB entry `e` for `lin`. */
function walk(core: usize, e: Tlb, lin: u64, access: u32): u32 {
  const c = Core.of(core);
  // A label names the access of the instruction, not those of the walk.
  const label = c.label;
  const sbMask = c.sbMask;
  c.label = 0;
  const done = walkTables(core, e, lin, access);
  if (label) {
    c.label = label;
    c.sbMask |= sbMask;
  }
  return done;
}

function walkTables(core: usize, tlb: Tlb, lin: u64, access: u32): u32 {
  const cpu = Cpu.of(core);
  const noExecute = (cpu.efer & EFER_NXE) != 0;
  let table = cpu.cr3 & FRAME;
  let all: u64 = RW | US; // what every level allows
  let execute = true;
  let level: u32 = 4;
  let e: u64 = 0;
  for (;;) {
    level--;
    const at = table + (((lin >> (12 + level * 9)) & 511) << 3);
    // A table outside RAM reads as zeros
    if (at >= <u64>load<u32>(MACHINE_BASE + M_RAM_BYTES)) return fault(core, lin, access);
    const host = portRead(core, at, 8);
    if (!host) return WALK_FAILED;
    e = load<u64>(host);
    Core.of(core).clock += load<u32>(MACHINE_BASE + M_COST_L1);
    store<u64>(scratchWalk + (<usize>level << 4), e);
    store<u64>(scratchWalk + (<usize>level << 4), at, 8);
    if (!(e & P)) return fault(core, lin, access);
    const large = level > 0 && (e & PS) != 0;
    if (reservedBits(e, level, large, noExecute)) {
      return fault(core, lin, access | PF_PRESENT | PF_RESERVED);
    }
    all &= e;
    if (e & XD) execute = false;
    if (!level || large) break;
    table = e & FRAME;
  }
  const user = (access & PF_USER) != 0;
  const writable = (all & RW) != 0 || (!user && !(cpu.cr0 & CR0_WP));
  const write = (access & PF_WRITE) != 0;
  if ((user && !(all & US)) || (write && !writable) || (access & PF_FETCH && !execute)) {
    return fault(core, lin, access | PF_PRESENT);
  }
  for (let n: u32 = 3; n + 1 > level; n--) {
    const set = n == level && write ? A | D : A;
    const done = setBits(core, n, set);
    if (done != WALK_FILLED) return done;
  }
  fill(core, tlb, lin, load<u64>(scratchWalk + (<usize>level << 4)), level, all, execute);
  return WALK_FILLED;
}

function reservedBits(e: u64, level: u32, large: bool, noExecute: bool): bool {
  if (e & RESERVED || (e & XD && !noExecute)) return true;
  if (level == 3) return (e & PS) != 0;
  // Bits of the frame below a large page; bit 12 is PAT
  return large && (e & (((<u64>1 << (12 + level * 9)) - 1) & ~0x1fff)) != 0;
}

/** Set accessed and dirty bits in the entry of a level, as a locked access of its own. */
function setBits(core: usize, level: u32, bits: u64): u32 {
  const kept = scratchWalk + (<usize>level << 4);
  const seen = load<u64>(kept);
  if ((seen & bits) == bits) return WALK_FILLED;
  const host = portLock(core, load<u64>(kept, 8), 8);
  if (!host) return WALK_FAILED;
  const now = load<u64>(host);
  if ((now ^ seen) & ~(A | D)) return WALK_AGAIN;
  store<u64>(host, now | bits);
  store<u64>(kept, now | bits);
  return WALK_FILLED;
}

function fill(
  core: usize, e: Tlb, lin: u64, leaf: u64, level: u32, all: u64, execute: bool,
): void {
  const cpu = Cpu.of(core);
  const inPage = (<u64>1 << (12 + level * 9)) - 1;
  const phys = ((leaf & FRAME & ~inPage) | (lin & inPage)) & ~4095;
  const user = (all & US) != 0;
  const dirty = (leaf & D) != 0;
  let flags: u32 = 0;
  if (user) flags |= NEED_USER_READ;
  if (dirty && (all & RW || !(cpu.cr0 & CR0_WP))) flags |= NEED_SUPERVISOR_WRITE;
  if (dirty && user && all & RW) flags |= NEED_USER_WRITE;
  if (execute) flags |= user ? TLB_EXECUTE | TLB_USER_EXECUTE : TLB_EXECUTE;
  if (leaf & G && cpu.cr4 & CR4_PGE) flags |= TLB_GLOBAL;
  if (level) {
    flags |= level == 1 ? TLB_2M : TLB_1G;
    cpu.largePages = 1;
  }
  if (phys >= <u64>load<u32>(MACHINE_BASE + M_RAM_BYTES)) flags |= TLB_DEVICE;
  // The filters may hold the page with what it allowed before; and they may not outlive the entry
  // of another page, whose place this one takes.
  if (e.tag && (e.tag != tlbTag(lin) || e.frame != (phys | flags))) {
    const ofCode = changetype<usize>(e) >= changetype<usize>(Tlb.at(core, DATA_ENTRIES));
    if (ofCode) fetchFilterFlushPage(core, e.tag & ~4095);
    else filterFlushPage(core, e.tag & ~4095);
  }
  e.tag = tlbTag(lin);
  e.frame = phys | flags;
}

/**
 * TLB entry for a data access; `user` is false for accesses of the CPU itself to its tables. 0 =
 * stall or fault.
 */
export function translate(core: usize, lin: u64, write: bool, user: bool): usize {
  let need: u32 = 0;
  let access: u32 = 0;
  if (user) {
    need = NEED_USER_READ;
    access = PF_USER;
  }
  if (write) {
    need |= user ? NEED_USER_WRITE : NEED_SUPERVISOR_WRITE;
    access |= PF_WRITE;
  }
  return lookUp(core, Tlb.of(core, lin), lin, need, access);
}

/**
 * Physical address of an instruction, or NO_ADDRESS. Code outside of RAM is a #GP(0): nothing to
 * fetch there.
 */
export function translateFetch(core: usize, lin: u64): u64 {
  const cpu = Cpu.of(core);
  const user = cpu.cpl == 3;
  const need = user ? TLB_USER_EXECUTE : TLB_EXECUTE;
  const fetch = cpu.efer & EFER_NXE ? PF_FETCH : 0;
  const e = lookUp(core, Tlb.ofFetch(core, lin), lin, need, (user ? PF_USER : 0) | fetch);
  if (!e) return NO_ADDRESS;
  const frame = changetype<Tlb>(e).frame;
  if (<u32>frame & TLB_DEVICE) {
    raise(core, 13, 0);
    return NO_ADDRESS;
  }
  return (frame & ~4095) | (lin & 4095);
}

/** A load of CR3: everything but global pages goes. */
export function flushNonGlobal(core: usize): void {
  for (let i: u32 = 0; i < TLB_ENTRIES; i++) {
    const e = Tlb.at(core, i);
    if (!(<u32>e.frame & TLB_GLOBAL)) e.tag = e.frame = 0;
  }
  fetchFilterFlush(core);
  filterFlush(core);
}

/** INVLPG: the page of `lin` goes, with every fragment if it is a large one. */
export function flushPage(core: usize, lin: u64): void {
  const data = Tlb.of(core, lin);
  if (data.tag == tlbTag(lin)) data.tag = data.frame = 0;
  const code = Tlb.ofFetch(core, lin);
  if (code.tag == tlbTag(lin)) code.tag = code.frame = 0;
  fetchFilterFlush(core);
  if (!Cpu.of(core).largePages) {
    filterFlushPage(core, lin);
    return;
  }
  for (let i: u32 = 0; i < TLB_ENTRIES; i++) {
    const f = Tlb.at(core, i);
    const shift: u64 = <u32>f.frame & TLB_2M ? 21 : <u32>f.frame & TLB_1G ? 30 : 12;
    if (f.tag >> shift == lin >> shift) f.tag = f.frame = 0;
  }
  filterFlush(core);
}
