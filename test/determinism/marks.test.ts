// Marks cost exactly what a NOP costs: with every mark's displacement set to 0 in the images, the
// machine ends in the same state, cycle for cycle. The displacements themselves are in RAM, and the
// comparison takes them as 0.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { bytesAt, manifest, prebuilt } from "../guest/code.ts";
import { readElf } from "../../src/machine/elf.ts";
import { nameOf, open, ROWS, type Row } from "./workloads.ts";

const NOP = [0x0f, 0x1f, 0x84, 0x00]; // the opcode and operand bytes of a mark
const MARK_TAG = 0x5b;
const MARK_BYTES = 8;

const folder = mkdtempSync(join(tmpdir(), "smpbox-marks-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

/** The image with the marks of its manifest made plain NOPs. */
function withoutMarks(name: string): string {
  const file = new Uint8Array(readFileSync(join(prebuilt, `${name}.elf`)));
  const elf = readElf(file, name);
  for (const { address } of manifest.images[name].marks) {
    const mark = bytesAt(elf, BigInt(address), MARK_BYTES);
    expect([...mark.subarray(0, 4), mark[7]]).toEqual([...NOP, MARK_TAG]);
    mark.fill(0, 4);
  }
  const path = join(folder, `${name}.elf`);
  writeFileSync(path, file);
  return path;
}

/** Zeroes the displacement of every mark in `ram`, wherever a copy of the code is; counts them. */
function clearMarks(ram: Uint8Array): number {
  let count = 0;
  for (let at = ram.indexOf(MARK_TAG, 7); at >= 0; at = ram.indexOf(MARK_TAG, at + 1)) {
    const start = at - MARK_BYTES + 1;
    if (!NOP.every((byte, i) => ram[start + i] === byte)) continue;
    ram.fill(0, start + 4, at + 1);
    count++;
  }
  return count;
}

async function run(row: Row, kernel: string, image: string, trace: number) {
  const machine = await open(row, { kernel, image, traceEvents: trace });
  const { exit, cycles, instructions } = await machine.run();
  const marks = clearMarks(machine.view.ram);
  const stateHash = machine.stateHash();
  machine.close();
  return { end: { exit, cycles, instructions, stateHash }, marks };
}

/** The other cases, each a moment of it, with a fast disk or some and the code that it is about. */
const OTHER_CASES: Row[] = [
  {
    machine: "quad4", image: "w000", append: "v000=bug -- w000 disks=3 threads=4 inflight=6 " +
      "completions=120", disks: [3, "model=uniform:5-10"], exit: 0,
  },
  {
    machine: "conroe", image: "w002", append: "v002=dio2620 -- w002 records=8 a=0 b=1",
    disks: [1, "model=uniform:5-10"], exit: 0,
  },
  {
    machine: "quad4", image: "w003",
    append: "fs=1 commit=2000 v003=f0 -- w003 oracle=2 iozone=1 rounds=2 bytes=8192",
    disks: [1, "model=instant"], exit: 0,
  },
  {
    machine: "quad4", image: "w004",
    append: "fs=1 v004=f1 -- w004 files=1 threads=2 records=6 blocks=32 record=4096",
    disks: [1, "model=uniform:5-10"], exit: 0,
  },
];
/** Programs whose path leads through marks, of the kernel or their own. */
const MARKED = [...ROWS.filter(({ image }) => ["w001", "wm"].includes(image)), ...OTHER_CASES];

it("there is one of each case", () => {
  expect([...new Set(MARKED.map(({ image }) => image))].sort())
    .toEqual(["w000", "w001", "w002", "w003", "w004", "wm"]);
});

it("there are such programs on two machines", () => {
  expect(new Set(MARKED.map(({ machine }) => machine)).size).toBeGreaterThan(1);
});

it.each(MARKED.map((row) => [nameOf(row), row] as const))(
  "marks change nothing, traced or not: %s",
  { timeout: 600_000 },
  async (_, row) => {
    const plain = await run(row, withoutMarks("kernel"), withoutMarks(row.image), 0);
    expect(plain.marks).toBe(0);
    expect(plain.end.exit).toBe(row.exit);
    for (const traceEvents of [0, 4096]) {
      const marked = await run(row, "kernel", row.image, traceEvents);
      const { kernel, [row.image]: program } = manifest.images;
      expect(marked.marks).toBeGreaterThanOrEqual(kernel.marks.length + program.marks.length);
      expect(marked.end).toEqual(plain.end);
    }
  },
);
