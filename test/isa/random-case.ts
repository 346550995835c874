// Random cases of a template: prefixes, registers, memory operands that stay inside the data area.
import type { Template } from "./families.ts";
import { type Case, DATA_BYTES, SILICON_CODE, SILICON_DATA } from "./silicon.ts";

const EDGES = [
  0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn,
  0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn,
];

/** A small deterministic generator: xorshift of 32 bits. */
export class Random {
  constructor(private state: number) {}

  next(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  chance(oneIn: number): boolean { return this.next(oneIn) === 0; }

  pick<T>(items: readonly T[]): T { return items[this.next(items.length)]!; }

  /** 64 bits with a taste for edges. */
  value(): bigint {
    const part = () => BigInt(this.next(2 ** 31));
    const bits = (part() << 33n) ^ (part() << 16n) ^ part();
    switch (this.next(6)) {
      case 0: return this.pick(EDGES);
      case 1: return bits & 0xffn;
      case 2: return BigInt.asUintN(64, -(bits & 0xffn));
      default: return BigInt.asUintN(64, bits);
    }
  }
}

const RSP = 4;
/** Middle of the data area: operands are near it. */
const MIDDLE = BigInt(SILICON_DATA + DATA_BYTES / 2);

interface Encoded {
  bytes: number[];
  rex: number;
}

/** ModRM for a memory operand, with the registers that it needs set. */
function memoryOperand(
  random: Random, regs: bigint[], reg: number, length: (encoded: number) => number,
): Encoded {
  if (random.chance(8)) {
    // RIP-relative: the displacement counts from the end of the instruction
    const disp = SILICON_DATA + 128 + random.next(256) - (SILICON_CODE + length(5));
    return { bytes: [(reg & 7) * 8 + 5, ...little(BigInt(disp), 4)], rex: 0 };
  }
  const base = random.pick(range16.filter((r) => r !== 0 && r !== RSP && r !== reg));
  const disp8 = random.next(2) === 0;
  const disp = random.next(128) - 64;
  regs[base] = MIDDLE;
  const mod = disp8 ? 0x40 : 0x80;
  const tail = little(BigInt(disp), disp8 ? 1 : 4);
  if (random.chance(2) && (base & 7) !== 4) {
    return { bytes: [mod + (reg & 7) * 8 + (base & 7), ...tail], rex: base >> 3 };
  }
  const free = range16.filter((r) => r !== base && r !== RSP && r !== reg);
  const index = random.chance(3) ? RSP : random.pick(free);
  const scale = random.next(4);
  if (index !== RSP) regs[index] = BigInt.asUintN(64, BigInt(random.next(9) - 4));
  return {
    bytes: [mod + (reg & 7) * 8 + 4, scale * 64 + (index & 7) * 8 + (base & 7), ...tail],
    rex: (base >> 3) | ((index >> 3) << 1),
  };
}

const range16 = Array.from({ length: 16 }, (_, i) => i);

export function little(value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}

/** A random instance of a template. */
export function randomCase(random: Random, t: Template): Case {
  const regs = range16.map(() => random.value());
  const data = Uint8Array.from({ length: DATA_BYTES }, () => random.next(256));
  regs[RSP] = MIDDLE;
  const operand16 = !t.byte && !t.no66 && random.chance(4);
  const wide = !t.byte && !operand16 && random.chance(2);
  const rexAnyway = random.chance(4);
  if (t.string) prepareString(random, regs, t.byte ? 1 : wide ? 8 : operand16 ? 2 : 4);
  if (t.opcode[0] === 0xc9 || t.opcode[0] === 0xc8) regs[5] = MIDDLE + BigInt(8 * random.next(4));
  let rex = wide ? 8 : 0;
  const immediateBytes = t.immediate === "z" ? (operand16 ? 2 : 4)
    : t.immediate === "v" ? (operand16 ? 2 : wide ? 8 : 4) : t.immediate ?? 0;
  let modrm: number[] = [];
  let memory = false;
  if (t.modrm !== undefined) {
    const fixed = typeof t.modrm === "number";
    const reg = fixed ? (t.modrm as number) : random.next(16);
    if (!fixed && t.smallReg) regs[reg] = BigInt.asUintN(64, BigInt(random.next(400) - 200));
    if (!fixed) rex |= (reg >> 3) << 2;
    memory = t.memoryOnly || (!t.registerOnly && random.chance(2));
    if (memory) {
      // Whether a REX byte will be there decides the length, which a RIP-relative operand needs:
      // force one
      rex |= 0x40;
      const before = (t.prefixes?.length ?? 0) + (operand16 ? 1 : 0) + 1 + t.opcode.length;
      const keep = fixed ? -1 : reg;
      const saved = [...regs];
      const encoded = memoryOperand(random, regs, keep, (n) => before + n + immediateBytes);
      if (keep >= 0) encoded.bytes[0] = (encoded.bytes[0]! & 0xc7) | ((reg & 7) << 3);
      else encoded.bytes[0] = (encoded.bytes[0]! & 0xc7) | (reg << 3);
      if (t.stack && regs[RSP] !== saved[RSP]) regs[RSP] = saved[RSP]!;
      rex |= encoded.rex;
      modrm = encoded.bytes;
    } else {
      const rm = random.next(16);
      rex |= rm >> 3;
      modrm = [0xc0 + (reg & 7) * 8 + (rm & 7)];
    }
  } else if (rexAnyway) rex |= random.next(2);
  const immediate = Array.from({ length: immediateBytes }, () => random.next(256));
  const lock = memory && t.lock && random.chance(4);
  const rexByte = rex || rexAnyway ? [0x40 | (rex & 15)] : [];
  const code = [
    ...(operand16 ? [0x66] : []), ...(t.prefixes ?? []), ...rexByte, ...t.opcode, ...modrm,
    ...immediate,
  ];
  const flags = BigInt([0, 2, 4, 6, 7, 11].reduce((f, bit) => f | (random.next(2) << bit), 2));
  const direction = t.string && random.chance(3) ? 0x400n : 0n;
  return { code: lock ? [0xf0, ...code] : code, regs, flags: flags | direction | 0x202n, data };
}

function prepareString(random: Random, regs: bigint[], size: number): void {
  regs[6] = MIDDLE + BigInt(random.next(32) * size - 16 * size) % 100n;
  regs[7] = MIDDLE + BigInt(random.next(32) * size - 16 * size) % 100n;
  regs[1] = BigInt(random.next(8));
}
