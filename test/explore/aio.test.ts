// Case 001 as two functions and every interleaving: which way to write aio_complete() goes with
// which way to wait (workloads/explore/aio.c). Under sequential consistency every pair is right.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { type Cell, matrix } from "../../src/cases/001-matrix.ts";
import { nameOf, parseVariant } from "../../src/cases/001-variants.ts";
import { LAYOUT_9_ONLY, MATRIX, namesOf } from "../../src/cases/001-verdicts.ts";
import { packageRoot } from "../../src/core/root.ts";
import { askWith } from "../../src/engine/explore-image.ts";

const NAME = "explore.elf";
const image = {
  name: NAME, bytes: readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)),
};

const cells: Cell[] = [];
beforeAll(async () => {
  const begun = performance.now();
  for await (const cell of matrix(image)) cells.push(cell);
  const states = cells.reduce((sum, cell) => sum + cell.states, 0);
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${cells.length} explorations, ${states} machine states, ${seconds} s`);
  console.log("states/ms of each cell, waiters a to j");
  const rows = new Map<string, string>();
  for (const { memory, layout, completer, ...cell } of cells) {
    const name = `${memory} ${layout} ${completer}`.padEnd(10);
    const text = ` ${cell.states}/${(1000 * cell.seconds).toFixed(1)}`;
    rows.set(name, (rows.get(name) ?? name) + text);
  }
  for (const text of rows.values()) console.log(text);
});

const row = (layout: number, memory: string, k: number) => cells
  .filter((cell) => cell.layout === layout && cell.memory === memory && cell.completer === `k${k}`)
  .map(({ verdict }) => (verdict === "hang" ? "H" : ".")).join("");

it("has 270 cells for each memory model", () => {
  expect(cells.filter(({ memory }) => memory === "tso").length).toBe(270);
  expect(cells.filter(({ memory }) => memory === "sc").length).toBe(270);
});

it("is what the case says of its code without store buffers", () => {
  const hangs = cells.some(({ memory, verdict }) => memory === "sc" && verdict === "hang");
  expect(case001.inOrder!({ variant: "k0", workload: "W001i" })!.fails).toBe(hangs);
});

it("the kernel's copies have the names of the cells", () => {
  for (const verdict of ["safe", "hang"] as const) {
    const own = cells.filter((cell) => cell.memory === "tso" && cell.verdict === verdict);
    const names = own.map(({ completer, waiter, layout }) =>
      nameOf(parseVariant(`${completer}/${waiter}/${layout}`)));
    expect(namesOf(verdict)).toEqual(names);
  }
});

describe.each([24, 9])("layout %i", (layout) => {
  const completers = MATRIX.flatMap((letters, k) =>
    k === LAYOUT_9_ONLY && layout === 24 ? [] : [[k, letters] as const]);
  it.each(completers)("k%i: %s", (k, letters) => {
    expect(row(layout, "tso", k)).toBe(letters);
    expect(row(layout, "sc", k), "sc").toBe(".".repeat(letters.length));
  });
});

it("shows a run for every hang, in which the waiter sleeps", async () => {
  const hangs = cells.filter(({ verdict }) => verdict === "hang");
  expect(hangs.every(({ schedule }) => schedule)).toBe(true);
  const ask = askWith();
  for (const { entries, schedule } of hangs) {
    const { failure } = await ask(image, { entries, replay: schedule });
    expect(failure!.verdict, entries).toBe("stuck");
    expect(failure!.run!.stuck.map(({ thread }) => thread), entries).toEqual([0]);
  }
});
