// Control flow and code fetch: jumps, calls, lines, pages, code that changes.
import { beforeEach, describe, expect, it } from "vitest";
import { CODE, FlatBox, STACK_TOP } from "./flat-box.ts";
import { GATES, installGates, stepToGate } from "./gates.ts";

const box = new FlatBox();
const NOP = 0x90;
const HLT = 0xf4;
const HALTED = 1;

beforeEach(() => {
  box.reset(CODE);
  installGates(box);
});

/** Run until HLT. */
function runTo(code: number[], at = CODE): void {
  box.load(at, [...code, HLT]);
  box.rip = at;
  box.wake();
  expect(box.run(100000)).toBe(HALTED);
}

describe("jumps", () => {
  // The condition of each opcode for the flags CF, ZF, SF, OF, PF
  const conditions: [number, (f: bigint) => boolean][] = [
    [0, (f) => (f & 0x800n) !== 0n], [2, (f) => (f & 1n) !== 0n], [4, (f) => (f & 0x40n) !== 0n],
    [6, (f) => (f & 0x41n) !== 0n], [8, (f) => (f & 0x80n) !== 0n], [10, (f) => (f & 4n) !== 0n],
    [12, (f) => ((f & 0x80n) !== 0n) !== ((f & 0x800n) !== 0n)],
    [14, (f) => (f & 0x40n) !== 0n || ((f & 0x80n) !== 0n) !== ((f & 0x800n) !== 0n)],
  ];

  it.each(conditions)("Jcc %i and its opposite, for every combination of flags", (cc, holds) => {
    for (const [opcode, negate] of [[0x70 + cc, false], [0x71 + cc, true]] as const) {
      for (let n = 0; n < 32; n++) {
        const flags = [1n, 4n, 0x40n, 0x80n, 0x800n]
          .reduce((f, bit, i) => (n >> i & 1 ? f | bit : f), 2n);
        box.reset(CODE);
        box.load(CODE, [opcode, 0x10]);
        box.flags = flags;
        box.step();
        expect(box.rip, `${opcode.toString(16)} flags ${flags.toString(16)}`)
          .toBe(CODE + 2 + (holds(flags) !== negate ? 16 : 0));
        expect(box.flags).toBe(flags);
      }
    }
  });

  it("conditions after a real comparison", () => {
    // cmp eax, ecx; setl dl; setb dh
    box.set("rax", 0xffffffffn);
    box.set("rcx", 1n);
    runTo([0x39, 0xc8, 0x0f, 0x9c, 0xc2, 0x0f, 0x92, 0xc6]);
    expect(box.get("rdx")).toBe(0x0001n);
  });

  it("CALL pushes the next address, RET n pops more", () => {
    // call +1; hlt; ret 8
    box.load(CODE, [0xe8, 1, 0, 0, 0, HLT, 0xc2, 8, 0]);
    box.step();
    expect(box.rip).toBe(CODE + 6);
    expect(box.read(STACK_TOP - 8, 8)).toBe(BigInt(CODE + 5));
    box.step();
    expect(box.rip).toBe(CODE + 5);
    expect(box.get("rsp")).toBe(BigInt(STACK_TOP + 8));
  });

  it("LOOP and JRCXZ", () => {
    box.set("rcx", 5n);
    runTo([0x48, 0xff, 0xc0, 0xe2, 0xfb, 0xe3, 0x01, HLT]); // inc rax; loop; jrcxz +1
    expect(box.get("rax")).toBe(5n);
    expect(box.rip).toBe(CODE + 9);
  });

  it("#GP(0) for a target that is not canonical, at the jump", () => {
    box.set("rax", 0x1000000000000000n);
    box.load(CODE, [0xff, 0xe0]); // jmp rax
    stepToGate(box);
    expect(box.rip).toBe(GATES + 13 * 16);
    expect(box.read(Number(box.get("rsp")) + 8, 8)).toBe(BigInt(CODE));
  });
});

describe("lines", () => {
  it("runs instructions over the end of a line at every offset", () => {
    // mov rax, imm64 is 10 bytes
    for (let offset = 50; offset < 64; offset++) {
      const at = CODE + 0x400 + offset;
      runTo([0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, offset], at);
      expect(box.get("rax")).toBe(0x07060504030201n | (BigInt(offset) << 56n));
    }
  });

  it("sees the tail of a crossing instruction change", () => {
    const at = CODE + 0x800 + 60;
    for (const last of [1, 2, 3]) {
      runTo([0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, last], at);
      expect(box.get("rax") >> 56n).toBe(BigInt(last));
      // the same through a store of the guest: mov byte [rbx], 9; jmp at
      const from = CODE + 0xc00;
      const back = at - (from + 8);
      box.load(from, [0xc6, 0x03, 9, 0xe9, ...[0, 8, 16, 24].map((s) => (back >> s) & 255)]);
      box.reset(from);
      installGates(box);
      box.set("rbx", BigInt(at + 9));
      expect(box.run(1000)).toBe(HALTED);
      expect(box.get("rax") >> 56n).toBe(9n);
    }
  });

  it("decodes from any offset, and more instructions than a line has records for", () => {
    const at = CODE + 0x1000;
    runTo([...Array(200).fill(NOP), 0x48, 0xff, 0xc0], at); // inc rax
    box.reset(at + 7);
    expect(box.run(1000)).toBe(HALTED);
    expect(box.get("rax")).toBe(1n);
  });

  it("obeys code that changes the next instruction", () => {
    // mov byte [rip + 0], 0x40 + ...: turns the inc eax that follows into dec eax
    box.load(CODE, [0xc6, 0x05, 1, 0, 0, 0, 0xc8, 0xff, 0xc0, HLT]);
    expect(box.run(1000)).toBe(HALTED);
    expect(box.get("rax")).toBe(0xffffffffn);
  });
});
