// What a final state consists of: its columns in herd7's order, their names, values as text, and
// whether condition and filter hold. Registers by thread, then by herd7's order of the registers;
// then memory by name.
import type { FinalState, Observed } from "../engine/program.ts";
import { compile, locationsOf, locationText, type Predicate } from "./condition.ts";
import type { Chosen } from "./encode.ts";
import { type Memory, typeOfRegister } from "./memory.ts";
import { isFixedRegister, printingRank, registerNamed } from "./registers.ts";
import { LitmusError, type LitmusTest, type Location, type Value } from "./test.ts";

export interface Column {
  /** 0:rax, [x]. */
  name: string;
  /** Index into a final state; a register that no instruction moves has a constant instead. */
  index?: number;
  constant?: bigint;
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  /** A filter's own columns are not printed. */
  printed: boolean;
}

export interface Observation {
  observed: Observed[];
  columns: Column[];
  /** `0:rax=0; [x]=1;` */
  line(values: FinalState): string;
  /** Does the proposition of the condition hold in this state? */
  holds: Predicate;
  /** Does the filter let this state pass? */
  passes: Predicate;
  /** herd7's order of final states. */
  compare(a: FinalState, b: FinalState): number;
}

export function observe(test: LitmusTest, chosen: Chosen[][], memory: Memory): Observation {
  const observed: Observed[] = [];
  const columns = new Map<string, Column>();
  const add = (locations: Location[], printed: boolean) => {
    const resolved = locations.flatMap((location) => resolve(test, chosen, memory, location));
    resolved.sort((a, b) =>
      a.rank - b.rank || compareText(a.symbol, b.symbol) || a.element - b.element);
    for (const { column, value } of resolved) {
      if (columns.has(column.name)) continue;
      columns.set(column.name, { ...column, printed });
      if (!value) continue;
      columns.get(column.name)!.index = observed.length;
      observed.push(value);
    }
  };
  add([...test.locations, ...locationsOf(test.condition.proposition)], true);
  add(test.filter ? locationsOf(test.filter) : [], false);

  const list = [...columns.values()];
  const printed = list.filter((column) => column.printed);
  const equality = (location: Location, value: Value): Predicate => {
    const column = columns.get(locationText(location))!;
    const wanted = wantedValue(memory, value);
    return (values) => BigInt.asUintN(column.size * 8, valueIn(column, values) - wanted) === 0n;
  };
  return {
    observed,
    columns: list,
    line(values) {
      const text = (column: Column) => textOf(column, valueIn(column, values), memory);
      return printed.map((column) => `${column.name}=${text(column)};`).join(" ");
    },
    holds: compile(test.condition.proposition, equality),
    passes: test.filter ? compile(test.filter, equality) : () => true,
    compare(a, b) {
      for (const column of printed) {
        const difference = numberIn(column, a) - numberIn(column, b);
        if (difference !== 0n) return difference < 0n ? -1 : 1;
      }
      return 0;
    },
  };
}

function valueIn(column: Column, values: readonly bigint[]): bigint {
  return column.index === undefined ? column.constant! : values[column.index];
}

function numberIn(column: Column, values: readonly bigint[]): bigint {
  const bits = column.size * 8;
  const value = valueIn(column, values);
  return column.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** A number, or the name of the variable whose address it is. */
function textOf(column: Column, value: bigint, memory: Memory): string {
  if (column.size === 8) {
    for (const slot of memory.slots.values()) {
      const offset = value - slot.address;
      const size = BigInt(slot.element);
      if (offset === 0n) return slot.name;
      if (offset < 0n || offset >= size * BigInt(slot.length ?? 0)) continue;
      if (offset % size === 0n) return `${slot.name}[${offset / size}]`;
    }
  }
  const bits = column.size * 8;
  return `${column.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)}`;
}

function wantedValue(memory: Memory, value: Value): bigint {
  if (value.kind === "number") return value.value;
  return memory.addressOf(value.symbol, value.at) + value.addend;
}

interface Resolved {
  column: Omit<Column, "printed">;
  value?: Observed;
  /** Of a register. Memory comes after all registers, by symbol and element. */
  rank: number;
  symbol: string;
  element: number;
}

const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const MEMORY_RANK = 1e6;
const REGISTERS = 64;

function resolve(
  test: LitmusTest, chosen: Chosen[][], memory: Memory, location: Location,
): Resolved[] {
  if (location.kind === "register") return [resolveRegister(test, chosen, location)];
  const slot = memory.slots.get(location.symbol);
  if (!slot) {
    const problem = `no thread and no initial value names the location ${location.symbol}`;
    throw new LitmusError(test.file, location.at, problem);
  }
  if (location.index === undefined && slot.length !== undefined) {
    return Array.from({ length: slot.length }, (_, index) => ({ ...location, index }))
      .flatMap((element) => resolve(test, chosen, memory, element));
  }
  if ((location.index ?? 0) >= (slot.length ?? 1)) {
    const problem = `${location.symbol} has no element ${location.index}`;
    throw new LitmusError(test.file, location.at, problem);
  }
  const { element: size, signed, index: variable } = slot;
  const offset = (location.index ?? 0) * size;
  return [{
    column: { name: locationText(location), size, signed },
    value: { kind: "memory", variable, offset, size },
    rank: MEMORY_RANK,
    symbol: location.symbol,
    element: location.index ?? 0,
  }];
}

function resolveRegister(
  test: LitmusTest, chosen: Chosen[][], location: Location & { kind: "register" },
): Resolved {
  const { thread, register: name, at } = location;
  if (thread >= test.threads.length) {
    throw new LitmusError(test.file, at, `there is no thread P${thread}`);
  }
  const own = test.initial.find(
    (entry) => entry.location.kind === "register" && entry.location.thread === thread &&
      entry.location.register === name);
  if (isFixedRegister(name)) {
    const first = own?.values[0];
    const constant = first?.kind === "number" ? first.value : 0n;
    const column = { name: locationText(location), constant, size: 8 as const, signed: true };
    return { column, rank: thread * REGISTERS + REGISTERS - 1, symbol: name, element: 0 };
  }
  const register = registerNamed(name);
  if (!register || register.high) {
    const problem = `unknown register ${name}: the general registers are known`;
    throw new LitmusError(test.file, at, problem);
  }
  const { number } = register;
  const pointer = own?.values.some(({ kind }) => kind === "address") && test.arch === "X86_64";
  const width = pointer ? 8 : widestUse(chosen[thread], number);
  const { size, signed } = register.size === 8
    ? typeOfRegister(own?.type, width)
    : { size: register.size, signed: own?.type?.signed ?? true };
  return {
    column: { name: locationText(location), size, signed },
    value: { kind: "register", thread, register: number, size },
    rank: thread * REGISTERS + printingRank(number),
    symbol: name,
    element: 0,
  };
}

/** In bytes; as a base or an index it does not count. */
function widestUse(chosen: Chosen[], number: number): number {
  let width = 0;
  for (const { operands } of chosen) {
    for (const operand of operands) {
      if (operand.kind !== "register") continue;
      const register = registerNamed(operand.name);
      if (register?.number === number) width = Math.max(width, register.size);
    }
  }
  return width;
}
