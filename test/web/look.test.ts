// Runs that are opened to be looked at: how far that is is told, it can be given up, and every
// machine that was made for it is let go of.
import { effect } from "@preact/signals";
import { afterAll, afterEach, beforeEach, expect, it, vi } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { case003 } from "../../src/cases/003.ts";
import type { Case, CaseSpec } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";
import {
  cancelOpening, closeLooks, go, type Look, looks, lookTrouble, open, opening, progress,
} from "../../src/web/page/look.ts";
import { closeTour, starting, startTour, tour } from "../../src/web/page/tour.ts";

const made: Machine[] = [];
const closed: Machine[] = [];
beforeEach(() => {
  const { create } = Machine;
  const { close } = Machine.prototype;
  vi.spyOn(Machine, "create").mockImplementation(async (...words) => {
    const machine = await create.apply(Machine, words);
    made.push(machine);
    return machine;
  });
  vi.spyOn(Machine.prototype, "close").mockImplementation(function closing(this: Machine) {
    closed.push(this);
    close.call(this);
  });
});
afterEach(async () => {
  closeLooks();
  await vi.waitFor(() => expect(new Set(closed)).toEqual(new Set(made)));
  expect(made.length).toBeGreaterThan(0);
  vi.restoreAllMocks();
  made.length = 0;
  closed.length = 0;
});
afterAll(() => Machine.shutdown());

const wantedOf = (definition: Case, more: Partial<CaseSpec> = {}) => ({
  definition,
  spec: {
    machine: definition.machine, variant: definition.buggy, workload: definition.workload,
    pair: [0, 2] as [number, number], seed: 1n, rounds: 600, memory: "tso" as const, ...more,
  },
});
const some = (definition: Case, more?: Partial<CaseSpec>) =>
  Promise.resolve([wantedOf(definition, more)]);

/** As soon as `part` of the cycles of a run are told. */
function cancelAt(cycles: number): () => void {
  return effect(() => {
    if (progress.value.cycles > cycles) cancelOpening();
  });
}

it("tells how far it is, of how much where that is known", async () => {
  const had = await runOnce(case001, wantedOf(case001).spec);
  const told: { what: string; cycles: number; of?: number }[] = [];
  const stop = effect(() => void told.push(progress.value));
  expect(await open(Promise.resolve([{ ...wantedOf(case001), had }]), "inside")).toBe(true);
  stop();
  const recording = told.filter(({ what }) => /recorded/.test(what));
  expect(new Set(recording.map(({ of }) => of))).toEqual(new Set([Number(had.result.cycles)]));
  const cycles = recording.map((one) => one.cycles);
  expect(cycles).toEqual([...cycles].sort((a, b) => a - b));
  expect(cycles.at(-1)).toBeGreaterThan(0);
  expect(told.some(({ what, of }) => /back to/.test(what) && of === looks.value[0]!.cycle))
    .toBe(true);
  expect(opening.value).toBeUndefined();
});

it("can be cancelled in any of its runs, and what was open stays", async () => {
  await open(some(case001), "inside");
  const [before] = looks.value;
  const both = () => Promise.resolve(
    ["clovertown", "conroe"].map((machine) => wantedOf(case001, { machine, pair: [0, 1] })));
  for (const [what, cycles] of [
    ["recorded", 1_000_000], ["recorded", 0], ["back", 0], ["conroe", 0],
  ] as const) {
    const stop = effect(() => {
      const now = progress.value;
      if (now.what.includes(what) && now.cycles > cycles) cancelOpening();
    });
    expect(await open(both(), "inside"), what).toBe(false);
    stop();
    expect(looks.value).toEqual([before]);
    expect(lookTrouble.value).toBe("");
    expect(opening.value).toBeUndefined();
  }
  // Where the failure has to be known first.
  const stop = cancelAt(1_000_000);
  expect(await open(some(case003, { rounds: 400 }), "case", 2)).toBe(false);
  stop();
  expect(looks.value).toEqual([before]);
  await go(0, 1_000_000);
  // Where nothing is recorded it is shown at the boundary before, which an idle machine has passed.
  const [{ cycle, travel: { windowCycles } }] = looks.value as [Look];
  expect(cycle).toBeGreaterThan(1_000_000 - windowCycles);
  expect(cycle).toBeLessThanOrEqual(1_000_000);
});

it("is given up for the next one", async () => {
  const first = open(some(case001), "inside");
  const second = open(some(case001, { seed: 2n }), "inside");
  expect([await first, await second]).toEqual([false, true]);
  expect(looks.value.map((look) => look?.spec.seed)).toEqual([2n]);
});

it("is let go of on its way", async () => {
  await open(some(case001), "inside");
  const way = go(0, 100_000);
  closeLooks();
  await way;
  expect(looks.value).toEqual([]);
  expect(lookTrouble.value).toBe("");
});

it("shows a run that ends with its failure as it fails, from that one run", async () => {
  const { spec } = wantedOf(caseModern, { memory: "tso-adv" });
  const { failure } = await runOnce(caseModern, spec);
  made.length = 0;
  closed.length = 0;
  await open(some(caseModern, spec), "case", 2);
  const look = looks.value[2]!;
  expect(look.failure?.what).toBe(failure?.what);
  expect(look.failure).toBeDefined();
  expect(look.moments.every(({ ahead }) => !ahead)).toBe(true);
  expect(made).toHaveLength(2); // the run, and the way back
});

it("leaves nothing of a tour that is cancelled or closed", async () => {
  const stop = cancelAt(1_000_000);
  await startTour();
  stop();
  expect(lookTrouble.value).toBe("");
  expect([tour.value, starting.value, looks.value]).toEqual([undefined, false, []]);
  const way = startTour();
  closeTour();
  closeLooks();
  await way;
  expect([tour.value, starting.value, looks.value]).toEqual([undefined, false, []]);
});
