// Types and variables of a program from its DWARF: sizes, members and their places, so that memory
// can be read as the C program sees it, and an address can be told as a field.
import { type Entry, readEntries, type Sections, TAG } from "./entries.ts";

export interface Member {
  /** Empty for an unnamed struct or union. */
  name: string;
  type: Type;
  at: number;
  /** Of a bit field: its first bit, counted from bit 0 of byte `at`, and how many there are. */
  bits?: { first: number; count: number };
}

export type Type =
  | { kind: "base"; name: string; bytes: number; encoding: number }
  | { kind: "pointer"; bytes: number; to?: Type }
  | { kind: "struct" | "union"; name: string; bytes: number; members: Member[] }
  | { kind: "array"; bytes: number; of: Type; count: number }
  | { kind: "enum"; name: string; bytes: number; values: Map<number, string> }
  | { kind: "named"; name: string; bytes: number; of: Type }
  | { kind: "qualified"; qualifier: string; bytes: number; of: Type }
  | { kind: "function"; bytes: number }
  | { kind: "void"; bytes: number };

export interface Variable {
  name: string;
  lin: bigint;
  type: Type;
}

export const POINTER_BYTES = 8;
const VOID: Type = { kind: "void", bytes: 0 };
const QUALIFIERS: Record<number, string> = {
  [TAG.const]: "const", [TAG.volatile]: "volatile", [TAG.restrict]: "restrict",
  [TAG.atomic]: "_Atomic",
};
/** Types refer to each other by pointers only, so anything deeper is damaged. */
const DEPTH_MAX = 64;

/** The type without names and qualifiers. */
export function bare(type: Type): Type {
  let of = type;
  while (of.kind === "named" || of.kind === "qualified") of = of.of;
  return of;
}

export class Types {
  private readonly entries: Map<number, Entry>;
  private readonly made = new Map<Entry, Type>();
  private readonly byName = new Map<string, Entry>();
  readonly variables: Variable[] = [];

  constructor(sections: Sections) {
    this.entries = readEntries(sections);
    for (const entry of this.entries.values()) {
      const key = keyOf(entry);
      if (key && !entry.declaration && !this.byName.has(key)) this.byName.set(key, entry);
    }
    for (const entry of this.entries.values()) {
      if (entry.tag !== TAG.variable || entry.lin === undefined) continue;
      const from = entry.origin === undefined ? undefined : this.entries.get(entry.origin);
      const name = entry.name ?? from?.name;
      if (!name) continue;
      const type = this.typeAt(entry.type ?? from?.type, 0);
      this.variables.push({ name, lin: entry.lin, type });
    }
    this.variables.sort((a, b) => (a.lin < b.lin ? -1 : a.lin > b.lin ? 1 : 0));
  }

  get empty(): boolean {
    return this.entries.size === 0;
  }

  /** Structs, unions, enums and typedefs, as "struct task" or "spinlock_t". */
  names(): string[] {
    return [...this.byName.keys()];
  }

  /** "struct task", "union u", "enum e", "u64", or the name of a struct without the word. */
  find(name: string): Type | undefined {
    const entry = this.byName.get(name) ??
      ["struct", "union", "enum"].map((word) => this.byName.get(`${word} ${name}`)).find(Boolean);
    return entry && this.typeOf(entry, 0);
  }

  /** The variable that `lin` is in. */
  variableAt(lin: bigint): Variable | undefined {
    let [low, high] = [0, this.variables.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.variables[middle].lin <= lin) low = middle + 1;
      else high = middle;
    }
    const found = this.variables[low - 1];
    return found && lin < found.lin + BigInt(found.type.bytes) ? found : undefined;
  }

  private typeAt(offset: number | undefined, depth: number): Type {
    const entry = offset === undefined ? undefined : this.entries.get(offset);
    return entry ? this.typeOf(entry, depth) : VOID;
  }

  private typeOf(entry: Entry, depth: number): Type {
    const made = this.made.get(entry);
    if (made) return made;
    if (depth > DEPTH_MAX) return VOID;
    const below = (offset: number | undefined) => this.typeAt(offset, depth + 1);
    const { tag, name = "", bytes = 0 } = entry;
    let type: Type;
    switch (tag) {
      case TAG.base:
        type = { kind: "base", name, bytes, encoding: entry.encoding ?? 0 };
        break;
      case TAG.pointer:
        // Its target is made when it is asked for: a list's node points at its own type.
        type = { kind: "pointer", bytes: entry.bytes ?? POINTER_BYTES };
        Object.defineProperty(type, "to", {
          enumerable: true,
          get: () => (entry.type === undefined ? undefined : this.typeAt(entry.type, 0)),
        });
        break;
      case TAG.struct:
      case TAG.union:
        type = this.compound(entry, depth);
        break;
      case TAG.array:
        type = arrayOf(below(entry.type), entry.children ?? []);
        break;
      case TAG.enumeration: {
        const values = (entry.children ?? []).map((e) => [e.value ?? 0, e.name ?? ""] as const);
        type = { kind: "enum", name, bytes, values: new Map(values) };
        break;
      }
      case TAG.typedef: {
        const of = below(entry.type);
        type = { kind: "named", name, bytes: of.bytes, of };
        break;
      }
      case TAG.const: case TAG.volatile: case TAG.restrict: case TAG.atomic: {
        const of = below(entry.type);
        type = { kind: "qualified", qualifier: QUALIFIERS[tag], bytes: of.bytes, of };
        break;
      }
      case TAG.subroutine:
        type = { kind: "function", bytes: 1 };
        break;
      default:
        type = VOID;
    }
    this.made.set(entry, type);
    return type;
  }

  private compound(entry: Entry, depth: number): Type {
    const kind = entry.tag === TAG.union ? "union" : "struct";
    const name = entry.name ?? "";
    // What one unit only declares, another one defines.
    const full = entry.declaration ? this.byName.get(`${kind} ${name}`) : entry;
    if (full && full !== entry) return this.typeOf(full, depth);
    const members: Member[] = [];
    for (const child of entry.children ?? []) {
      if (child.tag !== TAG.member) continue;
      const { name: own = "", memberAt: at = 0 } = child;
      const member: Member = { name: own, type: this.typeAt(child.type, depth + 1), at };
      if (child.bitSize !== undefined) {
        member.bits = { first: child.bitAt ?? 0, count: child.bitSize };
      }
      members.push(member);
    }
    return { kind, name, bytes: entry.bytes ?? 0, members };
  }
}

function keyOf({ tag, name }: Entry): string | undefined {
  if (!name) return undefined;
  switch (tag) {
    case TAG.struct: return `struct ${name}`;
    case TAG.union: return `union ${name}`;
    case TAG.enumeration: return `enum ${name}`;
    case TAG.typedef: case TAG.base: return name;
    default: return undefined;
  }
}

function arrayOf(of: Type, dimensions: Entry[]): Type {
  const counts = dimensions.filter(({ tag }) => tag === TAG.subrange).map(({ count = 0 }) => count);
  return counts.reduceRight<Type>(
    (inner, count) => ({ kind: "array", bytes: inner.bytes * count, of: inner, count }), of);
}

/** The member of `type` called `path`, as in "rq.lock"; its place and type. */
export function memberOf(type: Type, path: string): { at: number; type: Type } | undefined {
  let [at, here] = [0, bare(type)];
  for (const name of path.split(".")) {
    const found = memberNamed(here, name);
    if (!found) return undefined;
    at += found.at;
    here = bare(found.type);
  }
  return { at, type: here };
}

/** A member of a struct or union, also one of an unnamed member. */
export function memberNamed(type: Type, name: string): Member | undefined {
  const here = bare(type);
  if (here.kind !== "struct" && here.kind !== "union") return undefined;
  for (const member of here.members) {
    if (member.name === name) return member;
    const inner = member.name === "" ? memberNamed(member.type, name) : undefined;
    if (inner) return { ...inner, at: member.at + inner.at };
  }
  return undefined;
}

/** An array without a length. */
export function isOpen(type: Type): boolean {
  const here = bare(type);
  return here.kind === "array" && here.count === 0;
}

/** Does its last member go on behind it? */
export function isOpenEnded(type: Type): boolean {
  const here = bare(type);
  const last = here.kind === "struct" ? here.members.at(-1) : undefined;
  return last !== undefined && isOpen(last.type);
}

/** The bytes of bit fields that stand side by side. */
export function bytesOfBits(fields: readonly Member[]): { at: number; bytes: number } {
  const starts = fields.map(({ at, bits }) => at * 8 + bits!.first);
  const ends = fields.map(({ bits }, i) => starts[i] + bits!.count);
  const at = Math.floor(Math.min(...starts) / 8);
  return { at, bytes: Math.ceil(Math.max(...ends) / 8) - at };
}

/** The bit fields side by side in whose bytes `offset` is: none of them can be told apart there. */
export function bitFieldsAt(members: readonly Member[], offset: number): Member[] {
  for (let i = 0; i < members.length; i++) {
    const from = i;
    while (isBeside(members[i], members[i + 1])) i++;
    if (!members[from].bits) continue;
    const fields = members.slice(from, i + 1);
    const { at, bytes } = bytesOfBits(fields);
    if (offset >= at && offset < at + bytes) return fields;
  }
  return [];
}

/**
 * Is the second bit field in the first one's memory location? Between them there may be bits in
 * which it had no room; others are of a ":0" (C11 6.7.2.1), which begins a location.
 */
function isBeside(one: Member, next: Member | undefined): boolean {
  if (!one.bits || !next?.bits) return false;
  const end = one.at * 8 + one.bits.first + one.bits.count;
  const unit = next.type.bytes * 8;
  const hadRoom = Math.floor(end / unit) === Math.floor((end + next.bits.count - 1) / unit);
  return next.at * 8 + next.bits.first === end || !hadRoom;
}

/** What is at byte `offset` of a `type`, as ".rq.queue.next" or "[3].state"; "" for itself. */
export function pathAt(type: Type, offset: number): string {
  const here = bare(type);
  if (here.kind === "array" && here.of.bytes > 0) {
    const index = Math.floor(offset / here.of.bytes);
    return `[${index}]${pathAt(here.of, offset - index * here.of.bytes)}`;
  }
  if (here.kind === "union") {
    const paths = here.members.filter(({ name, type: of }) => name && offset < of.bytes)
      .map(({ name, type: of }) => `${name}${pathAt(of, offset)}`);
    // Nobody but the program knows which one it means.
    if (paths.length > 1) return `.${paths.join("|")}`;
  }
  if (here.kind === "struct" || here.kind === "union") {
    const fields = here.kind === "struct" ? bitFieldsAt(here.members, offset) : [];
    if (fields.length > 0) return `.${fields.map(({ name }) => name).join("|")}`;
    const open = here.members.at(-1);
    const member = here.members.find((m) =>
      (here.kind === "union" || !m.bits) && offset >= m.at && offset < m.at + m.type.bytes) ??
      // "type name[];" goes on behind the struct.
      (open && isOpen(open.type) && offset >= open.at ? open : undefined);
    if (member) {
      const name = member.name ? `.${member.name}` : "";
      return `${name}${pathAt(member.type, offset - member.at)}`;
    }
  }
  return offset ? `+0x${offset.toString(16)}` : "";
}
