// What the kernel says about itself: nobody sleeps with a spin lock, helpers that want a lock find
// it held, and the watchdog tells who sleeps for too long. Each is made to fire from outside: the
// host changes memory, or an instruction of a copy of the image.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Mnemonic } from "iced-x86";
import { afterAll, describe, expect, it } from "vitest";
import { findCase } from "../../src/cases/index.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { readElf } from "../../src/machine/elf.ts";
import { bytesAt, Code, prebuilt } from "./code.ts";

const BUDGET = 2_000_000_000n;
const NOP = 0x90;
/** In a struct cpu: arch/spinlock.h, CPU_LOCKS_HELD. */
const LOCKS_HELD = 136;
const CPUS_MAX = 64;

const folder = mkdtempSync(join(tmpdir(), "smpbox-asserts-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

async function endOf(machine: Machine) {
  const { exit } = await machine.run();
  const panic = machine.debugBlock()?.panic;
  machine.close();
  return { exit, panic };
}

async function boot(id: string, variant: string, more: Partial<CreateOptions>, rounds = 200) {
  const definition = findCase(id);
  const spec = {
    machine: definition.machine, variant: definition.variantOf(variant),
    workload: definition.workload, pair: [0, 2] as [number, number], seed: 1n, rounds,
    memory: "tso" as const,
  };
  const options = await optionsOf(definition, spec);
  const append = `${more.append ?? ""} ${options.append ?? ""}`;
  return Machine.create({
    ...options, maxCycles: BUDGET, traceEvents: 0, ...more, workers: 1, append,
  });
}

/** A copy of the kernel in which the first locked instruction of a function does nothing. */
function withoutLock(name: string): string {
  const file = new Uint8Array(readFileSync(join(prebuilt, "kernel.elf")));
  const lock = new Code("kernel", name).all.find(
    (i) => i.hasLockPrefix && i.mnemonic === Mnemonic.Dec)!;
  bytesAt(readElf(file, "kernel"), lock.ip, lock.length).fill(NOP);
  const path = join(folder, `${name}.elf`);
  writeFileSync(path, file);
  return path;
}

describe("a spin lock", () => {
  it("is not held by who sleeps", async () => {
    const machine = await boot("001", "k7/a", {});
    const cpus = machine.kernelVariable("cpus")!;
    expect(await machine.runTo(2_000_000n)).toBeUndefined();
    // As if each CPU had taken one and not freed it.
    for (let cpu = 0; cpu < machine.view.cpus; cpu++) {
      const at = cpu * (cpus.byteLength / CPUS_MAX) + LOCKS_HELD;
      cpus.setUint32(at, cpus.getUint32(at, true) + 1, true);
    }
    const { exit, panic } = await endOf(machine);
    expect(exit).toBe("panic");
    expect(panic).toMatch(/^\S+\[\d+\] calls schedule\(\) while CPU \d+ holds [12] spin locks?$/);
  }, 60_000);

  it("is held where a function wants it", async () => {
    const machine = await boot("001", "k7/a", { kernel: withoutLock("aio_put_req") });
    const { exit, panic } = await endOf(machine);
    expect(exit).toBe("panic");
    expect(panic).toMatch(/^kernel\/aio\/submit\.c:\d+: the lock &ctx->ctx_lock is not held$/);
  }, 60_000);
});

describe("the watchdog", () => {
  it("says nothing while everybody gets on", async () => {
    const machine = await boot("003", "f0", { append: "hung_task=20000" }, 3);
    expect(await endOf(machine)).toEqual({ exit: 0, panic: undefined });
  }, 60_000);

  it("tells of a reaper whose event is in the ring", async () => {
    const machine = await boot("001", "k0/a", { append: "hung_task=2000" }, 100_000);
    const { exit, panic } = await endOf(machine);
    expect(exit).toBe("panic");
    expect(panic).toMatch(
      /^I001: w001\[\d+\] has slept in io_getevents for 2000 us, and an event is in the ring$/);
  }, 120_000);

  it("tells of a writer that nobody wakes", async () => {
    const machine = await boot("003", "bug", { append: "hung_task=20000" }, 1000);
    const { exit, panic } = await endOf(machine);
    expect(exit).toBe("panic");
    expect(panic).toMatch(
      /^hung task: \S+\[\d+\] has slept for 20000 us, for a reason of kind (6|9|10), object f/);
  }, 500_000);
});
