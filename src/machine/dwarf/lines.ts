// Source lines of instructions (.debug_line; DWARF 4 and 5, 6.2, "Line Number Information").
import { Cursor, textAt } from "./cursor.ts";
import type { Sections } from "./entries.ts";

export interface SourceLine {
  file: string;
  line: number;
}

/** From `lin` on; the row behind the last one of a sequence has line 0. */
interface Row extends SourceLine {
  lin: bigint;
}

const LNS = {
  copy: 1, advancePc: 2, advanceLine: 3, setFile: 4, setColumn: 5, constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const LNE = { end: 1, setAddress: 2 } as const;
const LNCT_PATH = 1;
const LNCT_DIRECTORY = 2;
const ROWS_MAX = 1 << 21;

export class Lines {
  private readonly rows: Row[] = [];

  constructor(sections: Sections) {
    const bytes = sections.get(".debug_line");
    if (!bytes) return;
    for (let at = 0; at + 4 < bytes.length && this.rows.length < ROWS_MAX; ) {
      const length = new Cursor(bytes, at).u32();
      if (length === 0 || length >= 0xfffffff0) break;
      const end = Math.min(at + 4 + length, bytes.length);
      this.readProgram(new Cursor(bytes, at + 4, end), sections);
      at = end;
    }
    // Stable: of two rows at one place the later one holds.
    this.rows.sort((a, b) => (a.lin < b.lin ? -1 : a.lin > b.lin ? 1 : 0));
  }

  /** The line that the instruction at `lin` comes from. */
  at(lin: bigint): SourceLine | undefined {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].lin <= lin) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    return row && row.line > 0 ? { file: row.file, line: row.line } : undefined;
  }

  private readProgram(cursor: Cursor, sections: Sections): void {
    const version = cursor.u16();
    if (version < 2 || version > 5) return;
    if (version >= 5) cursor.u16();
    const headerBytes = cursor.u32();
    const program = cursor.at + headerBytes;
    const minimum = cursor.u8();
    if (version >= 4) cursor.u8();
    cursor.u8();
    const [base, range, firstSpecial] = [(cursor.u8() << 24) >> 24, cursor.u8(), cursor.u8()];
    const operands = [0];
    for (let i = 1; i < firstSpecial; i++) operands.push(cursor.u8());
    const files = version >= 5 ? readFiles5(cursor, sections) : readFiles4(cursor);
    cursor.at = program;
    let [lin, file, line] = [0n, 1, 1];
    const emit = (ended = false) => {
      this.rows.push({ lin, file: files[file] ?? "", line: ended ? 0 : line });
    };
    while (!cursor.ended && this.rows.length < ROWS_MAX) {
      const op = cursor.u8();
      if (op >= firstSpecial) {
        const adjusted = op - firstSpecial;
        lin += BigInt(Math.floor(adjusted / range) * minimum);
        line += base + (adjusted % range);
        emit();
      } else if (op === 0) {
        const next = cursor.uleb() + cursor.at;
        const extended = cursor.u8();
        if (extended === LNE.setAddress) lin = cursor.u64();
        else if (extended === LNE.end) {
          emit(true);
          [lin, file, line] = [0n, 1, 1];
        }
        cursor.at = next;
      } else if (op === LNS.copy) emit();
      else if (op === LNS.advancePc) lin += BigInt(cursor.uleb() * minimum);
      else if (op === LNS.advanceLine) line += cursor.sleb();
      else if (op === LNS.setFile) file = cursor.uleb();
      else if (op === LNS.constAddPc) {
        lin += BigInt(Math.floor((255 - firstSpecial) / range) * minimum);
      } else if (op === LNS.fixedAdvancePc) lin += BigInt(cursor.u16());
      else for (let i = 0; i < operands[op]; i++) cursor.uleb();
    }
  }
}

/** Names by the number that the program uses, without the compiler's own folder. */
function readFiles5(cursor: Cursor, sections: Sections): string[] {
  const folders = readNames(cursor, sections);
  return readNames(cursor, sections).map(({ path, folder }) => joined(folders[folder]?.path, path));
}

function readNames(cursor: Cursor, sections: Sections): { path: string; folder: number }[] {
  const format = Array.from({ length: cursor.u8() }, () => [cursor.uleb(), cursor.uleb()]);
  const count = cursor.uleb();
  const names: { path: string; folder: number }[] = [];
  for (let i = 0; i < count && !cursor.ended; i++) {
    const name = { path: "", folder: 0 };
    for (const [content, form] of format) {
      const value = readForm(cursor, form, sections);
      if (content === LNCT_PATH) name.path = String(value);
      else if (content === LNCT_DIRECTORY) name.folder = Number(value);
    }
    names.push(name);
  }
  return names;
}

function readForm(cursor: Cursor, form: number, sections: Sections): string | number {
  switch (form) {
    case 0x08: return cursor.text();
    case 0x0e: return textAt(sections.get(".debug_str"), cursor.u32());
    case 0x1f: return textAt(sections.get(".debug_line_str"), cursor.u32());
    case 0x0b: return cursor.u8();
    case 0x05: return cursor.u16();
    case 0x06: return cursor.u32();
    case 0x0f: return cursor.uleb();
    case 0x1e: return cursor.block(16).length;
    default: throw new Error(`form ${form} of a line table is unknown`);
  }
}

function readFiles4(cursor: Cursor): string[] {
  const folders = [""];
  for (let name = cursor.text(); name && !cursor.ended; name = cursor.text()) folders.push(name);
  const files = [""];
  for (let name = cursor.text(); name && !cursor.ended; name = cursor.text()) {
    files.push(joined(folders[cursor.uleb()], name));
    cursor.uleb();
    cursor.uleb();
  }
  return files;
}

function joined(folder: string | undefined, name: string): string {
  return normal(!folder || name.startsWith("/") ? name : `${folder}/${name}`);
}

/** "kernel/core/x.c" for "./kernel/aio/../core/x.c", as an #include may have it. */
function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === ".." && !["", "..", undefined].includes(parts.at(-1))) parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
