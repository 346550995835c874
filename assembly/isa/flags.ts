// The status flags, kept lazily as the last operation's operands and result (SDM Vol. 1 3.4.3.1, "Status
// Flags"). Operands are sign-extended to 64 bits: sign extension keeps both the signed and the unsigned
// order, so that every condition after CMP, SUB or a logic operation is one comparison whatever the width.
// Undefined flags: logic and shifts clear AF; MUL sets ZF, SF, PF from the low half.
import { AF, CF, Cpu, OF, PF, SF, STATUS_FLAGS, ZF } from "./cpu";

// Cpu.flagKind: what (flagA, flagB, flagR) mean. In every kind ZF is flagR == 0.
/** a - b = r; a logic operation leaves (r, 0, r). */
export const KIND_SUB: u32 = 0;
/** a + b = r */
export const KIND_ADD: u32 = 1;
/** a + b + 1 = r */
export const KIND_ADC: u32 = 2;
/** a - b - 1 = r */
export const KIND_SBB: u32 = 3;
/** b + 1 = r, a is the CF from before */
export const KIND_INC: u32 = 4;
/** b - 1 = r, a is the CF from before */
export const KIND_DEC: u32 = 5;
/** a holds CF and OF, in their places of EFLAGS; the others follow from r */
export const KIND_SHIFT: u32 = 6;
/** a holds all of them; r is 0 exactly if ZF */
export const KIND_EXPLICIT: u32 = 7;

@inline
export function keepFlags(core: usize, kind: u32, a: i64, b: i64, r: i64): void {
  const cpu = Cpu.of(core);
  cpu.flagA = a;
  cpu.flagB = b;
  cpu.flagR = r;
  cpu.flagKind = kind;
}

/** Flags of a shift, rotate through KIND_EXPLICIT excepted, or multiplication. */
@inline
export function keepShiftFlags(core: usize, carryOut: bool, overflowed: bool, r: i64): void {
  keepFlags(core, KIND_SHIFT, <i64>(<u32>carryOut | (<u32>overflowed << 11)), 0, r);
}

export function setFlags(core: usize, flags: u32): void {
  keepFlags(core, KIND_EXPLICIT, <i64>(flags & STATUS_FLAGS), 0, flags & ZF ? 0 : 1);
}

/** Replace the flags in `mask`. */
export function changeFlags(core: usize, mask: u32, flags: u32): void {
  setFlags(core, (getFlags(core) & ~mask) | (flags & mask));
}

export function carry(core: usize): bool {
  const cpu = Cpu.of(core);
  const a = <u64>cpu.flagA;
  switch (cpu.flagKind) {
    case KIND_SUB: return a < <u64>cpu.flagB;
    case KIND_ADD: return <u64>cpu.flagR < a;
    case KIND_ADC: return <u64>cpu.flagR <= a;
    case KIND_SBB: return a <= <u64>cpu.flagB;
    default: return <bool>(<u32>a & CF);
  }
}

export function overflow(core: usize): bool {
  const cpu = Cpu.of(core);
  const a = cpu.flagA;
  const b = cpu.flagB;
  const r = cpu.flagR;
  switch (cpu.flagKind) {
    case KIND_SUB:
    case KIND_SBB: return ((a ^ b) & (a ^ r)) < 0;
    case KIND_ADD:
    case KIND_ADC: return ((a ^ r) & (b ^ r)) < 0;
    case KIND_INC: return (~b & r) < 0;
    case KIND_DEC: return (b & ~r) < 0;
    default: return ((<u32>a & OF)) != 0;
  }
}

export function sign(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_EXPLICIT ? (<u32>cpu.flagA & SF) != 0 : cpu.flagR < 0;
}

export function parity(core: usize): bool {
  const cpu = Cpu.of(core);
  if (cpu.flagKind == KIND_EXPLICIT) return (<u32>cpu.flagA & PF) != 0;
  return (popcnt<u32>(<u32>cpu.flagR & 0xff) & 1) == 0;
}

@inline
export function zero(core: usize): bool {
  return Cpu.of(core).flagR == 0;
}

function adjust(core: usize): bool {
  const cpu = Cpu.of(core);
  const r = <u32>cpu.flagR;
  switch (cpu.flagKind) {
    case KIND_INC: return (r & 15) == 0;
    case KIND_DEC: return (r & 15) == 15;
    case KIND_SHIFT: return false;
    case KIND_EXPLICIT: return (<u32>cpu.flagA & AF) != 0;
    default: return ((<u32>cpu.flagA ^ <u32>cpu.flagB ^ r) & 0x10) != 0;
  }
}

/** The status flags in their places of EFLAGS. */
export function getFlags(core: usize): u32 {
  return (carry(core) ? CF : 0) | (parity(core) ? PF : 0) | (adjust(core) ? AF : 0) |
    (zero(core) ? ZF : 0) | (sign(core) ? SF : 0) | (overflow(core) ? OF : 0);
}

// The conditions that compilers use most, after the operations that they use most
@inline
export function below(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_SUB ? <u64>cpu.flagA < <u64>cpu.flagB : carry(core);
}

@inline
export function belowOrEqual(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_SUB
    ? <u64>cpu.flagA <= <u64>cpu.flagB
    : <bool>(<i32>carry(core) | <i32>zero(core));
}

@inline
export function less(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_SUB ? cpu.flagA < cpu.flagB : sign(core) != overflow(core);
}

@inline
export function lessOrEqual(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind == KIND_SUB
    ? cpu.flagA <= cpu.flagB
    : <bool>(<i32>(sign(core) != overflow(core)) | <i32>zero(core));
}

@inline
export function negative(core: usize): bool {
  const cpu = Cpu.of(core);
  return cpu.flagKind <= KIND_SHIFT ? cpu.flagR < 0 : sign(core);
}

/** Condition `cc` of Jcc, SETcc, CMOVcc (SDM Vol. 2 B.1.4.7, "Condition Test (tttn) Field"). */
export function condition(core: usize, cc: u32): bool {
  switch (cc) {
    case 0: return overflow(core);
    case 1: return !overflow(core);
    case 2: return below(core);
    case 3: return !below(core);
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
