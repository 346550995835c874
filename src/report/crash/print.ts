// Values of memory as crash(8) prints them: a field a line, nested, numbers in the radix asked for.
import { bare, type Member, memberNamed, type Type } from "../../machine/dwarf/types.ts";
import type { Guest } from "../../machine/guest.ts";
import { shownAs } from "./aliases.ts";

/** DW_ATE_* (DWARF 5, 7.8, "Base Type Attribute Encodings"). */
const BOOLEAN = 2;
const SIGNED = [5, 6];
const CHARACTER = [6, 8];
/** As gdb's "print elements", and its threshold for what it repeats. */
const ELEMENTS_SHOWN = 200;
const REPEATS_MIN = 10;

export type Radix = 10 | 16;
/** " <schedule>" for the address of a function, else nothing. */
type Namer = (lin: bigint) => string;

const unnamed: Namer = () => "";

/**
 * The value at `lin`, in lines; the first one stands behind what the caller has written. `namer`:
 * what stands behind pointers to functions.
 */
export function valueLines(
  guest: Guest, lin: bigint, type: Type, radix: Radix, namer = unnamed,
): string[] {
  const here = bare(type);
  switch (here.kind) {
    case "struct":
    case "union":
      return braces(here.members.map((member) => [
        member.name ? `${member.name} = ` : "",
        memberLines(guest, lin, {
          ...member, type: shownAs(guest.types, here, member.name, member.type),
        }, radix, namer),
      ]));
    case "array":
      return arrayLines(guest, lin, here, radix, namer);
    default:
      return [scalar(guest.number(lin, Math.min(8, here.bytes || 8)), here, radix, namer)];
  }
}

function braces(parts: [string, string[]][]): string[] {
  const lines = ["{"];
  parts.forEach(([name, value], i) => {
    const last = value.length - 1;
    const comma = i < parts.length - 1 ? "," : "";
    value.forEach((line, k) =>
      lines.push(`  ${k === 0 ? name : ""}${line}${k === last ? comma : ""}`));
  });
  return [...lines, "}"];
}

function memberLines(
  guest: Guest, base: bigint, member: Member, radix: Radix, namer: Namer,
): string[] {
  const lin = base + BigInt(member.at);
  if (!member.bits) return valueLines(guest, lin, member.type, radix, namer);
  const { first, count } = member.bits;
  const bytes = Math.ceil(((first % 8) + count) / 8);
  const word = guest.number(lin + BigInt(first >> 3), bytes);
  if (word === undefined) return ["(not mapped)"];
  const value = (word >> BigInt(first % 8)) & ((1n << BigInt(count)) - 1n);
  return [radix === 16 ? `0x${value.toString(16)}` : `${value}`];
}

function arrayLines(
  guest: Guest, lin: bigint, type: Extract<Type, { kind: "array" }>, radix: Radix,
  namer: Namer,
): string[] {
  const of = bare(type.of);
  if (of.kind === "base" && of.bytes === 1 && CHARACTER.includes(of.encoding)) {
    return [JSON.stringify(guest.text(lin, type.count))];
  }
  const shown = Math.min(type.count, ELEMENTS_SHOWN);
  const values = Array.from({ length: shown }, (_, i) =>
    valueLines(guest, lin + BigInt(i * of.bytes), type.of, radix, namer));
  const parts = repeatsFolded(values);
  if (type.count > shown) parts.push([`... ${type.count - shown} more`]);
  return parts.every((part) => part.length === 1)
    ? wrapped(parts.map(([part]) => part))
    : braces(parts.map((part): [string, string[]] => ["", part]));
}

/** Equal elements in a row once, with their number. */
function repeatsFolded(values: readonly string[][]): string[][] {
  const folded: string[][] = [];
  for (let i = 0, next; i < values.length; i = next) {
    const text = values[i].join("\n");
    next = i + 1;
    while (next < values.length && values[next].join("\n") === text) next++;
    const [last] = values[i].slice(-1);
    if (next - i < REPEATS_MIN) folded.push(...values.slice(i, next));
    else folded.push([...values[i].slice(0, -1), `${last} <repeats ${next - i} times>`]);
  }
  return folded;
}

const ROW = 60;

/** "{1, 2, 3}" in rows. */
function wrapped(cells: string[]): string[] {
  const lines = ["{"];
  cells.forEach((cell, i) => {
    const text = i < cells.length - 1 ? `${cell}, ` : `${cell}}`;
    if (lines[lines.length - 1].length + text.length > ROW) lines.push("  ");
    lines[lines.length - 1] += text;
  });
  return lines;
}

export function scalar(
  value: bigint | undefined, type: Type, radix: Radix, namer = unnamed,
): string {
  if (value === undefined) return "(not mapped)";
  const here = bare(type);
  if (here.kind === "pointer") {
    const name = here.to && bare(here.to).kind === "function" ? namer(value) : "";
    return `0x${value.toString(16)}${name}`;
  }
  if (here.kind === "enum") return here.values.get(Number(value)) ?? `${value}`;
  if (here.kind === "base" && here.encoding === BOOLEAN) return value ? "true" : "false";
  if (radix === 16) return `0x${value.toString(16)}`;
  const signed = here.kind === "base" && SIGNED.includes(here.encoding);
  return `${signed ? BigInt.asIntN(here.bytes * 8, value) : value}`;
}

/** What a type is called. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case "base": case "named": return type.name;
    case "pointer": return `${type.to ? typeName(type.to) : "void"} *`;
    case "struct": case "union": case "enum": return `${type.kind} ${type.name || "{...}"}`;
    case "array": return `${typeName(type.of)}[${type.count}]`;
    case "qualified": return `${type.qualifier} ${typeName(type.of)}`;
    case "function": return "(function)";
    case "void": return "void";
  }
}

/** "struct page *pages[64]": as C declares it. */
function declared(type: Type, name: string): string {
  if (type.kind === "array") return declared(type.of, `${name}[${type.count}]`);
  if (type.kind === "pointer" && type.to && bare(type.to).kind === "function") {
    return `void (*${name})()`;
  }
  if (type.kind === "pointer") return type.to ? declared(type.to, `*${name}`) : `void *${name}`;
  return `${typeName(type)} ${name}`.trimEnd();
}

/**
 * A struct's fields with their offsets, as "struct TYPE" without an address shows them, or with
 * their addresses if it lies at `lin`; only the one called `only`, if given.
 */
export function layoutLines(type: Type, lin?: bigint, only?: string): string[] {
  const here = bare(type);
  if (here.kind !== "struct" && here.kind !== "union") return [typeName(type)];
  const members = only === undefined ? here.members : [memberNamed(type, only)!];
  return [
    `${typeName(here)} {`,
    ...memberLayout(members, lin ?? 0n, lin === undefined ? 10 : 16, ""),
    "}",
    ...(only === undefined ? [`SIZE: ${here.bytes}`] : []),
  ];
}

function memberLayout(
  members: readonly Member[], base: bigint, radix: Radix, indent: string,
): string[] {
  return members.flatMap(({ name, type, at, bits }) => {
    const place = base + BigInt(at);
    const left = `${`[${place.toString(radix)}]`.padStart(7)} ${indent}`;
    const inner = bare(type);
    if (!name && (inner.kind === "struct" || inner.kind === "union")) {
      const rows = memberLayout(inner.members, place, radix, `${indent}  `);
      return [`${left}${inner.kind} {`, ...rows, `${" ".repeat(left.length)}};`];
    }
    return [`${left}${declared(type, name)}${bits ? ` : ${bits.count}` : ""};`];
  });
}
