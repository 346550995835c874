// Every family against the processor underneath: registers, defined flags, memory, and whether it
// faults.
import { describe, expect, it } from "vitest";
import { FAMILIES, type Template } from "./families.ts";
import { FlatBox } from "./flat-box.ts";
import { Random, randomCase } from "./random-case.ts";
import { REGISTERS } from "./flat-box.ts";
import {
  buildSilicon, type Case, DATA_BYTES, type Outcome, runSilicon, SILICON_CODE, SILICON_DATA,
} from "./silicon.ts";
import { GATES, installGates } from "./gates.ts";

const STATUS = 0x8d5n;
/** A locked access over a line is #AC here (access.ts), and works on silicon. */
const SPLIT_LOCK = 7;
const SIGNALS: Record<number, number> = { 0: 8, 1: 5, 3: 5, 6: 4, 13: 11, 14: 11, 12: 7, 17: 7 };

/** What our CPU makes of a case. */
function emulate(box: FlatBox, c: Case): Outcome {
  box.reset(SILICON_CODE);
  installGates(box);
  box.load(SILICON_CODE, c.code);
  box.load(SILICON_DATA, c.data);
  REGISTERS.forEach((name, i) => box.set(name, c.regs[i]!));
  box.flags = c.flags;
  // A repeated string instruction is one instruction, however many steps it takes
  for (let n = 0; n < 64 && box.rip === SILICON_CODE; n++) box.step();
  const vector = (box.rip - GATES) / 16;
  const faulted = Number.isInteger(vector) && vector >= 0 && vector < 32;
  const regs = REGISTERS.map((name) => box.get(name));
  let flags = box.flags;
  if (faulted) {
    const code = [8, 10, 11, 12, 13, 14, 17].includes(vector) ? 8n : 0n;
    const frame = Number(box.get("rsp") + code);
    flags = box.read(frame + 16, 8);
    regs[4] = box.read(frame + 24, 8);
  }
  return { regs, flags, signal: faulted ? SIGNALS[vector] ?? 11 : 0, data: box.slice(SILICON_DATA, DATA_BYTES) };
}

/** CF of a shift beyond a narrow operand is undefined; a rotate leaves all but CF and OF alone. */
function undefinedFlags(t: Template, c: Case): bigint {
  return BigInt(t.undefined ?? 0);
}

function describeCase(c: Case): string {
  const hex = c.code.map((b) => b.toString(16).padStart(2, "0")).join(" ");
  return `${hex} with ${REGISTERS.map((r, i) => `${r}=${c.regs[i]!.toString(16)}`).join(" ")} flags=${c.flags.toString(16)}`;
}

const silicon = buildSilicon();
const runs = "program" in silicon;
if (!runs) console.log(`differential tests skipped: ${silicon.reason}`);

describe.skipIf(!runs)("like silicon", () => {
  const box = new FlatBox();
  it.each(FAMILIES)("$name", ({ templates, cases, name }) => {
    const random = new Random(0x5eed + name.length);
    const chosen = Array.from({ length: cases }, () => random.pick(templates));
    const inputs = chosen.map((t) => randomCase(random, t));
    const expected = runSilicon((silicon as { program: string }).program, inputs);
    inputs.forEach((c, i) => {
      const got = emulate(box, c);
      const want = expected[i]!;
      if (got.signal === SPLIT_LOCK) return;
      const mask = want.signal ? 0n : STATUS & ~undefinedFlags(chosen[i]!, c);
      const difference = [
        got.signal !== want.signal ? `signal ${got.signal}, silicon ${want.signal}` : "",
        ...REGISTERS.map((r, n) => got.regs[n] !== want.regs[n]
          ? `${r} ${got.regs[n]!.toString(16)}, silicon ${want.regs[n]!.toString(16)}` : ""),
        (got.flags ^ want.flags) & mask ? `flags ${got.flags.toString(16)},
        silicon ${want.flags.toString(16)}` : "",
        ...[...got.data].map((b, n) => b !== want.data[n]
          ? `byte ${n} ${b.toString(16)}, silicon ${want.data[n]!.toString(16)}` : ""),
      ].filter(Boolean);
      expect(difference, describeCase(c)).toEqual([]);
    });
  });
});
