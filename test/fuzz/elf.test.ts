// Damaged ELF files: whatever is in the headers, the answer is a machine or one sentence, soon.
// FUZZ_CASES and FUZZ_SEED for longer runs (npm run fuzz).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { type Elf, readElf } from "../../src/machine/elf.ts";
import { checkUser, loadImage } from "../../src/machine/image.ts";
import { InputError } from "../../src/machine/preset.ts";
import { prebuilt } from "../guest/code.ts";
import { elfFile, note, PT } from "../host/elf-file.ts";

const CASES = Number(process.env.FUZZ_CASES ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);
/** Of the files that are taken, so many are also run. */
const RUNS = Math.min(Math.ceil(CASES / 2000), 200);
const RAM_BYTES = 16 << 20;
/** CPU time; a file of 30 kB takes less than a millisecond. */
const SLOW_MS = 1000;
const TIMEOUT_MS = 3_600_000;
const BUDGET_CYCLES = 20_000_000n;

const KERNEL = 0x200000n;
const hello = readFileSync(join(prebuilt, "hello.elf"));
const BASES = [
  elfFile(),
  elfFile({
    entry: KERNEL,
    headers: [
      { type: PT.load, lin: KERNEL, phys: KERNEL, data: new Uint8Array([0xf4]) },
      { type: PT.note, data: new Uint8Array([...note("GNU", "x"), ...note("smpbox", "kernel")]) },
    ],
  }),
  hello,
];
const VALUES = [
  0n, 1n, 2n, 3n, 7n, 55n, 56n, 63n, 64n, 0x1000n, 0x200000n, 0x7fffffffn, 0x80000000n, 0xfffffff0n,
  0xffffffffn, 0x100000000n, 0x7f0000000000n, 0x7fffffffffffn, 0x8000000000000000n,
  0xffffffff80000000n, 0xfffffffffffff000n, 0xffffffffffffffffn,
];

/** xorshift32: the same files for the same seed. */
let state = (SEED * 0x9e3779b9) | 1;
function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const folder = mkdtempSync(join(tmpdir(), "smpbox-fuzz-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

/** A file with one to four wrong fields in its headers, its notes or its section table. */
function mutant(): Uint8Array {
  const base = BASES[below(BASES.length)];
  let file: Uint8Array = new Uint8Array(base);
  const view = new DataView(file.buffer);
  const sections = Number(view.getBigUint64(40, true));
  const headers = Math.min(64 + view.getUint16(56, true) * 56 + 96, file.length);
  for (let n = 1 + below(4); n > 0; n--) {
    const inTable = sections > 0 && below(3) === 0;
    const at = inTable ? sections + below(file.length - sections) : below(headers);
    const value = below(4) ? VALUES[below(VALUES.length)] : BigInt(below(1 << 30));
    const bytes = Math.min(1 << below(4), file.length - at);
    for (let i = 0; i < bytes; i++) file[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  if (below(8) === 0) file = file.slice(0, below(file.length));
  return file;
}

/** Takes the file as far as a machine that could start it; undefined if it was refused. */
function load(file: Uint8Array, ram: Uint8Array): Elf | undefined {
  try {
    const elf = readElf(file, "mutant");
    if (elf.kind === "user") checkUser(elf, "mutant", RAM_BYTES);
    else loadImage(ram, [0], { name: "mutant", kernel: elf, commandLine: "" });
    return elf;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^mutant: .+/);
    expect(error.message).not.toContain("\n");
    return undefined;
  }
}

it(`${CASES} damaged headers (seed ${SEED})`, { timeout: TIMEOUT_MS }, async () => {
  const ram = new Uint8Array(RAM_BYTES);
  const path = join(folder, "mutant.elf");
  let taken = 0;
  let runs = 0;
  for (let i = 0; i < CASES; i++) {
    const file = mutant();
    const start = process.cpuUsage();
    const elf = load(file, ram);
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000, `case ${i}`).toBeLessThan(SLOW_MS);
    if (!elf) continue;
    taken++;
    // A kernel of one HLT is soon done; the bundled program shows how the bundled kernel loads.
    if (runs >= RUNS || taken % 16 !== 0) continue;
    runs++;
    writeFileSync(path, file);
    const options = { image: path, machine: "uni1", workers: 1, maxCycles: BUDGET_CYCLES };
    const machine = await Machine.create(options);
    const { exit } = await machine.run();
    machine.close();
    expect(elf.kind === "kernel" || exit !== "panic", `case ${i}: ${exit}`).toBe(true);
  }
  expect(taken, "most mutants must not be refused at the first look").toBeGreaterThan(CASES / 50);
  expect(runs).toBe(RUNS);
});
