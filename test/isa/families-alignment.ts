// Instruction families for random tests: accesses with EFLAGS.AC set, most of which are not aligned
// and end in #AC.
import type { Random } from "./random.ts";
import type { States } from "./state.ts";
import { type Family, type Template, range } from "./template.ts";

const AC = 0x40000;
const RSP = 4;

function checked(s: States): void {
  s.flags |= AC;
}

/** The stack, too, is aligned only now and then. */
function onAnyStack(s: States, random: Random): void {
  checked(s);
  s.setReg(RSP, s.low(RSP) + random.pick([0, 0, 1, 2, 4, 6]));
}

const memory = (opcode: number[], more: Partial<Template> = {}): Template => ({
  opcode, modrm: true, memoryOnly: true, prepare: checked, ...more,
});
const stack = (opcode: number[], more: Partial<Template> = {}): Template => ({
  opcode, stack: true, prepare: onAnyStack, ...more,
});

export const ALIGNMENT: Family[] = [
  {
    name: "alignment",
    templates: [
      memory([0x88], { byte: true }), memory([0x8a], { byte: true }), memory([0x89]),
      memory([0x8b]), memory([0x01], { lock: true }), memory([0x03]), memory([0x3b]),
      memory([0xf7], { modrm: 2, lock: true }), memory([0xc7], { modrm: 0, immediate: "z" }),
      memory([0x87]), memory([0x0f, 0xb1], { lock: true }), memory([0x0f, 0xc1], { lock: true }),
      memory([0x0f, 0xc7], { modrm: 1, lock: true }),
      ...[0xb6, 0xb7, 0xbe, 0xbf].map((op) => memory([0x0f, op])),
      ...[0xa3, 0xab].map((op) => memory([0x0f, op], { smallReg: true })),
      memory([0x0f, 0xba], { modrm: 4, immediate: 1 }), memory([0x63]),
      ...[0xf0, 0xf1].map((op) => memory([0x0f, 0x38, op])),
      memory([0x8c], { modrm: 3 }), memory([0xff], { modrm: 6, stack: true }),
      memory([0x8d]), memory([0x0f, 0xae], { modrm: 7, no66: true }),
      ...range(2).flatMap((n): Template[] => [stack([0x50 + n]), stack([0x58 + n])]),
      stack([0x6a], { immediate: 1 }), stack([0x9c]),
      stack([0xe8], { jump: 4, no66: true }), stack([0xc8, 0x10, 0x00, 0x00]),
      ...[0xa5, 0xa7, 0xab, 0xad, 0xaf].flatMap((op) => [[], [0xf3]].map((prefixes): Template => ({
        opcode: [op], prefixes, string: true, prepare: checked,
      }))),
    ],
  },
];
