// Integer arithmetic and logic of every width, on values sign-extended into T (flags.ts says why).
import {
  KIND_ADC, KIND_ADD, KIND_DEC, KIND_INC, KIND_SBB, KIND_SUB, carry, keepFlags,
} from "./flags";
import { setReg } from "./cpu";
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
  keepFlags(core, KIND_ADD, <i64>a, <i64>s, <i64>r);
}

/** d := d + s + CF */
// @ts-ignore: decorator
@inline
export function adc<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const cf = carry(core);
  const r = <T>(a + s + <T>cf);
  setD<T>(core, p, r);
  keepFlags(core, cf ? KIND_ADC : KIND_ADD, <i64>a, <i64>s, <i64>r);
}

/** d := d - s */
// @ts-ignore: decorator
@inline
export function sub<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const r = <T>(a - s);
  setD<T>(core, p, r);
  keepFlags(core, KIND_SUB, <i64>a, <i64>s, <i64>r);
}

/** d := d - s - CF */
// @ts-ignore: decorator
@inline
export function sbb<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  const cf = carry(core);
  const r = <T>(a - s - <T>cf);
  setD<T>(core, p, r);
  keepFlags(core, cf ? KIND_SBB : KIND_SUB, <i64>a, <i64>s, <i64>r);
}

/** Flags of d - s */
// @ts-ignore: decorator
@inline
export function cmp<T>(core: usize, p: usize, s: T): void {
  const a = regD<T>(core, p);
  keepFlags(core, KIND_SUB, <i64>a, <i64>s, <i64>(<T>(a - s)));
}

// @ts-ignore: decorator
@inline
function logic<T>(core: usize, p: usize, r: T): void {
  setD<T>(core, p, r);
  keepFlags(core, KIND_SUB, <i64>r, 0, <i64>r);
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
  keepFlags(core, KIND_SUB, r, 0, r);
}

/** d := d + 1; CF stays */
// @ts-ignore: decorator
@inline
export function inc<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(a + 1);
  const cf = carry(core);
  setD<T>(core, p, r);
  keepFlags(core, KIND_INC, <i64>cf, <i64>a, <i64>r);
}

/** d := d - 1; CF stays */
// @ts-ignore: decorator
@inline
export function dec<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(a - 1);
  const cf = carry(core);
  setD<T>(core, p, r);
  keepFlags(core, KIND_DEC, <i64>cf, <i64>a, <i64>r);
}

/** d := 0 - d */
// @ts-ignore: decorator
@inline
export function neg<T>(core: usize, p: usize): void {
  const a = regD<T>(core, p);
  const r = <T>(0 - a);
  setD<T>(core, p, r);
  keepFlags(core, KIND_SUB, 0, <i64>a, <i64>r);
}

/** d := NOT d; no flags */
// @ts-ignore: decorator
@inline
export function not<T>(core: usize, p: usize): void {
  setD<T>(core, p, <T>~regD<T>(core, p));
}
