// The status flags, kept lazily as what the last operation leaves behind (SDM Vol. 1 3.4.3.1,
// "Status Flags"). Values are sign-extended to 64 bits: that keeps both the signed and the unsigned
// order of narrow operands, so that the formulas below hold for every width. In every kind
//     ZF is flagR == 0, and CF is carryX < carryY, unsigned:
// a subtraction leaves (a, b) there, an addition (result, a), anything else 0 and the carry. INC
// and DEC, which keep CF, thus simply leave the pair alone.
// Undefined flags: logic and shifts clear AF; MUL sets ZF, SF, PF from the low half.
import { AF, CF, Cpu, OF, PF, SF, STATUS_FLAGS, ZF } from "./cpu";

// Cpu.flagKind: where OF and AF come from
/** carryX - carryY = r; a logic operation leaves (r, 0). */
export const KIND_SUB: u32 = 0;
/** carryY + flagB = r */
export const KIND_ADD: u32 = 1;
/** flagB + 1 = r */
export const KIND_INC: u32 = 2;
/** flagB - 1 = r */
export const KIND_DEC: u32 = 3;
/** flagB holds OF in its place of EFLAGS; AF is 0 */
export const KIND_SHIFT: u32 = 4;
/** flagB holds all flags */
export const KIND_EXPLICIT: u32 = 5;

/** a - b = r; or (r, 0, r) for logic */
// @ts-ignore: decorator
@inline
export function keepSub(core: usize, a: i64, b: i64, r: i64): void {
  const cpu = Cpu.of(core);
  cpu.carryX = a;
  cpu.carryY = b;
  cpu.flagR = r;
  cpu.flagKind = KIND_SUB;
}

/** a + b = r */
// @ts-ignore: decorator
@inline
export function keepAdd(core: usize, a: i64, b: i64, r: i64): void {
  const cpu = Cpu.of(core);
  cpu.carryX = r;
  cpu.carryY = a;
  cpu.flagB = b;
  cpu.flagR = r;
  cpu.flagKind = KIND_ADD;
}

/** Operand `a` was counted up or down (`kind`) to r. */
// @ts-ignore: decorator
@inline
export function keepCount(core: usize, kind: u32, a: i64, r: i64): void {
  const cpu = Cpu.of(core);
  cpu.flagB = a;
  cpu.flagR = r;
  cpu.flagKind = kind;
}

/** Flags of a shift or multiplication. */
// @ts-ignore: decorator
@inline
export function keepShift(core: usize, carryOut: bool, overflowed: bool, r: i64): void {
  const cpu = Cpu.of(core);
  cpu.carryX = 0;
  cpu.carryY = <i64>carryOut;
  cpu.flagB = <i64>(<u32>overflowed << 11);
  cpu.flagR = r;
  cpu.flagKind = KIND_SHIFT;
}

export function setFlags(core: usize, flags: u32): void {
  const cpu = Cpu.of(core);
  cpu.carryX = 0;
  cpu.carryY = <i64>(flags & CF);
  cpu.flagB = <i64>(flags & STATUS_FLAGS);
  cpu.flagR = flags & ZF ? 0 : 1;
  cpu.flagKind = KIND_EXPLICIT;
}

/** Replace the flags in `mask`. */
export function changeFlags(core: usize, mask: u32, flags: u32): void {
  setFlags(core, (getFlags(core) & ~mask) | (flags & mask));
}

/** Replace CF only. */
export function setCarry(core: usize, value: bool): void {
  const cpu = Cpu.of(core);
  // A subtraction or addition has its operands in the pair.
  if (cpu.flagKind <= KIND_ADD) setFlags(core, getFlags(core));
  cpu.carryX = 0;
  cpu.carryY = <i64>value;
}

// @ts-ignore: decorator
@inline
export function carry(core: usize): bool {
  const cpu = Cpu.of(core);
  return <u64>cpu.carryX < <u64>cpu.carryY;
}

export function overflow(core: usize): bool {
  const cpu = Cpu.of(core);
  const b = cpu.flagB;
  const r = cpu.flagR;
  switch (cpu.flagKind) {
    case KIND_SUB: return ((cpu.carryX ^ cpu.carryY) & (cpu.carryX ^ r)) < 0;
    case KIND_ADD: return ((cpu.carryY ^ r) & (b ^ r)) < 0;
    case KIND_INC: return (~b & r) < 0;
    case KIND_DEC: return (b & ~r) < 0;
    default: return (<u32>b & OF) != 0;
  }
}

export function sign(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_EXPLICIT ? (<u32>cpu.flagB & SF) != 0 : cpu.flagR < 0;
}

export function parity(core: usize): bool {
  const cpu = Cpu.of(core);
  if (cpu.flagKind == KIND_EXPLICIT) return (<u32>cpu.flagB & PF) != 0;
  return (popcnt<u32>(<u32>cpu.flagR & 0xff) & 1) == 0;
}

// @ts-ignore: decorator
@inline
export function zero(core: usize): bool {
  return Cpu.of(core).flagR == 0;
}

function adjust(core: usize): bool {
  const cpu = Cpu.of(core);
  const r = <u32>cpu.flagR;
  switch (cpu.flagKind) {
    case KIND_SUB: return ((<u32>cpu.carryX ^ <u32>cpu.carryY ^ r) & 0x10) != 0;
    case KIND_ADD: return ((<u32>cpu.carryY ^ <u32>cpu.flagB ^ r) & 0x10) != 0;
    case KIND_INC: return (r & 15) == 0;
    case KIND_DEC: return (r & 15) == 15;
    case KIND_SHIFT: return false;
    default: return (<u32>cpu.flagB & AF) != 0;
  }
}

/** The status flags in their places of EFLAGS. */
export function getFlags(core: usize): u32 {
  return (carry(core) ? CF : 0) | (parity(core) ? PF : 0) | (adjust(core) ? AF : 0) |
    (zero(core) ? ZF : 0) | (sign(core) ? SF : 0) | (overflow(core) ? OF : 0);
}

// @ts-ignore: decorator
@inline
export function belowOrEqual(core: usize): bool {
  return <bool>(<i32>carry(core) | <i32>zero(core));
}

/** SF differs from OF: after a subtraction, a < b */
// @ts-ignore: decorator
@inline
export function less(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_SUB ? cpu.carryX < cpu.carryY : sign(core) != overflow(core);
}

// @ts-ignore: decorator
@inline
export function lessOrEqual(core: usize): bool {
  return <bool>(<i32>less(core) | <i32>zero(core));
}

// @ts-ignore: decorator
@inline
export function negative(core: usize): bool {
  return Cpu.of(core).flagKind != KIND_EXPLICIT ? Cpu.of(core).flagR < 0 : sign(core);
}

/** Condition `cc` of Jcc, SETcc, CMOVcc (SDM Vol. 2 B.1.4.7, "Condition Test (tttn) Field"). */
export function condition(core: usize, cc: u32): bool {
  switch (cc) {
    case 0: return overflow(core);
    case 1: return !overflow(core);
    case 2: return carry(core);
    case 3: return !carry(core);
    case 4: return zero(core);
    case 5: return !zero(core);
    case 6: return belowOrEqual(core);
    case 7: return !belowOrEqual(core);
    case 8: return negative(core);
    case 9: return !negative(core);
    case 10: return parity(core);
    case 11: return !parity(core);
    case 12: return less(core);
    case 13: return !less(core);
    case 14: return lessOrEqual(core);
    default: return !lessOrEqual(core);
  }
}
