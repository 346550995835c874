// Shifts and rotates (SDM Vol. 2, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD"). The count
// is masked to 5 bits, 6 for 64-bit operands; a count of 0 changes no flag. OF is defined for a
// count of 1 only: for others it is computed by the same rule, except for rotates through carry,
// where it follows the result too.
import { CF, OF, RCX, getReg, setReg } from "./cpu";
import { carry, changeFlags, keepShift } from "./flags";
import { IMMEDIATE, Rec } from "./record";

// Rec.cc of Op.SHIFT: the ModRM reg field of group 2
const ROL: u32 = 0;
const ROR: u32 = 1;
const RCL: u32 = 2;
const RCR: u32 = 3;
const SHL: u32 = 4;
const SHR: u32 = 5;
const SAL: u32 = 6;

/** d := d << count, 0 < count < width of T, which is 32 or 64 bits */
// @ts-ignore: decorator
@inline
export function shl<T>(core: usize, p: usize, count: T): void {
  const bits = <T>(sizeof<T>() * 8);
  const d = Rec.at(p).d;
  const a = getReg<T>(core, d);
  const r = a << count;
  const cf = <bool>((a >> (bits - count)) & 1);
  setReg<T>(core, d, r);
  keepShift(core, cf, cf != r < 0, <i64>r);
}

/** d := d >> count, unsigned; T is signed */
// @ts-ignore: decorator
@inline
export function shr<T>(core: usize, p: usize, count: T): void {
  const d = Rec.at(p).d;
  const a = getReg<T>(core, d);
  const r = a >>> count;
  setReg<T>(core, d, r);
  keepShift(core, <bool>((a >>> (count - 1)) & 1), a < 0, <i64>r);
}

/** d := d >> count, signed */
// @ts-ignore: decorator
@inline
export function sar<T>(core: usize, p: usize, count: T): void {
  const d = Rec.at(p).d;
  const a = getReg<T>(core, d);
  const r = a >> count;
  setReg<T>(core, d, r);
  keepShift(core, <bool>((a >> (count - 1)) & 1), false, <i64>r);
}

/** The count of a shift record: an immediate, masked by the decoder, or CL. */
// @ts-ignore: decorator
@inline
function countOf(core: usize, p: usize): u32 {
  const rec = Rec.at(p);
  if (<u32>rec.flags & IMMEDIATE) return <u32>rec.imm;
  return <u32>getReg<u8>(core, RCX) & (rec.size == 8 ? 63 : 31);
}

/**
 * Any shift or rotate of group 2 by any count; S and U are the signed and unsigned type of its
 * size.
 */
function shiftSized<S, U>(core: usize, p: usize): void {
  const rec = Rec.at(p);
  const bits: u32 = sizeof<U>() * 8;
  const count = countOf(core, p);
  if (!count) {
    // A 32-bit destination is written even so: the upper half is cleared.
    if (sizeof<U>() == 4) setReg<U>(core, rec.d, getReg<U>(core, rec.d));
    return;
  }
  const a = <u64>getReg<U>(core, rec.d);
  const top = bits - 1;
  const operation = <u32>rec.cc;
  if (operation <= ROR) {
    const n = <u64>(count & top);
    const left = operation == ROL ? n : (<u64>bits - n) & <u64>top;
    const r = <U>(left ? (a << left) | (a >> (<u64>bits - left)) : a);
    setReg<U>(core, rec.d, r);
    const high = <u32>(<u64>r >> top) & 1;
    const cf = operation == ROL ? <u32>r & 1 : high;
    const overflowed = operation == ROL ? high ^ cf : high ^ (<u32>(<u64>r >> (top - 1)) & 1);
    changeFlags(core, CF | OF, (cf ? CF : 0) | (overflowed ? OF : 0));
    return;
  }
  if (operation <= RCR) {
    rotateCarry<U>(core, p, operation, count);
    return;
  }
  const signed = <i64>getReg<S>(core, rec.d);
  if (operation == SHL || operation == SAL) {
    const r = <U>(count < 64 ? a << count : 0);
    const cf = count <= bits ? <bool>((a >> (bits - count)) & 1) : false;
    setReg<U>(core, rec.d, r);
    keepShift(core, cf, cf != <S>r < 0, <i64>(<S>r));
  } else if (operation == SHR) {
    const r = <U>(a >> count);
    setReg<U>(core, rec.d, r);
    keepShift(core, <bool>((a >> (count - 1)) & 1), signed < 0, <i64>(<S>r));
  } else {
    const r = signed >> count;
    setReg<U>(core, rec.d, <U>r);
    keepShift(core, <bool>((signed >> (count - 1)) & 1), false, r);
  }
}

/** RCL, RCR: CF is one more bit of the operand. Bit by bit: they are rare, and counts small. */
function rotateCarry<U>(core: usize, p: usize, operation: u32, masked: u32): void {
  const d = Rec.at(p).d;
  const bits: u32 = sizeof<U>() * 8;
  const top = bits - 1;
  const count = bits < 32 ? masked % (bits + 1) : masked;
  let r = <u64>getReg<U>(core, d);
  let cf = <u64>carry(core);
  for (let i: u32 = 0; i < count; i++) {
    if (operation == RCL) {
      const out = (r >> top) & 1;
      r = (r << 1) | cf;
      cf = out;
    } else {
      const out = r & 1;
      r = (r >> 1) | (cf << top);
      cf = out;
    }
  }
  setReg<U>(core, d, <U>r);
  if (!count) return;
  const high = (r >> top) & 1;
  const overflowed = operation == RCL ? high ^ cf : high ^ ((r >> (top - 1)) & 1);
  changeFlags(core, CF | OF, (cf ? CF : 0) | (overflowed ? OF : 0));
}

/** Group 2. */
export function shift(core: usize, p: usize): void {
  switch (Rec.at(p).size) {
    case 1: shiftSized<i8, u8>(core, p); break;
    case 2: shiftSized<i16, u16>(core, p); break;
    case 4: shiftSized<i32, u32>(core, p); break;
    default: shiftSized<i64, u64>(core, p);
  }
}

/**
 * SHLD, SHRD. With 16-bit operands and a count above 16 the result is undefined: here, the operand
 * unchanged.
 */
function doubleShiftSized<S, U>(core: usize, p: usize): void {
  const rec = Rec.at(p);
  const bits: u32 = sizeof<U>() * 8;
  const count = countOf(core, p) & (bits == 64 ? 63 : 31);
  const a = <u64>getReg<U>(core, rec.d);
  if (!count || count > bits) {
    if (sizeof<U>() == 4) setReg<U>(core, rec.d, <U>a);
    return;
  }
  const b = <u64>getReg<U>(core, rec.s);
  const rest = bits - count;
  let r: U;
  let cf: u64;
  if (!rec.cc) {
    r = <U>(rest ? (a << count) | (b >> rest) : b);
    cf = (a >> rest) & 1;
  } else {
    r = <U>(rest ? (a >> count) | (b << rest) : b);
    cf = (a >> (count - 1)) & 1;
  }
  setReg<U>(core, rec.d, r);
  keepShift(core, <bool>cf, <S>(r ^ <U>a) < 0, <i64>(<S>r));
}

export function doubleShift(core: usize, p: usize): void {
  switch (Rec.at(p).size) {
    case 2: doubleShiftSized<i16, u16>(core, p); break;
    case 4: doubleShiftSized<i32, u32>(core, p); break;
    default: doubleShiftSized<i64, u64>(core, p);
  }
}
