// The decoder against iced-x86: which instructions exist, and how long they are.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Code, CpuidFeature, Decoder, DecoderOptions, type Instruction, Mnemonic } from "iced-x86";
import { describe, expect, it } from "vitest";
import { FAMILIES } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { Random, randomCase } from "./random-case.ts";

/** What cpuid.ts announces; instructions of any other feature are #UD. */
const FEATURES = new Set([
  CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
  CpuidFeature.INTEL486, CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.CPUID, CpuidFeature.CX8,
  CpuidFeature.CMPXCHG16B, CpuidFeature.FSGSBASE, CpuidFeature.MSR, CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE, CpuidFeature.POPCNT, CpuidFeature.RDTSCP, CpuidFeature.SEP,
  CpuidFeature.SYSCALL,
  CpuidFeature.TSC, CpuidFeature.CLFSH, CpuidFeature.RDPMC, CpuidFeature.CET_IBT,
]);
/**
 * Of other features, but without their registers: fences, and the hints, which are NOPs everywhere.
 */
const SPECIAL = new Set([
  Mnemonic.Sfence, Mnemonic.Lfence, Mnemonic.Mfence, Mnemonic.Cldemote,
  ...Object.entries(Mnemonic).filter(([name]) => name.startsWith("Prefetch")).map(([,
  value]) => value),
]);
/**
 * Bytes of the NOPs 0F 0D and 0F 18 to 0F 1F, of which iced knows only those that have got a
 * meaning.
 */
const isHint = (bytes: Uint8Array) => {
  const at = bytes.indexOf(0x0f);
  return at >= 0 && (bytes[at + 1] === 0x0d || (bytes[at + 1]! & 0xf8) === 0x18);
};

const box = new FlatBox();

function iced(bytes: Uint8Array): Instruction {
  const decoder = new Decoder(64, bytes, DecoderOptions.NoMPFX_0FBC | DecoderOptions.NoMPFX_0FBD);
  const instruction = decoder.decode();
  decoder.free();
  return instruction;
}

const hex = (bytes: ArrayLike<number>) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(" ");

function exists(instruction: Instruction): boolean {
  if (instruction.code === Code.INVALID) return false;
  if (instruction.mnemonic === Mnemonic.Wait) return false; // x87
  return SPECIAL.has(instruction.mnemonic) ||
    instruction.cpuidFeatures().every((feature) => FEATURES.has(feature));
}

/** A line for each instruction that the two see differently. */
function differences(codes: Iterable<Uint8Array>): string[] {
  const found: string[] = [];
  for (const bytes of codes) {
    const theirs = iced(bytes);
    const want = exists(theirs) ? theirs.length : 0;
    const got = box.lengthOf(bytes);
    if (got === want || got > 15 || (want === 0 && isHint(bytes))) continue;
    found.push(`${hex(bytes)}: ${got}, iced ${want} ${Mnemonic[theirs.mnemonic]}`);
  }
  return found;
}

function* randomBytes(count: number): Generator<Uint8Array> {
  const random = new Random(4711);
  for (let n = 0; n < count; n++) {
    const bytes = Uint8Array.from({ length: 15 }, () => random.next(256));
    if (random.chance(2)) bytes[0] = 0x0f;
    if (random.chance(8)) bytes[0] = random.pick([0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48]);
    yield bytes;
  }
}

/** Executable bytes of an ELF64 file, by its program headers. */
function codeOf(file: string): Uint8Array {
  const bytes = readFileSync(file);
  const at = Number(bytes.readBigUInt64LE(32));
  const parts: Uint8Array[] = [];
  for (let i = 0; i < bytes.readUInt16LE(56); i++) {
    const header = at + i * bytes.readUInt16LE(54);
    if (bytes.readUInt32LE(header) !== 1 || !(bytes.readUInt32LE(header + 4) & 1)) continue;
    const offset = Number(bytes.readBigUInt64LE(header + 8));
    parts.push(bytes.subarray(offset, offset + Number(bytes.readBigUInt64LE(header + 32))));
  }
  return Buffer.concat(parts);
}

/** A linear sweep, as iced walks it. */
function* sweep(code: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at + 15 <= code.length;) {
    const bytes = code.subarray(at, at + 15);
    yield bytes;
    at += Math.max(1, iced(bytes).length);
  }
}

const prebuilt = fileURLToPath(new URL("../../workloads/prebuilt", import.meta.url));
const images = existsSync(prebuilt) ? readdirSync(prebuilt).filter((f) => f.endsWith(".elf")) : [];

describe("lengths", () => {
  it.each(FAMILIES)("of $name", ({ templates }) => {
    const random = new Random(77);
    const one = () => randomCase(random, random.pick(templates)).code;
    const codes = Array.from({ length: 3000 }, one);
    expect(differences(codes.map((code) => Uint8Array.from(code)))).toEqual([]);
    const short = codes.filter((code) => box.lengthOf(code) !== code.length).map(hex);
    expect(short).toEqual([]);
  });

  it("of random bytes", () => {
    expect(differences(randomBytes(60000))).toEqual([]);
  });

  it("of too long an instruction", () => {
    expect(box.lengthOf([...Array(15).fill(0x66), 0x90])).toBe(16);
    expect(box.lengthOf([...Array(14).fill(0x66), 0x90])).toBe(15);
  });

  it.each(images)("of %s", (image) => {
    expect(differences(sweep(codeOf(join(prebuilt, image))))).toEqual([]);
  });
});
