// The decoder against iced-x86: which instructions exist, and how long they are.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Code, CpuidFeature, Decoder, DecoderOptions, type Instruction, Mnemonic } from "iced-x86";
import { describe, expect, it } from "vitest";
import { FAMILIES } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { Random, randomCase } from "./random-case.ts";

const OURS = new Set([
  CpuidFeature.INTEL8086, CpuidFeature.INTEL186, CpuidFeature.INTEL286, CpuidFeature.INTEL386,
  CpuidFeature.INTEL486, CpuidFeature.X64, CpuidFeature.CMOV, CpuidFeature.CPUID, CpuidFeature.CX8,
  CpuidFeature.CMPXCHG16B, CpuidFeature.FSGSBASE, CpuidFeature.MSR, CpuidFeature.MULTIBYTENOP,
  CpuidFeature.PAUSE, CpuidFeature.POPCNT, CpuidFeature.PREFETCHW, CpuidFeature.RDTSCP, CpuidFeature.SEP,
  CpuidFeature.SMM, CpuidFeature.SYSCALL, CpuidFeature.TSC, CpuidFeature.CLFSH, CpuidFeature.RDPMC,
  CpuidFeature.CET_IBT, CpuidFeature.SSE, CpuidFeature.SSE2,
]);

const box = new FlatBox();

function iced(bytes: Uint8Array): { length: number; instruction: Instruction } {
  const decoder = new Decoder(64, bytes, DecoderOptions.NoInvalidCheck & 0);
  const instruction = decoder.decode();
  decoder.free();
  return { length: instruction.code === Code.INVALID ? 0 : instruction.length, instruction };
}

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");

/** Does this ISA have the instruction that iced sees? */
function known(instruction: Instruction): boolean {
  return instruction.cpuidFeatures().every((f) => OURS.has(f));
}

describe("lengths", () => {
  it.each(FAMILIES)("of $name", ({ templates }) => {
    const random = new Random(77);
    for (let n = 0; n < 2000; n++) {
      const code = Uint8Array.from(randomCase(random, random.pick(templates)).code);
      expect(box.lengthOf(code), hex(code)).toBe(code.length);
      expect(iced(code).length, hex(code)).toBe(code.length);
    }
  });

  it("of random bytes", () => {
    const random = new Random(4711);
    const different = new Map<string, string>();
    for (let n = 0; n < 60000; n++) {
      const bytes = Uint8Array.from({ length: 15 }, () => random.next(256));
      if (random.chance(2)) bytes[0] = 0x0f;
      const theirs = iced(bytes);
      const ours = box.lengthOf(bytes);
      if (ours === theirs.length) continue;
      const name = Mnemonic[theirs.instruction.mnemonic]!;
      const key = `${name} ${ours === 0 ? "#UD" : theirs.length === 0 ? "only ours" : "length"}`;
      if (!different.has(key)) different.set(key, hex(bytes) + ` ours ${ours} iced ${theirs.length}` + (known(theirs.instruction) ? " KNOWN" : ""));
    }
    console.log([...different].map(([k, v]) => `${k}: ${v}`).sort().join("\n"));
  });
});
