// What an expression is worth: something in memory with a type, or a number; and C's arithmetic.
import { bare, type Type } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";

/** In memory at `lin`, or only a number; without a type a plain number. */
export interface Value {
  type?: Type;
  lin?: bigint;
  /** Of a bit field that begins at `lin`. */
  bits?: { first: number; count: number };
  number?: bigint;
}

/** What the names of an expression mean, and the memory behind them. */
export interface Scope {
  /** A variable, a function, or a $name. */
  lookup(name: string): Value | undefined;
  type(name: string): Type | undefined;
  /** The type by which the member `name` of `whole` is shown; default its own. */
  shownAs?(whole: Type, name: string, type: Type): Type;
  /** Of 1 to 8 bytes, unsigned; undefined where nothing is mapped. */
  number(lin: bigint, bytes?: number): bigint | undefined;
}

/** DW_ATE_signed, DW_ATE_signed_char */
const SIGNED = [5, 6];
const SHIFT_MAX = 64n;

/** As a number: of an array or a struct the address. Signed types are sign-extended. */
export function numberOf({ type, lin, number, bits }: Value, scope: Scope): bigint {
  if (number !== undefined) return number;
  const here = type && bare(type);
  if (here?.kind === "void") {
    throw new InputError(`${lin!.toString(16)}: there is no debug information of what this is; ` +
      "rd shows its words, & gives its address, a cast as in *(long *) a value");
  }
  if (!isScalar(here)) return lin!;
  const [from, bytes] = bits
    ? [lin! + BigInt(bits.first >> 3), Math.ceil(((bits.first % 8) + bits.count) / 8)]
    : [lin!, here!.bytes];
  const found = scope.number(from, bytes);
  if (found === undefined) throw new InputError(`${lin!.toString(16)}: nothing is mapped there`);
  if (bits) return BigInt.asUintN(bits.count, found >> BigInt(bits.first % 8));
  return extended(found, here!);
}

export const isScalar = (here?: Type) => here !== undefined && here.bytes >= 1 && here.bytes <= 8 &&
  ["base", "enum", "pointer"].includes(here.kind);

export function extended(number: bigint, here: Type): bigint {
  const signed = here.kind === "base" && SIGNED.includes(here.encoding);
  return signed ? BigInt.asIntN(here.bytes * 8, number) : BigInt.asUintN(here.bytes * 8, number);
}

/** What a pointer, or an array as one, leads to. */
export function pointee({ type }: Value): Type | undefined {
  const here = type && bare(type);
  return here?.kind === "pointer" ? here.to : here?.kind === "array" ? here.of : undefined;
}

export const pointerTo = (to: Type): Type => ({ kind: "pointer", bytes: 8, to });

/** Undefined where C has no answer: a division by 0, a shift by more bits than there are. */
export function arithmetic(a: bigint, operator: string, b: bigint): bigint | undefined {
  const told = (holds: boolean) => (holds ? 1n : 0n);
  switch (operator) {
    case "+": return a + b;
    case "-": return a - b;
    case "*": return a * b;
    case "&": return a & b;
    case "|": return a | b;
    case "^": return a ^ b;
    case "==": return told(a === b);
    case "!=": return told(a !== b);
    case "<": return told(a < b);
    case ">": return told(a > b);
    case "<=": return told(a <= b);
    case ">=": return told(a >= b);
    case "<<": case ">>":
      if (b < 0n || b >= SHIFT_MAX) return undefined;
      return operator === "<<" ? a << b : a >> b;
    default:
      if (b === 0n) return undefined;
      return operator === "/" ? a / b : a % b;
  }
}
