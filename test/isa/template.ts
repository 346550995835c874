// What a random case of an opcode may look like: encoding, and what its operands must be.
import type { Random } from "./random.ts";
import type { States } from "./state.ts";

export interface Template {
  opcode: number[];
  /** The instruction has a ModRM byte; a number fixes its reg field. */
  modrm?: boolean | number;
  /** Bytes of immediate: z is 4, or 2 after 66; v is 8 after REX.W too; o is an address. */
  immediate?: 1 | 2 | 3 | "z" | "v" | "o";
  /** The immediate is below this. */
  immediateLimit?: number;
  /** Operands are bytes: 66 and REX.W say nothing. */
  byte?: boolean;
  /** LOCK is legal with a memory destination. */
  lock?: boolean;
  memoryOnly?: boolean;
  registerOnly?: boolean;
  /** Prefix before REX: F3 of POPCNT, REP of strings. */
  prefixes?: number[];
  /** The reg field holds a bit index of a bit string in memory: keep it small. */
  smallReg?: boolean;
  /** Uses rSI and rDI as pointers and rCX as a count. */
  string?: boolean;
  /** Uses the stack. */
  stack?: boolean;
  no66?: boolean;
  noWide?: boolean;
  /** Ends in a displacement of so many bytes to a place in the code area. */
  jump?: 1 | 4;
  /** Operand E, or the word on the stack, is a place in the code area, or not canonical. */
  target?: "operand" | "stack";
  /** The target is always canonical. */
  canonical?: boolean;
  /** Operand E is one of these. */
  values?: number[];
  /** The word on the stack is one of these. */
  stackValues?: number[];
  /** Operand E is a far pointer to a place in the code area, with one of these selectors. */
  far?: number[];
  /** What a far return pops, and with `flags` and `ss` what IRET does. */
  frame?: { cs: number[]; flags?: number; ss?: number[] };
  /** Sometimes rAX, or rDX:rAX, is equal to operand E. */
  equal?: boolean;
  /** No prefixes. */
  bare?: boolean;
  /** VEX: opcode map 2 or 3, the implied prefix (0 none, 1 66, 2 F3, 3 F2). */
  vex?: { map: 2 | 3; prefix: number };
  /** Last touch. */
  prepare?: (state: States, random: Random) => void;
}

export interface Family {
  name: string;
  templates: Template[];
}

export const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i);
