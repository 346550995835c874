// Same image, machine and seed: same final state hash, on any number of workers, every time, and
// after the state went to another machine in the middle of the run.
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { type End, finish, nameOf, open, ROWS, run } from "./workloads.ts";

afterAll(() => Machine.shutdown());

/** Where the runs are cut, in 1/16 of their cycles. */
const CUTS = [5n, 11n];

describe.each(ROWS.map((row) => [nameOf(row), row] as const))("%s", (_, row) => {
  const { workers = [2, 3, 4] } = row;
  let whole: End;

  it("ends alike with any number of workers, and again", { timeout: 600_000 }, async () => {
    whole = await run(row);
    expect(whole.exit).toBe(row.exit);
    for (const count of [...workers, 1]) {
      expect(await run(row, { workers: count }), `${count} workers`).toEqual(whole);
    }
  });

  it("ends alike when it is cut, saved and goes on elsewhere", { timeout: 600_000 }, async () => {
    let machine = await open(row, { workers: workers[0] });
    for (const cut of CUTS) {
      expect(await machine.runTo((whole.cycles * cut) / 16n)).toBeUndefined();
      const hash = machine.stateHash();
      const snapshot = await machine.snapshot();
      machine.close();
      machine = await open(row, { workers: cut === CUTS[0] ? 1 : workers.at(-1) }, snapshot);
      expect(machine.stateHash()).toBe(hash);
    }
    expect(await finish(machine)).toEqual(whole);
  });
});

it("the table has three machines, five programs and one with 32 CPUs", async () => {
  expect(new Set(ROWS.map(({ machine }) => machine)).size).toBeGreaterThanOrEqual(3);
  expect(new Set(ROWS.map(({ image }) => image)).size).toBeGreaterThanOrEqual(5);
  const sizes = await Promise.all(ROWS.map(async (row) => {
    const machine = await open(row);
    machine.close();
    return machine.view.cpus;
  }));
  expect(Math.max(...sizes)).toBeGreaterThanOrEqual(32);
});

it("another seed is another run", async () => {
  const row = { machine: "clovertown", image: "hello", exit: 0 };
  const [one, two] = [await run(row, { seed: 1n }), await run(row, { seed: 2n })];
  expect(one.exit).toBe(two.exit);
  expect(one.stateHash).not.toBe(two.stateHash);
});
