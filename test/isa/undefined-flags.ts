// The flags that the manual leaves undefined after each instruction: what silicon and we leave
// there may differ. We leave documented constants (assembly/isa/flags.ts, bits.ts, bmi.ts,
// shift.ts).
import { type Instruction, MemorySizeExt, Mnemonic, OpKind, RegisterExt } from "iced-x86";

const CF = 0x1;
const PF = 0x4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;
const ALL = CF | PF | AF | ZF | SF | OF;

/** By iced's name of the mnemonic; of shifts and rotates for a count of 1. */
const UNDEFINED: Record<string, number> = {
  And: AF, Or: AF, Xor: AF, Test: AF,
  Shl: AF, Sal: AF, Shr: AF, Sar: AF, Shld: AF, Shrd: AF,
  Mul: SF | ZF | AF | PF, Imul: SF | ZF | AF | PF, Div: ALL, Idiv: ALL,
  Bt: OF | SF | AF | PF, Bts: OF | SF | AF | PF, Btr: OF | SF | AF | PF, Btc: OF | SF | AF | PF,
  Bsf: ALL & ~ZF, Bsr: ALL & ~ZF, Lzcnt: OF | SF | PF | AF, Tzcnt: OF | SF | PF | AF,
  Andn: AF | PF, Blsi: AF | PF, Blsmsk: AF | PF, Blsr: AF | PF, Bzhi: AF | PF,
  Bextr: AF | SF | PF,
};
const SHIFTS = ["Shl", "Sal", "Shr", "Sar", "Shld", "Shrd", "Rol", "Ror", "Rcl", "Rcr"];

/** Bytes of the first operand. */
function sizeOf(instruction: Instruction): number {
  return instruction.opKind(0) === OpKind.Register
    ? RegisterExt.size(instruction.opRegister(0))
    : MemorySizeExt.size(instruction.memorySize);
}

/** The undefined flags of an instruction; `cl` is the count of a shift by CL. */
export function undefinedFlags(instruction: Instruction, cl: number): number {
  const name = Mnemonic[instruction.mnemonic]!;
  const flags = UNDEFINED[name] ?? 0;
  if (!SHIFTS.includes(name)) return flags;
  const last = instruction.opCount - 1;
  const bits = 8 * sizeOf(instruction);
  const byCl = instruction.opKind(last) === OpKind.Register;
  const masked = (byCl ? cl : Number(instruction.immediate(last))) & (bits === 64 ? 63 : 31);
  const count = name.startsWith("Rc") ? masked % (bits + 1) : masked;
  if (count === 0) return 0;
  return flags | (count > 1 ? OF : 0) | (count >= bits && !name.startsWith("R") ? CF : 0);
}
