// XCHG, XADD, CMPXCHG, CMPXCHG8B/16B. Their memory forms work on a temporary register between the
// micro-operations that load and store (record.ts); LOCK is in those. CMPXCHG writes its
// destination in either case, as silicon does.
// Deviation: CMPXCHG8B and CMPXCHG16B are locked without the prefix too.
import { MACHINE_BASE, M_COST_LOCK } from "../abi";
import { Core } from "../memory/core";
import { lockForWrite, writeLocked } from "./access";
import { Cpu, GP, RAX, TMP0, ZF, getReg, raise, setReg } from "./cpu";
import { changeFlags, keepAdd, keepSub } from "./flags";
import { addressOf, vectorOf } from "./operand-address";
import { Rec } from "./record";

function exchangeSized<T>(core: usize, d: u32, s: u32): void {
  const a = getReg<T>(core, d);
  setReg<T>(core, d, getReg<T>(core, s));
  setReg<T>(core, s, a);
}

/** XCHG of registers */
export function exchange(core: usize, p: usize): void {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 1: exchangeSized<u8>(core, rec.d, rec.s); break;
    case 2: exchangeSized<u16>(core, rec.d, rec.s); break;
    case 4: exchangeSized<u32>(core, rec.d, rec.s); break;
    default: exchangeSized<u64>(core, rec.d, rec.s);
  }
}

// @ts-ignore: decorator
@inline
function exchangeLockedSized<T>(core: usize, s: u32): void {
  store<T>(<usize>Cpu.of(core).lockHost, getReg<T>(core, s));
  setReg<T>(core, s, getReg<T>(core, TMP0));
  writeLocked(core, sizeof<T>());
}

/** XCHG with memory, which the LDLOCK before has read and holds */
export function exchangeLocked(core: usize, p: usize): void {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 1: exchangeLockedSized<u8>(core, rec.s); break;
    case 2: exchangeLockedSized<u16>(core, rec.s); break;
    case 4: exchangeLockedSized<u32>(core, rec.s); break;
    default: exchangeLockedSized<u64>(core, rec.s);
  }
}

function exchangeAddSized<T>(core: usize, d: u32, s: u32): void {
  const a = getReg<T>(core, d);
  const b = getReg<T>(core, s);
  const r = <T>(a + b);
  // Both may be one register: then the sum stays.
  setReg<T>(core, s, a);
  setReg<T>(core, d, r);
  keepAdd(core, <i64>a, <i64>b, <i64>r);
}

/** temp := d + s; s := d; d := temp */
export function exchangeAdd(core: usize, p: usize): void {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 1: exchangeAddSized<i8>(core, rec.d, rec.s); break;
    case 2: exchangeAddSized<i16>(core, rec.d, rec.s); break;
    case 4: exchangeAddSized<i32>(core, rec.d, rec.s); break;
    default: exchangeAddSized<i64>(core, rec.d, rec.s);
  }
}

function compareExchangeSized<T>(core: usize, d: u32, s: u32): void {
  const a = getReg<T>(core, RAX);
  const b = getReg<T>(core, d);
  const equal = a == b;
  // Only the register that is the destination is written: RAX keeps its upper half on success, and
  // so does a 32-bit destination register on failure (checked on silicon).
  if (equal) setReg<T>(core, d, getReg<T>(core, s));
  else setReg<T>(core, RAX, b);
  keepSub(core, <i64>a, <i64>b, <i64>(<T>(a - b)));
}

/** if rAX = d then d := s else rAX := d; flags of rAX - d */
export function compareExchange(core: usize, p: usize): void {
  const rec = Rec.at(p);
  switch (rec.size) {
    case 1: compareExchangeSized<i8>(core, rec.d, rec.s); break;
    case 2: compareExchangeSized<i16>(core, rec.d, rec.s); break;
    case 4: compareExchangeSized<i32>(core, rec.d, rec.s); break;
    default: compareExchangeSized<i64>(core, rec.d, rec.s);
  }
}

// @ts-ignore: decorator
@inline
function compareExchangePair<T>(core: usize, host: usize): bool {
  const cpu = Cpu.of(core);
  const low = load<T>(host);
  const high = load<T>(host, sizeof<T>());
  if (low != <T>cpu.rax || high != <T>cpu.rdx) {
    cpu.rax = <u64>low;
    cpu.rdx = <u64>high;
    return false;
  }
  store<T>(host, <T>cpu.rbx);
  store<T>(host, <T>cpu.rcx, sizeof<T>());
  return true;
}

/** if rDX:rAX = m then m := rCX:rBX, ZF := 1 else rDX:rAX := m, ZF := 0 */
export function compareExchangeWide(core: usize, p: usize, size: u32): bool {
  const lin = addressOf(core, p);
  if (size == 16 && <u32>lin & 15) return raise(core, GP, 0);
  const host = lockForWrite(core, lin, size, vectorOf(p));
  if (!host) return false;
  const equal = size == 16
    ? compareExchangePair<u64>(core, host)
    : compareExchangePair<u32>(core, host);
  if (equal) writeLocked(core, size);
  changeFlags(core, ZF, equal ? ZF : 0);
  Core.of(core).clock += load<u32>(MACHINE_BASE + M_COST_LOCK) - 1;
  return true;
}
