// Our decoder and iced-x86 over the same bytes: which instructions exist, how long they are, how
// much memory they read and write, and where.
import {
  Code, CpuidFeature, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, MemorySizeExt,
  Mnemonic, OpAccess, OpKind, Register, RegisterExt,
} from "iced-x86";
import type { FlatBox } from "./flat-box.ts";

/** Bytes from one instruction to the next in a batch. */
export const STRIDE = 16;

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
const SPECIAL = new Set([
  Mnemonic.Sfence, Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Cldemote, Mnemonic.Wbnoinvd,
  ...Object.entries(Mnemonic).filter(([name]) => name.startsWith("Prefetch")).map(([, m]) => m),
]);

/** Their records name no memory operand: NOPs, and XLAT, which has no ModRM. */
const NO_OPERAND = new Set([Mnemonic.Nop, Mnemonic.Reservednop, Mnemonic.Xlatb, Mnemonic.Endbr64]);

/** Instructions whose accesses are to tables, or decided only when they run. */
const NOT_COMPARED = new Set([
  Mnemonic.Enter, Mnemonic.Int, Mnemonic.Int1, Mnemonic.Int3, Mnemonic.Syscall, Mnemonic.Sysret,
  Mnemonic.Sysretq, Mnemonic.Retf, Mnemonic.Iret, Mnemonic.Iretd, Mnemonic.Iretq, Mnemonic.Ud0,
  Mnemonic.Ud1, Mnemonic.Clflush, Mnemonic.Invlpg,
]);

const codeExists = new Map<Code, boolean>();

function exists(instruction: Instruction): boolean {
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

/**
 * Bytes of the NOPs 0F 0D and 0F 18 to 0F 1F, of which iced knows only those that have got a
 * meaning.
 */
function isHint(bytes: Uint8Array): boolean {
  const at = bytes.indexOf(0x0f);
  return at >= 0 && (bytes[at + 1] === 0x0d || (bytes[at + 1]! & 0xf8) === 0x18);
}

const hex = (bytes: ArrayLike<number>) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");

/** A walk of iced over the instructions of a batch. */
function walk(bytes: Uint8Array, visit: (instruction: Instruction, index: number) => void): void {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const instruction = new Instruction();
  for (let i = 0; i < bytes.length / STRIDE; i++) {
    decoder.position = i * STRIDE;
    decoder.decodeOut(instruction);
    visit(instruction, i);
  }
  instruction.free();
  decoder.free();
}

/** A line for each instruction that the two see differently. */
export function lengthDifferences(box: FlatBox, bytes: Uint8Array): string[] {
  const found: string[] = [];
  const lengths = box.lengthsOf(bytes);
  walk(bytes, (theirs, i) => {
    const want = exists(theirs) ? theirs.length : 0;
    const got = lengths[i]!;
    if (got === want || got > 15) return;
    const code = bytes.subarray(i * STRIDE, i * STRIDE + 15);
    if (want === 0 && isHint(code)) return;
    found.push(`${hex(code)}: ${got}, iced ${want} ${Mnemonic[theirs.mnemonic]}`);
  });
  return found;
}

const READS = new Set([
  OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite,
]);
const WRITES = new Set([
  OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite,
]);

/** Offset of a base or index in our register file (assembly/isa/cpu.ts). */
function slotOf(register: Register): number {
  const ZERO = 128;
  return register === Register.None ? ZERO : RegisterExt.number(register) * 8;
}

/** Bytes read and written, and the memory operand's parts, as iced has them. */
function theirAccesses(factory: InstructionInfoFactory, instruction: Instruction): number[] {
  let reads = 0;
  let writes = 0;
  const info = factory.info(instruction);
  for (const memory of info.usedMemory()) {
    const size = MemorySizeExt.size(memory.memorySize);
    if (READS.has(memory.access)) reads += size;
    if (WRITES.has(memory.access)) writes += size;
    memory.free();
  }
  info.free();
  const operand = Array.from({ length: instruction.opCount }, (_, i) => instruction.opKind(i))
    .includes(OpKind.Memory);
  // RIP-relative: ours counts from the line
  const none = NO_OPERAND.has(instruction.mnemonic);
  if (!operand || instruction.isIpRelMemoryOperand || none) {
    return [reads, writes];
  }
  const scale = instruction.memoryIndex === Register.None
    ? -1 : Math.log2(instruction.memoryIndexScale);
  return [
    reads, writes, slotOf(instruction.memoryBase), slotOf(instruction.memoryIndex), scale,
    Number(BigInt.asIntN(32, instruction.memoryDisplacement)),
  ];
}

/** A line for each instruction whose accesses the two see differently. */
export function accessDifferences(box: FlatBox, bytes: Uint8Array): string[] {
  const found: string[] = [];
  const factory = new InstructionInfoFactory();
  const lengths = box.lengthsOf(bytes);
  const accesses = box.accessesOf(bytes);
  walk(bytes, (instruction, i) => {
    if (!lengths[i] || lengths[i]! > 15 || !exists(instruction)) return;
    if (NOT_COMPARED.has(instruction.mnemonic) || SPECIAL.has(instruction.mnemonic)) return;
    // How much a repeated instruction accesses is for RCX to say
    const repeated = instruction.hasRepPrefix || instruction.hasRepnePrefix;
    if (repeated && instruction.isStringInstruction) return;
    const want = theirAccesses(factory, instruction);
    const ours = accesses.subarray(8 * i, 8 * i + 8);
    const got = [...ours.subarray(0, 5), ours[5]! | 0].slice(0, want.length);
    if (want[4] === -1) want[4] = got[4]!; // no index, no scale
    // Of a popped memory operand with RSP as base, ours adds the pop
    if (instruction.mnemonic === Mnemonic.Pop && want[2] === 32) want[5] = got[5]!;
    if (got.every((value, n) => value === want[n])) return;
    const code = bytes.subarray(i * STRIDE, i * STRIDE + instruction.length);
    found.push(`${hex(code)} ${Mnemonic[instruction.mnemonic]}: ${got}, iced ${want}`);
  });
  factory.free();
  return found;
}
