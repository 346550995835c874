// The variables of a test: which there are, how wide, where they lie, what is in them at first.
// Each has cache lines of its own, as litmus7 gives them.
import type { Variable } from "../engine/program.ts";
import type { Chosen } from "./encode.ts";
import { inWidth } from "./encode.ts";
import {
  type CType, type Initial, LitmusError, type LitmusTest, type Position, type Value,
} from "./test.ts";

const LINE_BYTES = 64;
const STACK_BYTES = 256;
const INT_BYTES = 4;
const VARIABLES_MAX = 4096;

/** A variable with what the test says of its elements. */
export interface Slot {
  index: number;
  name: string;
  element: 1 | 2 | 4 | 8;
  signed: boolean;
  pointer: boolean;
  /** Elements of an array; undefined for a scalar. */
  length?: number;
  address: bigint;
}

export interface Memory {
  slots: Map<string, Slot>;
  variables: Variable[];
  /** Address of a variable; an error at `at` if there is none. */
  addressOf(name: string, at: Position): bigint;
}

/** Lays out what initial state and code name; `chosen` gives the widths of plain accesses. */
export function layOut(test: LitmusTest, chosen: Chosen[][], dataBase: bigint): Memory {
  const widths = accessWidths(chosen);
  const entries = new Map<string, Initial>();
  const elements: Initial[] = [];
  for (const entry of test.initial) {
    const { location } = entry;
    if (location.kind !== "memory") continue;
    if (location.index !== undefined) elements.push(entry);
    else if (entries.has(location.symbol)) {
      throw new LitmusError(test.file, location.at, `${location.symbol} has two initial values`);
    } else entries.set(location.symbol, entry);
  }
  const names = new Set([...entries.keys(), ...widths.keys(), ...addressesIn(test)]);
  if (names.size > VARIABLES_MAX) {
    throw new LitmusError(test.file, { line: 1, column: 1 }, `at most ${VARIABLES_MAX} variables`);
  }
  const slots = new Map<string, Slot>();
  let address = dataBase;
  for (const name of [...names].sort()) {
    const entry = entries.get(name);
    const slot = slotOf(name, slots.size, entry, widths.get(name), address);
    slots.set(name, slot);
    const bytes = slot.element * (slot.length ?? 1);
    address += BigInt(Math.ceil(bytes / LINE_BYTES) * LINE_BYTES);
  }
  const addressOf = (name: string, at: Position) => {
    const slot = slots.get(name);
    if (!slot) throw new LitmusError(test.file, at, `there is no variable ${name}`);
    return slot.address;
  };
  const memory: Memory = { slots, variables: [], addressOf };
  for (const slot of slots.values()) {
    const initial = new Uint8Array(slot.element * (slot.length ?? 1));
    const variable = { name: slot.name, address: slot.address, initial, pointers: [] };
    memory.variables.push(variable);
    const values = entries.get(slot.name)?.values ?? [];
    values.forEach((value, i) => setElement(test, memory, slot, i, value));
  }
  for (const { location, values } of elements) {
    if (location.kind !== "memory") continue;
    const slot = slots.get(location.symbol);
    if (!slot || location.index! >= (slot.length ?? 0)) {
      const problem = `there is no array ${location.symbol} with an element ${location.index}`;
      throw new LitmusError(test.file, location.at, problem);
    }
    values.forEach((value) => setElement(test, memory, slot, location.index!, value));
  }
  return memory;
}

/** The widest access to each symbol by its name alone. */
function accessWidths(chosen: Chosen[][]): Map<string, number> {
  const widths = new Map<string, number>();
  for (const { operands, size, form } of chosen.flat()) {
    for (const operand of operands) {
      const named = operand.kind === "memory" ? operand.symbol : undefined;
      // LEA reads no memory, and an immediate is an address only.
      const width = form.code.startsWith("Lea") ? 0 : size;
      if (named) widths.set(named, Math.max(width, widths.get(named) ?? 0));
      if (operand.kind === "immediate" && operand.value.kind === "address") {
        const { symbol } = operand.value;
        widths.set(symbol, widths.get(symbol) ?? 0);
      }
    }
  }
  return widths;
}

function addressesIn(test: LitmusTest): string[] {
  const values = test.initial.flatMap((entry) => entry.values);
  return values.flatMap((value) => (value.kind === "address" ? [value.symbol] : []));
}

function slotOf(
  name: string, index: number, entry: Initial | undefined, width: number | undefined,
  address: bigint,
): Slot {
  const type = entry?.type;
  const pointer = type?.pointer ?? entry?.values.some(({ kind }) => kind === "address") ?? false;
  const wide = entry?.values.some((v) => v.kind === "number" && !inWidth(v.value, INT_BYTES));
  // As in herd7, a variable without a type is an int, unless the code or its value is wider.
  const element = type?.size ?? (pointer || wide || width === 8 || width === 16 ? 8 : INT_BYTES);
  const length = entry?.length ?? (!type && width === 16 ? 2 : undefined);
  return { index, name, element, signed: type?.signed ?? true, pointer, length, address };
}

function setElement(
  test: LitmusTest, memory: Memory, slot: Slot, element: number, value: Value,
): void {
  const variable = memory.variables[slot.index];
  const offset = element * slot.element;
  if (value.kind === "address") {
    const bits = memory.addressOf(value.symbol, value.at) + value.addend;
    const target = memory.slots.get(value.symbol)!.index;
    const { addend } = value;
    if (slot.element === 8) variable.pointers.push({ offset, variable: target, addend });
    putBytes(variable.initial, offset, slot.element, bits);
    return;
  }
  if (!inWidth(value.value, slot.element)) {
    const at = test.initial.find(({ location }) => locationIs(location, slot.name))!.location.at;
    const problem = `${value.value} does not fit in the ${slot.element} bytes of ${slot.name}`;
    throw new LitmusError(test.file, at, problem);
  }
  putBytes(variable.initial, offset, slot.element, value.value);
}

function locationIs(location: Initial["location"], name: string): boolean {
  return location.kind === "memory" && location.symbol === name;
}

/** Little-endian. */
export function putBytes(bytes: Uint8Array, offset: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) bytes[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** A stack for `thread`, behind everything else; its last 8 bytes hold `returnTo`. */
export function addStack(memory: Memory, thread: number, returnTo: bigint): bigint {
  const last = memory.variables.at(-1);
  const end = last ? last.address + BigInt(last.initial.length) : returnTo;
  const address = (end + BigInt(LINE_BYTES - 1)) & -BigInt(LINE_BYTES);
  const initial = new Uint8Array(STACK_BYTES);
  putBytes(initial, STACK_BYTES - 8, 8, returnTo);
  const name = `stack of P${thread}`;
  memory.variables.push({ name, address, initial, pointers: [], stackOf: thread });
  return address + BigInt(STACK_BYTES - 8);
}

/** Size and sign of a register that is declared so, or used so. */
export function typeOfRegister(type: CType | undefined, width: number) {
  return { size: type?.size ?? (width > INT_BYTES ? 8 : INT_BYTES), signed: type?.signed ?? true };
}
