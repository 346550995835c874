// The job file of workloads/native/native.c: many copies of a program, each with its own variables
// and, because the code holds their addresses, its own code.
import type { Program, ThreadCode } from "../program.ts";
import { areaOf } from "./wat.ts";

const THREADS_MAX = 64;
const WORD = 8;
const LINE = 64;
/** Both below 2 GiB, above the lowest page that Linux lets a program map, and far apart. */
const DATA_ADDRESS = 0x1000_0000n;
const CODE_ADDRESS = 0x4000_0000n;
const CODE_LIMIT = 0x3000_0000;
/** What native.c puts behind the code: a jump and its address. */
const TAIL_BYTES = 14;
const RSP = 4;
const HEADER_WORDS = 11 + 2 * THREADS_MAX;
const OBSERVED_WORDS = 5;

export interface NativeJob {
  program: Program;
  instances: number;
  runs: number;
  seed: bigint;
  cpus?: number[];
}

function putNumber(bytes: Uint8Array, offset: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) bytes[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** Undefined when the program is too large for so many copies. */
export function writeNativeJob({ program, instances, runs, seed, cpus }: NativeJob) {
  const { threads, memory, observed } = program;
  const { from, bytes: area } = areaOf(program);
  const stride = Number(area) + LINE;
  const longest = Math.max(...threads.map(({ code }) => code.length));
  const codeStride = Math.ceil((longest + TAIL_BYTES) / LINE) * LINE;
  const slots = instances * threads.length;
  if (slots * codeStride > CODE_LIMIT || instances * stride > CODE_LIMIT) return undefined;
  const sizes = [
    HEADER_WORDS * WORD, slots * 16 * WORD, instances * stride, slots * codeStride,
    observed.length * OBSERVED_WORDS * WORD,
  ];
  const file = new Uint8Array(sizes.reduce((sum, size) => sum + size));
  const view = new DataView(file.buffer);
  let at = 0;
  const put = (...values: (bigint | number)[]) => {
    for (const value of values) view.setBigUint64((at += WORD) - WORD, BigInt(value), true);
  };
  put(threads.length, instances, observed.length, runs, seed, DATA_ADDRESS, stride, area);
  put(CODE_ADDRESS, codeStride, from);
  const each = (value: (t: number) => number) =>
    put(...Array.from({ length: THREADS_MAX }, (_, t) => value(t)));
  each((t) => threads[t]?.code.length ?? 0);
  each((t) => (cpus ? cpus[t % cpus.length] + 1 : 0));

  const copies = Array.from({ length: instances }, (_, i) => {
    const delta = DATA_ADDRESS + BigInt(i * stride) - from;
    const codeAt = (t: number) => CODE_ADDRESS + BigInt((i * threads.length + t) * codeStride);
    return { delta, codeAt };
  });
  for (const { delta } of copies) {
    for (const [t, code] of threads.entries()) put(...registersAt(program, t, code, delta));
  }
  for (const { delta, codeAt } of copies) {
    const image = file.subarray(at, at + stride);
    for (const variable of memory) {
      const start = Number(variable.address - from);
      image.set(variable.initial, start);
      for (const { offset, variable: target, addend } of variable.pointers) {
        putNumber(image, start + offset, WORD, memory[target].address + addend + delta);
      }
      // The return address at the top of a stack leads to the end of the thread.
      if (variable.stackOf === undefined) continue;
      const top = start + variable.initial.length - WORD;
      const { end } = threads[variable.stackOf];
      putNumber(image, top, WORD, codeAt(variable.stackOf) + BigInt(end));
    }
    at += stride;
  }
  for (const { delta, codeAt } of copies) {
    for (const [t, thread] of threads.entries()) {
      file.set(codeFor(program, thread, delta, codeAt(t)), at);
      at += codeStride;
    }
  }
  for (const what of observed) {
    if (what.kind === "register") put(0, what.thread, what.register, 0, what.size);
    else put(1, 0, 0, Number(memory[what.variable].address - from) + what.offset, what.size);
  }
  return file;
}

function registersAt(
  { memory }: Program, thread: number, code: ThreadCode, delta: bigint,
): BigUint64Array {
  const registers = code.registers.slice();
  for (const { register, variable, addend } of code.pointers) {
    registers[register] = memory[variable].address + addend + delta;
  }
  if (memory.some(({ stackOf }) => stackOf === thread)) registers[RSP] += delta;
  return registers;
}

/** The code with the variables moved by `delta`, to lie at `address`. */
function codeFor(
  { memory }: Program, thread: ThreadCode, delta: bigint, address: bigint,
): Uint8Array {
  const code = thread.code.slice();
  for (const { offset, size, variable, addend, next } of thread.relocations) {
    const target = memory[variable].address + addend + delta;
    const value = next === undefined ? target : target - (address + BigInt(next));
    putNumber(code, offset, size, value);
  }
  return code;
}
