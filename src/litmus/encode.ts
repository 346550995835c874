// One instruction: choice of the form, operand sizes, and iced-x86's encoder. What gas does where
// it has a choice (the shortest immediate, register to register as 89 /r) is done here too.
import type { Code, Encoder, Instruction, MemoryOperand } from "iced-x86";
import { type Form, type Kind, mnemonics, type Mnemonic } from "./mnemonics.ts";
import { registerNamed } from "./registers.ts";
import type { Arch, Memory, Operand, Statement, Value } from "./test.ts";

export type Iced = typeof import("iced-x86");

/** Problem without a position: the caller knows the statement. */
export class EncodeError extends Error {}

/** A statement with its form chosen; only addresses are open. */
export interface Chosen {
  statement: Statement;
  form: Form;
  /** Name of the code, or of the short and the near one of a branch. */
  code: string;
  operands: Operand[];
  /** Operand size in bytes. */
  size: number;
}

const SUFFIXES: Record<string, number> = { b: 1, w: 2, l: 4, q: 8 };

/** Chooses the form; throws an EncodeError that says what does not fit. */
export function choose(iced: Iced, statement: Statement, arch: Arch): Chosen {
  const name = statement.mnemonic!;
  const { mnemonic, suffix } = lookUp(name, arch);
  const operands = name.startsWith("nop") ? nopOperands(statement.operands) : statement.operands;
  const size = suffix ?? sizeOf(mnemonic, operands, arch);
  let wanted: string | undefined;
  for (const form of mnemonic.forms) {
    if (form.kinds.length !== operands.length) continue;
    const width = form.size ?? size;
    if (form.size && suffix && form.size !== suffix) continue;
    const needsSize = /\{[wa]\}/.test(form.code);
    if (needsSize && width === undefined) {
      wanted = "its operand size is not known: add a suffix (b, w, l or q) or use dword ptr";
      continue;
    }
    const code = codeName(form, width ?? 0);
    if (!form.kinds.includes("rel") && !(code in iced.Code)) continue;
    if (!fits(form, code, operands, width ?? 8)) continue;
    if (statement.lock && !(form.lock && operands.some(({ kind }) => kind === "memory"))) {
      throw new EncodeError(`lock ${name} with these operands raises #UD: remove the prefix`);
    }
    return { statement, form, code, operands, size: width ?? 0 };
  }
  throw new EncodeError(wanted ? `${name}: ${wanted}` : misfit(name, mnemonic, operands, size));
}

function lookUp(name: string, arch: Arch): { mnemonic: Mnemonic; suffix?: number } {
  const exact = mnemonics.get(name);
  if (exact) return { mnemonic: exact };
  const suffix = SUFFIXES[name[name.length - 1]];
  const stem = mnemonics.get(name.slice(0, -1));
  if (suffix && stem?.suffixed && arch === "X86_64") return { mnemonic: stem, suffix };
  throw new EncodeError(`unsupported instruction ${name}`);
}

/** From the registers, or from `dword ptr`; X86 tests are of 32 bits otherwise. */
function sizeOf(mnemonic: Mnemonic, operands: Operand[], arch: Arch): number | undefined {
  // The CL of a shift is a count.
  const shift = mnemonic.forms.some(({ kinds }) => kinds.includes("cl"));
  const sized = shift && operands.length > 1 ? operands.slice(0, -1) : operands;
  for (const operand of sized) {
    if (operand.kind === "register") return registerNamed(operand.name)?.size;
  }
  for (const operand of operands) {
    if (operand.kind === "memory" && operand.size) return operand.size;
  }
  return mnemonic.size ?? (arch === "X86" ? 4 : undefined);
}

/** Disassemblers print NOPs with an index narrower than the base; no NOP reads its operand. */
function nopOperands(operands: Operand[]): Operand[] {
  return operands.map((operand) => {
    if (operand.kind !== "memory" || !operand.base || !operand.index) return operand;
    return { ...operand, index: operand.base };
  });
}

const ACCUMULATORS: Record<number, string> = { 1: "AL", 2: "AX", 4: "EAX", 8: "RAX" };

function codeName(form: Form, size: number): string {
  const bits = size * 8;
  const accumulator = ACCUMULATORS[size] ?? "";
  const immediate = `${Math.min(bits, 32)}`;
  return form.code.replaceAll("{w}", `${bits}`).replace("{i}", immediate)
    .replace("{a}", accumulator);
}

/** The form's operands have their own sizes in its name: Movzx_r32_rm8. */
function fits(form: Form, code: string, operands: Operand[], size: number): boolean {
  const parts = code.split("_").slice(1);
  return form.kinds.every((kind, i) => {
    const operand = operands[i];
    const bits = /^(?:r|m|rm)(\d+)$/.exec(parts[i] ?? "");
    const own = bits ? Number(bits[1]) / 8 : size;
    switch (kind) {
      case "rm":
        return isRegister(operand, own) || isMemory(operand, own);
      case "r":
        return isRegister(operand, own);
      case "m":
        return parts[i] === "m" ? operand.kind === "memory" : isMemory(operand, own);
      case "a":
        return isNamed(operand, ACCUMULATORS[size]);
      case "cl":
        return isNamed(operand, "CL");
      case "rel":
        return operand.kind === "label";
      default:
        return operand.kind === "immediate" && immediateFits(kind, operand.value, size);
    }
  });
}

function isRegister(operand: Operand, size: number): boolean {
  return operand.kind === "register" && registerNamed(operand.name)?.size === size;
}

function isNamed(operand: Operand, name: string | undefined): boolean {
  return operand.kind === "register" && operand.name.toUpperCase() === name;
}

function isMemory(operand: Operand, size: number): boolean {
  return operand.kind === "memory" && (operand.size === undefined || operand.size === size);
}

function immediateFits(kind: Kind, immediate: Value, size: number): boolean {
  if (immediate.kind === "address") return size >= 4 && (kind === "i" || kind === "i64");
  const { value } = immediate;
  switch (kind) {
    case "1":
      return value === 1n;
    case "u8":
      return value >= -128n && value <= 255n;
    case "i8":
      return size === 1 ? value >= -128n && value <= 255n : isSigned(wrap(value, size), 8);
    case "i":
      return size === 8 ? isSigned(wrap(value, 8), 32) : inWidth(value, size);
    default:
      return inWidth(value, 8);
  }
}

const isSigned = (value: bigint, bits: number) => BigInt.asIntN(bits, value) === value;

/** A value that its width holds, signed or unsigned. */
export function inWidth(value: bigint, size: number): boolean {
  return isSigned(value, size * 8) || BigInt.asUintN(size * 8, value) === value;
}

/** 0xFFFFFFFF is -1 to a 32-bit instruction. */
function wrap(value: bigint, size: number): bigint {
  return inWidth(value, size) ? BigInt.asIntN(size * 8, value) : value;
}

function misfit(name: string, mnemonic: Mnemonic, operands: Operand[], size?: number): string {
  const counts = new Set(mnemonic.forms.map(({ kinds }) => kinds.length));
  if (!counts.has(operands.length)) {
    return `${name} takes ${[...counts].join(" or ")} operands, not ${operands.length}`;
  }
  for (const operand of operands) {
    if (operand.kind !== "register") continue;
    const register = registerNamed(operand.name);
    if (!register) return `${name} cannot use ${operand.name}: use a general register`;
    if (size && register.size !== size) {
      return `${name} works on ${size * 8} bits, ${operand.name} has ${register.size * 8}`;
    }
  }
  return `${name} does not take such operands`;
}

/** Address of a symbol; undefined if there is none. */
export type AddressOf = (symbol: string) => bigint;

/** Makes iced's instruction; `target` is where a branch leads, and its form is short or near. */
export function instructionOf(
  iced: Iced, chosen: Chosen, addressOf: AddressOf, target: bigint, short: boolean,
): Instruction {
  const { Instruction: I, Code: C } = iced;
  const { form, operands, size } = chosen;
  if (form.kinds[0] === "rel") {
    const reach = short && chosen.code !== "Call_rel" ? "8" : "32";
    return I.createBranch(codeOf(iced, `${chosen.code}${reach}_64`), target);
  }
  const code = C[chosen.code as keyof typeof C];
  const values = operands.map(
    (operand, i) => valueOf(iced, operand, form.kinds[i], size, addressOf));
  const shape = values.map((value) => value.shape).join("");
  const [a, b, c] = values.map((value) => value.item) as any[];
  // iced takes the memory operand over and frees it.
  switch (shape) {
    case "":
      return I.create(code);
    case "R":
      return chosen.code.endsWith("_1") ? I.createRegI32(code, a, 1) : I.createReg(code, a);
    case "M":
      return chosen.code.endsWith("_1") ? I.createMemI32(code, a, 1) : I.createMem(code, a);
    case "I":
      return I.createI32(code, a);
    case "RR":
      return I.createRegReg(code, a, b);
    case "RM":
      // XCHG, XADD and the like have one encoding, memory first.
      if (chosen.code.includes("_rm") && form.kinds[0] === "r" && form.kinds[1] === "m") {
        return I.createMemReg(code, b, a);
      }
      return I.createRegMem(code, a, b);
    case "MR":
      return I.createMemReg(code, a, b);
    case "RI":
      return I.createRegI32(code, a, b);
    case "RL":
      return I.createRegI64(code, a, b);
    case "MI":
      return I.createMemI32(code, a, b);
    case "RRR":
      return I.createRegRegReg(code, a, b, c);
    case "MRR":
      return I.createMemRegReg(code, a, b, c);
    case "RRI":
      return I.createRegRegI32(code, a, b, c);
    case "RMI":
      return I.createRegMemI32(code, a, b, c);
    case "MRI":
      return I.createMemRegI32(code, a, b, c);
    default:
      throw new EncodeError(`${chosen.statement.mnemonic} does not take such operands`);
  }
}

interface Item {
  shape: "R" | "M" | "I" | "L";
  item: number | bigint | MemoryOperand;
}

function valueOf(
  iced: Iced, operand: Operand, kind: Kind, size: number, addressOf: AddressOf,
): Item {
  if (operand.kind === "register") return { shape: "R", item: icedRegister(iced, operand.name) };
  if (operand.kind === "memory") {
    return { shape: "M", item: memoryOperand(iced, operand, addressOf) };
  }
  if (operand.kind === "label") throw new EncodeError("a label is for jumps only");
  const { value } = operand;
  const number = value.kind === "number" ? value.value : addressOf(value.symbol) + value.addend;
  if (kind === "i64") return { shape: "L", item: BigInt.asIntN(64, number) };
  const bits = kind === "u8" ? 32 : Math.min(size, 4) * 8;
  return { shape: "I", item: Number(BigInt.asIntN(bits, number)) };
}

function icedRegister(iced: Iced, name: string): number {
  const { Register: R } = iced;
  // iced's R8L is the SDM's R8B.
  const key = name.toUpperCase().replace(/^(R\d+)B$/, "$1L");
  return R[key as keyof typeof R];
}

function codeOf(iced: Iced, name: string): Code {
  return iced.Code[name as keyof typeof iced.Code];
}

function memoryOperand(iced: Iced, memory: Memory, addressOf: AddressOf): MemoryOperand {
  const { MemoryOperand: M, Register: R } = iced;
  const symbol = memory.symbol ? addressOf(memory.symbol) : 0n;
  const displacement = symbol + memory.displacement;
  if (memory.ripRelative) {
    if (memory.symbol === undefined) throw new EncodeError("(%rip) needs a variable: x(%rip)");
    return new M(R.RIP, R.None, 1, displacement, 8, false, R.None);
  }
  if (!isSigned(displacement, 32)) {
    throw new EncodeError(`the displacement ${displacement} does not fit in 32 bits`);
  }
  const base = memory.base ? icedRegister(iced, memory.base) : R.None;
  const index = memory.index ? icedRegister(iced, memory.index) : R.None;
  // A symbol's displacement has 4 bytes, so that it can be relocated.
  const bytes = memory.symbol || !memory.base ? 8 : displacement === 0n ? 0 : 1;
  return new M(base, index, memory.scale, displacement, bytes, false, R.None);
}

/** Encodes at `ip`; returns the bytes, and where displacement and immediate lie in them. */
export function encodeAt(encoder: Encoder, instruction: Instruction, ip: bigint) {
  try {
    encoder.encode(instruction, ip);
  } catch (error) {
    throw new EncodeError(`cannot be encoded: ${error instanceof Error ? error.message : error}`);
  }
  const offsets = encoder.getConstantOffsets();
  const fields = {
    displacement: offsets.hasDisplacement ? offsets.displacementOffset : -1,
    displacementSize: offsets.displacementSize,
    immediate: offsets.hasImmediate ? offsets.immediateOffset : -1,
    immediateSize: offsets.immediateSize,
  };
  offsets.free();
  return { bytes: encoder.takeBuffer(), fields };
}
