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
  const signal = faulted ? SIGNALS[vector] ?? 11 : 0;
  return { regs, flags, signal, data: box.slice(SILICON_DATA, DATA_BYTES) };
}

const hex = (value: bigint | number) => value.toString(16);

/** What differs, in words. */
function differences(got: Outcome, want: Outcome, t: Template): string[] {
  const flags = want.signal ? 0n : STATUS & ~BigInt(t.undefined ?? 0);
  const found: string[] = [];
  const compare = (name: string, ours: bigint | number, theirs: bigint | number) => {
    if (ours !== theirs) found.push(`${name} ${hex(ours)}, silicon ${hex(theirs)}`);
  };
  compare("signal", got.signal, want.signal);
  REGISTERS.forEach((name, i) => compare(name, got.regs[i]!, want.regs[i]!));
  compare("flags", got.flags & flags, want.flags & flags);
  got.data.forEach((byte, i) => compare(`byte ${i}`, byte, want.data[i]!));
  return found;
}

function describeCase(c: Case): string {
  const code = c.code.map((b) => b.toString(16).padStart(2, "0")).join(" ");
  const regs = REGISTERS.map((name, i) => `${name}=${hex(c.regs[i]!)}`).join(" ");
  return `${code} with ${regs} flags=${hex(c.flags)}`;
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
      if (got.signal === SPLIT_LOCK) return;
      expect(differences(got, expected[i]!, chosen[i]!), describeCase(c)).toEqual([]);
    });
  });
});
