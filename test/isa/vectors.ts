// Golden vectors: what a processor made of the cases of a family. The cases come from seeds; a file
// of test/isa/vectors holds the outcomes, as differences from the cases, deflated:
//
//     0 | digest of the cases u32 | 4 | deflated outcomes
//
// An outcome is: signal u8; distance of RIP beyond the instruction's end i16, or -8000H and i32;
// status and control flags u24; mask of changed registers u16, and for each a byte count and the
// bytes, +16 if they are to be XORed to the old value; mask of changed segment bases u8, 8 bytes
// each; count u8 of runs of changed memory: offset u16, length u8, bytes.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deflateSync, inflateSync } from "node:zlib";
import { Decoder, DecoderOptions, Instruction } from "iced-x86";
import { Random, seedOf } from "./random.ts";
import { randomCase } from "./random-case.ts";
import { States } from "./state.ts";
import type { Family, Template } from "./template.ts";
import { undefinedFlags } from "./undefined-flags.ts";

/** Cases of each template. */
const CASES = 320;
/** Status flags, DF, IOPL, NT, AC. */
const FLAGS_MASK = 0x47cd5;
const RUNS_MAX = 255;

/** Seed of a template's cases, whatever the order of its fields. */
function seedFor(template: Template, salt: string): number {
  const fields = Object.entries(template).sort(([a], [b]) => (a < b ? -1 : 1));
  return seedOf(JSON.stringify(fields) + salt);
}

/** The cases of a family, `count` of each template; `salt` for others than the golden ones. */
export function casesOf(family: Family, count = CASES, salt = ""): States {
  const cases = new States(family.templates.length * count);
  family.templates.forEach((template, index) => {
    const random = new Random(seedFor(template, salt));
    for (let n = 0; n < count; n++) randomCase(random, cases.select(index * count + n), template);
  });
  return cases;
}

export function vectorFile(family: Family): string {
  const name = family.name.replace(/[^a-z]+/g, "-");
  return fileURLToPath(new URL(`vectors/${name}.bin`, import.meta.url));
}

function digest(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  let hash = 0x811c9dc5;
  for (const word of words) hash = Math.imul(hash ^ word, 0x01000193) ^ (hash >>> 15);
  return hash >>> 0;
}

class Writer {
  bytes = new Uint8Array(1 << 20);
  length = 0;

  put(value: number, size: number): void {
    if (this.length + 16 > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    for (let i = 0; i < size; i++) this.bytes[this.length++] = value >> (8 * i);
  }
}

/** Bytes up to the last that is not 0. */
function significant(bytes: Uint8Array): number {
  let count = bytes.length;
  while (count && !bytes[count - 1]) count--;
  return count;
}

/** The words of 8 bytes that differ: a mask, then the shorter of the word and the difference. */
function encodeWords(w: Writer, before: Uint8Array, after: Uint8Array): void {
  let mask = 0;
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) mask |= 1 << (i >> 3);
  w.put(mask, 2);
  for (let n = 0; n < before.length / 8; n++) {
    if (!(mask >> n & 1)) continue;
    const value = after.subarray(8 * n, 8 * n + 8);
    const difference = value.map((byte, i) => byte ^ before[8 * n + i]!);
    const xor = significant(difference) < significant(value);
    const count = significant(xor ? difference : value);
    w.put(count | (xor ? 16 : 0), 1);
    for (let i = 0; i < count; i++) w.put((xor ? difference : value)[i]!, 1);
  }
}

const FAR = -0x8000;

function encodeDistance(w: Writer, distance: number): void {
  const near = distance > FAR && distance < -FAR;
  w.put(near ? distance : FAR, 2);
  if (!near) w.put(distance, 4);
}

/** Runs of bytes that differ. */
function encodeMemory(w: Writer, before: Uint8Array, after: Uint8Array): void {
  const runs: [number, number][] = [];
  for (let i = 0; i < after.length; i++) {
    if (before[i] === after[i]) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === i && last[1] < 255) last[1]++;
    else runs.push([i, 1]);
  }
  if (runs.length > RUNS_MAX) throw new Error("an instruction changed too much memory");
  w.put(runs.length, 1);
  for (const [offset, length] of runs) {
    w.put(offset, 2);
    w.put(length, 1);
    for (let i = 0; i < length; i++) w.put(after[offset + i]!, 1);
  }
}

/** The content of the family's file. */
export function encode(cases: States, outcomes: States): Uint8Array {
  const w = new Writer();
  for (let i = 0; i < cases.count; i++) {
    const before = cases.select(i);
    const after = outcomes.select(i);
    w.put(after.signal, 1);
    encodeDistance(w, after.rip - before.length);
    w.put(after.flags & FLAGS_MASK, 3);
    encodeWords(w, before.regs, after.regs);
    encodeWords(w, before.bases, after.bases);
    encodeMemory(w, before.data, after.data);
  }
  const deflated = deflateSync(w.bytes.subarray(0, w.length), { level: 9 });
  const file = new Uint8Array(4 + deflated.length);
  new DataView(file.buffer).setUint32(0, digest(cases.bytes), true);
  file.set(deflated, 4);
  return file;
}

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  take(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value |= this.bytes[this.at++]! << (8 * i);
    return value;
  }
}

function decodeWords(r: Reader, words: Uint8Array): void {
  const mask = r.take(2);
  for (let n = 0; n < words.length / 8; n++) {
    if (!(mask >> n & 1)) continue;
    const head = r.take(1);
    const xor = (head & 16) !== 0;
    for (let i = 0; i < 8; i++) {
      const byte = i < (head & 15) ? r.take(1) : 0;
      words[8 * n + i] = xor ? words[8 * n + i]! ^ byte : byte;
    }
  }
}

function decodeMemory(r: Reader, data: Uint8Array): void {
  for (let runs = r.take(1); runs > 0; runs--) {
    const offset = r.take(2);
    const length = r.take(1);
    for (let i = 0; i < length; i++) data[offset + i] = r.take(1);
  }
}

/** The outcomes in a file, or why there are none. */
export function decode(file: Uint8Array, cases: States): States {
  const seen = new DataView(file.buffer, file.byteOffset).getUint32(0, true);
  if (seen !== digest(cases.bytes)) {
    throw new Error("the vectors are of other cases: run node scripts/take-vectors.mjs");
  }
  const r = new Reader(inflateSync(file.subarray(4)));
  const outcomes = new States(cases.count, cases.bytes.slice());
  for (let i = 0; i < cases.count; i++) {
    const s = outcomes.select(i);
    s.signal = r.take(1);
    const near = r.take(2) << 16 >> 16;
    s.rip = s.length + (near === FAR ? r.take(4) : near);
    s.flags = r.take(3);
    decodeWords(r, s.regs);
    decodeWords(r, s.bases);
    decodeMemory(r, s.data);
  }
  return outcomes;
}

/** Cases and golden outcomes of a family. */
export function vectorsOf(family: Family) {
  const file = vectorFile(family);
  if (!existsSync(file)) throw new Error(`no vectors for "${family.name}"`);
  const cases = casesOf(family);
  return { cases, golden: decode(readFileSync(file), cases) };
}

/** One case in `oneIn`, by a seed, with the golden outcomes. */
export function sampleOf(family: Family, oneIn: number, seed: number) {
  const { cases, golden } = vectorsOf(family);
  const random = new Random(seedOf(`${family.name} ${seed}`));
  const picked = Array.from({ length: cases.count }, (_, i) => i)
    .filter(() => random.chance(oneIn));
  const pick = (from: States) => {
    const some = new States(picked.length);
    picked.forEach((index, i) => some.select(i).copyFrom(from.select(index)));
    return some;
  };
  return { cases: pick(cases), golden: pick(golden) };
}

const REGISTERS = [
  "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
  "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
];

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

const hex = (bytes: ArrayLike<number>) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");
const word = (bytes: Uint8Array, n: number) => hex(bytes.slice(8 * n, 8 * n + 8).reverse())
  .replaceAll(" ", "");

/** What differs between the current states, in words; `undefined` are flags that may. */
function difference(got: States, want: States, undefinedFlags: number): string {
  if (got.signal !== want.signal) return `signal ${got.signal}, silicon ${want.signal}`;
  if (got.rip !== want.rip) return `rip +${got.rip}, silicon +${want.rip}`;
  const flags = (got.flags ^ want.flags) & FLAGS_MASK & ~undefinedFlags;
  if (flags) return `flags ${got.flags.toString(16)}, silicon ${want.flags.toString(16)}`;
  let at = firstDifference(got.regs, want.regs) >> 3;
  if (at >= 0) return `${REGISTERS[at]} ${word(got.regs, at)}, silicon ${word(want.regs, at)}`;
  at = firstDifference(got.bases, want.bases) >> 3;
  if (at >= 0) return `segment base ${word(got.bases, at)}, silicon ${word(want.bases, at)}`;
  at = firstDifference(got.data, want.data);
  return at < 0 ? "" : `byte ${at}: ${got.data[at]}, silicon ${want.data[at]}`;
}

function inWords(s: States): string {
  const regs = REGISTERS.map((name, i) => `${name}=${word(s.regs, i)}`).join(" ");
  return `${hex(s.code)} with ${regs} flags=${s.flags.toString(16)}`;
}

/** A line for each case whose outcomes differ. */
export function differences(cases: States, got: States, want: States, limit = 10): string[] {
  const found: string[] = [];
  const decoder = new Decoder(64, cases.bytes, DecoderOptions.None);
  const instruction = new Instruction();
  for (let i = 0; i < cases.count && found.length < limit; i++) {
    const s = cases.select(i);
    got.select(i);
    want.select(i);
    if (!difference(got, want, 0)) continue;
    decoder.position = s.code.byteOffset - cases.bytes.byteOffset;
    decoder.decodeOut(instruction);
    const text = difference(got, want, undefinedFlags(instruction, s.low(1) & 0xff));
    if (text) found.push(`${inWords(s)}: ${text}`);
  }
  instruction.free();
  decoder.free();
  return found;
}
