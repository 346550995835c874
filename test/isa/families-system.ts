// Instruction families for random tests: what of the system instructions a program can run in ring
// 3, if only to its fault.
import { type Family, type Template, range } from "./template.ts";

const DATA_SELECTORS = [0, 1, 3, 0x2b, 0x28, 0x2b, 0x33, 0x23, 0x10, 0xfff8, 0x2c];
const ANY_SELECTORS = [0, 3, 0x10, 0x18, 0x20, 0x23, 0x28, 0x2b, 0x30, 0x33, 0x31, 0xfff8, 0x2c];
const ES = 0;
const SS = 2;
const GS = 5;

/** Vectors that a Linux program may raise, or that do not come back. */
const OPEN_VECTORS = [3, 4, 0x80];

/** #GP outside of ring 0. */
const PRIVILEGED: Template[] = [
  ...[0xe4, 0xe5, 0xe6, 0xe7].map((op): Template => ({ opcode: [op], immediate: 1 })),
  ...[0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb].map((op): Template => ({ opcode: [op] })),
  ...range(4, 0x6c).map((op): Template => ({ opcode: [op], string: true })),
  ...[0x06, 0x07, 0x08, 0x09, 0x30, 0x32].map((op): Template => ({ opcode: [0x0f, op] })),
  ...[0x20, 0x22].map((op): Template => ({
    opcode: [0x0f, op, 0xc0], prepare: (s, random) => pickRegister(s, [0, 2, 3, 4], random.next(4)),
  })),
  ...[0x21, 0x23].map((op): Template => ({
    opcode: [0x0f, op, 0xc0], prepare: (s, random) => pickRegister(s, [0, 1, 2, 3], random.next(4)),
  })),
  { opcode: [0x0f, 0x00], modrm: 2 }, { opcode: [0x0f, 0x00], modrm: 3 },
  { opcode: [0x0f, 0x01], modrm: 2, memoryOnly: true },
  { opcode: [0x0f, 0x01], modrm: 3, memoryOnly: true },
  { opcode: [0x0f, 0x01], modrm: 6 },
  { opcode: [0x0f, 0x01], modrm: 7, memoryOnly: true },
  { opcode: [0x0f, 0x01, 0xf8] },
];

/** The number of a control or debug register into the last byte of the code. */
function pickRegister(s: { code: Uint8Array }, numbers: number[], index: number): void {
  s.code[s.code.length - 1] = 0xc0 | (numbers[index]! << 3);
}

export const SYSTEM: Family[] = [
  {
    name: "segments",
    templates: [
      ...range(6).map((r): Template => ({ opcode: [0x8c], modrm: r })),
      ...range(GS + 1, ES).filter((r) => r !== 1).map((r): Template => ({
        opcode: [0x8e], modrm: r, values: r === SS ? [0x2b, 0, 0x28, 0x33, 0x23] : DATA_SELECTORS,
      })),
      ...[0xb2, 0xb4, 0xb5].map((op): Template => ({
        opcode: [0x0f, op], modrm: true, memoryOnly: true,
        far: op === 0xb2 ? [0x2b, 0x2b, 0x28, 0] : DATA_SELECTORS,
      })),
      ...[0xa0, 0xa8].map((op): Template => ({ opcode: [0x0f, op], stack: true })),
      ...[0xa1, 0xa9].map((op): Template => ({
        opcode: [0x0f, op], stack: true, stackValues: DATA_SELECTORS,
      })),
      ...range(2).map((r): Template => ({
        opcode: [0x0f, 0xae], modrm: r, registerOnly: true, prefixes: [0xf3], no66: true,
      })),
      ...range(2, 2).map((r): Template => ({
        opcode: [0x0f, 0xae], modrm: r, registerOnly: true, prefixes: [0xf3], no66: true,
      })),
      ...[0x02, 0x03].map((op): Template => ({
        opcode: [0x0f, op], modrm: true, values: ANY_SELECTORS,
      })),
      ...[4, 5].map((op): Template => ({ opcode: [0x0f, 0x00], modrm: op, values: ANY_SELECTORS })),
    ],
  },
  {
    name: "hints and fences",
    templates: [
      ...range(7, 0x19).map((op): Template => ({ opcode: [0x0f, op], modrm: true })),
      { opcode: [0x0f, 0x18], modrm: true }, { opcode: [0x0f, 0x0d], modrm: true },
      { opcode: [0x90], prefixes: [0xf3] }, { opcode: [0xf3, 0x0f, 0x1e, 0xfa], bare: true },
      ...[5, 6, 7].map((op): Template => ({
        opcode: [0x0f, 0xae], modrm: op, registerOnly: true, no66: true,
      })),
      { opcode: [0x0f, 0xae], modrm: 7, memoryOnly: true, no66: true },
    ],
  },
  {
    name: "exceptions",
    templates: [
      {
        opcode: [0xcd], immediate: 1,
        prepare: (s) => {
          const last = s.code.length - 1;
          if (OPEN_VECTORS.includes(s.code[last]!)) s.code[last] = 0x21;
        },
      },
      { opcode: [0xcc], bare: true }, { opcode: [0xf1], bare: true }, { opcode: [0x0f, 0x0b] },
      { opcode: [0x0f, 0xb9], modrm: true }, { opcode: [0x0f, 0xff], modrm: true },
    ],
  },
  { name: "privileged", templates: PRIVILEGED },
];
