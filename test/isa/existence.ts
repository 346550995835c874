// Which of iced's instructions the emulated CPU has.
import { Code, CpuidFeature, type Instruction, Mnemonic } from "iced-x86";

/** What cpuid.ts announces; instructions of any other feature are #UD. */
const FEATURES = new Set([
  CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
  CpuidFeature.INTEL486, CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.CPUID, CpuidFeature.CX8,
  CpuidFeature.CMPXCHG16B, CpuidFeature.FSGSBASE, CpuidFeature.MSR, CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE, CpuidFeature.POPCNT, CpuidFeature.RDTSCP, CpuidFeature.SYSCALL,
  CpuidFeature.TSC, CpuidFeature.CLFSH, CpuidFeature.RDPMC, CpuidFeature.CET_IBT,
  CpuidFeature.MOVBE, CpuidFeature.LZCNT, CpuidFeature.BMI1, CpuidFeature.BMI2,
]);

/**
 * Of other features, but without their registers: fences, the hints, which are NOPs everywhere, and
 * WBNOINVD, which is WBINVD where the feature is not there.
 */
export const SPECIAL = new Set([
  Mnemonic.Sfence, Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Wbnoinvd,
]);

const codeExists = new Map<Code, boolean>();

export function exists(instruction: Instruction): boolean {
  const { code } = instruction;
  let known = codeExists.get(code);
  if (known === undefined) {
    known = code !== Code.INVALID && instruction.mnemonic !== Mnemonic.Wait && // x87
      (SPECIAL.has(instruction.mnemonic) ||
        instruction.cpuidFeatures().every((feature) => FEATURES.has(feature)));
    codeExists.set(code, known);
  }
  return known;
}

const SEGMENTS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];
const OPERAND_SIZE = 0x66;
const ADDRESS_SIZE = 0x67;
const LOCK = 0xf0;
const REPEATS = [0xf2, 0xf3];
const isRex = (byte: number) => (byte & 0xf0) === 0x40;
const LEGACY = new Set([...SEGMENTS, OPERAND_SIZE, ADDRESS_SIZE, LOCK, ...REPEATS]);

/** Where the opcode is: behind the prefixes, REX among them. */
function opcodeAt(code: Uint8Array): number {
  let at = 0;
  while (at < code.length && (LEGACY.has(code[at]!) || isRex(code[at]!))) at++;
  return at;
}

/** Has it one of the opcodes 0F 0D and 0F 18 to 0F 1F, NOPs but for what came later? */
export function isHint(code: Uint8Array): boolean {
  const at = opcodeAt(code);
  return code[at] === 0x0f && (code[at + 1] === 0x0d || (code[at + 1]! & 0xf8) === 0x18);
}

/** A0 to A3 have an address of the address size in place of ModRM. */
const isOffset = (opcode: number) => opcode >= 0xa0 && opcode <= 0xa3;

/**
 * The instruction without the prefixes that decide neither its length nor whether it exists: a
 * segment, an address size but of A0 to A3, a repetition of another, a REX that is not the last.
 * What remains has at most 15 bytes: four prefixes and the longest body, of 11 bytes.
 */
export function withoutIdlePrefixes(code: Uint8Array): { bytes: Uint8Array; removed: number } {
  const end = opcodeAt(code);
  const kept: number[] = [];
  for (const byte of new Set([...code.subarray(0, end)].reverse())) {
    const repeat = REPEATS.includes(byte) && kept.some((b) => REPEATS.includes(b));
    const idle = SEGMENTS.includes(byte) || (byte === ADDRESS_SIZE && !isOffset(code[end] ?? 0));
    if (!idle && !isRex(byte) && !repeat) kept.push(byte);
  }
  if (end > 0 && isRex(code[end - 1]!)) kept.push(code[end - 1]!);
  const rest = code.subarray(end);
  // Zeros in place of what is beyond the bytes given: an immediate or a displacement
  const bytes = new Uint8Array(kept.length + rest.length + 15);
  bytes.set([...kept, ...rest]);
  return { bytes, removed: end - kept.length };
}

/** Opcodes of which some ModRM reg fields are no instruction: one byte, and after 0F. */
const GROUPS = [0x8c, 0x8e, 0x8f, 0xc6, 0xc7, 0xfe, 0xff];
const GROUPS_0F = [0x00, 0x01, 0xae, 0xba, 0xc7];
const VEX_BYTES: Record<number, number> = { 0xc4: 4, 0xc5: 3 };

/** Bytes of ModRM, SIB and displacement. */
function modrmBytes(modrm: number, sib: number): number {
  const mod = modrm >> 6;
  const rm = modrm & 7;
  if (mod === 3) return 1;
  const withSib = rm === 4 ? 2 : 1;
  const absolute = mod === 0 && (rm === 5 || (rm === 4 && (sib & 7) === 5));
  return withSib + (mod === 1 ? 1 : mod === 2 || absolute ? 4 : 0);
}

/**
 * Bytes up to where an instruction shows that it does not exist: its opcode, or for a group, a
 * segment or control register and VEX more. With more than 15 of them #UD and #GP are both right.
 */
export function bytesUntilUnknown(code: Uint8Array): number {
  const at = opcodeAt(code);
  const opcode = code[at] ?? 0;
  if (VEX_BYTES[opcode]) return at + VEX_BYTES[opcode];
  const two = opcode === 0x0f;
  const second = code[at + 1] ?? 0;
  const modrm = at + (two ? 2 : 1);
  if (two && (second === 0x38 || second === 0x3a)) return at + 3;
  if (two && (second & 0xfc) === 0x20) return modrm + 1; // always a register
  if (!(two ? GROUPS_0F.includes(second) : GROUPS.includes(opcode))) return modrm;
  return modrm + modrmBytes(code[modrm] ?? 0, code[modrm + 1] ?? 0);
}
