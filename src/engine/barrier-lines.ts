// The cache lines of a function that runs alone. The harness gives the variables their first values
// from the CPU that is measured, which then has every line in its L1: hot. For lines that another
// CPU wrote last, that one gets each of them by a locked addition of nothing, and only then the
// function begins; the first to say something is the CPU that is measured, as the harness may still
// touch lines there.
import type { Program, ThreadCode, Variable } from "./program.ts";

export interface Alone {
  lines: "hot" | "remote";
  /** Of the function; and of whoever writes its lines, if they are remote. */
  cpus: readonly [number, number];
}

type Code = number[];

/** Stores before it are in memory, and no load behind it was done. */
export const MFENCE: Code = [0x0f, 0xae, 0xf0];
export const LINE = 64;

/** Little-endian. */
export const u32 = (value: bigint | number): Code => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Number(value), true);
  return [...bytes];
};

/** movl $1, word */
const say = (word: bigint): Code => [0xc7, 0x04, 0x25, ...u32(word), ...u32(1)];
/** 1: pause; cmpl $0, word; je 1b */
const hear = (word: bigint): Code => [0xf3, 0x90, 0x83, 0x3c, 0x25, ...u32(word), 0, 0x74, 0xf4];

/** mov address, %edi; mov lines, %ecx; 1: lock addq $0, (%rdi); add $64, %rdi; dec %ecx; jne 1b */
const take = ({ address, initial }: Variable): Code => [
  0xbf, ...u32(address), 0xb9, ...u32(Math.ceil(initial.length / LINE)),
  0xf0, 0x48, 0x83, 0x07, 0, 0x48, 0x83, 0xc7, LINE, 0xff, 0xc9, 0x75, 0xf3,
];

/** Two words at `at`: what stands before the function, and who writes the lines of `memory`. */
export function handover(memory: Program["memory"], at: bigint) {
  const [ready, written] = [at, at + BigInt(LINE)];
  const words: Variable = {
    name: "handover", address: at, initial: new Uint8Array(2 * LINE), pointers: [],
  };
  const taken = memory.flatMap(take);
  const wait = [...say(ready), ...hear(written), ...MFENCE];
  const writer = (address: bigint): ThreadCode => {
    const code = Uint8Array.from([...hear(ready), ...taken, ...say(written)]);
    return {
      address, code, offsets: [0], end: code.length, registers: new BigUint64Array(16),
      pointers: [], relocations: [], texts: ["writer"],
    };
  };
  return { wait, words, writer };
}
