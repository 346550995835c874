// Reads the numbers of a debugging section one after another (DWARF 5, 7.6, "Variable Length
// Data"). Past its end everything reads as 0, and `ended` says so: a damaged file costs a report
// some names, never the report.
export class Cursor {
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  get ended(): boolean {
    return this.at >= this.end;
  }

  private take(bytes: number): number {
    const at = this.at;
    this.at += bytes;
    return at >= 0 && at + bytes <= this.end ? at : -1;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.bytes[at];
  }

  u16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : this.view.getUint16(at, true);
  }

  u32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.view.getUint32(at, true);
  }

  u64(): bigint {
    const at = this.take(8);
    return at < 0 ? 0n : this.view.getBigUint64(at, true);
  }

  /** `bytes` of 1 to 8, as a number: sizes, offsets and indices are below 2^53. */
  unsigned(bytes: number): number {
    if (bytes === 8) return Number(this.u64());
    let value = 0;
    for (let i = 0; i < bytes; i++) value += this.u8() * 2 ** (8 * i);
    return value;
  }

  uleb(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return byte & 0x40 ? value - factor * 128 : value;
    }
  }

  block(bytes: number): Uint8Array {
    const at = this.take(bytes);
    return at < 0 ? new Uint8Array(0) : this.bytes.subarray(at, at + bytes);
  }

  text(): string {
    const text = textAt(this.bytes, this.at);
    this.at += text.length + 1;
    return text;
  }
}

/** The zero-terminated text at `at` of a section. */
export function textAt(bytes: Uint8Array | undefined, at: number): string {
  if (!bytes || at >= bytes.length) return "";
  const end = bytes.indexOf(0, at);
  let text = "";
  for (let i = at; i < (end < 0 ? bytes.length : end); i++) text += String.fromCharCode(bytes[i]);
  return text;
}
