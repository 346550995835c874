// Every state of small machines: single writer or multiple readers, inclusion, exact directories,
// the values that loads see, no request that is never served. And that a state's string tells all
// of it.
import { describe, expect, test } from "vitest";
import { buildMutant } from "../support/mutant.ts";
import { explore, type Machine, type Small, small } from "./reach.ts";
import { LARGER, LARGEST, QUICK } from "./reach-shapes.ts";

const all = process.env.REACH === "all";
const shapes = { ...QUICK, ...LARGER, ...(all ? LARGEST : {}) };

test.each(Object.entries(shapes))("%s", { timeout: 3_600_000 }, (name, shape) => {
  const { states, windows, wrong, way } = explore(shape);
  expect(wrong, way.join("\n")).toBeUndefined();
  console.log(`${name}: ${states} states, ${windows} windows`);
  // Far fewer would be an exploration that has lost its choices.
  expect(states).toBeGreaterThan(1000);
  expect(windows).toBeGreaterThan(10 * states);
});

/** Numbers from 0 to below `limit`, the same every time. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}

function draw(machine: Machine, random: (limit: number) => number): bigint {
  const kinds = machine.names.length * machine.lines * machine.window;
  let choice = 0n;
  for (let cpu = 0; cpu < machine.cpus; cpu++) {
    if (random(3) === 0) choice |= BigInt(1 + random(kinds)) << BigInt(6 * cpu);
  }
  if (random(4) === 0) choice |= BigInt(1 + random(machine.evictions)) << 48n;
  return choice | (BigInt(random(6)) << 54n);
}

function string({ core, memory }: Machine): string {
  const length = core.write();
  return Buffer.from(memory.buffer).subarray(core.fresh(), core.fresh() + length).toString("hex");
}

/** A machine that goes on, and one made anew from its string before every window. */
function divergence(shape: Small, steps: number): number | undefined {
  const plain = { ...shape, symmetric: false, states: 1000 };
  const [going, anew] = [small(plain), small(plain)];
  const random = numbers(1);
  anew.core.write();
  for (let step = 0; step < steps;) {
    const choice = draw(going, random);
    anew.core.read();
    const possible = anew.core.step(choice);
    if (!possible) continue;
    if (!going.core.step(choice)) return step;
    if (going.core.broken.value || string(going) !== string(anew)) return step;
    step++;
  }
  return undefined;
}

describe("a state's string tells all of it", () => {
  test.each(Object.entries({ ...QUICK, ...LARGER }))("%s", (_, shape) => {
    expect(divergence(shape, 20_000)).toBeUndefined();
  });

  test("one that left out for how long lines are held would be found out", async () => {
    const mutant = {
      name: "no hold",
      file: "assembly/machine/reach/core-state.ts",
      from: "put(m.hold);",
      to: "put(0);",
    };
    const file = await buildMutant(mutant, "assembly/reach.ts", "reach");
    const name = "... two buffered stores, retired late, lines held";
    expect(divergence({ ...QUICK[name], file }, 20_000)).toBeDefined();
  });
});
