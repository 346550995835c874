// Writes protocol buffer messages ("Encoding" in the protobuf documentation) into one growing
// buffer: a field is a varint tag, number << 3 | wire type, and its value. The length of a nested
// message is known at its end only, so four bytes are left for it; a varint may be longer than it
// needs to be.
const VARINT = 0;
const BYTES = 2;
/** Of a length that is filled in later. */
const LENGTH_BYTES = 4;
/** Longest varint. */
const VARINT_BYTES = 10;
/** Longest UTF-8 of a UTF-16 code unit. */
const UTF8_BYTES = 3;

const encoder = new TextEncoder();

export class Writer {
  private buffer = new Uint8Array(1 << 16);
  private at = 0;
  /** Where the lengths of the open messages are. */
  private readonly open: number[] = [];

  /** Bytes written since the last take(). */
  get length(): number {
    return this.at;
  }

  /** uint32, uint64, bool or enum; not for negative numbers. */
  number(field: number, value: number | bigint): this {
    this.reserve(2 * VARINT_BYTES);
    this.varint(field << 3 | VARINT);
    if (typeof value === "number" || value <= 0x7fffffffn) this.varint(Number(value));
    else this.longVarint(value);
    return this;
  }

  text(field: number, value: string): this {
    const most = value.length * UTF8_BYTES;
    this.reserve(2 * VARINT_BYTES + most);
    this.varint(field << 3 | BYTES);
    if (most < 0x80) {
      const { written } = encoder.encodeInto(value, this.buffer.subarray(this.at + 1));
      this.buffer[this.at] = written;
      this.at += 1 + written;
    } else {
      const bytes = encoder.encode(value);
      this.varint(bytes.length);
      this.buffer.set(bytes, this.at);
      this.at += bytes.length;
    }
    return this;
  }

  /** What follows, until end(), is a message in this field. */
  begin(field: number): this {
    this.reserve(VARINT_BYTES + LENGTH_BYTES);
    this.varint(field << 3 | BYTES);
    this.open.push(this.at);
    this.at += LENGTH_BYTES;
    return this;
  }

  end(): this {
    const start = this.open.pop()!;
    let left = this.at - start - LENGTH_BYTES;
    for (let i = 0; i < LENGTH_BYTES; i++) {
      this.buffer[start + i] = (left & 0x7f) | (i < LENGTH_BYTES - 1 ? 0x80 : 0);
      left >>>= 7;
    }
    return this;
  }

  /** What was written since the last time; no message may be open. */
  take(): Uint8Array {
    const bytes = this.buffer.slice(0, this.at);
    this.at = 0;
    return bytes;
  }

  /** Seven bits a byte, the low ones first; the top bit says that more follow. */
  private varint(value: number): void {
    let left = value;
    while (left > 0x7f) {
      this.buffer[this.at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    this.buffer[this.at++] = left;
  }

  private longVarint(value: bigint): void {
    let left = value;
    while (left > 0x7fn) {
      this.buffer[this.at++] = Number(left & 0x7fn) | 0x80;
      left >>= 7n;
    }
    this.buffer[this.at++] = Number(left);
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.at + bytes));
    larger.set(this.buffer.subarray(0, this.at));
    this.buffer = larger;
  }
}
