// What an ELF file tells a debugger: its sections, read when they are first asked for.
import { Cursor, textAt } from "./cursor.ts";
import { Frames } from "./frames.ts";
import { Lines } from "./lines.ts";
import { Types } from "./types.ts";

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800n;

/** Sections of an ELF64 file that hold something; empty for a file that is none. */
export function sectionsOf(file: Uint8Array): Map<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>();
  if (file.length < HEADER_BYTES) return sections;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const table = Number(view.getBigUint64(40, true));
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_BYTES) return sections;
  if (table + count * SECTION_BYTES > file.length) return sections;
  const at = (index: number) => {
    const cursor = new Cursor(file, table + index * SECTION_BYTES);
    const [name, type, flags] = [cursor.u32(), cursor.u32(), cursor.u64()];
    cursor.u64();
    return { name, type, flags, offset: cursor.unsigned(8), bytes: cursor.unsigned(8) };
  };
  const names = view.getUint16(62, true);
  if (names >= count) return sections;
  const text = at(names);
  const strings = file.subarray(text.offset, text.offset + text.bytes);
  for (let i = 1; i < count; i++) {
    const { name, type, flags, offset, bytes } = at(i);
    if (type === SHT_NOBITS || flags & SHF_COMPRESSED || offset + bytes > file.length) continue;
    sections.set(textAt(strings, name), file.subarray(offset, offset + bytes));
  }
  return sections;
}

/** Types, lines and frames of one image. Without debugging information they are empty. */
export class DebugInfo {
  /** As the user, or a capsule, calls the image. */
  readonly name: string;
  private readonly sections: Map<string, Uint8Array>;
  private madeTypes?: Types;
  private madeLines?: Lines;
  private madeFrames?: Frames;

  constructor(name: string, file: Uint8Array) {
    this.name = name;
    this.sections = sectionsOf(file);
  }

  section(name: string): Uint8Array | undefined {
    return this.sections.get(name);
  }

  get types(): Types {
    return (this.madeTypes ??= new Types(this.sections));
  }

  get lines(): Lines {
    return (this.madeLines ??= new Lines(this.sections));
  }

  get frames(): Frames {
    return (this.madeFrames ??= new Frames(this.sections.get(".debug_frame")));
  }
}
