// The ELF loader: what it takes, and one clear sentence for everything else.
import { describe, expect, it } from "vitest";
import { physicalOf, readElf } from "../../src/machine/elf.ts";
import { loadImage } from "../../src/machine/image.ts";
import { BASE, elfFile, type ElfShape, note, PT } from "./elf-file.ts";

const code = new Uint8Array([0x90, 0xf4]);
const load = { type: PT.load, data: code };

describe("readElf", () => {
  it("takes a static executable as a user program", () => {
    const elf = readElf(elfFile(), "x");
    expect(elf.kind).toBe("user");
    expect(elf.entry).toBe(BASE);
    expect(elf.segments).toHaveLength(1);
  });

  it("knows a kernel by its note, also behind another note", () => {
    const both = new Uint8Array([...note("GNU", "abc"), ...note("smpbox", "kernel")]);
    const elf = readElf(elfFile({ headers: [load, { type: PT.note, data: both }] }), "x");
    expect(elf.kind).toBe("kernel");
    const other = readElf(
      elfFile({ headers: [load, { type: PT.note, data: note("smpbox", "user") }] }),
      "x",
    );
    expect(other.kind).toBe("user");
  });

  it("translates a linear address by the program headers", () => {
    const lin = 0xffffffff80200000n;
    const headers = [{ ...load, lin, phys: 0x200000n }];
    const elf = readElf(elfFile({ entry: lin + 1n, headers }), "x");
    expect(physicalOf(elf, elf.entry)).toBe(0x200001n);
    expect(physicalOf(elf, 0n)).toBeUndefined();
  });

  const broken: Array<[string, Uint8Array, string]> = [
    ["text", new TextEncoder().encode("#!/bin/sh\n"), "not an ELF file"],
    ["nothing", new Uint8Array(0), "not an ELF file"],
    ["a header cut off", elfFile().slice(0, 40), "truncated in the ELF header"],
    ["headers cut off", elfFile().slice(0, 80), "truncated in the program headers"],
    ["a segment cut off", elfFile().slice(0, 120), "truncated in segment 0"],
  ];
  /** What is wrong, and behind the semicolon what to do, in one sentence. */
  const SENTENCE = /^prog: [^;\n]+; [^;\n]+$/;
  const messageOf = (file: Uint8Array): string => {
    try {
      readElf(file, "prog");
    } catch (error) {
      return (error as Error).message;
    }
    return "";
  };
  it.each(broken)("refuses %s", (_, file, message) => {
    expect(messageOf(file)).toContain(`prog: ${message}`);
    expect(messageOf(file)).toMatch(SENTENCE);
  });

  const shapes: Array<[string, ElfShape, string]> = [
    ["32 bits", { class: 1 }, "a 32-bit program"],
    ["another processor", { machine: 183 }, "not an x86-64 program"],
    ["an interpreter", { headers: [{ type: PT.interp }, load] }, "dynamically linked"],
    ["a dynamic section", { headers: [{ type: PT.dynamic }, load] }, "dynamically linked"],
    ["a shared object", { type: 3 }, "dynamically linked"],
    ["an object file", { headers: [] }, "not linked"],
    ["no segment", { headers: [{ type: PT.note, data: note("a", "b") }] }, "nothing to load"],
    ["overlap", { headers: [load, { ...load, lin: BASE + 1n }] }, "segments overlap"],
    ["a wrong entry", { entry: 1n }, "entry point 0x1 is outside"],
    ["an entry in data", { headers: [{ ...load, flags: 6 }] }, "entry point"],
    ["more file than memory", { headers: [{ ...load, memoryBytes: 1 }] }, "larger in the file"],
  ];
  it.each(shapes)("refuses %s", (_, shape, message) => {
    expect(messageOf(elfFile(shape))).toContain(message);
    expect(messageOf(elfFile(shape))).toMatch(SENTENCE);
  });
});

describe("loadImage", () => {
  const boot = (phys: bigint, memoryBytes?: number, ramdisk?: Uint8Array) => {
    const kernel = readElf(elfFile({ headers: [{ ...load, phys, memoryBytes }] }), "k");
    const ram = new Uint8Array(0x1000000);
    const image = { name: "k", kernel, ramdisk, commandLine: "a=1" };
    return { ram, entry: loadImage(ram, [0, 1], image) };
  };

  it("puts segments, ramdisk and boot parameters in place", () => {
    const { ram, entry } = boot(0x200000n, undefined, new Uint8Array([1, 2, 3]));
    const view = new DataView(ram.buffer);
    expect([...ram.subarray(0x200000, 0x200002)]).toEqual([...code]);
    expect(entry).toEqual({ rip: 0x200000n, rsi: 0x1000n, cr3: 0x4000n });
    const ramdisk = view.getUint32(0x1218, true);
    expect(ramdisk % 4096).toBe(0);
    expect([...ram.subarray(ramdisk, ramdisk + view.getUint32(0x121c, true))]).toEqual([1, 2, 3]);
    expect(String.fromCharCode(...ram.subarray(0x2000, 0x2003))).toBe("a=1");
  });

  it("refuses a segment outside the free RAM", () => {
    expect(() => boot(0x1ff000n)).toThrow("outside the free RAM (0x200000 to 0x1000000)");
    expect(() => boot(0x200000n, 0xe00001)).toThrow("outside the free RAM");
    expect(() => boot(0x200000n, 0xe00000, new Uint8Array(1))).toThrow("outside the free RAM");
  });

  it("refuses a command line that does not fit", () => {
    const kernel = readElf(elfFile({ headers: [{ ...load, phys: 0x200000n }] }), "k");
    const image = { name: "k", kernel, commandLine: "x".repeat(2048) };
    expect(() => loadImage(new Uint8Array(0x1000000), [0], image))
      .toThrow("longer than 2047 bytes");
  });
});
