// Functions of an ELF image on two to four CPUs at once: each CPU begins at a function with
// arguments, on a stack of its own, over the image's memory as the file has it or as a snapshot
// says. What is asked of the final state is a guest function or an expression over symbols.
import { type Elf, hex } from "../machine/elf.ts";
import { InputError } from "../machine/preset.ts";
import type { Begin, Setup, Watched } from "./exploration.ts";
import { expressionOf, type Expression } from "./predicate.ts";

export interface Call {
  function: string;
  args: bigint[];
}

/** Several of them with commas between: `f(0,1),g`. */
export function parseCalls(text: string, elf: Elf, name: string): Call[] {
  return callsIn(text).map((part) => parseCall(part, elf, name));
}

/** `f(1,2),g` as its calls. */
export function callsIn(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

/** `f`, `f(1)`, `f(0x10, &symbol)`. */
export function parseCall(text: string, elf: Elf, name: string): Call {
  const match = /^\s*([A-Za-z_.][\w.]*)\s*(?:\(([^()]*)\))?\s*$/.exec(text);
  if (!match) throw new InputError(`--entry ${text}: write a function, or function(1,&symbol)`);
  const [, symbol, list = ""] = match;
  const args = list.trim() ? list.split(",").map((arg) => argumentOf(arg.trim(), elf, name)) : [];
  if (args.length > ARGUMENT_REGISTERS.length) {
    throw new InputError(`--entry ${text}: at most ${ARGUMENT_REGISTERS.length} arguments`);
  }
  addressOf(symbol, elf, name);
  return { function: symbol, args };
}

function argumentOf(text: string, elf: Elf, name: string): bigint {
  if (text.startsWith("&")) return addressOf(text.slice(1), elf, name);
  if (!/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) {
    throw new InputError(`argument ${text}: write a number or &symbol`);
  }
  const value = text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text);
  return BigInt.asUintN(64, value);
}

function addressOf(symbol: string, elf: Elf, name: string): bigint {
  const found = elf.symbols.get(symbol);
  if (!found) throw new InputError(`${name}: no symbol ${symbol}`);
  return found.lin;
}

/** rdi, rsi, rdx, rcx, r8, r9 (System V AMD64 ABI, "Parameter Passing"). */
const ARGUMENT_REGISTERS = [7, 6, 2, 1, 8, 9];
const RAX = 0;
const RSP = 4;
const HLT = 0xf4;
const CPUS_MAX = 4;
const STACK_BYTES = 0x4000;
/** Below every kernel address and above every static program. */
const STACKS = 0x7e0000000000n;
/** A stack ends at the page with the HLT that functions return to. */
const RETURN_PAGE = 0x7d0000000000n;

export interface FunctionOptions {
  /** A guest function that returns 0 where the final state is wrong, or an expression. */
  predicate?: string;
  /** Memory that replaces the file's: RAM of a machine that was stopped. */
  snapshot?: { lin: bigint; data: Uint8Array }[];
}

export interface FunctionSetup {
  setup: Setup;
  /** Values of a final state, by what they are. */
  labels: string[];
  /** Is the final state right? True without a predicate. */
  holds(values: bigint[]): boolean;
  ramBytes: number;
}

/** `name` is the image's, for messages. */
export function functionSetup(
  elf: Elf, name: string, calls: Call[], options: FunctionOptions = {},
): FunctionSetup {
  if (calls.length < 1 || calls.length > CPUS_MAX) {
    throw new InputError(`--entry takes 1 to ${CPUS_MAX} functions, one for each CPU`);
  }
  const pieces: Setup["pieces"] = [
    ...elf.segments.map(({ lin, data, memoryBytes }) => ({ lin, data, bytes: memoryBytes })),
    ...(options.snapshot ?? []),
    { lin: RETURN_PAGE, data: Uint8Array.of(HLT) },
  ];
  const begin = (call: Call, cpu: number): Begin & { stack: { lin: bigint; bytes: number } } => {
    const stack = { lin: STACKS + BigInt(cpu) * 0x100000n, bytes: STACK_BYTES };
    const registers = new BigUint64Array(16);
    call.args.forEach((value, i) => {
      registers[ARGUMENT_REGISTERS[i]] = value;
    });
    registers[RSP] = stack.lin + BigInt(STACK_BYTES - 8);
    const data = new Uint8Array(STACK_BYTES);
    new DataView(data.buffer).setBigUint64(STACK_BYTES - 8, RETURN_PAGE, true);
    pieces.push({ lin: stack.lin, data });
    return { rip: addressOf(call.function, elf, name), registers, stack };
  };
  const threads = calls.map(begin);
  const watched: Watched[] = threads.map((_, thread) =>
    ({ kind: "register", thread, register: RAX, size: 8 }));
  const labels = calls.map((call, cpu) => `${cpu}:${call.function}`);
  const { predicate } = options;
  let holds = (_values: bigint[]) => true;
  if (predicate !== undefined) {
    const at = watched.length;
    if (elf.symbols.has(predicate)) {
      const call = { function: predicate, args: [] };
      watched.push({ kind: "predicate", begin: begin(call, CPUS_MAX) });
      labels.push(predicate);
      // int: the upper half of RAX is not the function's
      holds = (values) => {
        if (values[at] !== FAILED) return BigInt.asUintN(32, values[at]) !== 0n;
        throw new InputError(`--predicate ${predicate}: it faults, or does not end, on a final ` +
          "state; it must say of every one whether it is right");
      };
    } else {
      const expression = watch(expressionOf(predicate), elf, name, watched, labels);
      const sizes = watched.slice(at).map((what) => (what.kind === "memory" ? what.size : 8));
      const signed = (values: bigint[]) =>
        sizes.map((n, i) => BigInt.asIntN(8 * n, values[at + i]));
      holds = (values) => expression.evaluate(signed(values), sizes) !== 0n;
    }
  }
  const used = pieces.reduce((sum, { data, bytes }) => sum + (bytes ?? data.length) + 0x8000, 0);
  return { setup: { pieces, threads, watched }, labels, holds, ramBytes: ramFor(used) };
}

/** What the engine gives for a predicate that faulted or did not end. */
const FAILED = 0xffffffffffffffffn;

function watch(
  expression: Expression, elf: Elf, name: string, watched: Watched[], labels: string[],
): Expression {
  for (const { symbol, size, index } of expression.terms) {
    const found = elf.symbols.get(symbol);
    if (!found) throw new InputError(`${name}: no symbol ${symbol} for the predicate`);
    const element = size ?? found.bytes;
    if ((index !== undefined && size === undefined) || ![1, 2, 4, 8].includes(element)) {
      throw new InputError(`${name}: ${symbol} has ${found.bytes} bytes, and how many of them ` +
        `are one element the file does not say; write ${symbol}:4[${index ?? 0}] for one of 4`);
    }
    const offset = (index ?? 0) * element;
    if (offset + element > found.bytes) {
      throw new InputError(`${name}: ${symbol} at ${hex(found.lin)} has no element ${index}`);
    }
    watched.push({ kind: "memory", lin: found.lin + BigInt(offset), size: element });
    labels.push(index === undefined ? symbol : `${symbol}[${index}]`);
  }
  return expression;
}

const MEBIBYTE = 1 << 20;

function ramFor(bytes: number): number {
  return Math.ceil(bytes / MEBIBYTE + 1) * MEBIBYTE;
}
