// The container of a capsule: named sections, each compressed, under one checksum. Integers are
// little-endian.
//
//     0 | magic [8] | 8 | version u32 | 12 | CRC-32 of all other bytes | 16 | sections u32 | 20 |
//     sections x (name [4], compressed bytes u32, bytes u32) | the sections, compressed
import { InputError } from "../machine/preset.ts";
import { deflate, inflate } from "./compress.ts";

/** As PNG's: it shows when a transfer has changed line ends or the eighth bit. */
const MAGIC = [0x89, 0x53, 0x42, 0x58, 0x0d, 0x0a, 0x1a, 0x0a];
const VERSION = 1;
const HEADER_BYTES = 20;
const ENTRY_BYTES = 12;
const SECTIONS_MAX = 16;
const SECTION_BYTES_MAX = 2 ** 31;

type Bytes = Uint8Array<ArrayBuffer>;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

/** CRC-32 of a file without the field that holds it. */
function checksum(file: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < file.length; i++) {
    if (i >= 12 && i < 16) continue;
    crc = CRC_TABLE[(crc ^ file[i]) & 0xff] ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

export async function pack(sections: ReadonlyMap<string, Bytes>): Promise<Bytes> {
  const parts = await Promise.all([...sections.values()].map(deflate));
  const start = HEADER_BYTES + parts.length * ENTRY_BYTES;
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, start));
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(16, parts.length, true);
  let at = start;
  [...sections].forEach(([name, bytes], i) => {
    const entry = HEADER_BYTES + i * ENTRY_BYTES;
    file.set(new TextEncoder().encode(name.padEnd(4).slice(0, 4)), entry);
    view.setUint32(entry + 4, parts[i].length, true);
    view.setUint32(entry + 8, bytes.length, true);
    file.set(parts[i], at);
    at += parts[i].length;
  });
  view.setUint32(12, checksum(file), true);
  return file;
}

/** The sections by name. Throws an InputError in one sentence when the file is not sound. */
export async function unpack(file: Bytes): Promise<Map<string, Bytes>> {
  if (file.length < 16 || !MAGIC.every((byte, i) => file[i] === byte)) {
    throw new InputError("this is no capsule: record one with smpbox run --record FILE.sbx");
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const damaged = () => new InputError("the capsule is damaged or cut off: record it again");
  if (view.getUint32(12, true) !== checksum(file)) throw damaged();
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new InputError(`the capsule has format ${version}, this smpbox reads ${VERSION}`);
  }
  const count = file.length < HEADER_BYTES ? 0 : view.getUint32(16, true);
  let at = HEADER_BYTES + count * ENTRY_BYTES;
  if (count === 0 || count > SECTIONS_MAX || at > file.length) throw damaged();
  const sections = new Map<string, Bytes>();
  for (let i = 0; i < count; i++) {
    const entry = HEADER_BYTES + i * ENTRY_BYTES;
    const name = new TextDecoder().decode(file.subarray(entry, entry + 4)).trim();
    const compressed = view.getUint32(entry + 4, true);
    const bytes = view.getUint32(entry + 8, true);
    if (bytes > SECTION_BYTES_MAX || compressed > file.length - at) throw damaged();
    const section = await inflate(file.slice(at, at + compressed), bytes).catch(() => undefined);
    if (section?.length !== bytes) throw damaged();
    sections.set(name, section);
    at += compressed;
  }
  if (at !== file.length) throw damaged();
  return sections;
}
