// A whole machine with kernels of a few instructions: how runs end, console, cancellation, dead
// workers, determinism.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { MACHINE_BASE, M_CLUSTER_BASES } from "../../assembly/abi.ts";
import { packageRoot } from "../../src/core/root.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { WorkerPool } from "../../src/engine/pool.ts";
import { Session } from "../../src/engine/session.ts";
import { type CreateOptions, Machine } from "../../src/index.ts";
import { readElf } from "../../src/machine/elf.ts";
import { elfFile, note, PT } from "./elf-file.ts";

const KERNEL = 0x200000n;
const SPIN = [0xeb, 0xfe]; // jmp .
const HALT = [0xfa, 0xf4, 0xeb, 0xfd]; // cli; 1: hlt; jmp 1b
const UD2 = [0x0f, 0x0b];
// mov eax, FEE00080H; add [rax], ecx: the TPR of the local APIC, which only moves may reach
const DEVICE_ADD = [0xb8, 0x80, 0x00, 0xe0, 0xfe, 0x01, 0x08];
const out = (port: number, value: number) => [
  0x66, 0xba, port & 0xff, port >> 8, // mov $port, %dx
  0xb0, value, // mov $value, %al
  0xee, // out %al, %dx
];
const EXIT_3 = [...out(0x3f8, 0x48), ...out(0x3f8, 0x69), ...out(0xf4, 3), ...HALT];
const POWER_OFF = [...out(0x600, 0x34), ...HALT];
/** 100,000 rounds of lock incl and an add, then exit. */
const WORK = [
  0xb9, 0xa0, 0x86, 0x01, 0x00, // mov $100000, %ecx
  0xf0, 0xff, 0x04, 0x25, 0x00, 0x00, 0x50, 0x00, // 1: lock incl 0x500000
  0x01, 0xc8, // add %ecx, %eax
  0xff, 0xc9, // dec %ecx
  0x75, 0xf2, // jnz 1b
  ...out(0xf4, 0), ...HALT,
];

function kernelFile(code: number[]): Uint8Array {
  return elfFile({
    entry: KERNEL,
    headers: [
      { type: PT.load, lin: KERNEL, phys: KERNEL, data: new Uint8Array(code) },
      { type: PT.note, data: note("smpbox", "kernel") },
    ],
  });
}

const folder = mkdtempSync(join(tmpdir(), "smpbox-session-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

async function run(code: number[], options: Partial<CreateOptions> = {}, signal?: AbortSignal) {
  const image = join(folder, "kernel.elf");
  writeFileSync(image, kernelFile(code));
  const machine = await Machine.create({ image, machine: "conroe", workers: 1, ...options });
  let console = "";
  const onConsole = (bytes: Uint8Array) => (console += Buffer.from(bytes).toString());
  const result = await machine.run({ onConsole, signal });
  machine.close();
  return { ...result, console };
}

describe("how a run ends", () => {
  it("with the exit port: console and code", async () => {
    const result = await run(EXIT_3);
    expect(result.console).toBe("Hi");
    expect(result.exit).toBe(3);
    expect(result.instructions).toBeGreaterThanOrEqual(8n);
  });

  it("with a power-off: code 0", async () => {
    expect((await run(POWER_OFF)).exit).toBe(0);
  });

  it("with all CPUs halted and nothing pending", async () => {
    expect((await run(HALT)).exit).toBe("hang");
  });

  it("with a triple fault, which names CPU and address", async () => {
    const result = await run(UD2);
    expect(result.exit).toBe("panic");
    expect(result.reason).toContain("triple fault on CPU 0 at RIP 0x200000");
  });

  it("with an instruction outside the ISA, which names itself", async () => {
    const result = await run(DEVICE_ADD);
    expect(result.exit).toBe("unimplemented");
    const named = /^CPU 0 at RIP 0x200005: not implemented: add .*rax.* \(01 08\)$/;
    expect(result.reason).toMatch(named);
  });

  it("with the budget", async () => {
    const result = await run(SPIN, { maxCycles: 100_000n });
    expect(result.exit).toBe("budget");
    expect(result.cycles).toBeGreaterThanOrEqual(100_000n);
  });

  it("with a cancellation", async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    expect((await run(SPIN, {}, abort.signal)).exit).toBe("cancelled");
  });
});

describe("workers", () => {
  it("do not change the state hash, a seed may", async () => {
    const hashes = new Set<bigint>();
    for (const workers of [1, 2, 3]) {
      const result = await run(WORK, { machine: "clovertown", workers });
      expect(result.exit).toBe(0);
      hashes.add(result.stateHash);
    }
    expect(hashes.size).toBe(1);
  });

  it("leave nothing of one machine to the next", async () => {
    const first = await run(WORK);
    await run(EXIT_3);
    expect((await run(WORK)).stateHash).toBe(first.stateHash);
  });

  it("end the run with a reason, and soon, when one dies and its peers wait for it", async () => {
    const pool = new WorkerPool();
    const kernel = readElf(kernelFile(SPIN), "spin");
    const session = await Session.create(
      pool,
      loadPreset("clovertown"),
      { name: "spin", kernel, commandLine: "" },
      { workers: 3, seed: 1n, memoryModel: "tso" },
    );
    const take = pool.take.bind(pool);
    let died = 0;
    pool.take = async (count) => {
      const threads = await take(count);
      setTimeout(() => {
        died = performance.now();
        void threads[1]!.terminate();
      }, 300);
      return threads;
    };
    await expect(session.run()).rejects.toThrow("worker thread ended early");
    expect(performance.now() - died).toBeLessThan(3000);
    await pool.close();
  });

  it("end the run with a reason when one dies, and the process can end", async () => {
    // Nobody calls Machine.shutdown(): the threads alone must not keep the process.
    const program = `
      const { Machine } = await import(process.argv[1]);
      const machine = await Machine.create({ machine: "clovertown", image: "hello", workers: 2 });
      // Worker 1 is told that its cluster lies where there is no memory.
      const base = ${MACHINE_BASE + M_CLUSTER_BASES + 4};
      new DataView(machine.view.memory.buffer).setUint32(base, 0xfffff000, true);
      await machine.run().catch((error) => console.log(error.message));
    `;
    const index = pathToFileURL(join(packageRoot(), "dist", "src", "index.js")).href;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program, index], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
    const [code, signal] = await once(child, "close");
    clearTimeout(timer);
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(said).toMatch(/memory access out of bounds/);
  });
});

it("runs a machine once", async () => {
  const image = join(folder, "once.elf");
  writeFileSync(image, kernelFile(HALT));
  const machine = await Machine.create({ image, machine: "conroe", workers: 1 });
  await machine.run();
  const hash = machine.stateHash();
  await expect(machine.run()).rejects.toThrow("a machine runs once: create another one");
  expect(machine.stateHash()).toBe(hash);
  machine.close();
});
