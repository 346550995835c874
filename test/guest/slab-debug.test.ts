// slab_debug=1: an object that is written while it is free, and one that is written past its end,
// are found when they change hands; a kernel that does none of it runs on.
import { afterAll, describe, expect, it } from "vitest";
import { findCase } from "../../src/cases/index.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import { Names } from "../../src/report/names.ts";
import type { SlabObject } from "../../src/report/slabs.ts";

const RED_BYTES = 8;
const BUDGET = 2_000_000_000n;
const SLICE = 5_000_000n;

afterAll(() => Machine.shutdown());

async function boot(
  id: string, variant: string, workload: string, rounds: number, seed = 1n,
) {
  const definition = findCase(id);
  const spec = {
    machine: definition.machine, variant: definition.variantOf(variant), workload,
    pair: [0, 1] as [number, number], seed, rounds, memory: "tso" as const,
  };
  const options = await optionsOf(definition, spec);
  const append = `slab_debug=1 ${options.append ?? ""}`;
  return Machine.create({ ...options, append, workers: 1, maxCycles: BUDGET, traceEvents: 0 });
}

async function endOf(machine: Machine) {
  let text = "";
  const onConsole = (bytes: Uint8Array) => (text += new TextDecoder().decode(bytes));
  const { exit } = await machine.run({ onConsole });
  machine.close();
  return { exit, panic: /panic: CPU \d+: (.*)/.exec(text)?.[1] };
}

describe("with poison and red zones", () => {
  it.each([
    ["000", "f0", "W000", 200], ["001", "fixed", "W001i", 40], ["002", "dio2620", "W002m", 20],
    ["003", "f0", "W003t", 2], ["004", "f1", "W004", 20], ["004", "f0", "W004f", 20],
  ])("case %s, %s, %s, runs to its end", async (id, variant, workload, rounds) => {
    expect(await endOf(await boot(id, variant, workload, rounds)))
      .toEqual({ exit: 0, panic: undefined });
  }, 60_000);

  /** Runs until the cache has such objects, and writes into each of them. */
  async function harm(free: boolean, at: (object: SlabObject) => number) {
    const machine = await boot("004", "f1", "W004", 100);
    let objects: SlabObject[] = [];
    for (let now = SLICE; !objects.length; now += SLICE) {
      if (await machine.runTo(now)) throw new Error("it ended before there was a request");
      const { slabs } = new Names(machine);
      const cache = slabs.caches.find(({ name }) => name === "kiocb");
      objects = cache ? slabs.objects(cache) : [];
      objects = objects.filter(({ freeOn }) => (freeOn !== undefined) === free);
      // Of one list: two CPUs that find something at the same time print at the same time.
      objects = objects.filter(({ freeOn }) => freeOn === objects[0].freeOn);
    }
    for (const object of objects) machine.view.ram[at(object)] = 0;
    const { exit, panic } = await endOf(machine);
    expect(exit).toBe("panic");
    const known = objects.map(({ lin }) => lin.toString(16));
    return panic?.replace(/[0-9a-f]{16}/, (text) => known.includes(text) ? "ONE OF THEM" : text);
  }
  /** The end of the object, where the red zone begins. */
  const end = ({ phys, cache }: SlabObject) => phys + Number(cache.link) - RED_BYTES;

  it("a write to a free object is found", async () => {
    expect(await harm(true, ({ phys }) => phys + 16))
      .toBe("slab struct kiocb: ONE OF THEM was written at +16 while it was free");
  }, 60_000);

  it("a write past the end of one in use is found", async () => {
    expect(await harm(false, end)).toBe("slab struct kiocb: ONE OF THEM was written past its end");
  }, 60_000);

  it("a write past the end of a free one is found", async () => {
    expect(await harm(true, end))
      .toBe("slab struct kiocb: ONE OF THEM was written past its end while it was free");
  }, 60_000);

  it("the wake function's late use of a request ends in a panic", async () => {
    // In about one run of six.
    let exit: unknown;
    for (let seed = 1n; seed <= 20n && exit !== "panic"; seed++) {
      ({ exit } = await endOf(await boot("004", "bug", "W004", 100, seed)));
    }
    expect(exit).toBe("panic");
  }, 120_000);
});
