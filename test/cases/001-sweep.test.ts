// The sweep of case 001: what is changed, and where a pair begins to hang; and its changes one at
// a time.
import { afterAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { ABLATION, specsOf as specsAblated } from "../../src/cases/001-ablation.ts";
import { axesOf, onsetOf, type Point, pointOf, rateOf, specsAt } from
  "../../src/cases/001-sweep.ts";
import { median } from "../../src/cases/numbers.ts";
import { runAll } from "../../src/cases/runner.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { Machine } from "../../src/engine/machine.ts";
import { numberOf } from "../../src/machine/preset.ts";

const TIMEOUT_MS = 300_000;

afterAll(() => Machine.shutdown());

const point = (value: number, hangs: number): Point => ({
  axis: "ownership", pair: [0, 4], relation: "same L2", variant: "k0", value,
  frozen: value === 40, hangs, runs: 2, rounds: 2000, broken: 0,
});

describe("the axes", () => {
  const clovertown = loadPreset("clovertown");

  it("begin at what the machine has", () => {
    const frozen = (pair: [number, number]) =>
      axesOf(clovertown, pair, "k0").map((axis) => [axis.id, axis.frozen]);
    expect(frozen([0, 4])).toEqual([
      ["ownership", 40], ["retire", 8], ["contested", 3], ["rfoPrefetch", 0],
      ["popf", numberOf(clovertown, "cost.popf")],
    ]);
    expect(frozen([0, 2])[0]).toEqual(["ownership", 149]);
    for (const { frozen, steps } of axesOf(clovertown, [0, 1], "k0")) {
      expect(steps.map(({ value }) => value)).toContain(frozen);
    }
  });

  it("keep the proportion of the three latencies, and change what the machine has", () => {
    const [ownership] = axesOf(clovertown, [0, 4], "k0");
    const doubled = ownership.steps.find(({ value }) => value === 80)!;
    expect(doubled.changes).toEqual([
      ["latency.siblingOwn", 80], ["latency.siblingUpgrade", 54], ["latency.siblingLoad", 66],
    ]);
    for (const { steps } of axesOf(clovertown, [0, 4], "k0")) {
      for (const { changes } of steps) loadPreset("clovertown", new Map(changes));
    }
  });

  it("are named by the field that they change", () => {
    for (const { id, field, steps } of axesOf(clovertown, [0, 2], "k0")) {
      if (id === "contested") continue; // that one changes the code
      const changed = new Set(steps.flatMap(({ changes }) => changes.map(([name]) => name)));
      if (id === "ownership") {
        expect([...changed]).toEqual(
          ["latency.socketOwn", "latency.socketUpgrade", "latency.socketLoad"]);
        continue;
      }
      expect([...changed]).toEqual([field]);
      for (const { value, changes } of steps) expect(changes).toEqual([[field, value]]);
    }
  });

  it("know the relations of Core 2", () => {
    expect(() => axesOf(loadPreset("nehalem-ep"), [0, 1], "k0")).toThrow(/same L3.*same L2/);
  });
});

describe("contested lines", () => {
  const pair: [number, number] = [0, 2];
  const contested = (variant: string) =>
    axesOf(loadPreset("clovertown"), pair, variant).find(({ id }) => id === "contested");
  const base = {
    machine: "clovertown", variant: "k0", workload: "W001i", memory: "tso" as const, pair,
    rounds: 1000,
  };

  it("change the completer, and nothing else of the code", () => {
    const variants = (name: string) =>
      contested(name)?.steps.map(({ value, variant }) => [value, variant]);
    expect(variants("k0")).toEqual([[1, "k6"], [2, "k4"], [3, "k0"]]);
    expect(variants("k0/c/9")).toEqual([[1, "k6/c/9"], [2, "k4/c/9"], [3, "k0/c/9"]]);
    expect(contested("k0/c")!.field).toBe("variants k6/c k4/c k0/c");
    // One with a fence of its own is not what k4 and k6 have less lines than.
    expect(variants("k7")).toBeUndefined();
  });

  it("are what is run, with what the user changed", () => {
    const changed = new Map([["cost.popf", 20], ["core.retireDelay", 4]]);
    const [, two] = contested("k0")!.steps;
    expect(specsAt(base, 5n, 2, two, changed)).toEqual([5n, 6n].map((seed) =>
      ({ ...base, variant: "k4", seed, changes: changed })));
    const retire = axesOf(loadPreset("clovertown"), pair, "k0").find(({ id }) => id === "retire")!;
    const [run] = specsAt(base, 5n, 1, retire.steps.find(({ value }) => value === 64)!, changed);
    expect(run.variant).toBe("k0");
    expect([...run.changes!]).toEqual([["cost.popf", 20], ["core.retireDelay", 64]]);
  });

  it("are waited for in turn; behind one nothing hangs", { timeout: TIMEOUT_MS }, async () => {
    const axis = contested("k0")!;
    const specs = axis.steps.flatMap((step) => specsAt(base, 1n, 1, step));
    const runs = await runAll(case001, specs, {});
    const points = runs.map((run, i) => pointOf(axis, axis.steps[i].value, [run]));
    expect(points.map(({ variant, frozen }) => [variant, frozen])).toEqual(
      [["k6", false], ["k4", false], ["k0", true]]);
    expect([points[0].hangs, points[2].hangs]).toEqual([0, 1]);
    const [one, two, three] = runs.map(({ residence }) => median(residence)!);
    // Half a latency of ownership or more for each line.
    const own = numberOf(loadPreset("clovertown"), "latency.socketOwn");
    expect(two - one).toBeGreaterThan(own / 2);
    expect(three - two).toBeGreaterThan(own / 2);
  });
});

describe("the onset", () => {
  it("lies between the last value without a hang and the first with one", () => {
    const points = [point(40, 0), point(50, 0), point(60, 1), point(70, 0), point(80, 2)];
    expect(onsetOf(points)).toEqual({ without: 50, with: 60 });
    expect(onsetOf([point(40, 0)])).toEqual({ without: 40, with: undefined });
    expect(rateOf(point(60, 1))).toBe(0.5);
  });

  it("is seen: a die as slow as another socket hangs", { timeout: TIMEOUT_MS }, async () => {
    const pair: [number, number] = [0, 4];
    const [ownership] = axesOf(loadPreset("clovertown"), pair, "k0");
    const step = ownership.steps.find(({ value }) => value === 149)!;
    const base = {
      machine: "clovertown", variant: "k0", workload: "W001i", memory: "tso" as const, pair,
      rounds: 20_000,
    };
    const runs = await runAll(case001, specsAt(base, 1n, 1, step), {});
    expect(pointOf(ownership, step.value, runs))
      .toMatchObject({ hangs: 1, runs: 1, frozen: false });
  });
});

describe("one change at a time", () => {
  const given = { machine: "clovertown", rounds: 9, seed: 4n, seeds: 2, windowCycles: 30 };
  const changes = new Map([["core.rfoPrefetch", 1], ["cost.popf", 20]]);

  it("keeps what the user changed, but for what the row itself changes", () => {
    const specs = ABLATION.map((change) =>
      [change, specsAblated(case001, change, { ...given, changes }, [[0, 1]])] as const);
    for (const [change, runs] of specs) {
      expect(runs.map(({ seed }) => seed)).toEqual([4n, 5n]);
      const expected = new Map([...changes, ...(change.shape.changes ?? [])]);
      for (const run of runs) expect(run).toMatchObject({ windowCycles: 30, changes: expected });
    }
    const overlap = specs.find(([{ what }]) => what === "ownership requests overlap")![1];
    expect(overlap[0].changes!.get("core.rfoPrefetch")).toBe(10);
    expect(overlap[0].changes!.get("cost.popf")).toBe(20);
  });

  it("changes nothing where nobody asks for it", () => {
    const [run] = specsAblated(case001, ABLATION[0], given, [[0, 1]]);
    expect(run).toMatchObject({ variant: "k0", workload: "W001i", memory: "tso", rounds: 9 });
    expect(run.changes).toBeUndefined();
  });
});
