// Integer arithmetic and logic of every width, on values sign-extended into T (flags.ts says why).
import { AF, CF, OF, PF, SF, ZF, setReg } from "./cpu";
import { KIND_DEC, KIND_INC, carry, keepAdd, keepCount, keepSub, setFlags } from "./flags";
import { Rec } from "./record";

/** Destination and source registers of the record at p, as signed T. */
// @ts-ignore: decorator
@inline
export function regD<T>(core: usize, p: usize): T {
  return load<T>(core + <usize>Rec.at(p).d);
}

// @ts-ignore: decorator
@inline
export function regS<T>(core: usize, p: usize): T {
  return load<T>(core + <usize>Rec.at(p).s);
}

// @ts-ignore: decorator
@inline
export function setD<T>(core: usize, p: usize, value: T): void {
  setReg<T>(core, Rec.at(p).d, value);
}

/** d := d + s */
// @ts-ignore: decorator
@inline
export function add<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const r = <T>(a + s);
  setD<T>(core, p, r);
  keepAdd(core, <i64>a, <i64>s, <i64>r);
}

/** Flags of an operation with a carry in, for which no lazy kind has room. */
function keepCarried(core: usize, carryOut: bool, overflowed: bool, xor: i64, r: i64): void {
  const even = (popcnt<u32>(<u32>r & 0xff) & 1) == 0;
  setFlags(core, (carryOut ? CF : 0) | (even ? PF : 0) | (<u32>xor & AF) | (r ? 0 : ZF) |
    (r < 0 ? SF : 0) | (overflowed ? OF : 0));
}

/** a + b + 1 = r */
function keepWithCarry(core: usize, a: i64, b: i64, r: i64): void {
  keepCarried(core, <u64>r <= <u64>a, ((a ^ r) & (b ^ r)) < 0, a ^ b ^ r, r);
}

/** a - b - 1 = r */
function keepWithBorrow(core: usize, a: i64, b: i64, r: i64): void {
  keepCarried(core, <u64>a <= <u64>b, ((a ^ b) & (a ^ r)) < 0, a ^ b ^ r, r);
}

/** d := d + s + CF */
// @ts-ignore: decorator
@inline
export function adc<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const cf = carry(core);
  const r = <T>(a + s + <T>cf);
  setD<T>(core, p, r);
  if (cf) keepWithCarry(core, <i64>a, <i64>s, <i64>r);
  else keepAdd(core, <i64>a, <i64>s, <i64>r);
}

/** d := d - s */
// @ts-ignore: decorator
@inline
export function sub<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const r = <T>(a - s);
  setD<T>(core, p, r);
  keepSub(core, <i64>a, <i64>s, <i64>r);
}

/** d := d - s - CF */
// @ts-ignore: decorator
@inline
export function sbb<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const cf = carry(core);
  const r = <T>(a - s - <T>cf);
  setD<T>(core, p, r);
  if (cf) keepWithBorrow(core, <i64>a, <i64>s, <i64>r);
  else keepSub(core, <i64>a, <i64>s, <i64>r);
}

/** Flags of d - s */
// @ts-ignore: decorator
@inline
export function cmp<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  keepSub(core, <i64>a, <i64>s, <i64>(<T>(a - s)));
}

// @ts-ignore: decorator
@inline
function logic<T>(core: usize, p: usize, r: T): void {
  setD<T>(core, p, r);
  keepSub(core, <i64>r, 0, <i64>r);
}

/** d := d AND s */
// @ts-ignore: decorator
@inline
export function and<T>(core: usize, p: usize, s: T): void {
  logic<T>(core, p, <T>(regD<T>(core, p) & s));
}

/** d := d OR s */
// @ts-ignore: decorator
@inline
export function or<T>(core: usize, p: usize, s: T): void {
  logic<T>(core, p, <T>(regD<T>(core, p) | s));
}

/** d := d XOR s */
// @ts-ignore: decorator
@inline
export function xor<T>(core: usize, p: usize, s: T): void {
  logic<T>(core, p, <T>(regD<T>(core, p) ^ s));
}

/** Flags of d AND s */
// @ts-ignore: decorator
@inline
export function test<T>(core: usize, p: usize, s: T): void {
  const r = <i64>(<T>(regD<T>(core, p) & s));
  keepSub(core, r, 0, r);
}

/** d := d + 1; CF stays */
// @ts-ignore: decorator
@inline
export function inc<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(a + 1);
  setD<T>(core, p, r);
  keepCount(core, KIND_INC, <i64>a, <i64>r);
}

/** d := d - 1; CF stays */
// @ts-ignore: decorator
@inline
export function dec<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(a - 1);
  setD<T>(core, p, r);
  keepCount(core, KIND_DEC, <i64>a, <i64>r);
}

/** d := 0 - d */
// @ts-ignore: decorator
@inline
export function neg<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(0 - a);
  setD<T>(core, p, r);
  keepSub(core, 0, <i64>a, <i64>r);
}

/** d := NOT d; no flags */
// @ts-ignore: decorator
@inline
export function not<T>(core: usize, p: usize): void {
  setD<T>(core, p, <T>~regD<T>(core, p));
}
