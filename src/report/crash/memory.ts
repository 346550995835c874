// px, pd, rd, slab: memory as values, words and objects.
import { bare } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";
import { liveObjects } from "../objects.ts";
import { Slabs } from "../slabs.ts";
import { wrap } from "../text.ts";
import { valueOf } from "./expression.ts";
import { numberOf, type Value } from "./value.ts";
import { perCpuLines } from "./per-cpu.ts";
import { type Radix, scalar, typeName, valueLines } from "./print.ts";
import { bareHex, type Session, word } from "./session.ts";

const COUNT_MAX = 4096;

export function countOf(text: string | undefined, default_: number): number {
  if (text === undefined) return default_;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= COUNT_MAX) return value;
  throw new InputError(`${text}: a count from 1 to ${COUNT_MAX} is meant`);
}

/** px and pd: "$1 = 0x10"; a symbol alone is named before it, as crash does. */
export function print(session: Session, text: string, radix: Radix): string[] {
  const each = perCpuLines(session, text);
  if (each) return each;
  const value = valueOf(text, session.scope);
  const [first, ...rest] = resultLines(session, value, radix);
  const number = session.history.push(value);
  const name = /^[A-Za-z_]\w*$/.test(text) ? `${text} = ` : "";
  return [`${name}$${number} = ${first}`, ...rest];
}

function resultLines(session: Session, value: Value, radix: Radix): string[] {
  const { type, lin, bits } = value;
  const here = type && bare(type);
  const whole = ["struct", "union", "array"].includes(here?.kind ?? "");
  if (whole && lin !== undefined) {
    if (!session.guest.read(lin, 1)) throw session.unmapped(lin);
    return valueLines(session.guest, lin, type!, radix, (to) => session.functionAt(to));
  }
  const number = numberOf(value, session.scope);
  const symbol = session.machine.symbolAt(number);
  const name = symbol && here && POINTS.includes(here.kind) && symbol.lin === number
    ? ` <${symbol.name}>` : "";
  if (here?.kind === "function") return [`0x${bareHex(number)}${name}`];
  if (here?.kind === "pointer") {
    return [`(${typeName(type!).replaceAll("* *", "**")}) 0x${bareHex(number)}${name}`];
  }
  if (here && !bits) return [scalar(BigInt.asUintN(here.bytes * 8, number), type!, radix)];
  return [radix === 16 ? `0x${bareHex(BigInt.asUintN(64, number))}` : `${number}`];
}

const POINTS = ["pointer", "function"];

/** Words of memory, with what they point at. */
export function rd(session: Session, address: string, count?: string): string[] {
  const from = session.address(address);
  const words = countOf(count, 1);
  const lines: string[] = [];
  for (let i = 0; i < words; i += 2) {
    const at = from + BigInt(i * 8);
    const cells = [at, at + 8n].slice(0, Math.min(2, words - i)).map((lin) => {
      const value = session.guest.number(lin);
      if (value === undefined) throw session.unmapped(lin);
      return value;
    });
    const bytes = session.guest.read(at, cells.length * 8)!;
    const text = Array.from(bytes, (byte) =>
      byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".").join("");
    lines.push(`${word(at)}:  ${cells.map(word).join(" ").padEnd(33)}   ${text}`);
  }
  return lines;
}

/** The caches as in "kmem -s"; of one type its objects, those in use with their addresses. */
export function slab(session: Session, name: string): string[] {
  const slabs = new Slabs(session.guest, session.machine.debugBlock()?.base);
  if (!name) return slabTable(slabs);
  const type = session.type(name);
  // Each unit of the program has a description of its own of the same type.
  const wanted = typeName(bare(type));
  const cache = slabs.caches.find((one) => one.name === wanted.replace(/^struct /, ""));
  if (!cache) {
    const found = liveObjects(session.guest)
      .filter((one) => typeName(bare(one.type)) === wanted);
    return [
      `${wanted}: no cache of its own; ${found.length} that a typed pointer leads to`,
      ...found.map(({ lin }) => `  ${bareHex(lin)}`),
    ];
  }
  const objects = slabs.objects(cache);
  const used = objects.filter(({ freeOn }) => freeOn === undefined);
  const lists = new Map<number, number>();
  for (const { freeOn } of objects) {
    if (freeOn !== undefined) lists.set(freeOn, (lists.get(freeOn) ?? 0) + 1);
  }
  const free = [...lists].sort(([x], [y]) => x - y)
    .map(([cpu, count]) => `${cpu < 0 ? "depot" : `cpu${cpu}`} ${count}`);
  return [
    `${wanted}: ${used.length} in use, ${objects.length - used.length} free, ` +
      `${cache.bytes} bytes each`,
    ...wrap(`free lists: ${free.join(", ") || "none"}`).split("\n"),
    ...used.map(({ lin }) => `  ${bareHex(lin)}`),
  ];
}

function slabTable(slabs: Slabs): string[] {
  const cell = (value: number | string) => String(value).padStart(9);
  return [
    `${["OBJSIZE", "ALLOCATED", "TOTAL", "SLABS"].map(cell).join(" ")}  NAME`,
    ...slabs.caches.map((cache) => {
      const all = slabs.objects(cache);
      const used = all.filter(({ freeOn }) => freeOn === undefined).length;
      const cells = [cache.bytes, used, all.length, cache.pages.length];
      return `${cells.map(cell).join(" ")}  ${cache.name}`;
    }),
  ];
}
