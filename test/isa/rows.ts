// The rows of the opcode maps that our decoder knows, and those of them that no vector can cover.
import type { FlatBox } from "./flat-box.ts";

/** Rows without vectors, by the bytes of an instruction of each, and the reason. */
export const WITHOUT_VECTORS: [bytes: number[], reason: string][] = [
  [[0x0f, 0xa2], "CPUID differs by CPU model"],
  [[0x0f, 0x31], "RDTSC differs from run to run"],
  [[0x0f, 0x01, 0xf9], "RDTSCP differs from run to run"],
  [[0x0f, 0x33], "RDPMC depends on how the kernel set CR4.PCE"],
  [[0x0f, 0x05], "SYSCALL enters the host's kernel"],
  [[0x0f, 0x00, 0x00], "SLDT: the host may forbid it (UMIP)"],
  [[0x0f, 0x00, 0xc0], "SLDT: the host may forbid it (UMIP)"],
  [[0x0f, 0x00, 0x08], "STR: the host may forbid it (UMIP)"],
  [[0x0f, 0x00, 0xc8], "STR: the host may forbid it (UMIP)"],
  [[0x0f, 0x01, 0x00], "SGDT: the host may forbid it (UMIP)"],
  [[0x0f, 0x01, 0x08], "SIDT: the host may forbid it (UMIP)"],
  [[0x0f, 0x01, 0x20], "SMSW: the host may forbid it (UMIP)"],
  [[0x0f, 0x01, 0xe0], "SMSW: the host may forbid it (UMIP)"],
];

const PREFIXES = [[], [0x66], [0xf3], [0xf2]];

/** An opcode with each ModRM reg field, in memory and in a register. */
function* withModrm(lead: number[]): Generator<number[]> {
  for (let reg = 0; reg < 8; reg++) {
    yield [...lead, reg << 3];
    yield [...lead, 0xc0 | (reg << 3)];
    yield [...lead, 0xc1 | (reg << 3)]; // 0F 01 F9
  }
}

function* everyOpcode(): Generator<number[]> {
  for (const prefix of PREFIXES) {
    for (let opcode = 0; opcode < 256; opcode++) {
      yield* withModrm([...prefix, opcode]);
      yield* withModrm([...prefix, 0x0f, opcode]);
      yield* withModrm([...prefix, 0x0f, 0x38, opcode]);
      yield* withModrm([...prefix, 0x0f, 0x3a, opcode]);
    }
  }
  for (let opcode = 0; opcode < 256; opcode++) {
    for (let prefix = 0; prefix < 4; prefix++) {
      for (const map of [1, 2, 3]) yield* withModrm([0xc4, 0xe0 | map, 0x78 | prefix, opcode]);
    }
  }
}

/** Key of the row of an instruction, and its name for messages. */
export function rowKey(box: FlatBox, bytes: ArrayLike<number>): number {
  return box.rowOf(bytes);
}

/** Every row that our decoder accepts, with the bytes of an instruction of it. */
export function implementedRows(box: FlatBox): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (const bytes of everyOpcode()) {
    const key = rowKey(box, bytes);
    if (key && !rows.has(key)) rows.set(key, bytes);
  }
  return rows;
}
