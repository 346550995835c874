// Operands of x86 instructions as WebAssembly text: registers are i64 locals, memory is the
// program's linear addresses plus the local $delta, which is where this instance of it lies.
import type { Instruction } from "iced-x86";

export type Iced = typeof import("iced-x86");

/** The program cannot be translated; the message says which instruction and why. */
export class Untranslatable extends Error {}

export const constant = (value: bigint) => `(i64.const ${BigInt.asIntN(64, value)})`;
export const maskOf = (size: number) => (1n << BigInt(8 * size)) - 1n;
export const masked = (value: string, size: number) =>
  size === 8 ? value : `(i64.and ${value} ${constant(maskOf(size))})`;

/** The suffix of loads and rmw operations narrower than their type. */
const NARROW: Record<number, string> = { 1: "8_u", 2: "16_u", 4: "32_u", 8: "" };
const STORE: Record<number, string> = { 1: "8", 2: "16", 4: "32", 8: "" };

export const loadAt = (size: number) => `(i64.load${NARROW[size]} (local.get $ea))`;
export const storeAt = (size: number, value: string) =>
  `(i64.store${STORE[size]} (local.get $ea) ${value})`;
/** An atomic read-modify-write; its value is the old one. */
export function rmwAt(size: number, operation: string, ...values: string[]): string {
  const [digits, tail] = size === 8 ? ["", ""] : [`${8 * size}`, "_u"];
  return `(i64.atomic.rmw${digits}.${operation}${tail} (local.get $ea) ${values.join(" ")})`;
}

/** Addresses that a program may use. */
export interface Area {
  from: bigint;
  bytes: bigint;
}

export class Operands {
  constructor(
    readonly iced: Iced, readonly instruction: Instruction, readonly area: Area,
  ) {}

  isMemory(index: number): boolean {
    return this.instruction.opKind(index) === this.iced.OpKind.Memory;
  }

  isRegister(index: number): boolean {
    return this.instruction.opKind(index) === this.iced.OpKind.Register;
  }

  /** Size of an operand in bytes. */
  size(index: number): number {
    const { iced, instruction } = this;
    if (this.isRegister(index)) return iced.RegisterExt.size(instruction.opRegister(index));
    if (this.isMemory(index)) return iced.MemorySizeExt.size(instruction.memorySize);
    return 8;
  }

  /** Number of a register, and whether it is the second byte of it. */
  register(index: number): { number: number; high: boolean } {
    return this.#numbered(this.instruction.opRegister(index));
  }

  #numbered(register: number): { number: number; high: boolean } {
    const { RegisterExt, Register } = this.iced;
    const high = register >= Register.AH && register <= Register.BH;
    if (high) return { number: register - Register.AH, high };
    const full = RegisterExt.fullRegister(register);
    if (full < Register.RAX || full > Register.R15) {
      throw new Untranslatable("it uses a register that is not a general one");
    }
    return { number: full - Register.RAX, high: false };
  }

  /** Sets $ea, with a check where the address is not a constant; none for a register. */
  locate(index: number): string {
    return this.isMemory(index) ? this.locateAt(this.address(), this.#computed()) : "";
  }

  locateAt(address: string, computed: boolean, size = 1): string {
    const { from, bytes } = this.area;
    const offset = `(i64.sub (local.tee $t ${address}) ${constant(from)})`;
    const check = computed
      ? `(if (i64.gt_u ${offset} ${constant(bytes - BigInt(size))}) (then (unreachable)))`
      : `(local.set $t ${address})`;
    return `${check} (local.set $ea (i32.add (i32.wrap_i64 (local.get $t)) (local.get $delta)))`;
  }

  #computed(): boolean {
    const { memoryBase, memoryIndex } = this.instruction;
    const { Register } = this.iced;
    return (memoryBase !== Register.None && memoryBase !== Register.RIP) ||
      memoryIndex !== Register.None;
  }

  /** Linear address of the memory operand. */
  address(): string {
    const { instruction, iced: { Register } } = this;
    const { memoryBase, memoryIndex, memoryIndexScale, memoryDisplacement } = instruction;
    const parts = [constant(memoryDisplacement)];
    // The decoder has added RIP to the displacement.
    if (memoryBase !== Register.None && memoryBase !== Register.RIP) {
      parts.push(this.#whole(memoryBase));
    }
    if (memoryIndex !== Register.None) {
      parts.push(`(i64.mul ${this.#whole(memoryIndex)} (i64.const ${memoryIndexScale}))`);
    }
    return parts.reduce((sum, part) => `(i64.add ${sum} ${part})`);
  }

  #whole(register: number): string {
    const value = `(local.get $r${this.#numbered(register).number})`;
    return masked(value, this.iced.RegisterExt.size(register));
  }

  /** Value of an operand, zero-extended from `size` bytes; of memory at $ea. */
  get(index: number, size = this.size(index)): string {
    if (this.isMemory(index)) return loadAt(size);
    if (!this.isRegister(index)) return constant(this.instruction.immediate(index) & maskOf(size));
    const { number, high } = this.register(index);
    const value = `(local.get $r${number})`;
    return masked(high ? `(i64.shr_u ${value} (i64.const 8))` : value, size);
  }

  /** Writes the low bytes of a value to an operand. */
  set(index: number, value: string): string {
    const size = this.size(index);
    if (this.isMemory(index)) return storeAt(size, value);
    const { number, high } = this.register(index);
    return setRegister(number, size, value, high);
  }
}

/** A write of 4 bytes clears the upper half (SDM Vol. 1, "General-Purpose Registers in 64-Bit"). */
export function setRegister(number: number, size: number, value: string, high = false): string {
  const name = `$r${number}`;
  if (size >= 4) return `(local.set ${name} ${masked(value, size)})`;
  const shift = high ? 8n : 0n;
  const hole = constant(~(maskOf(size) << shift));
  const bits = high ? `(i64.shl ${masked(value, size)} (i64.const 8))` : masked(value, size);
  return `(local.set ${name} (i64.or (i64.and (local.get ${name}) ${hole}) ${bits}))`;
}
