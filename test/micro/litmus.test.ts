// Store buffering and message passing as guest programs: no forbidden outcome, and every allowed
// one that this machine must show.
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import type { MemoryModel } from "../../src/machine/topology.ts";

const ITERATIONS = 1500;
const PAIRS: Array<[string, number, number]> = [
  ["same L2", 0, 4], ["same package", 0, 1], ["other socket", 0, 2],
];
const FENCES = ["none", "mfence", "lock"];

afterAll(() => Machine.shutdown());

/** Histogram of the four outcomes, by the two bits of each. */
async function litmus(
  image: string, a: number, b: number, options: string, memory?: MemoryModel,
) {
  const append = `-- ${image} a=${a} b=${b} n=${ITERATIONS} ${options}`;
  const machine = await Machine.create({ image, append, memory, workers: 1 });
  let text = "";
  const result = await machine.run({ onConsole: (bytes) => (text += Buffer.from(bytes)) });
  machine.close();
  const counts = [...text.matchAll(/; (\d+)(?: forbidden)?\r?$/gm)].map(([, count]) => +count);
  expect(counts).toHaveLength(4);
  expect(counts.reduce((sum, count) => sum + count)).toBe(ITERATIONS);
  return { exit: result.exit, counts };
}

describe.each(PAIRS)("%s", (_relation, a, b) => {
  it("SB: both loads overtake when the lines are shared", async () => {
    const { exit, counts } = await litmus("sb", a, b, "lines=shared fence=none");
    expect(exit).toBe(0);
    expect(counts[0]).toBeGreaterThan(0.9 * ITERATIONS);
  });

  it("SB: they do not when each side owns its line", async () => {
    const { counts } = await litmus("sb", a, b, "lines=owned fence=none");
    expect(counts[0]).toBeLessThan(0.01 * ITERATIONS);
  });

  it.each(["mfence", "lock"])("SB: never with %s between", async (fence) => {
    const { exit, counts } = await litmus("sb", a, b, `lines=shared fence=${fence}`);
    expect(exit).toBe(0);
    expect(counts[0]).toBe(0);
  });

  it("SB: never under sequential consistency", async () => {
    const { counts } = await litmus("sb", a, b, "lines=shared fence=none", "sc");
    expect(counts[0]).toBe(0);
  });

  it("SB: with adversarial drains also when each side owns its line", async () => {
    const { exit, counts } = await litmus("sb", a, b, "lines=owned fence=none", "tso-adv");
    expect(exit).toBe(0);
    expect(counts[0]).toBeGreaterThan(0.1 * ITERATIONS);
  });

  it.each(["mfence", "lock"])("SB: never with %s, adversarial drains or not", async (fence) => {
    const { exit, counts } = await litmus("sb", a, b, `lines=owned fence=${fence}`, "tso-adv");
    expect(exit).toBe(0);
    expect(counts[0]).toBe(0);
  });

  it.each(FENCES)("MP: adversarial drains keep the order of stores, fence %s", async (fence) => {
    for (const lines of ["shared", "owned"]) {
      const { exit, counts } = await litmus("mp", a, b, `lines=${lines} fence=${fence}`, "tso-adv");
      expect(exit).toBe(0);
      expect(counts[2], "forbidden").toBe(0);
      expect(counts[0] + counts[1] + counts[3]).toBe(ITERATIONS);
    }
  });

  it.each(FENCES)("MP: the flag never without the data, fence %s", async (fence) => {
    for (const lines of ["shared", "owned"]) {
      const { exit, counts } = await litmus("mp", a, b, `lines=${lines} fence=${fence}`);
      expect(exit).toBe(0);
      expect(counts[2], "forbidden").toBe(0);
      for (const seen of [0, 1, 3]) expect(counts[seen], `outcome ${seen}`).toBeGreaterThan(0);
    }
  });
});
