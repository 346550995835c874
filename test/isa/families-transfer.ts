// Instruction families for random tests: moves, the stack, strings, jumps.
import { MIDDLE } from "./random-case.ts";
import { type Family, type Template, range } from "./template.ts";

const RBX = 3;
const STATUS = 0x8d5;
/** What POPF and IRET may change in ring 3, and IF and IOPL, which they may not. */
const POPPED_FLAGS = STATUS | 0x400 | 0x200 | 0x3000;
const AC = 0x40000;
/** The selectors of a Linux process: code and stack. */
export const USER_CS = 0x33;
export const USER_SS = 0x2b;
/** Code selectors that a far transfer may meet: mostly the right one. */
const CODE_SELECTORS = [USER_CS, USER_CS, USER_CS, 0x10, USER_SS, 0xfffb, 0];

const strings = (op: number): Template[] => [[], [0xf3], [0xf2]].flatMap((prefixes) => [
  { opcode: [op], byte: true, prefixes, string: true },
  { opcode: [op + 1], prefixes, string: true },
]);

/** XLAT with RBX where AL may count from. */
function xlat(prefixes: number[]): Template {
  return {
    opcode: [0xd7], prefixes, no66: true,
    prepare: (s) => s.setReg(RBX, MIDDLE - 128 - (prefixes.includes(0x64) ? s.fs : 0)),
  };
}

export const TRANSFER: Family[] = [
  {
    name: "moves",
    templates: [
      { opcode: [0x88], modrm: true, byte: true }, { opcode: [0x89], modrm: true },
      { opcode: [0x8a], modrm: true, byte: true }, { opcode: [0x8b], modrm: true },
      { opcode: [0xc6], modrm: 0, immediate: 1, byte: true },
      { opcode: [0xc7], modrm: 0, immediate: "z" },
      { opcode: [0xa0], immediate: "o", byte: true }, { opcode: [0xa1], immediate: "o" },
      { opcode: [0xa2], immediate: "o", byte: true }, { opcode: [0xa3], immediate: "o" },
      ...range(8).map((r): Template => ({ opcode: [0xb0 + r], immediate: 1, byte: true })),
      ...range(8).map((r): Template => ({ opcode: [0xb8 + r], immediate: "v" })),
      ...[0xb6, 0xb7, 0xbe, 0xbf].map((op): Template => ({ opcode: [0x0f, op], modrm: true })),
      { opcode: [0x63], modrm: true },
      { opcode: [0x8d], modrm: true, memoryOnly: true },
      ...[0xf0, 0xf1].map((op): Template => ({
        opcode: [0x0f, 0x38, op], modrm: true, memoryOnly: true,
      })),
      ...[[], [0x67], [0x64]].map(xlat),
    ],
  },
  {
    name: "conditions",
    templates: range(16).flatMap((cc): Template[] => [
      { opcode: [0x0f, 0x40 + cc], modrm: true },
      { opcode: [0x0f, 0x90 + cc], modrm: true, byte: true },
      { opcode: [0x70 + cc], jump: 1, no66: true },
      { opcode: [0x0f, 0x80 + cc], jump: 4, no66: true },
    ]),
  },
  {
    name: "stack",
    templates: [
      ...range(8).flatMap((r): Template[] => [
        { opcode: [0x50 + r], stack: true }, { opcode: [0x58 + r], stack: true },
      ]),
      { opcode: [0x68], immediate: "z", stack: true },
      { opcode: [0x6a], immediate: 1, stack: true },
      { opcode: [0xff], modrm: 6, stack: true }, { opcode: [0x8f], modrm: 0, stack: true },
      { opcode: [0x9c], stack: true },
      {
        opcode: [0x9d], stack: true,
        prepare: (s, random) => {
          const flags = (random.word() & POPPED_FLAGS) | (random.chance(4) ? AC : 0);
          new DataView(s.data.buffer, s.data.byteOffset).setUint32(256, flags, true);
        },
      },
      { opcode: [0xc9], stack: true },
      { opcode: [0xc8, 0x10, 0x00, 0x00], stack: true },
      { opcode: [0xc8, 0x20, 0x00, 0x01], stack: true },
      { opcode: [0xc8, 0x20, 0x00, 0x03], stack: true },
    ],
  },
  { name: "strings", templates: [0xa4, 0xa6, 0xaa, 0xac, 0xae].flatMap(strings) },
  {
    name: "jumps",
    templates: [
      { opcode: [0xeb], jump: 1, no66: true }, { opcode: [0xe9], jump: 4, no66: true },
      { opcode: [0xe8], jump: 4, no66: true, stack: true },
      { opcode: [0xff], modrm: 2, target: "operand", no66: true, stack: true },
      { opcode: [0xff], modrm: 4, target: "operand", no66: true },
      { opcode: [0xc3], target: "stack", no66: true, stack: true },
      { opcode: [0xc2, 0x10, 0x00], target: "stack", no66: true, stack: true },
      ...[[], [0x67]].flatMap((prefixes) => range(4, 0xe0).map((op): Template => ({
        opcode: [op], jump: 1, no66: true, prefixes,
        prepare: (s, random) => {
          if (random.chance(2)) s.setReg(1, random.next(3));
          if (random.chance(4)) s.setHalves(1, random.next(3), random.word());
        },
      }))),
    ],
  },
  {
    name: "far transfers",
    templates: [
      { opcode: [0xff], modrm: 3, memoryOnly: true, no66: true, far: CODE_SELECTORS },
      { opcode: [0xff], modrm: 5, memoryOnly: true, far: CODE_SELECTORS, no66: true },
      { opcode: [0xcb], frame: { cs: CODE_SELECTORS }, no66: true },
      { opcode: [0xca, 0x20, 0x00], frame: { cs: CODE_SELECTORS }, no66: true },
      {
        // With 66 it ends below 64 KiB, where no program is
        opcode: [0xcf],
        prepare: (s, random) => { if (random.chance(2)) s.flags |= AC; },
        frame: {
          cs: CODE_SELECTORS, flags: POPPED_FLAGS | AC,
          ss: [USER_SS, USER_SS, USER_SS, USER_CS, 0x23, 0x28, 0],
        },
      },
    ],
  },
];
