// Bit tests, bit scans and counts, BSWAP, MOVBE, and the address of a bit in memory.
// Undefined results: BSF and BSR of 0 leave the destination, as on silicon; BT and its family leave
// all flags but CF; LZCNT and TZCNT clear the four flags that they leave undefined.
import { AF, CF, OF, PF, SF, ZF, getReg, setReg } from "./cpu";
import { changeFlags, setCarry, setFlags } from "./flags";
import { IMMEDIATE, Op, Rec } from "./record";

/** Index of the bit that a BT names, within its operand. */
// @ts-ignore: decorator
@inline
function bitOf(core: usize, p: usize): u64 {
  const rec = Rec.at(p);
  const index = <u32>rec.flags & IMMEDIATE ? <u64>rec.imm : <u64>getReg<u16>(core, rec.s);
  return index & (<u64>rec.size * 8 - 1);
}

/**
 * Offset in bytes from the operand's address to the word that holds bit [s] (SDM Vol. 2A 3.1.1.9,
 * "Operation Section").
 */
export function bitOffset(core: usize, p: usize): i64 {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 2: return <i64>(getReg<i16>(core, rec.s) >> 4) << 1;
    case 4: return <i64>(getReg<i32>(core, rec.s) >> 5) << 2;
    default: return getReg<i64>(core, rec.s) >> 6 << 3;
  }
}

/** BT, BTS, BTR, BTC */
export function bitTest(core: usize, p: usize, op: u32): void {
  const rec = Rec.at(p);
  const mask = <u64>1 << bitOf(core, p);
  const size = <u32>rec.size;
  const old = size == 2 ? <u64>getReg<u16>(core, rec.d) : size == 4 ? <u64>getReg<u32>(core, rec.d)
    : getReg<u64>(core, rec.d);
  if (op != Op.BT) {
    const r = op == Op.BTS ? old | mask : op == Op.BTR ? old & ~mask : old ^ mask;
    if (size == 2) setReg<u16>(core, rec.d, <u16>r);
    else if (size == 4) setReg<u32>(core, rec.d, <u32>r);
    else setReg<u64>(core, rec.d, r);
  }
  setCarry(core, (old & mask) != 0);
}

/** The source of a scan, zero-extended. */
function source(core: usize, p: usize): u64 {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 2: return <u64>getReg<u16>(core, rec.s);
    case 4: return <u64>getReg<u32>(core, rec.s);
    default: return getReg<u64>(core, rec.s);
  }
}

function setBySize(core: usize, p: usize, value: u64): void {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 2: setReg<u16>(core, rec.d, <u16>value); break;
    case 4: setReg<u32>(core, rec.d, <u32>value); break;
    default: setReg<u64>(core, rec.d, value);
  }
}

/** BSF, BSR: only ZF is defined. */
export function bitScan(core: usize, p: usize, reverse: bool): void {
  const s = source(core, p);
  changeFlags(core, CF | PF | AF | ZF | SF | OF, s ? 0 : ZF | PF);
  if (s) setBySize(core, p, reverse ? 63 - clz<u64>(s) : ctz<u64>(s));
}

/** LZCNT, TZCNT: the operand size for an operand of 0, which CF tells */
export function bitCount(core: usize, p: usize, leading: bool): void {
  const s = source(core, p);
  const bits = <u64>Rec.at(p).size << 3;
  const count = !s ? bits : leading ? clz<u64>(s) - (64 - bits) : ctz<u64>(s);
  setBySize(core, p, count);
  setFlags(core, (s ? 0 : CF) | (count ? 0 : ZF));
}

export function popcount(core: usize, p: usize): void {
  const s = source(core, p);
  setBySize(core, p, popcnt<u64>(s));
  setFlags(core, s ? 0 : ZF);
}

/** A value of `size` bytes, 2 to 8, with its bytes in the opposite order. */
export function swapBytes(value: u64, size: u32): u64 {
  return bswap<u64>(value) >> <u64>(64 - (size << 3));
}

/** MOVBE from memory */
export function moveSwapped(core: usize, p: usize): void {
  setBySize(core, p, swapBytes(source(core, p), Rec.at(p).size));
}

/** BSWAP; of 16 bits it is undefined: here, as on silicon, 0. */
export function byteSwap(core: usize, p: usize): void {
  const rec = Rec.at(p);
  if (rec.size == 8) setReg<u64>(core, rec.d, bswap<u64>(getReg<u64>(core, rec.d)));
  else if (rec.size == 4) setReg<u32>(core, rec.d, bswap<u32>(getReg<u32>(core, rec.d)));
  else setReg<u16>(core, rec.d, 0);
}
