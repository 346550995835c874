// A long search pauses: it comes out as one that does not, tells how far it is, and can be left.
import { afterEach, expect, it, vi } from "vitest";
import { setupOf } from "../../src/engine/explore.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { Pace } from "../../src/engine/pace.ts";
import { patiently } from "../../src/engine/patience.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { generate } from "../../src/litmus/generate.ts";
import { parseText } from "../../src/litmus/parse.ts";

const THREADS = 8;
/** A store and a load each have five places: every combination is a state of its own. */
const STATES = 5 ** THREADS;

async function storeBuffering() {
  const cycle = Array<string>(THREADS).fill("PodWR Fre").join(" ");
  const { program } = await assemble(parseText("SB", generate(cycle)));
  return { explorer: await Explorer.open(), setup: setupOf(program) };
}

it("finds every state, and says how many there are so far", async () => {
  const { explorer, setup } = await storeBuffering();
  const told: number[] = [];
  const found = await patiently(explorer.exploring(setup, { reduce: false }), {
    onProgress: (count) => told.push(count),
  });
  expect(found.bound).toBeUndefined();
  expect(found.machineStates).toBe(STATES);
  expect(found.finals.length).toBe(2 ** THREADS);
  expect(told.length).toBeGreaterThan(0);
  expect(told).toEqual([...told].sort((a, b) => a - b));
  expect(told.at(-1)).toBeLessThanOrEqual(found.statesSeen);
});

it("is no proof when it is left", async () => {
  const { explorer, setup } = await storeBuffering();
  const leave = new AbortController();
  const found = await patiently(explorer.exploring(setup, { reduce: false }), {
    signal: leave.signal, onProgress: () => leave.abort(),
  });
  expect(found.bound).toMatch(/interrupted/);
  expect(found.machineStates).toBeLessThan(STATES);
});

it("makes the same random runs with pauses between them", async () => {
  const { explorer, setup } = await storeBuffering();
  const runs = 100_000;
  let pauses = 0;
  const found = await patiently(explorer.walking(setup, { runs }), { onProgress: () => pauses++ });
  expect(pauses).toBeGreaterThan(0);
  const sums = new Map<string, number>();
  const add = (values: bigint[], count: number) =>
    sums.set(values.join(), (sums.get(values.join()) ?? 0) + count);
  for (const { values, count } of found.finals) add(values, count);
  // In pieces, none of which is long enough for a pause.
  for (let from = 0; from < runs; from += runs / 4) {
    const piece = explorer.walk(setup, { runs: runs / 4, from });
    for (const { values, count } of piece.finals) add(values, -count);
  }
  expect([...sums.values()].every((count) => count === 0)).toBe(true);
  expect(sums.size).toBeGreaterThan(2);
});

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([0.0005, 0.1, 40])("pauses soon, and not too often, when a state costs %d ms", (cost) => {
  let now = 0;
  let longest = 0;
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const pace = new Pace();
  const states = 20_000 / cost;
  let pauses = 0;
  for (let done = 0; done < states; pauses++) {
    const begun = now;
    pace.run((slice) => {
      done += slice;
      now += slice * cost;
      return 0;
    });
    longest = Math.max(longest, now - begun);
  }
  expect(longest).toBeLessThan(500);
  expect(pauses).toBeLessThan(1000);
});
