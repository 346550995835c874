// What every litmus engine is given and what it hands back: a few threads of machine code over
// shared memory, and the final states that were reached. No engine sees the text of a test.

/** A thread: real machine code at its linear address. */
export interface ThreadCode {
  /** Linear address of code[0]. */
  address: bigint;
  code: Uint8Array;
  /** Offset in `code` of every instruction, ascending; a LOCK prefix belongs to its instruction. */
  offsets: number[];
  /**
   * The thread has ended when RIP is address + end = address + code.length. No byte is there: the
   * engine puts what it likes behind (HLT, a jump back), and a label at the end leads there.
   */
  end: number;
  /** Initial values, by number: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15. Flags are clear. */
  registers: BigUint64Array;
  /** The registers among them that hold the address of a variable. */
  pointers: { register: number; variable: number; addend: bigint }[];
  /** Where the code holds the address of a variable; for an engine that moves the variables. */
  relocations: Relocation[];
  /** The test's own text of each instruction, parallel to `offsets`. */
  texts: string[];
}

/** The field at `offset`, `size` bytes wide, holds address of `variable` + `addend`. */
export interface Relocation {
  offset: number;
  size: 1 | 4 | 8;
  /** Index into Program.memory. */
  variable: number;
  addend: bigint;
  /** RIP-relative: less the address of the next instruction, which is at this offset. */
  next?: number;
}

/** A piece of memory. Its initial bytes are complete; an 8-byte pointer in it is in `pointers`. */
export interface Variable {
  name: string;
  /** Linear, below 2 GiB. */
  address: bigint;
  /** Size in bytes is initial.length. */
  initial: Uint8Array;
  pointers: { offset: number; variable: number; addend: bigint }[];
  /** The stack of this thread, that no other thread names; absent for a variable of the test. */
  stackOf?: number;
}

/** One value of a final state. */
export type Observed =
  | {
      kind: "register";
      thread: number;
      /** By number, as in ThreadCode.registers. */
      register: number;
      size: 1 | 2 | 4 | 8;
    }
  | {
      kind: "memory";
      /** Index into Program.memory, and the offset in that variable. */
      variable: number;
      offset: number;
      size: 1 | 2 | 4 | 8;
    };

export interface Program {
  name: string;
  threads: ThreadCode[];
  /** timing: code that the threads call. */
  code?: { address: bigint; data: Uint8Array }[];
  /** Variables of the test first, in the order of their names; then stacks, if a thread has one. */
  memory: Variable[];
  /** In the order in which a state line prints them; a filter's own variables come last. */
  observed: Observed[];
}

/**
 * A final state: the values of Program.observed, in that order, each the low `size` bytes, zero
 * extended. An engine that moves the variables gives pointers back as the program has them.
 */
export type FinalState = bigint[];

export interface CountedState {
  values: FinalState;
  /** Runs that ended so; 1 where the engine counts states. */
  count: number;
}

export interface EngineOptions {
  /** timing: a preset or a file. */
  machine?: string;
  runs?: number;
  seed?: bigint;
  signal?: AbortSignal;
  /** Of a test that takes long: machine states so far (explore), or runs (the others). */
  onProgress?(count: number): void;
  /** explore: find an interleaving that ends in a state for which this holds. */
  witness?: (values: FinalState) => boolean;
  /** explore: states of the machine at most, 0 for the engine's own limit. */
  statesMax?: number;
}

export interface Outcome {
  /** Distinct, in any order. */
  states: CountedState[];
  /**
   * What was cut short, as a sentence ("stopped after 1000000 machine states"); absent when the
   * set is complete (explore), or when all runs were made (the others).
   */
  bound?: string;
  /** A deadlock or endless loop: no final state, or not every execution has one. */
  stuck?: string;
  /** What was modelled, for the Model line: "x86-TSO, all interleavings (1234 machine states)". */
  model: string;
  seconds: number;
  /** explore: machine states seen. */
  machineStates?: number;
  witness?: Witness;
}

/** An interleaving, step by step. */
export interface Witness {
  values: FinalState;
  steps: WitnessStep[];
}

export interface WitnessStep {
  thread: number;
  /** The thread executed the instruction at `offset`, or its oldest buffered store commits. */
  kind: "execute" | "commit";
  offset: number;
  accesses: WitnessAccess[];
  /** The store buffers after the step, per thread, oldest store first. */
  buffers: BufferedStore[][];
}

export interface WitnessAccess {
  kind: "load" | "store";
  address: bigint;
  size: number;
  value: bigint;
  /** A load that took its value from the thread's own store buffer. */
  forwarded?: boolean;
}

export interface BufferedStore {
  address: bigint;
  size: number;
  value: bigint;
  /** Offset of the instruction that made the store. */
  offset: number;
}

export interface Engine {
  name: "explore" | "timing" | "host" | "native";
  run(program: Program, options: EngineOptions): Promise<Outcome>;
  /** Ends threads of its own, if it has any. */
  close?(): Promise<void>;
}
