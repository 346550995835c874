// Paging: permissions, error codes, accessed and dirty bits, the TLB, accesses over a page.
import { beforeEach, describe, expect, it } from "vitest";
import { CODE, FlatBox, TABLES } from "./flat-box.ts";
import { GATES, installGates, stepToGate } from "./gates.ts";

const box = new FlatBox();
/** The page table that maps 2 MiB to 4 MiB in small pages. */
const TABLE = TABLES + 0x3000;
const PAGE = 0x300000;
const entryOf = (lin: number) => TABLE + 8 * ((lin >> 12) & 511);
const [P, RW, US, A, D] = [1n, 2n, 4n, 0x20n, 0x40n];
const NX = 1n << 63n;
const LOAD = [0x48, 0x8b, 0x03]; // mov rax, [rbx]
const STORE = [0x48, 0x89, 0x03]; // mov [rbx], rax

beforeEach(() => {
  for (let i = 0; i < 512; i++) {
    box.write(TABLE + 8 * i, 8, 0x200000n + (BigInt(i) << 12n) | P | RW | US | A | D);
  }
  box.reset(CODE);
  installGates(box);
});

function map(lin: number, phys: number, bits: bigint): void {
  box.write(entryOf(lin), 8, BigInt(phys) | bits);
}

/** Run one instruction on [rbx]; the error code of its #PF, or -1. */
function access(code: number[], lin: number): number {
  box.load(CODE, code);
  box.set("rbx", BigInt(lin));
  box.rip = CODE;
  box.step();
  if (box.rip === CODE) stepToGate(box); // a fault, delivered later
  if (box.rip !== GATES + 14 * 16) return -1;
  expect(box.cr2).toBe(BigInt(lin));
  expect(box.read(Number(box.get("rsp")) + 8, 8)).toBe(BigInt(CODE));
  return Number(box.read(Number(box.get("rsp")), 8));
}

describe("page faults", () => {
  it.each([
    ["a load of an absent page", LOAD, 0n, 0],
    ["a store to an absent page", STORE, 0n, 2],
    ["a store to a read-only page", STORE, P | US, 3],
    ["a load with a reserved bit", LOAD, P | RW | (1n << 51n), 9],
    ["nothing wrong", LOAD, P, -1],
  ] as [string, number[], bigint, number][])("%s", (_, code, bits, error) => {
    map(PAGE, PAGE, bits);
    expect(access(code, PAGE)).toBe(error);
  });

  it("an instruction fetch from a page that is not executable", () => {
    map(PAGE, PAGE, P | RW | NX);
    box.rip = PAGE;
    stepToGate(box);
    expect(box.rip).toBe(GATES + 14 * 16);
    expect(box.read(Number(box.get("rsp")), 8)).toBe(0x11n);
    expect(box.cr2).toBe(BigInt(PAGE));
  });

  it("the second page of an access, with nothing written to the first", () => {
    map(PAGE + 0x1000, PAGE + 0x1000, 0n);
    box.write(PAGE + 0xffc, 4, 0x11223344n);
    box.load(CODE, STORE);
    box.set("rbx", BigInt(PAGE + 0xffc));
    box.set("rax", ~0n);
    stepToGate(box);
    expect(box.rip).toBe(GATES + 14 * 16);
    expect(box.cr2).toBe(BigInt(PAGE + 0x1000));
    expect(box.read(PAGE + 0xffc, 4)).toBe(0x11223344n);
  });

  it("a read-modify-write of a read-only page: #PF for writing, flags untouched", () => {
    map(PAGE, PAGE, P);
    box.flags = 0x8d7n;
    expect(access([0x48, 0x01, 0x03], PAGE)).toBe(3); // add [rbx], rax
    expect(box.flags & 0x8d5n).toBe(0x8d5n);
  });

  it("a string move stops at the page and goes on after it is mapped", () => {
    map(PAGE + 0x1000, PAGE + 0x1000, 0n);
    box.load(CODE, [0xf3, 0xa4]);
    box.set("rsi", 0x100000n);
    box.set("rdi", BigInt(PAGE + 0xff0));
    box.set("rcx", 32n);
    for (let i = 0; i < 32; i++) box.write(0x100000 + i, 1, BigInt(i));
    box.run(2000);
    expect(box.get("rcx")).toBe(16n);
    expect(box.get("rdi")).toBe(BigInt(PAGE + 0x1000));
    expect(box.read(PAGE + 0xff8, 8)).toBe(0x0f0e0d0c0b0a0908n);
  });
});

describe("accessed and dirty", () => {
  it("a load sets A, a store sets D too", () => {
    map(PAGE, PAGE, P | RW);
    expect(access(LOAD, PAGE)).toBe(-1);
    expect(box.read(entryOf(PAGE), 8) & (A | D)).toBe(A);
    expect(access(STORE, PAGE)).toBe(-1);
    expect(box.read(entryOf(PAGE), 8) & (A | D)).toBe(A | D);
  });
});

describe("the TLB", () => {
  const INVLPG = [0x0f, 0x01, 0x3b];

  it("keeps a translation until INVLPG", () => {
    box.write(PAGE, 8, 1n);
    box.write(PAGE + 0x5000, 8, 2n);
    access(LOAD, PAGE);
    map(PAGE, PAGE + 0x5000, P | RW | A | D);
    access(LOAD, PAGE);
    expect(box.get("rax")).toBe(1n);
    access(INVLPG, PAGE);
    access(LOAD, PAGE);
    expect(box.get("rax")).toBe(2n);
  });

  it("keeps it over a load of CR3 only if the page is global", () => {
    for (const [global, value] of [[0n, 2n], [0x100n, 1n]] as const) {
      map(PAGE, PAGE, P | RW | A | D | global);
      box.reset(CODE);
      box.write(PAGE, 8, 1n);
      box.write(PAGE + 0x5000, 8, 2n);
      access(LOAD, PAGE);
      map(PAGE, PAGE + 0x5000, P | RW | A | D);
      box.set("rax", BigInt(TABLES));
      box.load(CODE + 0x40, [0x0f, 0x22, 0xd8]); // mov cr3, rax
      box.rip = CODE + 0x40;
      box.step();
      access(LOAD, PAGE);
      expect(box.get("rax")).toBe(value);
    }
  });

  it("reads memory in 2 MiB pages and over their border", () => {
    box.write(0x3ffffc, 8, 0x8877665544332211n);
    access(LOAD, 0x3ffffc);
    expect(box.get("rax")).toBe(0x8877665544332211n);
  });
});
