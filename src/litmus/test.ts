// A litmus test as its file says it, positions included. assemble.ts makes a Program of it, which
// is all that an engine sees; see ../engine/program.ts for that side.
export type {
  CountedState, Engine, EngineOptions, FinalState, Observed, Outcome, Program, Relocation,
  ThreadCode, Variable, Witness, WitnessStep,
} from "../engine/program.ts";

/** From 1. */
export interface Position {
  line: number;
  column: number;
}

/** What is wrong with a test, as one line `file:line:column: what to do`. */
export class LitmusError extends Error {
  constructor(file: string, at: Position, readonly problem: string) {
    super(`${file}:${at.line}:${at.column}: ${problem}`);
  }
}

/** X86_64 tests are in AT&T syntax, source first; X86 tests in Intel's, destination first. */
export type Arch = "X86_64" | "X86";

/** 0:rax, [x], t[1]. */
export type Location =
  | { kind: "register"; thread: number; register: string; at: Position }
  | { kind: "memory"; symbol: string; index?: number; at: Position };

/** A number, or the address of a variable. */
export type Value =
  | { kind: "number"; value: bigint }
  | { kind: "address"; symbol: string; addend: bigint; at: Position };

/** `uint64_t`: 8 bytes, unsigned; `int *`: a pointer. */
export interface CType {
  name: string;
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  pointer: boolean;
}

/** One entry between the braces; an array has as many values as elements. */
export interface Initial {
  location: Location;
  type?: CType;
  /** Elements, for an array. */
  length?: number;
  values: Value[];
}

export type Operand =
  | { kind: "register"; name: string; at: Position }
  | { kind: "immediate"; value: Value; at: Position }
  | Memory
  | { kind: "label"; name: string; at: Position };

/** disp(base,index,scale), with the symbol whose address is added. */
export interface Memory {
  kind: "memory";
  symbol?: string;
  displacement: bigint;
  base?: string;
  index?: string;
  scale: number;
  ripRelative: boolean;
  /** From `dword ptr`, in bytes. */
  size?: number;
  at: Position;
}

export interface Statement {
  /** Labels in front of it. */
  labels: string[];
  /** Absent for labels at the end of a thread. */
  mnemonic?: string;
  lock: boolean;
  operands: Operand[];
  at: Position;
  text: string;
}

export interface Thread {
  number: number;
  statements: Statement[];
}

export type Proposition =
  | { kind: "equal"; location: Location; value: Value; negated: boolean }
  | { kind: "and" | "or"; items: Proposition[] }
  | { kind: "not"; item: Proposition }
  | { kind: "implies"; left: Proposition; right: Proposition }
  | { kind: "constant"; value: boolean };

export type Quantifier = "exists" | "~exists" | "forall";

export interface Condition {
  quantifier: Quantifier;
  proposition: Proposition;
}

export interface LitmusTest {
  file: string;
  arch: Arch;
  name: string;
  /** Line in double quotes. */
  title?: string;
  /** `Orig=...` and so on, in the file's order. */
  fields: { key: string; value: string }[];
  initial: Initial[];
  threads: Thread[];
  locations: Location[];
  filter?: Proposition;
  condition: Condition;
}
