// BMI1 and BMI2: the instructions with a VEX prefix (SDM Vol. 2A "ANDN", "BEXTR", "BLSI" and so
// on). Operands of a record: d, s = operand E, x = the register that VEX.vvvv names.
// Undefined flags: AF and PF are cleared, for BEXTR SF too.
import { CF, RDX, SF, ZF, getReg, setReg } from "./cpu";
import { setFlags } from "./flags";
import { mulHigh } from "./muldiv";
import { Op, Rec } from "./record";

/** Bits of `s` at the places of the ones of `mask`, put together at the low end. */
function extract(s: u64, mask: u64): u64 {
  let r: u64 = 0;
  for (let at: u64 = 0; mask; at++) {
    if (s >> ctz<u64>(mask) & 1) r |= <u64>1 << at;
    mask &= mask - 1;
  }
  return r;
}

/** The low bits of `s`, spread over the places of the ones of `mask`. */
function deposit(s: u64, mask: u64): u64 {
  let r: u64 = 0;
  for (; mask; s >>= 1) {
    if (s & 1) r |= mask & (0 - mask);
    mask &= mask - 1;
  }
  return r;
}

// @ts-ignore: decorator
@inline
function signAndZero<T>(r: T): u32 {
  return (r ? 0 : ZF) | ((<u64>r >> (sizeof<T>() * 8 - 1)) & 1 ? SF : 0);
}

/** MULX: x:d are the low and high half; the high half wins if they are the same register. */
function mulx<T>(core: usize, p: usize, s: T): void {
  const rec = Rec.at(p);
  const b = getReg<T>(core, RDX);
  if (sizeof<T>() == 8) {
    setReg<u64>(core, rec.x, <u64>s * <u64>b);
    setReg<u64>(core, rec.d, mulHigh(s, b));
  } else {
    const r = <u64>s * <u64>b;
    setReg<u32>(core, rec.x, <u32>r);
    setReg<u32>(core, rec.d, <u32>(r >> 32));
  }
}

/** T is unsigned, S the signed type of its size. */
function manipulate<T, S>(core: usize, p: usize, op: u32): void {
  const rec = Rec.at(p);
  const bits: u64 = sizeof<T>() * 8;
  const s = getReg<T>(core, rec.s);
  const x = getReg<T>(core, rec.x);
  let r: T = 0;
  switch (op) {
    case Op.MULX: mulx<T>(core, p, s); return;
    case Op.ANDN:
      r = ~x & s;
      setFlags(core, signAndZero<T>(r));
      break;
    case Op.BLSR:
      r = s & <T>(s - 1);
      setFlags(core, signAndZero<T>(r) | (s ? 0 : CF));
      break;
    case Op.BLSMSK:
      r = s ^ <T>(s - 1);
      setFlags(core, (signAndZero<T>(r) & SF) | (s ? 0 : CF));
      break;
    case Op.BLSI:
      r = s & <T>(0 - s);
      setFlags(core, signAndZero<T>(r) | (s ? CF : 0));
      break;
    case Op.BZHI: {
      const n = <u64>x & 255;
      r = n < bits ? s & <T>((<u64>1 << n) - 1) : s;
      setFlags(core, signAndZero<T>(r) | (n >= bits ? CF : 0));
      break;
    }
    case Op.BEXTR: {
      const from = <u64>x & 255;
      const length = (<u64>x >> 8) & 255;
      r = from < bits ? <T>(<u64>s >> from) : 0;
      if (length < bits) r &= <T>((<u64>1 << length) - 1);
      setFlags(core, r ? 0 : ZF);
      break;
    }
    case Op.PEXT: r = <T>extract(x, s); break;
    case Op.PDEP: r = <T>deposit(x, s); break;
    case Op.SHLX: r = s << (x & <T>(bits - 1)); break;
    case Op.SARX: r = <T>(<S>s >> <S>(x & <T>(bits - 1))); break;
    case Op.SHRX: r = s >> (x & <T>(bits - 1)); break;
    default: r = rotr<T>(s, <T>rec.imm & <T>(bits - 1)); // RORX
  }
  setReg<T>(core, rec.d, r);
}

export function bitManipulation(core: usize, p: usize, op: u32): void {
  if (Rec.at(p).size == 8) manipulate<u64, i64>(core, p, op);
  else manipulate<u32, i32>(core, p, op);
}
