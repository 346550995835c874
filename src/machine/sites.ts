// Barrier sites of an image (workloads/include/smpbox.h): their records, and an image with other
// instructions at them. Patching is done on the file, so whatever reads it next, an engine or the
// box, runs the same code.
import { hex, readElf } from "./elf.ts";
import type { ImageFile } from "./image.ts";
import { InputError } from "./input.ts";

/** At a barrier site; `none` is the NOP that the compiler left. */
export const BARRIERS = ["none", "sfence", "lfence", "mfence", "lock", "xchg"] as const;
/** At a store site. */
export const STORES = ["plain", "xchg"] as const;
export type Kind = (typeof BARRIERS)[number] | (typeof STORES)[number];

export interface Site {
  name: string;
  /** What may stand there; the first is what does. */
  kinds: readonly Kind[];
  /** Copies of inlined code each have a place; all are patched alike. */
  places: { lin: bigint; bytes: number }[];
}

/** By the name of the site. */
export type Placement = ReadonlyMap<string, Kind>;

const SECTION = ".smpbox.barriers";
const RECORD_BYTES = 48;
const NAME_BYTES = 32;
const RESERVED = /[=,*]/;
const BARRIER = 0;
const STORE = 1;
const SITE_BYTES = 8;
const NOP8 = [0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0];
const NOP5 = [0x0f, 0x1f, 0x44, 0, 0];
const NOP3 = [0x0f, 0x1f, 0x00];
/** Intel SDM Vol. 2, each by its name; the rest of the eight bytes is one NOP. */
const CODE: Record<(typeof BARRIERS)[number], number[]> = {
  none: NOP8,
  sfence: [0x0f, 0xae, 0xf8, ...NOP5],
  lfence: [0x0f, 0xae, 0xe8, ...NOP5],
  mfence: [0x0f, 0xae, 0xf0, ...NOP5],
  lock: [0xf0, 0x83, 0x04, 0x24, 0x00, ...NOP3], // lock addl $0, (%rsp)
  xchg: [0x4c, 0x87, 0x9c, 0x24, 0x78, 0xff, 0xff, 0xff], // xchg %r11, -136(%rsp)
};
const MOV_STORE = 0x89;
const XCHG = 0x87;

/** In the order of their first places. An image without the section has none. */
export function readSites(image: ImageFile): Site[] {
  const records = sectionOf(image, SECTION);
  if (!records) return [];
  const fail = (reason: string): never => {
    throw new InputError(`${image.name}: ${SECTION}: ${reason}; compile it again with smpbox.h`);
  };
  if (records.length % RECORD_BYTES) fail("not a whole number of records");
  const rename = (site: string, reason: string): never => {
    throw new InputError(`${image.name}: the name of site ${site} ${reason}; give it another`);
  };
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const sites = new Map<string, Site>();
  for (let at = 0; at < records.length; at += RECORD_BYTES) {
    const lin = view.getBigUint64(at, true);
    const bytes = view.getUint32(at + 8, true);
    const type = view.getUint32(at + 12, true);
    const field = records.subarray(at + 16, at + 16 + NAME_BYTES);
    const name = textOf(field);
    if (!name) fail(`the site at ${hex(lin)} has no name`);
    if (!field.includes(0)) rename(name, `is longer than ${NAME_BYTES - 1} characters`);
    if (RESERVED.test(name)) rename(name, "has =, , or * in it, which --at and --sites read");
    if (type !== BARRIER && type !== STORE) fail(`${name} is of an unknown kind (${type})`);
    const kinds = type === STORE ? STORES : BARRIERS;
    const site = sites.get(name) ?? { name, kinds, places: [] };
    if (site.kinds !== kinds) fail(`${name} names a barrier and a store; give each its own name`);
    site.places.push({ lin, bytes });
    sites.set(name, site);
  }
  return [...sites.values()].sort((a, b) => (a.places[0].lin < b.places[0].lin ? -1 : 1));
}

/** A copy of the image with these kinds at its sites; sites that are not named stay as they are. */
export function patchSites(image: ImageFile, sites: readonly Site[], chosen: Placement): ImageFile {
  // Of what readFile() gives, slice() would be the same memory.
  const bytes = new Uint8Array(image.bytes);
  const { segments } = readElf(bytes, image.name);
  for (const [name, kind] of chosen) {
    const site = sites.find((known) => known.name === name);
    if (!site) {
      const known = sites.map((item) => item.name).join(", ") || "none";
      throw new InputError(`${image.name}: no site ${name}; it has ${known}`);
    }
    if (!site.kinds.includes(kind)) {
      throw new InputError(`site ${name}: ${kind} is not one of ${site.kinds.join(", ")}`);
    }
    for (const { lin, bytes: length } of site.places) {
      const segment = segments.find((item) =>
        lin >= item.lin && lin + BigInt(length) <= item.lin + BigInt(item.data.length));
      if (!segment) {
        throw new InputError(`${image.name}: site ${name} at ${hex(lin)} is not loaded; ` +
          "link the file again");
      }
      const from = Number(lin - segment.lin);
      patch(segment.data.subarray(from, from + length), kind, site, `${image.name}: site ${name}`);
    }
  }
  return { name: image.name, bytes };
}

function patch(code: Uint8Array, kind: Kind, site: Site, where: string): void {
  const bad = () => new InputError(`${where} does not hold the code of smpbox.h: compile it again`);
  if (site.kinds === STORES) {
    // A REX prefix may stand in front: MOV and XCHG with memory differ in the opcode alone.
    const at = (code[0] & 0xf0) === 0x40 ? 1 : 0;
    if (code[at] !== MOV_STORE && code[at] !== XCHG) throw bad();
    code[at] = kind === "xchg" ? XCHG : MOV_STORE;
    return;
  }
  const known = Object.values(CODE).some((bytes) => bytes.every((byte, i) => code[i] === byte));
  if (code.length !== SITE_BYTES || !known) throw bad();
  code.set(CODE[kind as keyof typeof CODE]);
}

/** ELF64 section headers (System V gABI, "Sections"); the file has been read by readElf(). */
function sectionOf({ bytes, name }: ImageFile, wanted: string): Uint8Array | undefined {
  readElf(bytes, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [table, count] = [Number(view.getBigUint64(40, true)), view.getUint16(60, true)];
  if (!table || table + count * 64 > bytes.length) return undefined;
  const section = (index: number) => {
    const at = table + index * 64;
    const from = Number(view.getBigUint64(at + 24, true));
    const size = Number(view.getBigUint64(at + 32, true));
    return { title: view.getUint32(at, true), data: bytes.subarray(from, from + size), size };
  };
  const names = section(Math.min(view.getUint16(62, true), count - 1)).data;
  for (let i = 1; i < count; i++) {
    const { title, data, size } = section(i);
    if (textOf(names.subarray(title, title + wanted.length + 1)) !== wanted) continue;
    if (data.length === size) return data;
    throw new InputError(`${name}: truncated in section ${wanted}; copy or link the file again`);
  }
  return undefined;
}

/** Up to the terminating zero. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}
