// The decoder against iced-x86: a million random byte strings, and every instruction of every
// image.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Decoder, DecoderOptions, Instruction } from "iced-x86";
import { describe, expect, it } from "vitest";
import { Comparison, STRIDE } from "./decoders.ts";
import { FAMILIES } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { randomBatch } from "./random-bytes.ts";
import { randomCase } from "./random-case.ts";
import { Random } from "./random.ts";
import { States } from "./state.ts";

const STRINGS = 1 << 20;
const BATCH = 32768;

const box = new FlatBox();

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

/** A linear sweep, as iced walks it: the instructions one by one, STRIDE bytes each. */
function sweep(code: Uint8Array): Uint8Array {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const instruction = new Instruction();
  const found: Uint8Array[] = [];
  for (let at = 0; at + 15 <= code.length;) {
    decoder.position = at;
    decoder.decodeOut(instruction);
    const bytes = new Uint8Array(STRIDE);
    bytes.set(code.subarray(at, at + 15));
    found.push(bytes);
    at += Math.max(1, instruction.length);
  }
  instruction.free();
  decoder.free();
  return Buffer.concat(found);
}

function compareAll(comparison: Comparison, bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at += BATCH * STRIDE) {
    found.push(...comparison.differences(bytes.subarray(at, at + BATCH * STRIDE)));
  }
  return found;
}

const prebuilt = fileURLToPath(new URL("../../workloads/prebuilt", import.meta.url));
const images = existsSync(prebuilt) ? readdirSync(prebuilt).filter((f) => f.endsWith(".elf")) : [];

describe("as iced-x86 decodes", () => {
  it("the families of the vectors", () => {
    const random = new Random(77);
    const state = new States(1);
    const codes = FAMILIES.flatMap(({ templates }) => templates.flatMap((template) =>
      Array.from({ length: 20 }, () => {
        randomCase(random, state, template);
        return [...state.code];
      })));
    const bytes = new Uint8Array(codes.length * STRIDE);
    codes.forEach((code, i) => bytes.set(code, i * STRIDE));
    expect(compareAll(new Comparison(box), bytes)).toEqual([]);
  });

  it("a million random byte strings", () => {
    const random = new Random(4711);
    const comparison = new Comparison(box);
    while (comparison.compared.strings < STRINGS) {
      expect(comparison.differences(randomBatch(random, BATCH))).toEqual([]);
    }
    const { strings, instructions, operands, accesses } = comparison.compared;
    console.log(`${strings} byte strings: the length of all, the operands of ${operands} of ` +
      `${instructions} instructions, the accesses of ${accesses}`);
    expect(operands).toBeGreaterThan(STRINGS / 2);
    expect(accesses).toBeGreaterThan(STRINGS / 2);
  });

  it.each(images)("%s", (image) => {
    const comparison = new Comparison(box);
    expect(compareAll(comparison, sweep(codeOf(join(prebuilt, image))))).toEqual([]);
    const { strings, instructions } = comparison.compared;
    expect(instructions).toBeGreaterThan(strings * 0.9); // the rest is padding and data
  });
});

it("finds too long an instruction", () => {
  expect(box.lengthOf([...Array(15).fill(0x66), 0x90])).toBe(16);
  expect(box.lengthOf([...Array(14).fill(0x66), 0x90])).toBe(15);
});
