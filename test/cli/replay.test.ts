// Capsules: what is recorded is run again and found identical; what is not identical is found, with
// the CPU and the line; what is no capsule is refused in one sentence.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import { packageRoot } from "../../src/core/root.ts";
import { type Capsule, decodeCapsule, encodeCapsule } from "../../src/engine/capsule.ts";
import { Machine } from "../../src/engine/machine.ts";
import { replay } from "../../src/engine/replay.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-replay-"));
const file = join(folder, "hello.sbx");
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

function smpbox(...words: string[]) {
  return spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
}

const readCapsule = () => decodeCapsule(new Uint8Array(readFileSync(file)));

beforeAll(() => {
  const words = ["run", "hello", "--machine", "conroe", "--seed", "5", "--record", file];
  expect(smpbox(...words, "--snapshot-at", "1000000").status).toBe(0);
});

describe("a capsule", () => {
  it("is identical to its end, from the start and from its snapshot", () => {
    for (const more of [["--workers", "1"], ["--workers", "2"], ["--snapshot"]]) {
      const { status, stdout } = smpbox("replay", file, ...more);
      expect(stdout).toMatch(/^identical through cycle \d+\nexit 0$/m);
      expect(status).toBe(0);
    }
  });

  it("needs neither the preset nor the images of this installation", async () => {
    const { options } = await readCapsule();
    expect(options.machine.name).toBe("conroe");
    expect(options.seed).toBe(5n);
    for (const image of [options.image, options.kernel]) {
      expect((image as { bytes: Uint8Array }).bytes.length).toBeGreaterThan(1000);
    }
  });

  it("comes back from its file as it was", async () => {
    const capsule = await readCapsule();
    const again = await decodeCapsule(await encodeCapsule(capsule));
    expect(again.checkpoints).toEqual(capsule.checkpoints);
    expect(again.checkpoints.length).toBeGreaterThan(3);
    expect(again.options.machine).toEqual(capsule.options.machine);
    expect(again.end).toEqual(capsule.end);
  });
});

/** Replays a capsule that was changed. */
async function replayed(capsule: Capsule, meddle: (machine: Machine) => void = () => {}) {
  const machine = await Machine.create({ ...capsule.options, workers: 1 });
  meddle(machine);
  const outcome = await replay(machine, capsule);
  machine.close();
  return outcome;
}

describe("what is not identical is found", () => {
  it("in a run with another cost of SYSCALL: the last equal cycle, the first unequal", async () => {
    const capsule = await readCapsule();
    const cost = capsule.options.machine.numbers.get("cost.syscall")!;
    capsule.options.machine.numbers.set("cost.syscall", { ...cost, value: cost.value + 1 });
    const { through, divergence } = await replayed(capsule);
    expect(through).toBeGreaterThan(0n);
    const [, next] = capsule.checkpoints.filter(({ cycle }) => cycle >= through!);
    expect(divergence).toMatchObject({ after: through, before: next.cycle });
    // Of a machine that sleeps at the checkpoint only what it wrote may differ.
    expect(divergence!.cpu ?? divergence!.line).toBeDefined();
  });

  it("in a register: its CPU, and no line", async () => {
    const { divergence } = await replayed(await readCapsule(), ({ view }) => {
      const core = view.u32(abi.M_CORES + 4);
      new DataView(view.memory.buffer).setUint8(core + abi.CPU_REGISTERS, 1);
    });
    expect(divergence).toMatchObject({ after: undefined, cpu: { index: 1 }, line: undefined });
  });

  it("in a byte of RAM: its line and no CPU", async () => {
    const phys = 0x3a0_0123;
    const { divergence } = await replayed(await readCapsule(), ({ view }) => {
      view.ram[phys] ^= 0x10;
    });
    expect(divergence).toMatchObject({ after: undefined, line: phys - (phys % 64) });
    expect(divergence!.cpu).toBeUndefined();
  });

  it("on the command line: exit 4", async () => {
    const capsule = await readCapsule();
    capsule.options.seed = 6n;
    const other = join(folder, "other.sbx");
    writeFileSync(other, await encodeCapsule(capsule));
    const { status, stdout } = smpbox("replay", other);
    expect(stdout).toMatch(/^DIVERGED from the start, found at cycle \d+: the state is another/m);
    expect(stdout).toMatch(/^ {2}first line that differs: physical address 0x[0-9a-f]+$/m);
    expect(status).toBe(4);
  });

  it("in the end alone, when there are no checkpoints", async () => {
    const capsule = await readCapsule();
    const { end } = capsule;
    expect((await replayed({ ...capsule, checkpoints: [] })).divergence).toBeUndefined();
    const wrong = { ...capsule, checkpoints: [], end: { ...end, stateHash: end.stateHash ^ 1n } };
    expect((await replayed(wrong)).divergence).toMatchObject({ before: end.cycles });
  });
});

describe("what is no capsule", () => {
  it("is refused: any changed byte, any length", { timeout: 600_000 }, async () => {
    const bytes = new Uint8Array(readFileSync(file));
    const places = [...Array(64).keys(), ...Array.from({ length: 40 }, (_, i) => 64 + i * 4001)];
    for (const at of places.filter((place) => place < bytes.length)) {
      const changed = bytes.slice();
      changed[at] ^= 1 << (at % 8);
      await expect(decodeCapsule(changed), `byte ${at}`).rejects.toThrow(/^the? ?.*capsule/);
      await expect(decodeCapsule(bytes.slice(0, at)), `${at} bytes`).rejects.toThrow(/capsule/);
    }
    await expect(decodeCapsule(new Uint8Array([...bytes, 0]))).rejects.toThrow(/capsule/);
  });

  it("is one sentence and exit 2 on the command line", () => {
    const cut = join(folder, "cut.sbx");
    writeFileSync(cut, readFileSync(file).subarray(0, 5000));
    for (const [name, words] of [
      [cut, "the capsule is damaged or cut off: record it again"],
      [main, "this is no capsule: record one with smpbox run --record FILE.sbx"],
      [join(folder, "none.sbx"), "cannot be read"],
    ]) {
      const { status, stderr } = smpbox("replay", name);
      expect(stderr).toMatch(new RegExp(`^smpbox: ${name}: .*${words}.*\n$`));
      expect(status).toBe(2);
    }
  });

  it("with a sound checksum but wrong contents is refused, too", async () => {
    const capsule = await readCapsule();
    capsule.options.memory = "rc" as "tso";
    const bytes = await encodeCapsule(capsule);
    await expect(decodeCapsule(bytes)).rejects.toThrow("the capsule's memory is wrong");
    const short = { ...(await readCapsule()) };
    short.checkpoints = short.checkpoints.map((c) => ({ ...c, cpus: [] }));
    const sound = await decodeCapsule(await encodeCapsule(short));
    expect(sound.checkpoints[0].cpus).toEqual([]);
  });
});

describe("a failure leaves a capsule", () => {
  const capsuleIn = (text: string) => /^reproduce: smpbox replay (\S+\.sbx)$/m.exec(text)![1];

  it("of a panic", () => {
    const words = ["run", "hello", "--machine", "conroe", "--append", "v001k=99"];
    const { status, stderr } = smpbox(...words);
    expect(status).toBe(3);
    const again = smpbox("replay", capsuleIn(stderr));
    expect(again.stdout).toContain("the kernel panicked");
    expect(again.stdout).toContain("identical through cycle");
    expect(again.status).toBe(0);
  });

  it.each([
    ["of a comparison", ["compare", "001", "--machines", "clovertown"]],
    ["of a case", ["case", "001", "--machine", "clovertown"]],
  ])("of the first hang %s", { timeout: 600_000 }, (_, verb) => {
    const words = ["--pair", "0,2", "--variant", "k0", "--seeds", "1", "--rounds", "6000"];
    const { stdout } = smpbox(...verb, ...words);
    const again = smpbox("replay", capsuleIn(stdout));
    expect(again.stdout).toMatch(/^exit hang: every CPU is halted and nothing is pending$/m);
    expect(again.status).toBe(0);
  });
});
