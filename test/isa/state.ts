// The state of the processor before or after one instruction: the block that silicon.c reads and
// writes, of which a batch of cases is an array.

/** Fixed addresses of silicon.c, below the emulated machine's 16 MiB. */
export const SILICON_CODE = 0xa08040;
export const SILICON_DATA = 0xb00000;
export const DATA_BYTES = 512;
export const CODE_BYTES = 16;

// Offsets in a block, in bytes:   0 | regs [16] | 128 | flags | rip | signal | length | fs | gs |
// 176 | code [16] | 192 | data [512] | 704
const FLAGS = 128;
const RIP = 136;
const SIGNAL = 144;
const LENGTH = 152;
const FS = 160;
const GS = 168;
const CODE = 176;
const DATA = 192;
export const STATE_BYTES = 704;

/** `count` states in one buffer, of which `select` makes one the current. */
export class States {
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  private at = 0;

  constructor(readonly count: number, bytes = new Uint8Array(count * STATE_BYTES)) {
    this.bytes = bytes;
    this.words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }

  select(index: number): this {
    this.at = index * STATE_BYTES;
    return this;
  }

  private get(offset: number): number { return this.words[(this.at + offset) / 4]!; }
  private set(offset: number, value: number): void { this.words[(this.at + offset) / 4] = value; }

  /** The low and high half of register `n` in encoding order. */
  low(n: number): number { return this.get(8 * n); }
  high(n: number): number { return this.get(8 * n + 4); }
  setHalves(n: number, low: number, high: number): void {
    this.set(8 * n, low);
    this.set(8 * n + 4, high);
  }

  /** A register as a small signed number. */
  setReg(n: number, value: number): void {
    this.setHalves(n, value, value < 0 ? 0xffffffff : 0);
  }

  get flags(): number { return this.get(FLAGS); }
  set flags(value: number) { this.set(FLAGS, value); }
  /** After: distance from the instruction to the next. */
  get rip(): number { return this.get(RIP) | 0; }
  set rip(value: number) { this.set(RIP, value); }
  /** After: 0, or the signal that the instruction ended in. */
  get signal(): number { return this.get(SIGNAL); }
  set signal(value: number) { this.set(SIGNAL, value); }
  get length(): number { return this.get(LENGTH); }
  get fs(): number { return this.get(FS); }
  get gs(): number { return this.get(GS); }
  setBases(fs: number, gs: number): void {
    this.set(FS, fs);
    this.set(GS, gs);
  }

  get code(): Uint8Array {
    return this.bytes.subarray(this.at + CODE, this.at + CODE + this.length);
  }
  set code(code: readonly number[]) {
    this.set(LENGTH, code.length);
    this.bytes.set(code, this.at + CODE);
  }

  /** The general registers, as bytes. */
  get regs(): Uint8Array { return this.bytes.subarray(this.at, this.at + FLAGS); }
  /** FS and GS base, as bytes. */
  get bases(): Uint8Array { return this.bytes.subarray(this.at + FS, this.at + CODE); }
  get data(): Uint8Array { return this.bytes.subarray(this.at + DATA, this.at + STATE_BYTES); }

  /** Word `n` of 8 bytes of the data. */
  setData(n: number, low: number, high: number): void {
    this.set(DATA + 8 * n, low);
    this.set(DATA + 8 * n + 4, high);
  }

  copyFrom(other: States): void {
    this.bytes.set(other.bytes.subarray(other.at, other.at + STATE_BYTES), this.at);
  }
}
