// Random cases of a template: prefixes, registers, memory operands that stay inside the data area.
import type { Random } from "./random.ts";
import { DATA_BYTES, SILICON_CODE, SILICON_DATA, type States } from "./state.ts";
import type { Template } from "./template.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSP = 4;
const RBP = 5;
const RSI = 6;
const RDI = 7;
/** Middle of the data area: operands are near it. */
export const MIDDLE = SILICON_DATA + DATA_BYTES / 2;
const SEGMENTS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

interface Encoding {
  prefixes: number[];
  rex: number;
  /** ModRM, SIB, displacement. */
  modrm: number[];
  /** Where in `modrm` the displacement of a RIP-relative operand is, which its length decides. */
  ripRelative: boolean;
  memory: boolean;
  /** Register that operand E is, or -1; else its address. */
  rm: number;
  lin: number;
}

/** ModRM for a memory operand, with the registers that it needs set. */
function memoryOperand(random: Random, s: States, e: Encoding, reg: number, keep: number): void {
  e.memory = true;
  const segment = random.chance(8) ? random.pick(SEGMENTS) : 0;
  const base0 = segment === 0x64 ? s.fs : segment === 0x65 ? s.gs : 0;
  const address32 = random.chance(12);
  if (segment) e.prefixes.push(segment);
  if (address32) e.prefixes.push(0x67);
  const field = (reg & 7) * 8;
  const disp = random.between(-64, 63);
  e.lin = MIDDLE + disp;
  if (random.chance(8) && !base0) {
    e.modrm = [field + 5, 0, 0, 0, 0];
    e.ripRelative = true;
    return;
  }
  if (random.chance(12)) {
    // No base: an address alone
    e.modrm = [field + 4, 0x25, ...little(MIDDLE - base0 + disp, 4)];
    return;
  }
  const registers = RANGE16.filter((r) => ![RAX, RDX, RSP, keep].includes(r));
  const base = random.pick(registers);
  const short = random.chance(2);
  setPointer(random, s, base, MIDDLE - base0, address32);
  const mod = short ? 0x40 : 0x80;
  const tail = little(disp, short ? 1 : 4);
  if (random.chance(2) && (base & 7) !== 4) {
    e.rex |= base >> 3;
    e.modrm = [mod + field + (base & 7), ...tail];
    return;
  }
  const index = random.chance(3) ? RSP : random.pick(registers.filter((r) => r !== base));
  const scale = random.next(4);
  if (index !== RSP) {
    const count = random.between(-4, 4);
    s.setReg(index, count);
    e.lin += count * 2 ** scale;
  }
  e.rex |= (base >> 3) | ((index >> 3) << 1);
  e.modrm = [mod + field + 4, scale * 64 + (index & 7) * 8 + (base & 7), ...tail];
}

/** A pointer; with 32-bit addresses its upper half does not count. */
function setPointer(random: Random, s: States, r: number, value: number, narrow: boolean): void {
  s.setHalves(r, value, narrow ? random.word() : 0);
}

const RANGE16 = Array.from({ length: 16 }, (_, i) => i);

function little(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => (i < 4 ? value >> (8 * i) : 0) & 0xff);
}

/** A place in the code area, as a distance from the instruction: not into it. */
function placeNear(random: Random, far: boolean): number {
  const reach = far ? 0x3000 : 100;
  return random.chance(2) ? -random.between(16, reach) : random.between(40, reach);
}

/** A jump's target: sometimes one that is not canonical. */
function targetHalves(random: Random, canonical = false): [number, number] {
  const place = SILICON_CODE + placeNear(random, true);
  if (canonical || !random.chance(8)) return [place, 0];
  return [place, random.pick([0x8000, 0x80000000, 0x7fff8000])];
}

function fill(random: Random, s: States): void {
  for (let r = 0; r < 16; r++) s.setHalves(r, ...random.value());
  s.setReg(RSP, MIDDLE);
  s.flags = [0, 2, 4, 6, 7, 11].reduce((f, bit) => f | (random.next(2) << bit), 0x202);
  s.setBases(SILICON_DATA + 8 * random.next(16), SILICON_DATA + 64 + 8 * random.next(16));
  for (let n = 0; n < DATA_BYTES / 8; n++) s.setData(n, ...random.value());
}

function prepareString(random: Random, s: States, size: number, narrow: boolean): void {
  for (const r of [RSI, RDI]) {
    setPointer(random, s, r, MIDDLE + random.between(-12, 12) * size, narrow);
  }
  s.setReg(RCX, random.next(8));
  if (random.chance(3)) s.flags |= 0x400;
}

function operandE(random: Random, s: States, t: Template, e: Encoding): void {
  const fixed = typeof t.modrm === "number";
  const reg = fixed ? (t.modrm as number) : random.next(16);
  if (!fixed && t.smallReg) s.setReg(reg, random.between(-200, 199));
  if (!fixed) e.rex |= (reg >> 3) << 2;
  if (t.memoryOnly || (!t.registerOnly && random.chance(2))) {
    const keep = fixed || !t.smallReg ? -1 : reg;
    memoryOperand(random, s, e, reg, keep);
    return;
  }
  e.rm = random.next(16);
  if (t.target && e.rm === RSP) e.rm = 0;
  e.rex |= e.rm >> 3;
  e.modrm = [0xc0 + (reg & 7) * 8 + (e.rm & 7)];
}

function immediateOf(t: Template, size: number): number {
  if (t.immediate === "z") return Math.min(size, 4);
  if (t.immediate === "v") return size;
  if (t.immediate === "o") return 8;
  return t.immediate ?? 0;
}

/** A VEX prefix of three bytes: R, X, B and vvvv are inverted. */
function vexPrefix(random: Random, e: Encoding, vex: NonNullable<Template["vex"]>, wide: boolean) {
  const first = (((~e.rex & 4) << 5) | ((~e.rex & 2) << 5) | ((~e.rex & 1) << 5) | vex.map) & 0xff;
  return [0xc4, first, (wide ? 0x80 : 0) | (random.next(16) << 3) | vex.prefix];
}

/** Make the current state of `s` a case of template `t`. */
export function randomCase(random: Random, s: States, t: Template): void {
  fill(random, s);
  const operand16 = !t.byte && !t.no66 && !t.vex && !t.bare && random.chance(4);
  const wide = !t.byte && !t.noWide && !t.bare && !operand16 && random.chance(2);
  const size = t.byte ? 1 : wide ? 8 : operand16 ? 2 : 4;
  const e: Encoding = {
    prefixes: operand16 ? [0x66] : [], rex: wide ? 8 : 0, modrm: [], ripRelative: false,
    memory: false, rm: -1, lin: 0,
  };
  if (t.string) {
    const narrow = random.chance(8);
    if (narrow) e.prefixes.push(0x67);
    prepareString(random, s, size, narrow);
  }
  if (t.opcode[0] === 0xc9 || t.opcode[0] === 0xc8) s.setReg(RBP, MIDDLE + 8 * random.next(4));
  if (t.modrm !== undefined) operandE(random, s, t, e);
  else if (random.chance(4) && !t.bare) e.rex |= random.next(2);
  const bytes = immediateOf(t, size);
  const immediate = t.immediate === "o" ? little(MIDDLE + random.between(-64, 63), 8)
    : Array.from({ length: bytes }, () => random.next(t.immediateLimit ?? 256));
  const lock = e.memory && t.lock && random.chance(4);
  const rex = e.rex || (random.chance(4) && !t.bare) ? [0x40 | (e.rex & 15)] : [];
  const lead = t.vex ? vexPrefix(random, e, t.vex, wide) : rex;
  const code = [
    ...(lock ? [0xf0] : []), ...e.prefixes, ...(t.prefixes ?? []), ...lead, ...t.opcode, ...e.modrm,
    ...immediate,
  ];
  const end = code.length;
  if (e.ripRelative) {
    const disp = little(e.lin - SILICON_CODE - end, 4);
    code.splice(end - bytes - 4, 4, ...disp);
  }
  if (t.jump) {
    code.push(...little(placeNear(random, t.jump === 4) - end - t.jump, t.jump));
  }
  s.code = code;
  setOperands(random, s, t, e, size);
  t.prepare?.(s, random);
}

/** Write words of `size` bytes into the data area from `lin` on. */
function put(s: States, lin: number, size: number, words: [number, number][]): void {
  words.forEach(([low, high], i) => {
    const bytes = [...little(low, 4), ...little(high, 4)].slice(0, size);
    s.data.set(bytes, lin + i * size - SILICON_DATA);
  });
}

/** Operands that must be something in particular. */
function setOperands(random: Random, s: States, t: Template, e: Encoding, size: number): void {
  if (t.values) {
    const value = random.pick(t.values);
    if (e.rm >= 0) s.setReg(e.rm, value);
    else put(s, e.lin, 2, [[value, 0]]);
  }
  if (t.stackValues) put(s, MIDDLE, 8, [[random.pick(t.stackValues), 0]]);
  if (t.target) {
    const halves = targetHalves(random, t.canonical);
    if (t.target === "operand" && e.rm >= 0) s.setHalves(e.rm, ...halves);
    else put(s, t.target === "stack" ? MIDDLE : e.lin, 8, [halves]);
  }
  if (t.far) {
    put(s, e.lin, size, [targetHalves(random, t.canonical)]);
    put(s, e.lin + size, 2, [[random.pick(t.far), 0]]);
  }
  if (t.frame) {
    const { cs, flags, ss } = t.frame;
    const words: [number, number][] = [targetHalves(random), [random.pick(cs), 0]];
    if (ss) words.push([random.word() & flags!, 0], random.value(), [random.pick(ss), 0]);
    put(s, MIDDLE, size, words);
  }
  if (t.equal && random.chance(2)) equalise(s, e, size);
}

/** rAX, and rDX for the double-width forms, as operand E is. */
function equalise(s: States, e: Encoding, size: number): void {
  if (e.rm >= 0) {
    s.setHalves(RAX, s.low(e.rm), s.high(e.rm));
    return;
  }
  const view = new DataView(s.data.buffer, s.data.byteOffset, DATA_BYTES);
  const half = (n: number) => view.getUint32(e.lin - SILICON_DATA + 4 * n, true);
  const wide = size === 8;
  s.setHalves(RAX, half(0), wide ? half(1) : s.high(RAX));
  s.setHalves(RDX, wide ? half(2) : half(1), wide ? half(3) : s.high(RDX));
}
