// A test becomes a program: real machine code per thread, variables at their addresses, and the
// values that a final state consists of. Jumps get the short form where it reaches, as in gas.
import type { Program, Relocation, ThreadCode } from "../engine/program.ts";
import {
  type Chosen, choose, EncodeError, encodeAt, type Iced, instructionOf,
} from "./encode.ts";
import { addStack, layOut, type Memory } from "./memory.ts";
import { type Observation, observe } from "./observe.ts";
import { isFixedRegister, registerNamed } from "./registers.ts";
import { LitmusError, type LitmusTest, type Position, type Thread } from "./test.ts";

export interface Layout {
  /** Linear address of thread 0's code; each thread has pages of its own. */
  codeBase: bigint;
  /** Linear address of the first variable; all of them are below 2 GiB. */
  dataBase: bigint;
}

export const DEFAULT_LAYOUT: Layout = { codeBase: 0x100_0000n, dataBase: 0x200_0000n };

/** A test with its program, and the means to print and judge final states. */
export interface Assembled extends Observation {
  test: LitmusTest;
  program: Program;
}

const INSTRUCTIONS_MAX = 20_000;
const PAGE_BYTES = 4096;
/** What an engine may put behind the code of a thread. */
const TAIL_BYTES = 64;
const RSP = 4;
const SHORT_BYTES = 2;
const STACK_USER = /^(push|pop|call|ret|leave)q?$/;

export async function assemble(test: LitmusTest, layout = DEFAULT_LAYOUT): Promise<Assembled> {
  const iced = await import("iced-x86");
  const chosen = test.threads.map((thread) => chooseForms(iced, test, thread));
  const memory = layOut(test, chosen, layout.dataBase);
  const threads: ThreadCode[] = [];
  let address = layout.codeBase;
  for (const thread of test.threads) {
    const code = new ThreadAssembler(iced, test, thread, chosen[thread.number], memory, address);
    threads.push(code.assemble());
    const bytes = threads.at(-1)!.end + TAIL_BYTES;
    address += BigInt(Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES);
  }
  if (address > layout.dataBase) throw new Error("dataBase is inside the code: raise it");
  threads.forEach((code, number) => setRegisters(test, number, code, memory));
  const observation = observe(test, chosen, memory);
  const { name } = test;
  const program = { name, threads, memory: memory.variables, observed: observation.observed };
  return { ...observation, test, program };
}

/** Turns an EncodeError into one with a position. */
function located<T>(test: LitmusTest, at: Position, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof EncodeError) throw new LitmusError(test.file, at, error.message);
    throw error;
  }
}

function chooseForms(iced: Iced, test: LitmusTest, thread: Thread): Chosen[] {
  const statements = thread.statements.filter(({ mnemonic }) => mnemonic !== undefined);
  if (statements.length > INSTRUCTIONS_MAX) {
    const { at } = statements[INSTRUCTIONS_MAX];
    throw new LitmusError(test.file, at, `a thread has at most ${INSTRUCTIONS_MAX} instructions`);
  }
  return statements.map((statement) =>
    located(test, statement.at, () => choose(iced, statement, test.arch)));
}

class ThreadAssembler {
  readonly #labels = new Map<string, number>();
  readonly #bytes: Uint8Array[] = [];
  readonly #relocations: Relocation[] = [];
  #offsets: number[] = [];

  constructor(
    readonly iced: Iced, readonly test: LitmusTest, readonly thread: Thread,
    readonly chosen: Chosen[], readonly memory: Memory, readonly address: bigint,
  ) {
    let index = 0;
    for (const { labels, mnemonic, at } of thread.statements) {
      for (const label of labels) {
        if (this.#labels.has(label)) {
          const problem = `the label ${label} is defined twice in P${thread.number}`;
          throw new LitmusError(test.file, at, problem);
        }
        this.#labels.set(label, index);
      }
      if (mnemonic !== undefined) index++;
    }
  }

  assemble(): ThreadCode {
    const encoder = new this.iced.Encoder(64);
    try {
      const short = this.#shortJumps(encoder);
      this.chosen.forEach((chosen, i) => this.#encode(encoder, chosen, i, short[i]));
    } finally {
      encoder.free();
    }
    const end = this.#offsets[this.chosen.length];
    const code = new Uint8Array(end);
    this.#bytes.forEach((bytes, i) => code.set(bytes, this.#offsets[i]));
    return {
      address: this.address,
      code,
      offsets: this.#offsets.slice(0, -1),
      end,
      registers: new BigUint64Array(16),
      pointers: [],
      relocations: this.#relocations,
      texts: this.chosen.map(({ statement }) => statement.text),
    };
  }

  /** Which jumps reach with 8 bits; sets the offsets. A jump that is near once stays so. */
  #shortJumps(encoder: InstanceType<Iced["Encoder"]>): boolean[] {
    const short = this.chosen.map(({ form: { kinds, code } }) =>
      kinds[0] === "rel" && code !== "Call_rel");
    const sizes = this.chosen.map((chosen, i) => {
      if (short[i]) return SHORT_BYTES;
      return this.#bytesAt(encoder, chosen, this.address, this.address, false).bytes.length;
    });
    for (let changed = true; changed;) {
      changed = false;
      this.#offsets = [0];
      for (const size of sizes) this.#offsets.push(this.#offsets.at(-1)! + size);
      this.chosen.forEach((chosen, i) => {
        if (!short[i]) return;
        const distance = this.#offsets[this.#target(chosen)] - this.#offsets[i] - SHORT_BYTES;
        if (distance >= -128 && distance <= 127) return;
        short[i] = false;
        sizes[i] = chosen.form.code === "Jmp_rel" ? 5 : 6;
        changed = true;
      });
    }
    return short;
  }

  /** Index of the instruction to which a jump leads. */
  #target({ operands }: Chosen): number {
    const operand = operands[0];
    if (operand.kind !== "label") throw new EncodeError("a jump needs a label");
    const index = this.#labels.get(operand.name);
    if (index !== undefined) return index;
    const problem = `the label ${operand.name} is not defined in P${this.thread.number}`;
    throw new LitmusError(this.test.file, operand.at, problem);
  }

  #bytesAt(
    encoder: InstanceType<Iced["Encoder"]>, chosen: Chosen, ip: bigint, target: bigint,
    short: boolean,
  ) {
    const { statement } = chosen;
    return located(this.test, statement.at, () => {
      const addressOf = (name: string) => this.memory.addressOf(name, statement.at);
      const instruction = instructionOf(this.iced, chosen, addressOf, target, short);
      try {
        if (statement.lock) instruction.hasLockPrefix = true;
        return encodeAt(encoder, instruction, ip);
      } finally {
        instruction.free();
      }
    });
  }

  #encode(encoder: InstanceType<Iced["Encoder"]>, chosen: Chosen, i: number, short: boolean): void {
    const offset = this.#offsets[i];
    const ip = this.address + BigInt(offset);
    const branch = chosen.form.kinds[0] === "rel";
    const target = branch ? this.address + BigInt(this.#offsets[this.#target(chosen)]) : 0n;
    const { bytes, fields } = this.#bytesAt(encoder, chosen, ip, target, short);
    this.#bytes.push(bytes);
    for (const operand of chosen.operands) {
      if (operand.kind === "memory" && operand.symbol) {
        this.#relocations.push({
          offset: offset + fields.displacement,
          size: fields.displacementSize as 4,
          variable: this.memory.slots.get(operand.symbol)!.index,
          addend: operand.displacement,
          next: operand.ripRelative ? offset + bytes.length : undefined,
        });
      } else if (operand.kind === "immediate" && operand.value.kind === "address") {
        this.#relocations.push({
          offset: offset + fields.immediate,
          size: fields.immediateSize as 4 | 8,
          variable: this.memory.slots.get(operand.value.symbol)!.index,
          addend: operand.value.addend,
        });
      }
    }
  }
}

/** Initial values, and a stack for a thread that needs one: RET at its end leads to the end. */
function setRegisters(test: LitmusTest, number: number, code: ThreadCode, memory: Memory): void {
  let stackGiven = false;
  for (const { location, type, values } of test.initial) {
    if (location.kind !== "register" || location.thread !== number) continue;
    if (isFixedRegister(location.register)) continue;
    const register = registerNamed(location.register);
    if (!register || register.high) {
      const problem = `unknown register ${location.register}: the general registers are known`;
      throw new LitmusError(test.file, location.at, problem);
    }
    stackGiven ||= register.number === RSP;
    for (const value of values) {
      const size = type && !type.signed ? type.size : register.size;
      if (value.kind === "number") {
        code.registers[register.number] = BigInt.asUintN(8 * size, value.value);
        continue;
      }
      const address = memory.addressOf(value.symbol, value.at);
      const { index } = memory.slots.get(value.symbol)!;
      code.registers[register.number] = address + value.addend;
      code.pointers.push({ register: register.number, variable: index, addend: value.addend });
    }
  }
  const usesStack = test.threads[number].statements.some(({ mnemonic, operands }) =>
    STACK_USER.test(mnemonic ?? "") || operands.some((operand) => {
      if (operand.kind === "register") return registerNamed(operand.name)?.number === RSP;
      return operand.kind === "memory" && registerNamed(operand.base ?? "")?.number === RSP;
    }));
  if (!usesStack || stackGiven) return;
  code.registers[RSP] = addStack(memory, number, code.address + BigInt(code.end));
}
