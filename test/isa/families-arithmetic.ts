// Instruction families for random tests: arithmetic, logic, bits.
import { type Family, type Template, range } from "./template.ts";

/** The nine encodings of one operation of 00-3F. */
function alu(op: number): Template[] {
  const lock = op !== 7;
  return [
    { opcode: [op * 8], modrm: true, byte: true, lock },
    { opcode: [op * 8 + 1], modrm: true, lock },
    { opcode: [op * 8 + 2], modrm: true, byte: true },
    { opcode: [op * 8 + 3], modrm: true },
    { opcode: [op * 8 + 4], immediate: 1, byte: true },
    { opcode: [op * 8 + 5], immediate: "z" },
    { opcode: [0x80], modrm: op, immediate: 1, byte: true, lock },
    { opcode: [0x81], modrm: op, immediate: "z", lock },
    { opcode: [0x83], modrm: op, immediate: 1, lock },
  ];
}

function shifts(op: number): Template[] {
  return [
    { opcode: [0xc0], modrm: op, immediate: 1, byte: true },
    { opcode: [0xc1], modrm: op, immediate: 1 },
    { opcode: [0xd0], modrm: op, byte: true },
    { opcode: [0xd1], modrm: op },
    { opcode: [0xd2], modrm: op, byte: true },
    { opcode: [0xd3], modrm: op },
  ];
}

/** A 16-bit operand shifted by more than 16 is undefined: 66 only with a small immediate. */
function doubleShifts(op: number): Template[] {
  return [
    { opcode: [0x0f, op], modrm: true, immediate: 1, no66: true },
    { opcode: [0x0f, op], modrm: true, immediate: 1, immediateLimit: 17, prefixes: [0x66],
      no66: true, noWide: true },
    { opcode: [0x0f, op + 1], modrm: true, no66: true },
  ];
}

/** Group 3 /op, of bytes and of words. */
const group3 = (op: number, lock = false): Template[] => [
  { opcode: [0xf6], modrm: op, byte: true, lock }, { opcode: [0xf7], modrm: op, lock },
];

export const ARITHMETIC: Family[] = [
  { name: "alu", templates: range(8).flatMap(alu) },
  {
    name: "test, inc, dec, neg, not",
    templates: [
      { opcode: [0x84], modrm: true, byte: true }, { opcode: [0x85], modrm: true },
      { opcode: [0xa8], immediate: 1, byte: true }, { opcode: [0xa9], immediate: "z" },
      ...[0, 1].flatMap((op): Template[] => [
        { opcode: [0xf6], modrm: op, immediate: 1, byte: true },
        { opcode: [0xf7], modrm: op, immediate: "z" },
        { opcode: [0xfe], modrm: op, byte: true, lock: true },
        { opcode: [0xff], modrm: op, lock: true },
      ]),
      ...group3(2, true), ...group3(3, true),
    ],
  },
  { name: "shifts and rotates", templates: range(8).flatMap(shifts) },
  { name: "double shifts", templates: [0xa4, 0xac].flatMap(doubleShifts) },
  {
    name: "multiplications",
    templates: [
      ...group3(4), ...group3(5),
      { opcode: [0x0f, 0xaf], modrm: true },
      { opcode: [0x69], modrm: true, immediate: "z" },
      { opcode: [0x6b], modrm: true, immediate: 1 },
    ],
  },
  { name: "divisions", templates: [...group3(6), ...group3(7)] },
  {
    name: "bit tests and scans",
    templates: [
      ...[0xa3, 0xab, 0xb3, 0xbb].map((op): Template => ({
        opcode: [0x0f, op], modrm: true, smallReg: true, lock: op !== 0xa3,
      })),
      ...[4, 5, 6, 7].map((op): Template => ({
        opcode: [0x0f, 0xba], modrm: op, immediate: 1, lock: op !== 4,
      })),
      { opcode: [0x0f, 0xbc], modrm: true }, { opcode: [0x0f, 0xbd], modrm: true },
      ...[0xb8, 0xbc, 0xbd].map((op): Template => ({
        opcode: [0x0f, op], modrm: true, prefixes: [0xf3],
      })),
      ...range(8).map((r): Template => ({ opcode: [0x0f, 0xc8 + r], no66: true })),
    ],
  },
  {
    name: "bit manipulation",
    templates: [
      { opcode: [0xf2], modrm: true, vex: { map: 2, prefix: 0 } },
      ...[1, 2, 3].map((op): Template => ({
        opcode: [0xf3], modrm: op, vex: { map: 2, prefix: 0 },
      })),
      ...[0, 2, 3].map((prefix): Template => ({
        opcode: [0xf5], modrm: true, vex: { map: 2, prefix },
      })),
      { opcode: [0xf6], modrm: true, vex: { map: 2, prefix: 3 } },
      ...range(4).map((prefix): Template => ({
        opcode: [0xf7], modrm: true, vex: { map: 2, prefix },
      })),
      { opcode: [0xf0], modrm: true, immediate: 1, vex: { map: 3, prefix: 3 } },
    ],
  },
  {
    name: "exchanges",
    templates: [
      { opcode: [0x86], modrm: true, byte: true, lock: true },
      { opcode: [0x87], modrm: true, lock: true },
      ...range(8).map((r): Template => ({ opcode: [0x90 + r] })),
      { opcode: [0x0f, 0xc0], modrm: true, byte: true, lock: true },
      { opcode: [0x0f, 0xc1], modrm: true, lock: true },
      { opcode: [0x0f, 0xb0], modrm: true, byte: true, lock: true, equal: true },
      { opcode: [0x0f, 0xb1], modrm: true, lock: true, equal: true },
      { opcode: [0x0f, 0xc7], modrm: 1, memoryOnly: true, lock: true, equal: true },
    ],
  },
  {
    name: "conversions and flags",
    templates: [0x98, 0x99, 0x9e, 0x9f, 0xf5, 0xf8, 0xf9, 0xfc, 0xfd].map((op): Template => ({
      opcode: [op],
    })),
  },
];
