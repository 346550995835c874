// A CPU on flat memory (build/flat.wasm), for tests: registers and memory by plain views, one step
// at a time.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  CORE_CPU, CORE_MEM, MACHINE_BASE, M_CORES, M_COST_CALL, M_COST_CPUID, M_COST_FORWARD,
  M_COST_INTERRUPT,
  M_COST_IRET, M_COST_L1, M_COST_LFENCE, M_COST_LOCK, M_COST_MFENCE,
  M_COST_PAUSE,
  M_COST_POPF, M_COST_PUSHF, M_COST_RDTSC, M_COST_SFENCE, M_COST_SYSCALL, M_COST_XCHG, M_CPUS,
  M_RAM_BASE,
  M_QUANTUM_CYCLES, M_RAM_BYTES, M_TSC_KHZ, M_WINDOW_CYCLES,
} from "../../assembly/abi.ts";

interface FlatExports {
  loadParameters(): void;
  decodeBytes(): number;
  openDecode(base: number): void;
  decodeLength(at: number): number;
  decodeAccessesOf(at: number, stride: number, count: number, out: number): void;
  decodeRow(at: number): number;
  forgetCode(core: number): void;
  resetCore(core: number, id: number): void;
  resetLongMode(core: number, rip: bigint, rsi: bigint, cr3: bigint): void;
  resetUser(core: number, rip: bigint, cr3: bigint, cs: number, ss: number): void;
  run(core: number, limit: bigint): number;
  step(core: number, count: number): number;
  getFlags(core: number): number;
  setFlags(core: number, flags: number): void;
  setCpl(core: number, cpl: number): void;
}

export const REGISTERS = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
] as const;
export type Register = (typeof REGISTERS)[number];

// Offsets in the Cpu (assembly/isa/cpu.ts)
const RIP = 224;
const RFLAGS = 232;
const CR2 = 248;
/** Followed by GS_BASE. */
export const FS_BASE = 160;
export const TABLE_FIELDS = {
  gdtBase: 344, idtBase: 352, trBase: 360, gdtLimit: 368, idtLimit: 372, trLimit: 376,
} as const;
const SELECTORS = 380;
const CPL = 220;
const PENDING = 404;
const INSTRUCTIONS = 64; // in CORE_MEM

const CORE_ADDRESS = 0x200000;
const DECODE_ADDRESS = 0x300000;
const RAM_ADDRESS = 0xd00000;
export const RAM_BYTES = 0x1000000;
/** Page tables of the identity map: 2 MiB pages, but 4 KiB ones from 2 MiB to 4 MiB. */
export const TABLES = 0x1000;
export const GDT = 0x8000;
export const CODE = 0x10000;
export const STACK_TOP = 0x90000;

const FLAT = fileURLToPath(new URL("../../build/flat.wasm", import.meta.url));

const COSTS: [number, number][] = [
  [M_COST_L1, 3], [M_COST_FORWARD, 5], [M_COST_MFENCE, 9], [M_COST_SFENCE, 9], [M_COST_LFENCE, 8],
  [M_COST_LOCK, 27], [M_COST_XCHG, 25], [M_COST_PAUSE, 8], [M_COST_RDTSC, 64], [M_COST_CPUID, 200],
  [M_COST_PUSHF, 7], [M_COST_POPF, 20], [M_COST_CALL, 2],
  [M_COST_INTERRUPT, 500],
  [M_COST_IRET, 100], [M_COST_SYSCALL, 40],
];

export class FlatBox {
  readonly memory = new WebAssembly.Memory({ initial: 512, maximum: 65536, shared: true });
  readonly view = new DataView(this.memory.buffer);
  readonly bytes = new Uint8Array(this.memory.buffer);
  readonly exports: FlatExports;
  readonly core = CORE_ADDRESS;

  /** `file` is another build of the module: a mutant. */
  constructor(file = FLAT) {
    const module = new WebAssembly.Module(readFileSync(file));
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.memory, abort: () => { throw new Error("abort"); } },
    });
    this.exports = instance.exports as unknown as FlatExports;
    this.parameter(M_CPUS, 1);
    this.parameter(M_WINDOW_CYCLES, 1);
    this.parameter(M_QUANTUM_CYCLES, 1);
    this.parameter(M_CORES, this.core);
    this.parameter(M_RAM_BASE, RAM_ADDRESS);
    this.parameter(M_RAM_BYTES, RAM_BYTES);
    this.parameter(M_TSC_KHZ, 2333000);
    for (const [at, cycles] of COSTS) this.parameter(at, cycles);
    this.exports.loadParameters();
    this.exports.openDecode(DECODE_ADDRESS);
    const end = DECODE_ADDRESS + this.exports.decodeBytes();
    if (end > RAM_ADDRESS) throw new Error("the decoded lines overlap RAM");
    this.writeTables();
    this.reset(CODE);
  }

  parameter(at: number, value: number): void {
    this.view.setUint32(MACHINE_BASE + at, value, true);
  }

  /** Identity map of RAM and a flat GDT. */
  private writeTables(): void {
    const entry = (at: number, value: bigint) => this.write(at, 8, value);
    entry(TABLES, BigInt(TABLES + 0x1000) | 7n);
    entry(TABLES + 0x1000, BigInt(TABLES + 0x2000) | 7n);
    for (let i = 0; i < 512; i++) entry(TABLES + 0x2000 + 8 * i, (BigInt(i) << 21n) | 0xe7n);
    entry(TABLES + 0x2008, BigInt(TABLES + 0x3000) | 7n);
    for (let i = 0; i < 512; i++) {
      entry(TABLES + 0x3000 + 8 * i, (0x200000n + (BigInt(i) << 12n)) | 0x67n);
    }
    // 10H code, 18H data; 20H data and 28H code of ring 3
    const descriptors = [
      0n, 0n, 0x00af9b000000ffffn, 0x00cf93000000ffffn, 0x00cff3000000ffffn, 0x00affb000000ffffn,
    ];
    descriptors.forEach((d, i) => this.write(GDT + 8 * i, 8, d));
  }

  /** Ring 0, 64-bit mode, every register 0 but RSP. */
  reset(rip: number): void {
    this.exports.resetCore(this.core, 0);
    this.exports.resetLongMode(this.core, BigInt(rip), 0n, BigInt(TABLES));
    this.setTable("gdt", GDT, 0x2f);
    this.set("rsp", BigInt(STACK_TOP));
  }

  setTable(table: "gdt" | "idt" | "tr", base: number, limit: number): void {
    this.view.setBigUint64(this.core + TABLE_FIELDS[`${table}Base`], BigInt(base), true);
    this.view.setUint32(this.core + TABLE_FIELDS[`${table}Limit`], limit, true);
  }

  get(register: Register): bigint {
    return this.view.getBigUint64(this.core + CORE_CPU + 8 * REGISTERS.indexOf(register), true);
  }

  set(register: Register, value: bigint): void {
    const at = this.core + CORE_CPU + 8 * REGISTERS.indexOf(register);
    this.view.setBigUint64(at, BigInt.asUintN(64, value), true);
  }

  field(offset: number): bigint {
    return this.view.getBigUint64(this.core + offset, true);
  }

  setField(offset: number, value: bigint): void {
    this.view.setBigUint64(this.core + offset, value, true);
  }

  get rip(): number { return Number(this.field(RIP)); }
  set rip(value: number) { this.setField(RIP, BigInt(value)); }
  get cr2(): bigint { return this.field(CR2); }
  get cpl(): number { return this.view.getUint32(this.core + CPL, true); }
  get pending(): number { return this.view.getUint32(this.core + PENDING, true); }
  get clock(): bigint { return this.field(CORE_MEM); }
  get instructions(): bigint { return this.field(CORE_MEM + INSTRUCTIONS); }
  get runState(): number { return this.view.getUint32(this.core + CORE_MEM + 20, true); }
  /** End a HLT. */
  wake(): void { this.view.setUint32(this.core + CORE_MEM + 20, 0, true); }
  get cs(): number { return this.view.getUint16(this.core + SELECTORS + 2, true); }
  get ss(): number { return this.view.getUint16(this.core + SELECTORS + 4, true); }

  get flags(): bigint { return this.field(RFLAGS) | BigInt(this.exports.getFlags(this.core)); }
  set flags(value: bigint) {
    this.exports.setFlags(this.core, Number(value & 0x8d5n));
    this.setField(RFLAGS, (value & ~0x8d5n) | 2n);
  }

  /** The flags as numbers, for many cases at a time. */
  getFlags(): number {
    return this.view.getUint32(this.core + RFLAGS, true) | this.exports.getFlags(this.core);
  }

  setFlags(value: number): void {
    this.exports.setFlags(this.core, value & 0x8d5);
    this.view.setUint32(this.core + RFLAGS, (value & ~0x8d5) | 2, true);
  }

  /** The descriptor tables again, after a reset: the GDT at `base`, IDT and TSS as gates.ts has. */
  setTables(base: number, limit: number): void {
    this.setTable("gdt", base, limit);
    this.setTable("idt", 0x9000, 0xfff);
    this.setTable("tr", 0xa000, 0x67);
  }

  /** As load(), when the CPU has fetched nothing yet. */
  copyIn(phys: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, RAM_ADDRESS + phys);
  }

  write(phys: number, size: 1 | 2 | 4 | 8, value: bigint): void {
    for (let i = 0; i < size; i++) {
      this.bytes[RAM_ADDRESS + phys + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
  }

  read(phys: number, size: 1 | 2 | 4 | 8): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) {
      value = (value << 8n) | BigInt(this.bytes[RAM_ADDRESS + phys + i]!);
    }
    return value;
  }

  load(phys: number, bytes: ArrayLike<number>): void {
    this.bytes.set(bytes, RAM_ADDRESS + phys);
    this.exports.forgetCode(this.core);
  }

  slice(phys: number, length: number): Uint8Array {
    return this.bytes.slice(RAM_ADDRESS + phys, RAM_ADDRESS + phys + length);
  }

  step(count = 1): number { return this.exports.step(this.core, count); }
  run(cycles: number): number { return this.exports.run(this.core, this.clock + BigInt(cycles)); }

  private place(bytes: ArrayLike<number>): number {
    const at = RAM_ADDRESS + 0x800000;
    this.bytes.fill(0, at, at + 16);
    this.bytes.set(bytes, at);
    return at;
  }

  /** Row of the opcode maps of the instruction in `bytes` (assembly/isa/decode.ts); 0 for #UD. */
  rowOf(bytes: ArrayLike<number>): number {
    return this.exports.decodeRow(this.place(bytes));
  }

  /**
   * What our decoder makes of instructions of 16 bytes each, until the next call: 32 words each
   * (assembly/isa/accesses.ts).
   */
  decodeAll(bytes: Uint8Array): Int32Array {
    const at = RAM_ADDRESS + 0x800000;
    const count = bytes.length / 16;
    const out = at + bytes.length;
    if (out + 128 * count > this.bytes.length) throw new Error("too many instructions at a time");
    this.bytes.set(bytes, at);
    this.exports.decodeAccessesOf(at, 16, count, out);
    return new Int32Array(this.memory.buffer, out, 32 * count);
  }

  /** Length of the instruction in `bytes` as our decoder sees it; 0 for #UD, 16 for too long. */
  lengthOf(bytes: ArrayLike<number>): number {
    return this.exports.decodeLength(this.place(bytes));
  }
}
