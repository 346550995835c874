// Memory of a stopped machine as a program's types see it: variables by name, fields by path.
// Linear addresses go through the page tables of one address space, or those below USER_END through
// a process's; what is not mapped is undefined.
import { bare, memberOf, type Type, type Types } from "./dwarf/types.ts";
import { readLinear, translate } from "./page-walk.ts";

const TEXT_MAX = 256;
/** Programs lie below. */
export const USER_END = 1n << 47n;

/** A value of some type in memory. */
export interface Place {
  lin: bigint;
  type: Type;
}

export class Guest {
  readonly ram: DataView;
  readonly cr3: bigint;
  readonly types: Types;
  private readonly user?: () => bigint | undefined;

  /** `user`: the tables of what is below USER_END, undefined for none; else they are `cr3`, too. */
  constructor(ram: DataView, cr3: bigint, types: Types, user?: () => bigint | undefined) {
    this.ram = ram;
    this.cr3 = cr3;
    this.types = types;
    this.user = user;
  }

  private tablesOf(lin: bigint): bigint | undefined {
    return lin < USER_END && this.user ? this.user() : this.cr3;
  }

  /** Offset in RAM of `lin`. */
  physical(lin: bigint): number | undefined {
    const tables = this.tablesOf(lin);
    return tables === undefined ? undefined : translate(this.ram, tables, lin);
  }

  /** As many of `bytes` at `lin` as are mapped. */
  readSome(lin: bigint, bytes: number): Uint8Array {
    const tables = this.tablesOf(lin);
    return readLinear(this.ram, tables ?? 0n, lin, tables === undefined ? 0 : bytes);
  }

  /** `bytes` at `lin`; undefined unless all of them are mapped. */
  read(lin: bigint, bytes: number): Uint8Array | undefined {
    const found = this.readSome(lin, bytes);
    return found.length === bytes ? found : undefined;
  }

  /** A number of 1 to 8 bytes, unsigned. */
  number(lin: bigint, bytes = 8): bigint | undefined {
    const found = this.read(lin, bytes);
    return found?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  text(lin: bigint, max = TEXT_MAX): string {
    const found = this.readSome(lin, max);
    const end = found.indexOf(0);
    return new TextDecoder("latin1").decode(found.subarray(0, end < 0 ? max : end));
  }

  variable(name: string): Place | undefined {
    return this.types.variables.find((variable) => variable.name === name);
  }

  /** The field `path` of a struct, as in "rq.idle". */
  field(place: Place, path: string): Place | undefined {
    const found = memberOf(place.type, path);
    return found && { lin: place.lin + BigInt(found.at), type: found.type };
  }

  /** The elements of an array. */
  elements(place: Place): Place[] {
    const type = bare(place.type);
    if (type.kind !== "array") return [];
    return Array.from({ length: type.count }, (_, i) => ({
      lin: place.lin + BigInt(i * type.of.bytes), type: type.of,
    }));
  }

  /** What the number, enum or pointer at the place holds; of a field, with its `path`. */
  value(place: Place, path?: string): bigint | undefined {
    const here = path === undefined ? place : this.field(place, path);
    if (!here) return undefined;
    const { bytes } = bare(here.type);
    return bytes >= 1 && bytes <= 8 ? this.number(here.lin, bytes) : undefined;
  }

  /** What the pointer at the place points at; undefined for NULL. */
  target(place: Place, path?: string): Place | undefined {
    const here = path === undefined ? place : this.field(place, path);
    const type = here && bare(here.type);
    if (!here || type?.kind !== "pointer" || !type.to) return undefined;
    const lin = this.number(here.lin);
    return lin ? { lin, type: type.to } : undefined;
  }
}
