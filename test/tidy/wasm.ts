// What a module's binary contains, by its sections.
const ELEMENT_SECTION = 9;
const CODE_SECTION = 10;
/** memory.atomic.wait32, aligned to 4 bytes, without an offset. */
const WAIT = [0xfe, 0x01, 0x02, 0x00];

class Reader {
  private readonly bytes: Uint8Array;
  at = 8; // magic and version

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  leb(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** Moves to the contents of a section; false: the module has none. */
  find(section: number): boolean {
    while (this.at < this.bytes.length) {
      const id = this.bytes[this.at++];
      const size = this.leb();
      if (id === section) return true;
      this.at += size;
    }
    return false;
  }
}

/** An indirect call needs a table with functions. */
export function hasCallIndirect(bytes: Uint8Array): boolean {
  const reader = new Reader(bytes);
  return reader.find(ELEMENT_SECTION) && reader.leb() > 0;
}

/** Sizes in bytes of the functions that wait for a notification. */
export function waitingFunctions(bytes: Uint8Array): number[] {
  const reader = new Reader(bytes);
  const sizes: number[] = [];
  if (!reader.find(CODE_SECTION)) return sizes;
  for (let left = reader.leb(); left > 0; left--) {
    const size = reader.leb();
    const body = bytes.subarray(reader.at, reader.at + size);
    if (body.some((_, i) => WAIT.every((byte, j) => body[i + j] === byte))) sizes.push(size);
    reader.at += size;
  }
  return sizes;
}
