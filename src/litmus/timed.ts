// A litmus test with its cycles: each thread reads the clock before its first instruction and
// behind its last one, and their difference is one more value of a final state. Registers that
// the test uses stay as they are; what is left in a store buffer at the end has cost nothing.
import { InputError } from "../machine/input.ts";
import type { Observed, Program, ThreadCode } from "../engine/program.ts";
import type { Assembled } from "./assemble.ts";
import { registerNamed } from "./registers.ts";
import type { Thread } from "./test.ts";

const [RAX, RDX] = [0, 2];
/** No instruction of a test names these implicitly. */
const SCRATCH = [8, 9, 10, 11, 12, 13, 14, 15];
const MOV = 0x89;
const SUB = 0x29;
const RDTSC = [0x0f, 0x31];

/** `opcode %from, %to`, of 8 or 4 bytes (SDM Vol. 2A 2.2.1, "REX Prefixes"). */
function instruction(opcode: number, from: number, to: number, bytes: 8 | 4): number[] {
  const rex = (bytes === 8 ? 0x48 : 0x40) | (from >> 3 << 2) | (to >> 3);
  return [rex, opcode, 0xc0 | (from & 7) << 3 | (to & 7)];
}

function freeRegisters(thread: Thread, code: ThreadCode, program: Program, name: string): number[] {
  const used = new Set(thread.statements.flatMap(({ operands }) => operands.flatMap((operand) => {
    const names = operand.kind === "register" ? [operand.name]
      : operand.kind === "memory" ? [operand.base ?? "", operand.index ?? ""] : [];
    return names.map((text) => registerNamed(text)?.number);
  })));
  for (const { register } of code.pointers) used.add(register);
  for (const what of program.observed) {
    if (what.kind === "register" && what.thread === thread.number) used.add(what.register);
  }
  const free = SCRATCH.filter((register) => !used.has(register) && !code.registers[register]);
  const onStack = program.memory.some(({ stackOf }) => stackOf === thread.number);
  if (free.length >= 3 && !onStack) return free;
  throw new InputError(`${name}: --machines counts cycles in three of r8 to r15 and without a ` +
    `stack; P${thread.number} leaves no room, so leave --machines out`);
}

function timedThread(
  thread: Thread, whole: ThreadCode, program: Program, empty: boolean,
): [ThreadCode, number] {
  const [a, d, clock] = freeRegisters(thread, whole, program, program.name);
  const code = empty ? { ...whole, ...EMPTY } : whole;
  const saved = [...instruction(MOV, RAX, a, 8), ...instruction(MOV, RDX, d, 8), ...RDTSC];
  const restored = [...instruction(MOV, a, RAX, 8), ...instruction(MOV, d, RDX, 8)];
  const before = [...saved, ...instruction(MOV, RAX, clock, 4), ...restored];
  const behind = [
    ...saved, ...instruction(SUB, clock, RAX, 4), ...instruction(MOV, RAX, clock, 4), ...restored,
  ];
  const bytes = Uint8Array.of(...before, ...code.code, ...behind);
  const shift = before.length;
  const relocations = code.relocations.map((relocation) => ({
    ...relocation, offset: relocation.offset + shift,
    next: relocation.next === undefined ? undefined : relocation.next + shift,
  }));
  const view = new DataView(bytes.buffer);
  for (const { offset, next } of relocations) {
    // The code is further up, the variable is where it was.
    if (next !== undefined) view.setInt32(offset, view.getInt32(offset, true) - shift, true);
  }
  const timed = {
    ...code, code: bytes, end: bytes.length, relocations,
    offsets: [0, ...code.offsets.map((offset) => offset + shift), shift + code.end],
    texts: ["clock", ...code.texts, "clock"],
  };
  return [timed, clock];
}

const EMPTY = { code: new Uint8Array(), end: 0, offsets: [], texts: [], relocations: [] };

/**
 * The last values of a final state are the threads' cycles; `empty`: of threads without any
 * instruction, which is the clock's own time.
 */
export function timedProgram({ test, program }: Assembled, empty = false): Program {
  const pairs = test.threads.map((thread, i) =>
    timedThread(thread, program.threads[i], program, empty));
  const clocks = pairs.map(([, register], thread): Observed =>
    ({ kind: "register", thread, register, size: 4 }));
  return {
    ...program, threads: pairs.map(([thread]) => thread),
    observed: [...program.observed, ...clocks],
  };
}
