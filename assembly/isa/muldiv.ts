// MUL, IMUL, DIV, IDIV. Unlike other operations they cost more than a cycle, as on Core 2, rounded:
// a multiplication 3 cycles, a division 20 to 40 by width.
import { Core } from "../memory/core";
import { DE, RAX, RDX, getReg, raise, setReg } from "./cpu";
import { keepShift } from "./flags";
import { Rec } from "./record";

export const MUL_CYCLES: u64 = 3;
const DIV_CYCLES_16: u64 = 20;
const DIV_CYCLES_32: u64 = 25;
const DIV_CYCLES_64: u64 = 40;

/** High half of the unsigned product. */
export function mulHigh(a: u64, b: u64): u64 {
  const al = a & 0xffffffff;
  const ah = a >> 32;
  const bl = b & 0xffffffff;
  const bh = b >> 32;
  const mid = ah * bl + ((al * bl) >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  return ah * bh + (mid >> 32) + (mid2 >> 32);
}

/** High half of the signed product. */
export function imulHigh(a: i64, b: i64): i64 {
  let high = <i64>mulHigh(<u64>a, <u64>b);
  if (a < 0) high -= b;
  if (b < 0) high -= a;
  return high;
}

/** d := s * other, the two-operand IMUL of 16 or 32 bits; CF = OF = the product did not fit */
// @ts-ignore: decorator
@inline
export function imulNarrow<T>(core: usize, d: u32, a: T, b: T): void {
  const product = <i64>a * <i64>b;
  const r = <T>product;
  setReg<T>(core, d, r);
  const lost = <i64>r != product;
  keepShift(core, lost, lost, <i64>r);
}

export function imulWide(core: usize, d: u32, a: i64, b: i64): void {
  const r = a * b;
  const small = <i64>(<i32>a) == a && <i64>(<i32>b) == b;
  const lost = !small && imulHigh(a, b) != r >> 63;
  setReg<i64>(core, d, r);
  keepShift(core, lost, lost, r);
}

/** rDX:rAX := rAX * s */
export function mul(core: usize, p: usize, signed: bool): void {
  const rec = Rec.at(p);
  const s = <u32>rec.s;
  switch (rec.size) {
    case 1: {
      const r = signed
        ? <i32>getReg<i8>(core, RAX) * <i32>getReg<i8>(core, s)
        : <i32>(<u32>getReg<u8>(core, RAX) * <u32>getReg<u8>(core, s));
      setReg<u16>(core, RAX, <u16>r);
      const lost = signed ? r != <i32>(<i8>r) : r > 0xff;
      keepShift(core, lost, lost, <i64>(<i8>r));
      break;
    }
    case 2: {
      const r = signed
        ? <i32>getReg<i16>(core, RAX) * <i32>getReg<i16>(core, s)
        : <i32>(<u32>getReg<u16>(core, RAX) * <u32>getReg<u16>(core, s));
      setReg<u16>(core, RAX, <u16>r);
      setReg<u16>(core, RDX, <u16>(r >> 16));
      const lost = signed ? r != <i32>(<i16>r) : <u32>r > 0xffff;
      keepShift(core, lost, lost, <i64>(<i16>r));
      break;
    }
    case 4: {
      const r = signed
        ? <i64>getReg<i32>(core, RAX) * <i64>getReg<i32>(core, s)
        : <i64>(<u64>getReg<u32>(core, RAX) * <u64>getReg<u32>(core, s));
      setReg<u32>(core, RAX, <u32>r);
      setReg<u32>(core, RDX, <u32>(r >> 32));
      const lost = signed ? r != <i64>(<i32>r) : <u64>r > 0xffffffff;
      keepShift(core, lost, lost, <i64>(<i32>r));
      break;
    }
    default: {
      const a = getReg<i64>(core, RAX);
      const b = getReg<i64>(core, s);
      const low = a * b;
      const high = signed ? imulHigh(a, b) : <i64>mulHigh(<u64>a, <u64>b);
      setReg<i64>(core, RAX, low);
      setReg<i64>(core, RDX, high);
      const lost = signed ? high != low >> 63 : high != 0;
      keepShift(core, lost, lost, low);
    }
  }
}

/** Quotient and remainder of a 128-bit division, by shift and subtract. */
let quotient: u64 = 0;
let remainder: u64 = 0;

/** high:low / divisor, high < divisor. */
function divide128(high: u64, low: u64, divisor: u64): void {
  let rest = high;
  let q: u64 = 0;
  for (let i = 0; i < 64; i++) {
    const carry = rest >> 63;
    rest = (rest << 1) | (low >> 63);
    low <<= 1;
    q <<= 1;
    if (carry || rest >= divisor) {
      rest -= divisor;
      q |= 1;
    }
  }
  quotient = q;
  remainder = rest;
}

/** Unsigned divisions up to 64 / 32 bits. */
function divNarrow(core: usize, dividend: u64, divisor: u64, bits: u64): bool {
  if (!divisor) return raise(core, DE);
  quotient = dividend / divisor;
  remainder = dividend % divisor;
  return quotient >> bits ? raise(core, DE) : true;
}

function idivNarrow(core: usize, dividend: i64, divisor: i64, bits: i64): bool {
  // The smallest dividend over -1 traps in WebAssembly; its quotient does not fit anyway.
  if (!divisor || (divisor == -1 && dividend == i64.MIN_VALUE)) return raise(core, DE);
  const q = dividend / divisor;
  quotient = <u64>q;
  remainder = <u64>(dividend % divisor);
  const unused = 64 - bits;
  return q << unused >> unused == q ? true : raise(core, DE);
}

function idiv128(core: usize, high: i64, low: u64, divisor: i64): bool {
  const negative = high < 0;
  let h = <u64>high;
  let l = low;
  if (negative) {
    l = 0 - l;
    h = ~h + <u64>(l == 0);
  }
  const d = divisor < 0 ? <u64>(0 - divisor) : <u64>divisor;
  if (h >= d) return raise(core, DE);
  divide128(h, l, d);
  const minus = negative != divisor < 0;
  if (quotient > <u64>i64.MAX_VALUE + <u64>minus) return raise(core, DE);
  if (minus) quotient = 0 - quotient;
  if (negative) remainder = 0 - remainder;
  return true;
}

/** rAX := rDX:rAX / s, rDX := the remainder; #DE. */
export function div(core: usize, p: usize, signed: bool): bool {
  const rec = Rec.at(p);
  const s = <u32>rec.s;
  const c = Core.of(core);
  switch (rec.size) {
    case 1:
      if (!(signed
        ? idivNarrow(core, getReg<i16>(core, RAX), getReg<i8>(core, s), 8)
        : divNarrow(core, getReg<u16>(core, RAX), getReg<u8>(core, s), 8))) return false;
      setReg<u16>(core, RAX, <u16>((<u32>quotient & 0xff) | (<u32>remainder << 8)));
      c.clock += DIV_CYCLES_16 - 1;
      return true;
    case 2: {
      const low = (<u32>getReg<u16>(core, RDX) << 16) | getReg<u16>(core, RAX);
      if (!(signed
        ? idivNarrow(core, <i32>low, getReg<i16>(core, s), 16)
        : divNarrow(core, low, getReg<u16>(core, s), 16))) return false;
      setReg<u16>(core, RAX, <u16>quotient);
      setReg<u16>(core, RDX, <u16>remainder);
      c.clock += DIV_CYCLES_16 - 1;
      return true;
    }
    case 4: {
      const low = (<u64>getReg<u32>(core, RDX) << 32) | getReg<u32>(core, RAX);
      if (!(signed
        ? idivNarrow(core, <i64>low, getReg<i32>(core, s), 32)
        : divNarrow(core, low, getReg<u32>(core, s), 32))) return false;
      setReg<u32>(core, RAX, <u32>quotient);
      setReg<u32>(core, RDX, <u32>remainder);
      c.clock += DIV_CYCLES_32 - 1;
      return true;
    }
    default: {
      const high = getReg<u64>(core, RDX);
      const low = getReg<u64>(core, RAX);
      const divisor = getReg<u64>(core, s);
      if (!signed) {
        if (high >= divisor) return raise(core, DE); // 0 divisors too
        if (high) divide128(high, low, divisor);
        else {
          quotient = low / divisor;
          remainder = low % divisor;
        }
      } else if (<i64>high == <i64>low >> 63 && divisor && divisor != u64.MAX_VALUE) {
        quotient = <u64>(<i64>low / <i64>divisor);
        remainder = <u64>(<i64>low % <i64>divisor);
      } else if (!idiv128(core, <i64>high, low, <i64>divisor)) return false;
      setReg<u64>(core, RAX, quotient);
      setReg<u64>(core, RDX, remainder);
      c.clock += DIV_CYCLES_64 - 1;
      return true;
    }
  }
}
