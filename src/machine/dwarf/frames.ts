// How a frame is left, for each instruction (.debug_frame; DWARF 5, 6.4, "Call Frame Information"):
// where the stack of the caller begins, and where its RBP was saved. The registers' numbers are
// those of the System V psABI, figure 3.36.
import { Cursor } from "./cursor.ts";

/** What a debugger needs to go from an instruction to the caller of its function. */
export interface FrameRule {
  /** The canonical frame address is this register plus an offset. */
  base: "rsp" | "rbp";
  offset: number;
  /** Where RBP was saved, from the canonical frame address; undefined while it is the caller's. */
  rbp?: number;
}

interface Description {
  from: bigint;
  to: bigint;
  common: Common;
  program: Cursor;
}

interface Common {
  codeFactor: number;
  dataFactor: number;
  program: [from: number, to: number];
}

const RBP = 6;
const RSP = 7;
const COMMON_ID = 0xffffffff;
const ROWS_MAX = 1 << 16;
const CFA = {
  setLocation: 0x01, advance1: 0x02, advance2: 0x03, advance4: 0x04, offsetExtended: 0x05,
  restoreExtended: 0x06, undefined: 0x07, sameValue: 0x08, register: 0x09, remember: 0x0a,
  restoreState: 0x0b, define: 0x0c, defineRegister: 0x0d, defineOffset: 0x0e,
  defineExpression: 0x0f, expression: 0x10, valueExpression: 0x16,
} as const;

/** A rule under way; without a base what a register and an offset cannot say. */
type State = Partial<FrameRule>;

export class Frames {
  private readonly descriptions: Description[] = [];
  private readonly bytes: Uint8Array;

  /** `bytes`: the section, if there is one. */
  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
    const commons = new Map<number, Common>();
    for (let at = 0; at + 8 < bytes.length; ) {
      const length = new Cursor(bytes, at).u32();
      // Longer ones have the 64-bit format, which no compiler makes for such images.
      if (length < 4 || length >= 0xfffffff0) break;
      const end = Math.min(at + 4 + length, bytes.length);
      const cursor = new Cursor(bytes, at + 4, end);
      const id = cursor.u32();
      const common = commons.get(id);
      if (id === COMMON_ID) commons.set(at, readCommon(cursor));
      else if (common) {
        const [from, size] = [cursor.u64(), cursor.u64()];
        this.descriptions.push({ from, to: from + size, common, program: cursor });
      }
      at = end;
    }
  }

  /** The rule before the instruction at `lin`; undefined where nothing describes it. */
  at(lin: bigint): FrameRule | undefined {
    const found = this.descriptions.find(({ from, to }) => lin >= from && lin < to);
    if (!found) return undefined;
    const { common, program, from } = found;
    const initial: State = {};
    run(new Cursor(this.bytes, ...common.program), common, initial, initial, from, lin);
    const state = { ...initial };
    run(new Cursor(this.bytes, program.at, program.end), common, state, initial, from, lin);
    const { base, offset = 0, rbp } = state;
    return base && { base, offset, rbp };
  }
}

function readCommon(cursor: Cursor): Common {
  const version = cursor.u8();
  cursor.text();
  if (version >= 4) cursor.u16();
  const [codeFactor, dataFactor] = [cursor.uleb(), cursor.sleb()];
  // The column of the return address, which psABI has at the canonical frame address - 8.
  if (version === 1) cursor.u8();
  else cursor.uleb();
  return { codeFactor, dataFactor, program: [cursor.at, cursor.end] };
}

/** Runs the instructions up to the row of `lin`. */
function run(
  cursor: Cursor, { codeFactor, dataFactor }: Common, state: State, initial: State,
  from: bigint, lin: bigint,
): void {
  const kept: State[] = [];
  let here = from;
  const become = (next: State) => {
    for (const name of ["base", "offset", "rbp"] as const) delete state[name];
    Object.assign(state, next);
  };
  const baseOf = (register: number) =>
    register === RSP ? "rsp" : register === RBP ? "rbp" : undefined;
  const save = (register: number, at: number | undefined) => {
    if (register === RBP) state.rbp = at;
  };
  for (let rows = 0; !cursor.ended && here <= lin && rows < ROWS_MAX; rows++) {
    const op = cursor.u8();
    const low = op & 0x3f;
    switch (op >> 6) {
      case 1: here += BigInt(low * codeFactor); continue;
      case 2: save(low, cursor.uleb() * dataFactor); continue;
      case 3: save(low, initial.rbp); continue;
    }
    switch (op) {
      case CFA.setLocation: here = cursor.u64(); break;
      case CFA.advance1: here += BigInt(cursor.u8() * codeFactor); break;
      case CFA.advance2: here += BigInt(cursor.u16() * codeFactor); break;
      case CFA.advance4: here += BigInt(cursor.u32() * codeFactor); break;
      case CFA.offsetExtended: save(cursor.uleb(), cursor.uleb() * dataFactor); break;
      case CFA.restoreExtended: case CFA.undefined: case CFA.sameValue:
        save(cursor.uleb(), initial.rbp);
        break;
      case CFA.register: cursor.uleb(); cursor.uleb(); break;
      case CFA.remember: kept.push({ ...state }); break;
      case CFA.restoreState: become(kept.pop() ?? initial); break;
      case CFA.define: state.base = baseOf(cursor.uleb()); state.offset = cursor.uleb(); break;
      case CFA.defineRegister: state.base = baseOf(cursor.uleb()); break;
      case CFA.defineOffset: state.offset = cursor.uleb(); break;
      case CFA.defineExpression: state.base = undefined; cursor.block(cursor.uleb()); break;
      case CFA.expression: case CFA.valueExpression:
        // gcc says so of a frame that it aligned: the slot that RBP points at.
        if (cursor.uleb() === RBP) state.base = undefined;
        cursor.block(cursor.uleb());
        break;
    }
  }
}
