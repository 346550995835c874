// Disks as data, the files behind them, and the options that describe them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { checkDiskFiles, openDisks } from "../../src/engine/disk-file.ts";
import { Machine } from "../../src/engine/machine.ts";
import { changeDisks, parseDisk, parseDisks, printDisk } from "../../src/machine/disks.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-disks-"));
afterAll(async () => {
  await Machine.shutdown();
  rmSync(folder, { recursive: true });
});

describe("words", () => {
  it.each([
    "size=1048576 model=instant", "size=2199023255552 model=uniform:15-40 gone=9",
    "size=512 model=list:20,35.5 error=write:7-7:timeout error=both:100-200:media",
  ])("%s: as they were read", (words) => {
    expect(printDisk(parseDisk(words))).toBe(words);
    expect(parseDisk(printDisk(parseDisk(words)))).toEqual(parseDisk(words));
  });

  it("change all disks, or one", () => {
    const disks = changeDisks(parseDisks(3, "model=ssd"), ["gone=5", "1:model=sas15k"]);
    expect(disks.map(({ model }) => model)).toEqual(["ssd", "sas15k", "ssd"]);
    expect(disks.map(({ gone }) => gone)).toEqual([5n, 5n, 5n]);
    expect(() => changeDisks(disks, ["3:gone=1"])).toThrow("there are disks 0 to 2 only");
  });
});

describe("a file behind a disk", () => {
  const file = join(folder, "disk.img");
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
  writeFileSync(file, bytes);

  it("gives its blocks, and zeros behind its end", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const disks = openDisks([undefined, file], memory);
    const block = (number: number) => {
      new Uint8Array(memory.buffer).fill(0xee);
      disks.read(1, number, 64);
      expect(new Uint8Array(memory.buffer)[64 + 4096]).toBe(0xee);
      return new Uint8Array(memory.buffer, 64, 4096).slice();
    };
    expect(block(0)).toEqual(bytes.slice(0, 4096));
    expect(block(1)).toEqual(Uint8Array.from({ length: 4096 }, (_, i) => bytes[4096 + i] ?? 0));
    expect(block(2 ** 30)).toEqual(new Uint8Array(4096));
    disks.close();
  });

  it("must be there", () => {
    expect(() => checkDiskFiles([join(folder, "none")])).toThrow(/^disk 0, file=.*ENOENT/);
    expect(() => checkDiskFiles([folder])).toThrow(/^disk 0, file=.*EISDIR/);
    checkDiskFiles([undefined, file]);
  });
});

describe("a machine with a file behind a disk", () => {
  /** aio-stress expects zeros of what it has not written; here it reads one sector at a time. */
  async function stress(file: string) {
    const machine = await Machine.create({
      machine: "uni1", image: "aiostress", disks: parseDisks(1, `file=${file}`), workers: 1,
      append: "-- aiostress disks=1 requests=40 depth=1 record=512", maxCycles: 200_000_000n,
    });
    let text = "";
    const { exit } = await machine.run({
      onConsole: (bytes) => (text += new TextDecoder().decode(bytes)),
    });
    machine.close();
    return `${exit}: ${text.trim()}`;
  }

  it("reads its own, not what the machine before it had in the same memory", async () => {
    const [ones, zeros] = [1, 0].map((byte) => {
      const file = join(folder, `${byte}.img`);
      writeFileSync(file, new Uint8Array(1 << 20).fill(byte));
      return file;
    });
    expect(await stress(ones)).toMatch(/^2: .* word 0: 101010101010101, not of 0$/);
    expect(await stress(zeros)).toMatch(/^0: .* 0 errors$/);
    expect(await stress(ones)).toMatch(/^2: .* word 0: 101010101010101, not of 0$/);
  });
});

describe("options", () => {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const smpbox = (...words: string[]) =>
    spawnSync(process.execPath, [main, "run", "hello", ...words], { encoding: "utf8" });

  it.each([
    [["--disks", "61"], "must be a whole number from 0 to 60"],
    [["--disk", "speed=3"], 'disk "speed=3": use size=, model=, file=, error= or gone='],
    [["--disk", "model=floppy"], "use instant, sas15k, ssd, uniform:MIN-MAX or list:T,T,..."],
    [["--disks", "2", "--disk", "2:gone=1"], "there are disks 0 to 1 only"],
    [["--irq", "nobody"], "use fixed, round-robin, submitter, same-die, far-die, seeded"],
  ])("%j is wrong", (words, message) => {
    const { status, stdout, stderr } = smpbox(...words);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });
});
