// The debugging information entries of .debug_info that describe types and variables (DWARF 4 and
// 5, 7.5, "Format of Debugging Information"). Functions, scopes and call sites are passed over, but
// static variables inside of them are kept. Split and 64-bit DWARF are left out.
import { Cursor, textAt } from "./cursor.ts";

export const TAG = {
  array: 0x01, enumeration: 0x04, member: 0x0d, pointer: 0x0f, unit: 0x11, struct: 0x13,
  subroutine: 0x15, typedef: 0x16, union: 0x17, subrange: 0x21, base: 0x24, const: 0x26,
  enumerator: 0x28, variable: 0x34, volatile: 0x35, restrict: 0x37, atomic: 0x47,
} as const;

const AT = {
  location: 0x02, name: 0x03, bytes: 0x0b, bitSize: 0x0d, stmtList: 0x10, compDir: 0x1b,
  constValue: 0x1c, upperBound: 0x2f, abstractOrigin: 0x31, count: 0x37, memberAt: 0x38,
  declaration: 0x3c, encoding: 0x3e, specification: 0x47, type: 0x49, bitAt: 0x6b,
  stringsBase: 0x72,
} as const;

const DW_OP_ADDR = 3;
/** Of a file: a damaged one must not cost more than a moment. */
const ENTRIES_MAX = 1 << 22;

/** One entry; what it has not, is undefined. References are offsets in .debug_info. */
export interface Entry {
  tag: number;
  name?: string;
  type?: number;
  bytes?: number;
  memberAt?: number;
  bitAt?: number;
  bitSize?: number;
  encoding?: number;
  /** Elements of an array's dimension. */
  count?: number;
  value?: number;
  declaration?: boolean;
  /** Linear address of a variable. */
  lin?: bigint;
  origin?: number;
  children?: Entry[];
}

/** A section of the file by its name, with the dot. */
export type Sections = ReadonlyMap<string, Uint8Array>;

interface Abbreviation {
  tag: number;
  children: boolean;
  /** Attribute, form, implicit constant; three numbers each. */
  attributes: number[];
}

function readAbbreviations(bytes: Uint8Array, at: number): Map<number, Abbreviation> {
  const cursor = new Cursor(bytes, at);
  const table = new Map<number, Abbreviation>();
  while (!cursor.ended) {
    const code = cursor.uleb();
    if (code === 0) break;
    const abbreviation = { tag: cursor.uleb(), children: cursor.u8() !== 0, attributes: [] };
    const attributes: number[] = abbreviation.attributes;
    for (;;) {
      const [attribute, form] = [cursor.uleb(), cursor.uleb()];
      const constant = form === FORM.implicitConst ? cursor.sleb() : 0;
      if (attribute === 0 || cursor.ended) break;
      attributes.push(attribute, form, constant);
    }
    table.set(code, abbreviation);
  }
  return table;
}

const FORM = { indirect: 0x16, implicitConst: 0x21 } as const;
/** Forms of a fixed size that are plain numbers. */
const FIXED: Record<number, number> = {
  0x01: 8, 0x05: 2, 0x06: 4, 0x07: 8, 0x0b: 1, 0x0c: 1, 0x17: 4, 0x1c: 4, 0x1d: 4, 0x20: 8,
  0x24: 8, 0x29: 1, 0x2a: 2, 0x2b: 3, 0x2c: 4,
};
/** References relative to the unit. */
const REFERENCES: Record<number, number> = { 0x11: 1, 0x12: 2, 0x13: 4, 0x14: 8 };
/** Names by their index. */
const INDEXED: Record<number, number> = { 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4 };
const INDEX_BYTES = 4;

interface Unit {
  at: number;
  version: number;
  stringsBase: number;
}

type Value = number | string | Uint8Array;

class Reader {
  private readonly sections: Sections;
  readonly cursor: Cursor;
  unit: Unit = { at: 0, version: 5, stringsBase: 8 };

  constructor(sections: Sections, info: Uint8Array) {
    this.sections = sections;
    this.cursor = new Cursor(info);
  }

  private indexed(index: number): string {
    const offsets = this.sections.get(".debug_str_offsets");
    if (!offsets) return "";
    const at = this.unit.stringsBase + index * INDEX_BYTES;
    return textAt(this.sections.get(".debug_str"), new Cursor(offsets, at).u32());
  }

  /**
   * One attribute's value: a number, a reference in the section, a name or an expression. Names of
   * entries that nobody `wanted` are not read.
   */
  value(form: number, constant: number, wanted: boolean): Value {
    const { cursor } = this;
    if (!wanted && (form === 0x0e || form === 0x1f)) return cursor.u32();
    if (form in FIXED) return cursor.unsigned(FIXED[form]);
    if (form in REFERENCES) return this.unit.at + cursor.unsigned(REFERENCES[form]);
    if (form in INDEXED) return this.indexed(cursor.unsigned(INDEXED[form]));
    switch (form) {
      case 0x03: return cursor.block(cursor.u16());
      case 0x04: return cursor.block(cursor.u32());
      case 0x08: return cursor.text();
      case 0x09: case 0x18: return cursor.block(cursor.uleb());
      case 0x0a: return cursor.block(cursor.u8());
      case 0x0d: return cursor.sleb();
      case 0x0e: return textAt(this.sections.get(".debug_str"), cursor.u32());
      case 0x0f: case 0x1b: case 0x22: case 0x23: return cursor.uleb();
      case 0x10: return this.unit.version < 3 ? cursor.unsigned(8) : cursor.u32();
      case 0x15: return this.unit.at + cursor.uleb();
      case FORM.indirect: return this.value(cursor.uleb(), 0, wanted);
      case 0x19: return 1;
      case 0x1a: return this.indexed(cursor.uleb());
      case 0x1e: return cursor.block(16);
      case 0x1f: return textAt(this.sections.get(".debug_line_str"), cursor.u32());
      case FORM.implicitConst: return constant;
      default: throw new Error(`form ${form} of DWARF is unknown`);
    }
  }
}

const KEPT: ReadonlySet<number> = new Set(Object.values(TAG));

function put(entry: Entry, attribute: number, value: Value): void {
  const number = typeof value === "number" ? value : undefined;
  switch (attribute) {
    case AT.name: entry.name = value as string; break;
    case AT.type: entry.type = number; break;
    case AT.bytes: entry.bytes = number; break;
    case AT.memberAt: entry.memberAt = number; break;
    case AT.bitAt: entry.bitAt = number; break;
    case AT.bitSize: entry.bitSize = number; break;
    case AT.encoding: entry.encoding = number; break;
    case AT.upperBound: entry.count = number === undefined ? undefined : number + 1; break;
    case AT.count: entry.count = number; break;
    case AT.constValue: entry.value = number; break;
    case AT.declaration: entry.declaration = number === 1; break;
    case AT.abstractOrigin: case AT.specification: entry.origin = number; break;
    case AT.location:
      if (value instanceof Uint8Array && value.length === 9 && value[0] === DW_OP_ADDR) {
        entry.lin = new Cursor(value, 1).u64();
      }
      break;
  }
}

/** All entries of interest by their offset in .debug_info. */
export function readEntries(sections: Sections): Map<number, Entry> {
  const entries = new Map<number, Entry>();
  const info = sections.get(".debug_info");
  const abbreviations = sections.get(".debug_abbrev");
  if (!info || !abbreviations) return entries;
  const tables = new Map<number, Map<number, Abbreviation>>();
  const reader = new Reader(sections, info);
  const { cursor } = reader;
  while (!cursor.ended) {
    const at = cursor.at;
    const length = cursor.u32();
    if (length >= 0xfffffff0 || length === 0) break;
    const end = at + 4 + length;
    const version = cursor.u16();
    reader.unit = { at, version, stringsBase: 8 };
    let table: number;
    if (version >= 5) {
      const kind = cursor.u8();
      cursor.u8();
      table = cursor.u32();
      if (kind !== 1) {
        cursor.at = end;
        continue;
      }
    } else {
      table = cursor.u32();
      cursor.u8();
    }
    if (!tables.has(table)) tables.set(table, readAbbreviations(abbreviations, table));
    readUnit(reader, tables.get(table)!, Math.min(end, info.length), entries);
    cursor.at = end;
  }
  return entries;
}

function readUnit(
  reader: Reader, table: Map<number, Abbreviation>, end: number, entries: Map<number, Entry>,
): void {
  const { cursor } = reader;
  const parents: (Entry | undefined)[] = [];
  while (cursor.at < end && entries.size < ENTRIES_MAX) {
    const at = cursor.at;
    const code = cursor.uleb();
    if (code === 0) {
      parents.pop();
      if (parents.length === 0) return;
      continue;
    }
    const abbreviation = table.get(code);
    if (!abbreviation) return;
    const { tag, attributes, children } = abbreviation;
    const entry: Entry = { tag };
    const wanted = KEPT.has(tag);
    for (let i = 0; i < attributes.length; i += 3) {
      const value = reader.value(attributes[i + 1], attributes[i + 2], wanted);
      if (attributes[i] === AT.stringsBase) reader.unit.stringsBase = value as number;
      if (wanted) put(entry, attributes[i], value);
    }
    if (wanted) {
      entries.set(at, entry);
      const parent = parents.at(-1);
      if (parent) (parent.children ??= []).push(entry);
    }
    if (children) parents.push(wanted && tag !== TAG.unit ? entry : undefined);
    else if (parents.length === 0) return;
  }
}
