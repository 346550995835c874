// Our decoder and iced-x86 over the same bytes: which instructions exist, how long they are, their
// operands, and what they read and write where.
import {
  ConditionCode, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, MemorySizeExt,
  Mnemonic, OpAccess, OpKind, Register, RegisterExt,
} from "iced-x86";
import { bytesUntilUnknown, exists, isHint, SPECIAL, withoutIdlePrefixes } from "./existence.ts";
import type { FlatBox } from "./flat-box.ts";

/** Bytes from one instruction to the next in a batch. */
export const STRIDE = 16;
export const INSTRUCTION_BYTES = 15;
/** Length that our decoder gives an instruction of more than 15 bytes. */
const TOO_LONG = 16;

// Words of what decodeAccesses() tells (assembly/isa/accesses.ts)
export const WORDS = 32;
const LENGTH = 0;
const READS = 2;
const WRITES = 3;
const MEMORY = 4;
const BASE = 5;
const INDEX = 6;
const SCALE = 7;
const DISP = 8;
const SEGMENT = 10;
const FLAGS = 11;
const OPERANDS = 12;
const CONDITION = 13;
const OPERAND = 16;

// Flags there
const STACK = 4;
const REP = 8;
const REPNE = 16;
const ADDRESS32 = 32;
const LOCKED = 64;
const TORN = 128;

// Kinds of operands (assembly/isa/operands.ts)
const KIND = { register: 1, segment: 2, control: 3, debug: 4, constant: 5, memory: 6, target: 7 };
const STRING = 8;

/** Offsets in our register file (assembly/isa/cpu.ts). */
const ZERO = 128;
const LINE = 152;
const SEGMENT_BASE: Partial<Record<Register, number>> = { [Register.FS]: 160, [Register.GS]: 168 };
const RSP_SLOT = 32;

/** kind | size << 8 | number << 16 of each of iced's registers, as in operands.ts. */
const REGISTERS = Array.from({ length: Register.DontUse0 }, (_, r: Register) => {
  const number = RegisterExt.number(r);
  if (RegisterExt.isSegmentRegister(r)) return KIND.segment | (number << 16);
  if (RegisterExt.isCR(r)) return KIND.control | (number << 16);
  if (RegisterExt.isDR(r)) return KIND.debug | (number << 16);
  if (!RegisterExt.isGPR(r)) return 0;
  const high = r >= Register.AH && r <= Register.BH;
  const slot = high
    ? (r - Register.AH) * 8 + 1 : RegisterExt.number(RegisterExt.fullRegister(r)) * 8;
  return KIND.register | (RegisterExt.size(r) << 8) | (slot << 16);
});

const READING = new Set([
  OpAccess.Read, OpAccess.CondRead, OpAccess.ReadWrite, OpAccess.ReadCondWrite,
]);
const WRITING = new Set([
  OpAccess.Write, OpAccess.CondWrite, OpAccess.ReadWrite, OpAccess.ReadCondWrite,
]);

/** Their accesses are to tables, to as many levels as an operand says, or none at all. */
const TABLE_ACCESSES = new Set([
  Mnemonic.Enter, Mnemonic.Int, Mnemonic.Int1, Mnemonic.Int3, Mnemonic.Syscall, Mnemonic.Sysret,
  Mnemonic.Sysretq, Mnemonic.Iret, Mnemonic.Iretd, Mnemonic.Iretq, Mnemonic.Clflush,
  Mnemonic.Invlpg,
]);
/** Nothing is done with their operands. */
const IDLE = new Set([
  Mnemonic.Nop, Mnemonic.Reservednop, Mnemonic.Endbr64, Mnemonic.Endbr32, Mnemonic.Ud0,
  Mnemonic.Ud1, ...SPECIAL,
]);
const SHIFTS = new Set([
  Mnemonic.Rol, Mnemonic.Ror, Mnemonic.Rcl, Mnemonic.Rcr, Mnemonic.Shl, Mnemonic.Shr, Mnemonic.Sal,
  Mnemonic.Sar,
]);
const conditional = /^(J(?!mp|e?rcxz|ecxz|kn?zd)|Set(?!ssbsy)|Cmov)/;
const CONDITIONS = new Set(Object.entries(Mnemonic)
  .filter(([name]) => conditional.test(name)).map(([, mnemonic]) => mnemonic as Mnemonic));
const STRING_KINDS = new Set([
  OpKind.MemorySegSI, OpKind.MemorySegESI, OpKind.MemorySegRSI, OpKind.MemorySegDI,
  OpKind.MemorySegEDI, OpKind.MemorySegRDI, OpKind.MemoryESDI, OpKind.MemoryESEDI,
  OpKind.MemoryESRDI,
]);
const STRING_SOURCES = new Set([OpKind.MemorySegESI, OpKind.MemorySegRSI]);
const STRING32 = new Set([OpKind.MemorySegESI, OpKind.MemoryESEDI]);

const hex = (bytes: ArrayLike<number>) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");

/** How many instructions were compared, and of how many more than their length. */
export interface Compared {
  strings: number;
  instructions: number;
  operands: number;
  accesses: number;
}

/** Compares batches; one for many of them. */
export class Comparison {
  readonly compared: Compared = { strings: 0, instructions: 0, operands: 0, accesses: 0 };
  private readonly instruction = new Instruction();
  private readonly factory = new InstructionInfoFactory();
  private words: Int32Array = new Int32Array(0);
  private at = 0;

  constructor(private readonly box: FlatBox) {}

  /** A line for each instruction that the two see differently, `limit` at most. */
  differences(bytes: Uint8Array, limit = 10): string[] {
    const found: string[] = [];
    this.words = this.box.decodeAll(bytes);
    const decoder = new Decoder(64, bytes, DecoderOptions.None);
    // What iced knows as something newer is a NOP where that is not there
    const hints = new Decoder(64, bytes, DecoderOptions.ForceReservedNop);
    for (let i = 0; i < bytes.length / STRIDE && found.length < limit; i++) {
      const code = bytes.subarray(i * STRIDE, i * STRIDE + INSTRUCTION_BYTES);
      const from = isHint(code) ? hints : decoder;
      from.position = i * STRIDE;
      from.ip = 0n;
      from.decodeOut(this.instruction);
      this.at = i * WORDS;
      const text = this.difference(this.instruction, code);
      if (text) found.push(`${hex(code)} ${Mnemonic[this.instruction.mnemonic]}: ${text}`);
    }
    hints.free();
    decoder.free();
    this.compared.strings += bytes.length / STRIDE;
    return found;
  }

  private word(offset: number): number {
    return this.words[this.at + offset]!;
  }

  private long(offset: number): bigint {
    return (BigInt(this.word(offset + 1)) << 32n) | BigInt(this.word(offset) >>> 0);
  }

  private difference(theirs: Instruction, code: Uint8Array): string {
    const known = exists(theirs);
    const length = this.word(LENGTH);
    const want = known ? theirs.length : tooLong(theirs, code) ? TOO_LONG : 0;
    // Neither is wrong where an instruction neither exists nor fits
    const both = !want && length === TOO_LONG && bytesUntilUnknown(code) > INSTRUCTION_BYTES;
    if (length !== want && !both) return `length ${length}, iced ${want}`;
    if (!known) return "";
    this.compared.instructions++;
    if (this.word(FLAGS) & TORN) return "the records contradict each other";
    if (IDLE.has(theirs.mnemonic)) {
      return this.word(READS) || this.word(WRITES) || this.word(OPERANDS) ? "not idle" : "";
    }
    const text = this.operandDifference(theirs) || this.memoryDifference(theirs) ||
      this.prefixDifference(theirs);
    return text || this.accessDifference(theirs);
  }

  /** The explicit operands, one by one. */
  private operandDifference(theirs: Instruction): string {
    this.compared.operands++;
    if (theirs.isStringInstruction || theirs.mnemonic === Mnemonic.Xlatb) {
      return this.stringDifference(theirs);
    }
    const count = this.word(OPERANDS);
    // RET of any kind without an operand pops none
    const implied = theirs.mnemonic === Mnemonic.Retf && theirs.opCount === 0;
    if (implied) return this.long(OPERAND + 2) ? "pops what it should not" : "";
    if (count !== theirs.opCount) return `${count} operands, iced ${theirs.opCount}`;
    for (let n = 0; n < count; n++) {
      const what = this.word(OPERAND + 4 * n);
      const text = this.oneDifference(theirs, n, theirs.opKind(n), what);
      if (text) return `operand ${n}: ${text}`;
    }
    return "";
  }

  private oneDifference(theirs: Instruction, n: number, kind: OpKind, what: number): string {
    if (kind === OpKind.Register) {
      const want = REGISTERS[theirs.opRegister(n)]!;
      return what === want ? "" : `${what.toString(16)}, iced ${want.toString(16)}`;
    }
    if (kind === OpKind.Memory) return (what & 0xff) === KIND.memory ? "" : "no memory operand";
    const value = this.long(OPERAND + 4 * n + 2);
    if (kind === OpKind.NearBranch64) {
      const want = BigInt.asIntN(64, theirs.nearBranch64);
      return (what & 0xff) === KIND.target && value === want ? "" : `to ${value}, iced ${want}`;
    }
    if ((what & 0xff) !== KIND.constant) return "no immediate";
    const bits = 8 * ((what >> 8) & 0xff);
    const want = BigInt.asUintN(bits, this.immediate(theirs, n));
    const got = BigInt.asUintN(bits, value);
    return got === want ? "" : `immediate ${got}, iced ${want}`;
  }

  private immediate(theirs: Instruction, n: number): bigint {
    const value = theirs.immediate(n);
    if (!SHIFTS.has(theirs.mnemonic)) return value;
    // Ours is the count that is left of it
    const first = theirs.opKind(0) === OpKind.Register
      ? RegisterExt.size(theirs.opRegister(0)) : MemorySizeExt.size(theirs.memorySize);
    return value & (first === 8 ? 63n : 31n);
  }

  /** Element size, source segment and address size of a string instruction, and its repetition. */
  private stringDifference(theirs: Instruction): string {
    const kinds = Array.from({ length: theirs.opCount }, (_, n) => theirs.opKind(n));
    const xlat = theirs.mnemonic === Mnemonic.Xlatb;
    const source = xlat || kinds.some((kind) => STRING_SOURCES.has(kind));
    const segment = (source && SEGMENT_BASE[theirs.memorySegment]) || ZERO;
    const narrow = xlat
      ? theirs.memoryBase === Register.EBX : kinds.some((kind) => STRING32.has(kind));
    const want = STRING | (MemorySizeExt.size(theirs.memorySize) << 8) | (segment << 16);
    if (!xlat && !kinds.some((kind) => STRING_KINDS.has(kind))) return "no string of iced's";
    let got = this.word(OPERAND);
    // Of an instruction that only stores, the segment is nobody's
    if (!source) got = (got & 0xffff) | (ZERO << 16);
    if (got !== want) return `string ${got.toString(16)}, iced ${want.toString(16)}`;
    return this.word(OPERAND + 2) === (narrow ? 4 : 8) ? "" : "address size of a string";
  }

  /** Base, index, scale, displacement, segment and address size of the memory operand. */
  private memoryDifference(theirs: Instruction): string {
    let has = false;
    for (let n = 0; n < theirs.opCount; n++) has ||= theirs.opKind(n) === OpKind.Memory;
    if (theirs.mnemonic === Mnemonic.Xlatb) has = false;
    if (this.word(MEMORY) !== Number(has)) return "one has a memory operand";
    if (!has) return "";
    const { memoryBase, memoryIndex } = theirs;
    const base = slotOf(memoryBase);
    if (this.word(BASE) !== base) return `base ${this.word(BASE)}, iced ${base}`;
    const index = slotOf(memoryIndex);
    if (this.word(INDEX) !== index) return `index ${this.word(INDEX)}, iced ${index}`;
    const scale = 1 << this.word(SCALE);
    if (index !== ZERO && scale !== theirs.memoryIndexScale) {
      return `scale ${scale}, iced ${theirs.memoryIndexScale}`;
    }
    const narrow = addressSize(theirs) === 4;
    if ((this.word(FLAGS) & ADDRESS32) !== (narrow ? ADDRESS32 : 0)) return "address size";
    const disp = this.wantedDisp(theirs);
    const bits = narrow ? 32 : 64;
    if (BigInt.asIntN(bits, this.long(DISP)) !== BigInt.asIntN(bits, disp)) {
      return `displacement ${this.long(DISP)}, iced ${disp}`;
    }
    // LEA has no segment
    const lea = theirs.mnemonic === Mnemonic.Lea;
    const segment = lea ? 0 : SEGMENT_BASE[theirs.memorySegment] ?? 0;
    if (this.word(SEGMENT) !== segment) return `segment ${this.word(SEGMENT)}, iced ${segment}`;
    const overridden = theirs.memorySegment === Register.FS || theirs.memorySegment === Register.GS;
    const stack = !overridden && (base === RSP_SLOT || base === RSP_SLOT + 8);
    return (this.word(FLAGS) & STACK) === (stack ? STACK : 0) ? "" : "stack segment";
  }

  /** RIP-relative: ours counts from the line, which begins at 0 here, as iced's IP does. */
  private wantedDisp(theirs: Instruction): bigint {
    const disp = theirs.memoryDisplacement;
    // A popped memory operand with RSP as base is addressed after the pop
    const popped = theirs.mnemonic === Mnemonic.Pop && slotOf(theirs.memoryBase) === RSP_SLOT;
    return popped ? disp + BigInt(MemorySizeExt.size(theirs.memorySize)) : disp;
  }

  private prefixDifference(theirs: Instruction): string {
    const flags = this.word(FLAGS);
    if (theirs.isStringInstruction) {
      const want = (theirs.hasRepPrefix ? REP : 0) | (theirs.hasRepnePrefix ? REPNE : 0);
      if ((flags & (REP | REPNE)) !== want) return `repetition ${flags}, iced ${want}`;
    }
    // XCHG needs no LOCK; CMPXCHG8B is not cracked
    const { mnemonic } = theirs;
    const whole = mnemonic === Mnemonic.Cmpxchg8b || mnemonic === Mnemonic.Cmpxchg16b;
    const exchange = mnemonic === Mnemonic.Xchg && this.word(MEMORY) !== 0;
    const locked = exchange || (theirs.hasLockPrefix && !whole);
    if (((flags & LOCKED) !== 0) !== locked) return "one is locked";
    const condition = CONDITIONS.has(mnemonic) ? theirs.conditionCode : ConditionCode.None;
    return this.word(CONDITION) === condition
      ? "" : `condition ${this.word(CONDITION)}, iced ${condition}`;
  }

  /** Bytes read and written. */
  private accessDifference(theirs: Instruction): string {
    if (TABLE_ACCESSES.has(theirs.mnemonic)) return "";
    // How much a repeated instruction accesses is for RCX to say
    if (theirs.isStringInstruction && (theirs.hasRepPrefix || theirs.hasRepnePrefix)) return "";
    this.compared.accesses++;
    let reads = 0;
    let writes = 0;
    const info = this.factory.info(theirs);
    for (const memory of info.usedMemory()) {
      const size = MemorySizeExt.size(memory.memorySize);
      const { access } = memory;
      if (READING.has(access)) reads += size;
      if (WRITING.has(access)) writes += size;
      memory.free();
    }
    info.free();
    if (this.word(READS) !== reads) return `reads ${this.word(READS)}, iced ${reads}`;
    return this.word(WRITES) === writes ? "" : `writes ${this.word(WRITES)}, iced ${writes}`;
  }
}

/** Base or index in our register file. */
function slotOf(register: Register): number {
  if (register === Register.None) return ZERO;
  if (register === Register.RIP || register === Register.EIP) return LINE;
  return RegisterExt.number(register) * 8;
}

function addressSize(theirs: Instruction): number {
  const { memoryBase, memoryIndex } = theirs;
  if (memoryBase !== Register.None) return RegisterExt.size(memoryBase);
  if (memoryIndex !== Register.None) return RegisterExt.size(memoryIndex);
  return theirs.memoryDisplSize;
}

/**
 * iced stops after 15 bytes: is it only that? Length comes before legality, as with a LOCK that the
 * instruction may not have.
 */
function tooLong(theirs: Instruction, code: Uint8Array): boolean {
  if (theirs.length !== INSTRUCTION_BYTES) return false;
  const { bytes, removed } = withoutIdlePrefixes(code);
  const options = isHint(bytes) ? DecoderOptions.ForceReservedNop : DecoderOptions.None;
  const decoder = new Decoder(64, bytes, options | DecoderOptions.NoInvalidCheck);
  const instruction = decoder.decode();
  const long = exists(instruction) && instruction.length + removed > INSTRUCTION_BYTES;
  instruction.free();
  decoder.free();
  return long;
}
