// Instruction families for random tests: opcodes, operand forms, and which flags each leaves
// undefined.
const CF = 0x1;
const PF = 0x4;
const AF = 0x10;
const ZF = 0x40;
const SF = 0x80;
const OF = 0x800;

export interface Template {
  opcode: number[];
  /** The instruction has a ModRM byte; a number fixes its reg field. */
  modrm?: boolean | number;
  /** Bytes of immediate: z is 4, or 2 after 66; v is 8 after REX.W too. */
  immediate?: 1 | 2 | "z" | "v";
  /** Operands are bytes: 66 and REX.W say nothing. */
  byte?: boolean;
  /** Flags that the manual leaves undefined. */
  undefined?: number;
  /** LOCK is legal with a memory destination. */
  lock?: boolean;
  memoryOnly?: boolean;
  registerOnly?: boolean;
  /** Prefix before REX: F3 of POPCNT, REP of strings. */
  prefixes?: number[];
  /** A bit index or the like comes from the reg field: keep it small. */
  smallReg?: boolean;
  /** Uses rSI and rDI as pointers and rCX as a count. */
  string?: boolean;
  /** Uses the stack. */
  stack?: boolean;
  no66?: boolean;
}

export interface Family {
  name: string;
  templates: Template[];
  cases: number;
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The six encodings of 00-3F for one operation. */
function alu(op: number): Template[] {
  const undefinedFlags = [1, 4, 6].includes(op) ? AF : 0;
  const lock = op !== 7;
  return [
    { opcode: [op * 8], modrm: true, byte: true, undefined: undefinedFlags, lock },
    { opcode: [op * 8 + 1], modrm: true, undefined: undefinedFlags, lock },
    { opcode: [op * 8 + 2], modrm: true, byte: true, undefined: undefinedFlags },
    { opcode: [op * 8 + 3], modrm: true, undefined: undefinedFlags },
    { opcode: [op * 8 + 4], immediate: 1, byte: true, undefined: undefinedFlags },
    { opcode: [op * 8 + 5], immediate: "z", undefined: undefinedFlags },
    { opcode: [0x80], modrm: op, immediate: 1, byte: true, undefined: undefinedFlags, lock },
    { opcode: [0x81], modrm: op, immediate: "z", undefined: undefinedFlags, lock },
    { opcode: [0x83], modrm: op, immediate: 1, undefined: undefinedFlags, lock },
  ];
}

/** OF is defined for counts of 1 only; CF not for counts beyond a narrow operand. */
function shifts(): Template[] {
  return range(8).flatMap((op): Template[] => [
    { opcode: [0xc0], modrm: op, immediate: 1, byte: true, undefined: AF | OF },
    { opcode: [0xc1], modrm: op, immediate: 1, undefined: AF | OF },
    { opcode: [0xd0], modrm: op, byte: true, undefined: AF },
    { opcode: [0xd1], modrm: op, undefined: AF },
    { opcode: [0xd2], modrm: op, byte: true, undefined: AF | OF },
    { opcode: [0xd3], modrm: op, undefined: AF | OF },
  ]);
}

const PRODUCT = SF | ZF | AF | PF;
const ALL = CF | PF | AF | ZF | SF | OF;

export const FAMILIES: Family[] = [
  { name: "alu", templates: range(8).flatMap(alu), cases: 6000 },
  {
    name: "test, inc, dec, neg, not",
    cases: 2500,
    templates: [
      { opcode: [0x84], modrm: true, byte: true, undefined: AF },
      { opcode: [0x85], modrm: true, undefined: AF },
      { opcode: [0xa8], immediate: 1, byte: true, undefined: AF },
      { opcode: [0xa9], immediate: "z", undefined: AF },
      { opcode: [0xf6], modrm: 0, immediate: 1, byte: true, undefined: AF },
      { opcode: [0xf7], modrm: 1, immediate: "z", undefined: AF },
      ...[2, 3].flatMap((op): Template[] => [
        { opcode: [0xf6], modrm: op, byte: true, lock: true },
        { opcode: [0xf7], modrm: op, lock: true },
      ]),
      ...[0, 1].flatMap((op): Template[] => [
        { opcode: [0xfe], modrm: op, byte: true, lock: true },
        { opcode: [0xff], modrm: op, lock: true },
      ]),
    ],
  },
  { name: "shifts and rotates", templates: shifts(), cases: 6000 },
  {
    name: "shld, shrd",
    cases: 2000,
    templates: [0xa4, 0xac].flatMap((op): Template[] => [
      { opcode: [0x0f, op], modrm: true, immediate: 1, undefined: AF | OF, no66: true },
      { opcode: [0x0f, op + 1], modrm: true, undefined: AF | OF, no66: true },
    ]),
  },
  {
    name: "mul, imul",
    cases: 3000,
    templates: [
      ...[4, 5].flatMap((op): Template[] => [
        { opcode: [0xf6], modrm: op, byte: true, undefined: PRODUCT },
        { opcode: [0xf7], modrm: op, undefined: PRODUCT },
      ]),
      { opcode: [0x0f, 0xaf], modrm: true, undefined: PRODUCT },
      { opcode: [0x69], modrm: true, immediate: "z", undefined: PRODUCT },
      { opcode: [0x6b], modrm: true, immediate: 1, undefined: PRODUCT },
    ],
  },
  {
    name: "div, idiv",
    cases: 4000,
    templates: [6, 7].flatMap((op): Template[] => [
      { opcode: [0xf6], modrm: op, byte: true, undefined: ALL },
      { opcode: [0xf7], modrm: op, undefined: ALL },
    ]),
  },
  {
    name: "mov, movzx, movsx, lea, cmov, setcc",
    cases: 6000,
    templates: [
      { opcode: [0x88], modrm: true, byte: true }, { opcode: [0x89], modrm: true },
      { opcode: [0x8a], modrm: true, byte: true }, { opcode: [0x8b], modrm: true },
      { opcode: [0xc6], modrm: 0, immediate: 1, byte: true },
      { opcode: [0xc7], modrm: 0, immediate: "z" },
      ...range(8).map((r): Template => ({ opcode: [0xb0 + r], immediate: 1, byte: true })),
      ...range(8).map((r): Template => ({ opcode: [0xb8 + r], immediate: "v" })),
      ...[0xb6, 0xb7, 0xbe, 0xbf].map((op): Template => ({ opcode: [0x0f, op], modrm: true })),
      { opcode: [0x63], modrm: true },
      { opcode: [0x8d], modrm: true, memoryOnly: true },
      ...range(16).map((cc): Template => ({ opcode: [0x0f, 0x40 + cc], modrm: true })),
      ...range(16).map((cc): Template => ({ opcode: [0x0f, 0x90 + cc], modrm: true, byte: true })),
    ],
  },
  {
    name: "bit tests and scans",
    cases: 4000,
    templates: [
      ...[0xa3, 0xab, 0xb3, 0xbb].map((op): Template => ({
        opcode: [0x0f, op], modrm: true, undefined: OF | SF | AF | PF, smallReg: true,
        lock: op !== 0xa3,
      })),
      ...[4, 5, 6, 7].map((op): Template => ({
        opcode: [0x0f, 0xba], modrm: op, immediate: 1, undefined: OF | SF | AF | PF, lock: op !== 4,
      })),
      { opcode: [0x0f, 0xbc], modrm: true, undefined: ALL & ~ZF },
      { opcode: [0x0f, 0xbd], modrm: true, undefined: ALL & ~ZF },
      { opcode: [0x0f, 0xb8], modrm: true, prefixes: [0xf3] },
      ...range(8).map((r): Template => ({ opcode: [0x0f, 0xc8 + r], no66: true })),
    ],
  },
  {
    name: "xchg, xadd, cmpxchg",
    cases: 4000,
    templates: [
      { opcode: [0x86], modrm: true, byte: true, lock: true }, { opcode: [0x87], modrm: true,
      lock: true },
      ...range(8).map((r): Template => ({ opcode: [0x90 + r] })),
      { opcode: [0x0f, 0xc0], modrm: true, byte: true, lock: true },
      { opcode: [0x0f, 0xc1], modrm: true, lock: true },
      { opcode: [0x0f, 0xb0], modrm: true, byte: true, lock: true },
      { opcode: [0x0f, 0xb1], modrm: true, lock: true },
      { opcode: [0x0f, 0xc7], modrm: 1, memoryOnly: true, lock: true },
    ],
  },
  {
    name: "conversions and flags",
    cases: 1500,
    templates: [
      { opcode: [0x98] }, { opcode: [0x99] }, { opcode: [0xf5] }, { opcode: [0xf8] },
      { opcode: [0xf9] },
      { opcode: [0xfc] }, { opcode: [0xfd] }, { opcode: [0x9e] }, { opcode: [0x9f] },
      { opcode: [0x0f, 0x1f], modrm: true }, { opcode: [0x90], prefixes: [0xf3] },
    ],
  },
  {
    name: "stack",
    cases: 3000,
    templates: [
      ...range(8).map((r): Template => ({ opcode: [0x50 + r], stack: true })),
      ...range(8).map((r): Template => ({ opcode: [0x58 + r], stack: true })),
      { opcode: [0x68], immediate: "z", stack: true }, { opcode: [0x6a], immediate: 1,
      stack: true },
      { opcode: [0xff], modrm: 6, stack: true }, { opcode: [0x8f], modrm: 0, stack: true },
      { opcode: [0x9c], stack: true }, { opcode: [0xc9], stack: true },
      { opcode: [0xc8, 0x10, 0x00, 0x00], stack: true },
      { opcode: [0xc8, 0x20, 0x00, 0x03], stack: true },
    ],
  },
  {
    name: "strings",
    cases: 4000,
    templates: [0xa4, 0xa6, 0xaa, 0xac, 0xae].flatMap((op): Template[] =>
      [[], [0xf3], [0xf2]].flatMap((prefixes): Template[] => [
        { opcode: [op], byte: true, prefixes, string: true }, { opcode: [op + 1], prefixes,
        string: true },
      ])),
  },
];
