// A line's way from CPU to CPU, measured by a guest program, against the published hand-over times:
// AnandTech Cache2Cache, 29.5, 77 and 112.5 ns on the E5345, 26 ns on a Core 2 Duo.
import { afterAll, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { type Relation, relationOf } from "../../src/machine/topology.ts";

const TOLERANCE = 0.1;
/** One-way cycles when both sides poll and store. */
const STORE: Record<string, Partial<Record<Relation, number>>> = {
  clovertown: { "same L2": 69, "same package": 180, "other socket": 263 },
  conroe: { "same L2": 69 },
};
/** With LOCK CMPXCHG, on one die: 50 to 75 cycles, less or more by a fifth. */
const CAS_SAME_DIE = [40, 90];

afterAll(() => Machine.shutdown());

it.each(Object.entries(STORE))("%s", async (name, published) => {
  const machine = await Machine.create({
    machine: name, image: "pingpong", append: "-- pingpong n=100", workers: 1,
  });
  let text = "";
  const { exit } = await machine.run({ onConsole: (bytes) => (text += Buffer.from(bytes)) });
  machine.close();
  expect(exit).toBe(0);
  const preset = loadPreset(name);
  const lines = [...text.matchAll(/^pingpong (\d+) (\d+) store=([\d.]+) cas=([\d.]+)\r?$/gm)];
  const seen = new Set<Relation>();
  for (const [line, a, b, store, cas] of lines) {
    const relation = relationOf(preset, Number(a), Number(b));
    seen.add(relation);
    const wanted = published[relation]!;
    expect(Math.abs(Number(store) - wanted) / wanted, line).toBeLessThan(TOLERANCE);
    if (relation !== "same L2") continue;
    expect(Number(cas), line).toBeGreaterThan(CAS_SAME_DIE[0]);
    expect(Number(cas), line).toBeLessThan(CAS_SAME_DIE[1]);
  }
  expect([...seen].sort()).toEqual(Object.keys(published).sort());
});
