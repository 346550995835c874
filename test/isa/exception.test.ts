// Delivery of exceptions and interrupts, IRETQ, SYSCALL and the rings (SDM Vol. 3A 6.14).
import { beforeEach, describe, expect, it } from "vitest";
import { CODE, FlatBox, STACK_TOP } from "./flat-box.ts";
import { GATE_STACK, GATES, installGates, stepToGate, writeGate } from "./gates.ts";

const box = new FlatBox();
const HLT = 0xf4;
const SHUTDOWN = 3;
const UNIMPLEMENTED = 4;
const IF = 0x200n;
const RF = 0x10000n;
const KERNEL_CS = 0x10;
const USER_SS = 0x23;
const USER_CS = 0x2b;

beforeEach(() => {
  box.reset(CODE);
  installGates(box);
});

/** The vector whose gate was entered. */
const vector = () => (box.rip - GATES) / 16;
/** Word `index` of the frame on the stack, above an error code if there is one. */
const frame = (index: number, errorCode = false) =>
  box.read(Number(box.get("rsp")) + 8 * (index + (errorCode ? 1 : 0)), 8);

/** Go to ring 3 at CODE by IRETQ. */
function enterUser(flags = 0x202n): void {
  const at = STACK_TOP - 40;
  [BigInt(CODE), BigInt(USER_CS), flags, BigInt(STACK_TOP), BigInt(USER_SS)]
    .forEach((word, i) => box.write(at + 8 * i, 8, word));
  box.set("rsp", BigInt(at));
  box.load(CODE + 0x100, [0x48, 0xcf]);
  box.rip = CODE + 0x100;
  box.step();
  expect(box.cpl).toBe(3);
}

describe("faults", () => {
  it.each([
    ["#UD", [0x0f, 0x0b], 6, false],
    ["#DE", [0xf7, 0xf1], 0, false],
    ["x87 is #UD", [0xd9, 0xe8], 6, false],
    ["#GP of a bad MSR", [0x0f, 0x32], 13, true],
    ["#GP of a load", [0x48, 0x8b, 0x03], 13, true],
    ["#SS of a load", [0x48, 0x8b, 0x45, 0x00], 12, true],
  ] as [string, number[], number, boolean][])("%s: back to it", (_, code, n, hasError) => {
    box.load(CODE, code);
    box.set("rbx", 0x8000000000000000n);
    box.set("rbp", 0x8000000000000000n);
    box.set("rcx", 0n);
    const before = box.instructions;
    stepToGate(box);
    expect(box.instructions).toBe(before);
    expect(vector()).toBe(n);
    expect(frame(0, hasError)).toBe(BigInt(CODE));
    expect(frame(1, hasError)).toBe(BigInt(KERNEL_CS));
    expect(frame(2, hasError)).toBe(2n | RF);
    expect(frame(3, hasError)).toBe(BigInt(STACK_TOP));
    expect(box.get("rsp")).toBe(BigInt(GATE_STACK - (hasError ? 48 : 40)));
  });

  it("INT n and INT3 return behind the instruction", () => {
    box.load(CODE, [0xcd, 0x80]);
    stepToGate(box);
    expect(vector()).toBe(0x80);
    expect(frame(0)).toBe(BigInt(CODE + 2));
    box.reset(CODE);
    installGates(box);
    box.load(CODE, [0xcc]);
    stepToGate(box);
    expect(vector()).toBe(3);
    expect(frame(0)).toBe(BigInt(CODE + 1));
  });

  it("an interrupt gate clears IF, a trap gate does not", () => {
    for (const [type, flag] of [[14, 0n], [15, IF]] as const) {
      box.reset(CODE);
      installGates(box);
      writeGate(box, 0x40, { type });
      box.flags = IF | 2n;
      box.load(CODE, [0xcd, 0x40]);
      stepToGate(box);
      expect(box.flags & IF).toBe(flag);
      expect(frame(2) & IF).toBe(IF);
    }
  });

  it("a missing gate in the delivery of #GP is a double fault, of that a shutdown", () => {
    box.setTable("idt", 0x9000, 16 * 9 - 1);
    box.load(CODE, [0x0f, 0x32]);
    stepToGate(box);
    expect(vector()).toBe(8);
    expect(box.read(Number(box.get("rsp")), 8)).toBe(0n);
    box.reset(CODE);
    box.setTable("idt", 0x9000, 0);
    expect(box.step(2)).toBe(SHUTDOWN);
  });

  it("stops at an instruction outside of the ISA, and says which", () => {
    box.load(CODE, [0x0f, 0x07]); // SYSRET to 32-bit code
    expect(box.step()).toBe(UNIMPLEMENTED);
    expect(box.field(480)).toBe(BigInt(CODE));
    expect(box.field(488) & 0xffffn).toBe(0x070fn);
  });
});

describe("rings", () => {
  it("IRETQ to ring 3, and back by INT on the stack of the TSS", () => {
    writeGate(box, 0x80, { ist: 0, dpl: 3 });
    enterUser();
    expect([box.cs, box.ss, box.get("rsp")]).toEqual([USER_CS, USER_SS, BigInt(STACK_TOP)]);
    box.load(CODE, [0xcd, 0x80]);
    stepToGate(box);
    expect(vector()).toBe(0x80);
    expect([box.cpl, box.cs, box.ss]).toEqual([0, KERNEL_CS, 0]);
    expect(box.get("rsp")).toBe(BigInt(GATE_STACK - 0x1000 - 40));
    expect([frame(1), frame(3), frame(4)])
      .toEqual([BigInt(USER_CS), BigInt(STACK_TOP), BigInt(USER_SS)]);
    box.load(box.rip, [0x48, 0xcf]);
    box.step();
    expect([box.cpl, box.rip]).toEqual([3, CODE + 2]);
  });

  it("INT through a gate of ring 0 is #GP with the gate's number", () => {
    enterUser();
    box.load(CODE, [0xcd, 0x81]);
    stepToGate(box);
    expect(vector()).toBe(13);
    expect(frame(-1, true)).toBe(BigInt(0x81 * 8 + 2));
  });

  it.each([
    ["HLT", [HLT]], ["CLI", [0xfa]], ["MOV from CR0", [0x0f, 0x20, 0xc0]], ["RDMSR", [0x0f, 0x32]],
    ["LGDT", [0x0f, 0x01, 0x13]], ["SWAPGS", [0x0f, 0x01, 0xf8]],
    ["IN", [0xec]], ["INVLPG", [0x0f, 0x01, 0x3b]],
  ] as [string, number[]][])("%s is #GP in ring 3", (_, code) => {
    enterUser();
    box.load(CODE, code);
    stepToGate(box);
    expect(vector()).toBe(13);
    expect(frame(0, true)).toBe(BigInt(CODE));
  });

  it("SYSCALL and SYSRET", () => {
    const msr = (number: bigint, value: bigint) => {
      box.load(CODE + 0x200, [0x0f, 0x30]);
      box.set("rcx", number);
      box.set("rax", value & 0xffffffffn);
      box.set("rdx", value >> 32n);
      box.rip = CODE + 0x200;
      box.step();
    };
    msr(0xc0000081n, (0x1bn << 48n) | (0x10n << 32n));
    msr(0xc0000082n, BigInt(CODE + 0x300));
    msr(0xc0000084n, IF);
    enterUser();
    box.load(CODE, [0x0f, 0x05]);
    box.load(CODE + 0x300, [0x48, 0x0f, 0x07]);
    box.step();
    expect([box.cpl, box.rip, box.cs, box.ss]).toEqual([0, CODE + 0x300, 0x10, 0x18]);
    expect([box.get("rcx"), box.get("r11") & IF, box.flags & IF])
      .toEqual([BigInt(CODE + 2), IF, 0n]);
    box.step();
    expect([box.cpl, box.rip, box.cs, box.ss]).toEqual([3, CODE + 2, 0x2b, 0x23]);
    expect(box.flags & IF).toBe(IF);
  });
});
