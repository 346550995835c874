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

/** Published CAS figures, one way in cycles (core-to-core-latency, mctop), for a pair of CPUs. */
const CAS: [string, number, number, Relation, number][] = [
  ["nehalem-ep", 0, 1, "same L3", 91], ["nehalem-ep", 0, 4, "other socket", 227],
  ["sandybridge-ep", 0, 1, "same L3", 97], ["sandybridge-ep", 0, 8, "other socket", 322],
  ["skylake-sp", 0, 1, "same L3", 134], ["skylake-sp", 0, 16, "other socket", 378],
  ["zen", 0, 1, "same L3", 85], ["zen", 0, 4, "same package", 306],
  ["zen", 0, 8, "other socket", 520],
  ["westmere-ex", 0, 1, "same L3", 116], ["westmere-ex", 0, 8, "other socket", 341],
  ["westmere-ex", 0, 16, "two hops", 458],
  ["opteron-k8", 0, 1, "same package", 161], ["opteron-k8", 0, 2, "other socket", 215],
  ["nehalem-ep", 0, 8, "same core", 18.7], ["sandybridge-ep", 0, 16, "same core", 24.7],
  ["skylake-sp", 0, 32, "same core", 21], ["zen", 0, 16, "same core", 34],
];
const CAS_TOLERANCE = 0.15;
async function cas(name: string, a: number, b: number): Promise<number> {
  const append = `-- pingpong a=${a} b=${b} n=1000`;
  const machine = await Machine.create({ machine: name, image: "pingpong", append, workers: 1 });
  let text = "";
  const { exit } = await machine.run({ onConsole: (bytes) => (text += Buffer.from(bytes)) });
  machine.close();
  expect(exit).toBe(0);
  return Number(/ cas=([\d.]+)/.exec(text)?.[1]);
}

it.each(CAS)("%s, CPUs %d and %d, %s: %d cycles", async (name, a, b, relation, published) => {
  expect(relationOf(loadPreset(name), a, b)).toBe(relation);
  const measured = await cas(name, a, b);
  expect(Math.abs(measured - published) / published, `${measured}`).toBeLessThan(CAS_TOLERANCE);
});

// No tick takes the CPU from a side that polls: the other one must have left it by then.
it.each([[1, 0], [1, 2], [1, 5], [7, 4]])("between %d and %d", async (a, b) => {
  expect(await cas("clovertown", a, b)).toBeGreaterThan(CAS_SAME_DIE[0]);
});
