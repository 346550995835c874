// The report of a crash: the instructions that were executed last, not those that stand before RIP.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CreateOptions, Machine } from "../../src/index.ts";
import { postmortem } from "../../src/report/postmortem.ts";
import { elfFile, note, PT } from "../host/elf-file.ts";

const KERNEL = 0x200000n;
const folder = mkdtempSync(join(tmpdir(), "smpbox-postmortem-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

async function crash(code: number[], options: Partial<CreateOptions> = {}): Promise<Machine> {
  const image = join(folder, "kernel.elf");
  const kernel = new Uint8Array(code);
  writeFileSync(image, elfFile({
    entry: KERNEL,
    headers: [
      { type: PT.load, lin: KERNEL, phys: KERNEL, data: kernel },
      { type: PT.note, data: note("smpbox", "kernel") },
    ],
  }));
  const machine = await Machine.create({ image, machine: "conroe", workers: 1, ...options });
  expect((await machine.run()).exit).toBe("panic");
  return machine;
}

/** A loop of two rounds, a store and a load that miss, and a jump into nowhere over other code. */
const INTO_NOWHERE = [
  0xb9, 0x02, 0x00, 0x00, 0x00, // 200000: mov $2, %ecx
  0x89, 0x0c, 0x25, 0x00, 0x00, 0x50, 0x00, // 200005: mov %ecx, 0x500000
  0xff, 0xc9, // 20000c: dec %ecx
  0x75, 0xf5, // 20000e: jnz 200005
  0x8b, 0x04, 0x25, 0x00, 0x00, 0x60, 0x00, // 200010: mov 0x600000, %eax
  0xeb, 0x04, // 200017: jmp 20001d
  0x90, 0x90, 0x90, 0x90, // 200019
  0x48, 0xb8, 0, 0, 0, 0, 0, 0x70, 0, 0, // 20001d: mov $0x700000000000, %rax
  0xff, 0xe0, // 200027: jmp *%rax
];
const EXECUTED = [
  0x200000, 0x200005, 0x20000c, 0x20000e, 0x200005, 0x20000c, 0x20000e, 0x200010, 0x200017,
  0x20001d, 0x200027,
];
const NOWHERE = "700000000000";

const LINE = /^ {2}([ !>]) ([0-9a-f]+) {2}(.*)$/;
const rows = (report: string[]) => report.flatMap((line) => {
  const found = line.match(LINE);
  return found ? [found.slice(1)] : [];
});

describe("after a jump into nowhere", () => {
  it("lists what was executed, one by one, and that nothing is there", async () => {
    const machine = await crash(INTO_NOWHERE);
    const report = await postmortem(machine);
    machine.close();
    const found = rows(report);
    expect(found.map(([, rip]) => rip)).toEqual([...EXECUTED.map((n) => n.toString(16)), NOWHERE]);
    expect(found.map(([mark]) => mark).join("")).toBe(" ".repeat(EXECUTED.length) + ">");
    expect(found.at(-2)![2]).toBe("jmp *%rax");
    expect(found.at(-1)![2]).toBe("there is no code");
    expect(report).toContain("  CPL 0, interrupts off, EFLAGS 00000046"); // of DEC to 0
    expect(report.filter((line) => line.length > 80)).toEqual([]);
  });

  it("lists the same with several workers", async () => {
    const lists: string[] = [];
    for (const workers of [1, 2]) {
      const machine = await crash(INTO_NOWHERE, { machine: "clovertown", workers });
      lists.push((await postmortem(machine)).join("\n"));
      machine.close();
    }
    expect(lists[0]).toBe(lists[1]);
    expect(lists[0]).toContain("jmp *%rax");
  });
});

it("keeps the last sixteen only", async () => {
  const machine = await crash([
    ...Array(40).fill(0x90), // nop
    0x0f, 0x0b, // ud2
  ]);
  const found = rows(await postmortem(machine));
  machine.close();
  expect(found.length).toBe(16);
  expect(found.map(([, rip]) => rip)).toEqual(
    Array.from({ length: 16 }, (_, i) => (0x200000 + 25 + i).toString(16)),
  );
  expect(found.at(-1)![0]).toBe(">");
});

function le(value: number): number[] {
  return [0, 8, 16, 24].map((bit) => (value >> bit) & 0xff);
}

/** mov $value, %eax; mov %eax, lin */
const poke = (lin: number, value: number) => [0xb8, ...le(value), 0x89, 0x04, 0x25, ...le(lin)];

it("marks an instruction that faulted and was not the last", async () => {
  const [idt, gdt, tables] = [0x300000, 0x310000, 0x320000];
  const handler = 0x200100;
  const code = [
    ...poke(idt + 6 * 16, (0x10 << 16) | (handler & 0xffff)), // the gate of #UD
    ...poke(idt + 6 * 16 + 4, (handler & 0xffff0000) | 0x8e00),
    ...poke(gdt + 0x10, 0xffff), // 64-bit code
    ...poke(gdt + 0x14, 0x00af9b00),
    ...poke(tables, 0xfff), // what LIDT and LGDT load
    ...poke(tables + 2, idt),
    ...poke(tables + 16, 0x17),
    ...poke(tables + 18, gdt),
    0x0f, 0x01, 0x1c, 0x25, ...le(tables), // lidt
    0x0f, 0x01, 0x14, 0x25, ...le(tables + 16), // lgdt
    0xbc, ...le(0x340000), // mov $0x340000, %esp
  ];
  const fault = Number(KERNEL) + code.length;
  code.push(0x0f, 0x0b); // ud2
  while (code.length < 0x100) code.push(0x90);
  code.push(0x90, 0xcd, 0x03); // the handler: nop; int $3, which has no gate
  const machine = await crash(code);
  const found = rows(await postmortem(machine));
  machine.close();
  expect(found.slice(-3).map(([mark, rip]) => `${mark} ${rip}`)).toEqual([
    `! ${fault.toString(16)}`, "  200100", "> 200101",
  ]);
});

it("says so when there is no history", async () => {
  const machine = await crash(INTO_NOWHERE);
  const abort = new AbortController();
  abort.abort();
  expect((await postmortem(machine, abort.signal))[0]).toMatch(/^no history: .*interrupted/);
  machine.close();
});
