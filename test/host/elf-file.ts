// A small ELF64 executable made for the tests, with one defect at a time.
export interface ElfShape {
  class?: number;
  machine?: number;
  type?: number;
  entry?: bigint;
  headers?: Array<{
    type: number;
    flags?: number;
    lin?: bigint;
    phys?: bigint;
    data?: Uint8Array;
    memoryBytes?: number;
  }>;
}

export const PT = { load: 1, dynamic: 2, interp: 3, note: 4 };
export const BASE = 0x400000n;

export function note(name: string, description: string): Uint8Array {
  const pad = (text: string) => text.padEnd((text.length + 4) & ~3, "\0");
  const bytes = new Uint8Array(12 + pad(name).length + pad(description).length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, name.length + 1, true);
  view.setUint32(4, description.length + 1, true);
  view.setUint32(8, 1, true);
  bytes.set(new TextEncoder().encode(pad(name) + pad(description)), 12);
  return bytes;
}

export function elfFile(shape: ElfShape = {}): Uint8Array {
  const headers = shape.headers ?? [{ type: PT.load, data: new Uint8Array([0xf4]) }];
  const start = 64 + headers.length * 56;
  const total = headers.reduce((sum, header) => sum + (header.data?.length ?? 0), start);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, shape.class ?? 2, 1, 1]);
  view.setUint16(16, shape.type ?? 2, true);
  view.setUint16(18, shape.machine ?? 62, true);
  view.setBigUint64(24, shape.entry ?? BASE, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, headers.length, true);
  let offset = start;
  headers.forEach((header, i) => {
    const at = 64 + i * 56;
    const data = header.data ?? new Uint8Array(0);
    view.setUint32(at, header.type, true);
    view.setUint32(at + 4, header.flags ?? 5, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, header.lin ?? BASE, true);
    view.setBigUint64(at + 24, header.phys ?? header.lin ?? BASE, true);
    view.setBigUint64(at + 32, BigInt(data.length), true);
    view.setBigUint64(at + 40, BigInt(header.memoryBytes ?? data.length), true);
    file.set(data, offset);
    offset += data.length;
  });
  return file;
}
