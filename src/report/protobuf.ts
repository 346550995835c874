// Writes protocol buffer messages ("Encoding" in the protobuf documentation): a field is a varint
// tag, number << 3 | wire type, and its value.
const VARINT = 0;
const BYTES = 2;

const encoder = new TextEncoder();

/** One message; fields are appended in the order of the calls. */
export class Message {
  private buffer = new Uint8Array(64);
  private length = 0;

  /** uint32, uint64, bool or enum; not for negative numbers. */
  number(field: number, value: number | bigint): this {
    this.varint(BigInt(field << 3 | VARINT));
    return this.varint(BigInt(value));
  }

  text(field: number, value: string): this {
    return this.bytes(field, encoder.encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private bytes(field: number, value: Uint8Array): this {
    this.varint(BigInt(field << 3 | BYTES)).varint(BigInt(value.length));
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
    return this;
  }

  /** Seven bits a byte, the low ones first; the top bit says that more follow. */
  private varint(value: bigint): this {
    this.reserve(10);
    let left = value;
    while (left > 0x7fn) {
      this.buffer[this.length++] = Number(left & 0x7fn) | 0x80;
      left >>= 7n;
    }
    this.buffer[this.length++] = Number(left);
    return this;
  }

  private reserve(bytes: number): void {
    if (this.length + bytes <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(this.buffer.length * 2, this.length + bytes));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}
