// Results in the page say what made them, whatever the form asks for by then; what is looked at is
// of one seed; what is going tells how far it is.
import { effect } from "@preact/signals";
import { afterAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import type { CaseRun, CaseSpec } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { wilson } from "../../src/cases/numbers.ts";
import { Machine } from "../../src/engine/machine.ts";
import {
  campaign, campaigning, campaignTrouble, runCampaign, specsFor,
} from "../../src/web/page/cases.ts";
import { compare, runsInside, show, sides, specsOf } from "../../src/web/page/compare.ts";
import { goingText } from "../../src/web/page/going.ts";
import { codeOf, comparedForm, formOf } from "../../src/web/page/made.ts";
import { ratePoints } from "../../src/web/page/rate.ts";
import { askedOf } from "../../src/web/page/state.ts";
import { executablePath, withSite } from "./site.ts";

afterAll(() => Machine.shutdown());

it("names what was asked for, the case's own by its name", () => {
  const asked = askedOf("#rounds=600&case=000&caseSeed=7");
  expect(comparedForm(asked)).toBe("bug, W001i, tso, 600 rounds, seeds 1 to 3");
  const own = formOf(asked);
  expect(own).toMatch(/^case 000, bug, W000\w*, \w+, tso, \d+ rounds, seeds 7 to 16$/);
  const [, , workload, machine] = own.split(", ");
  // The same in so many words is nothing else.
  const same = { ...asked, caseWorkload: workload, caseMachine: machine };
  expect(formOf(same)).toBe(own);
  const others = [
    { case: "001" }, { caseVariant: "fixed" }, { caseMachine: "i7-3960x" }, { caseSeed: 8 },
    { caseMemory: "sc" as const }, { caseSeeds: 9 }, { caseRounds: 41 },
  ];
  for (const other of others) expect(formOf({ ...asked, ...other })).not.toBe(own);
});

it("refuses more rounds than there is room for, and says why", async () => {
  const asked = askedOf("#case=003&caseWorkload=W003m&caseSeeds=1");
  expect(formOf(asked)).toContain(", 1 rounds,");
  expect((await specsFor(asked)).specs.map(({ rounds }) => rounds)).toEqual([1]);
  const most = { ...asked, caseWorkload: "W003", caseRounds: 35 };
  expect((await specsFor(most)).specs[0].rounds).toBe(35);
  const more = { ...most, caseRounds: 36 };
  // The form shows what was asked for.
  expect(formOf(more)).toContain(", 36 rounds,");
  await runCampaign(more);
  expect(campaignTrouble.value).toBe("36 rounds: W003 of case 003 has room for 35 " +
    "rounds: ask for no more");
  expect([campaign.value, campaigning.value]).toEqual([undefined, false]);
});

it("calls a copy of the code what the form calls it", () => {
  const spec = {
    machine: "conroe", variant: "k7", workload: "W001i", pair: [0, 1] as [number, number],
    seed: 1n, rounds: 100, memory: "tso" as const,
  };
  expect(codeOf(case001, spec)).toBe("fixed");
  expect(codeOf(case001, { ...spec, variant: "k0" })).toBe("bug");
  expect(codeOf(case001, { ...spec, variant: "k12" })).toBe("k12");
  for (const [workload, { buggy }] of Object.entries(caseModern.ofWorkload ?? {})) {
    expect(codeOf(caseModern, { ...spec, workload, variant: buggy }), workload).toBe("bug");
  }
});

it("looks inside two runs of one seed, that of the first failure", async () => {
  const asked = askedOf("#rounds=600");
  await show(asked);
  const run = (side: number, pair: string, seed: bigint, failure = {}) => {
    const spec = specsOf(sides.value[side], asked)
      .find((one) => one.pair.join() === pair && one.seed === seed)!;
    return { spec, failure } as unknown as CaseRun;
  };
  const picked = (runs: CaseRun[][], form = asked) => {
    const all = sides.value.map((side, i) => ({ ...side, runs: runs[i] }));
    return runsInside(all, form).map(({ spec: { pair, seed, variant }, had }) =>
      `${pair.join()} ${seed} ${variant} ${had !== undefined}`);
  };
  expect(picked([[], []])).toEqual(["0,2 1 k0 false", "0,1 1 k0 false"]);
  const held = { ...run(0, "0,4", 1n), failure: undefined };
  const left = run(0, "0,4", 3n);
  expect(picked([[held, left], []])).toEqual(["0,4 3 k0 true", "0,1 3 k0 false"]);
  expect(picked([[held], [run(1, "0,1", 2n)]])).toEqual(["0,2 2 k0 false", "0,1 2 k0 true"]);
  // Of another seed on the right, too.
  expect(picked([[left], [run(1, "0,1", 2n)]])).toEqual(["0,4 3 k0 true", "0,1 3 k0 false"]);
  expect(picked([[left], []], { ...asked, variant: "fixed" }))
    .toEqual(["0,2 1 k7 false", "0,1 1 k7 false"]);
});

it("tells the cycles of each run that is going, until it has ended", async () => {
  const [ofCase, compared] = [new Set<string>(), new Set<string>()];
  const stops = [
    effect(() => {
      const now = campaign.value;
      if (now) ofCase.add(goingText(now.going.value));
    }),
    effect(() => {
      for (const { going } of sides.value) compared.add(goingText(going.value));
    }),
  ];
  await runCampaign(askedOf("#case=001&caseSeeds=3&caseRounds=600"));
  await compare(askedOf("#seeds=1&rounds=600"));
  for (const stop of stops) stop();
  const cyclesOf = (texts: Set<string>, which: string) => [...texts].flatMap((text) =>
    text.split("; ").filter((run) => run.startsWith(`run ${which}: `))
      .map((run) => Number(/: ([\d.]+) million cycles$/.exec(run)![1])));
  const { runs, going } = campaign.value!;
  for (const { spec, result } of runs) {
    const told = cyclesOf(ofCase, `${spec.seed} of 3`);
    expect(told, `run ${spec.seed}`).toEqual([...told].sort((a, b) => a - b));
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBeGreaterThan(0);
    expect(told.at(-1)).toBeLessThanOrEqual(Number(result.cycles) / 1e6 + 0.05);
  }
  expect(runs).toHaveLength(3);
  // Of clovertown's three pairs, and of conroe's one.
  for (const which of ["1 of 3", "2 of 3", "3 of 3", "1 of 1"]) {
    expect(Math.max(...cyclesOf(compared, which)), which).toBeGreaterThan(0);
  }
  for (const one of [going, ...sides.value.map((side) => side.going)]) {
    expect(goingText(one.value)).toBe("");
  }
});

it("puts the rate over the place of its seed, over those that are there", () => {
  const specs = [5n, 6n, 7n, 8n].map((seed) => ({ seed }) as CaseSpec);
  const run = (i: number, failure?: object) => ({ spec: specs[i], failure }) as unknown as CaseRun;
  expect(ratePoints(specs, [])).toEqual([]);
  const points = ratePoints(specs, [run(3, {}), run(1), run(0, {})]);
  expect(points.map(({ at, rate }) => [at, rate])).toEqual([[0, 1], [1, 1 / 2], [3, 2 / 3]]);
  for (const [i, [failed, of]] of [[1, 1], [1, 2], [2, 3]].entries()) {
    expect([points[i].low, points[i].high]).toEqual(wilson(failed, of));
  }
});

describe.skipIf(!executablePath)("results in the page", () => {
  const { open } = withSite();

  it("stay those of the form that made them", async () => {
    const page = await open("#seeds=1&rounds=600&case=000&caseSeeds=1&caseRounds=100");
    const done = async (start: string, cancel: string) => {
      await page.getByRole("button", { name: start, exact: true }).click();
      const button = page.getByRole("button", { name: cancel, exact: true });
      await button.waitFor();
      await button.waitFor({ state: "detached", timeout: 0 });
    };
    await done("Run", "Cancel");
    await done("Run the case", "Cancel the case");
    const compared = page.locator("[data-machine=clovertown] [data-made]");
    const ofCase = page.locator("[data-campaign] [data-made]");
    const made = async () => [await compared.textContent(), await ofCase.textContent()];
    const before = await made();
    expect(before[0]).toBe("made with: bug, W001i, tso, 600 rounds, seed 1.");
    expect(before[1]).toMatch(/^made with: case 000, bug, .* tso, 100 rounds, seed 1\.$/);
    const said = " The form asks for something else now: these are not its results.";
    const other = before.map((text) => text + said);
    for (const [field, value] of [["variant", "fixed"], ["memory", "sc"]]) {
      const name = `case${field[0].toUpperCase()}${field.slice(1)}`;
      for (const key of [field, name]) await page.locator(`[name=${key}]`).selectOption(value);
      expect(await made(), field).toEqual(other);
      expect(await page.locator("#why h2").textContent()).toContain("clovertown hung, bug, CPUs");
    }
    for (const [field, value] of [["variant", "bug"], ["memory", "tso"]]) {
      const name = `case${field[0].toUpperCase()}${field.slice(1)}`;
      for (const key of [field, name]) await page.locator(`[name=${key}]`).selectOption(value);
    }
    expect(await made()).toEqual(before);
    await page.locator("[name=rounds]").fill("700");
    await page.locator("[name=rounds]").blur();
    await expect.poll(() => compared.textContent()).toBe(other[0]);
    // The right one's run has the left one's seed, and both say so; what ran does not count now.
    await page.getByRole("button", { name: "Look inside" }).click();
    for (const machine of ["clovertown", "conroe"]) {
      const title = page.locator(`[data-look=${machine}] h3`);
      expect(await title.textContent({ timeout: 0 })).toMatch(/^\w+, CPUs \d and \d, bug, seed 1$/);
    }
    await page.close();
  });

  it("have a chart with axes for all seeds, and drawings that fit a narrow page", async () => {
    const page = await open("#seeds=1&rounds=600&case=000&caseSeeds=30&caseRounds=100", 390);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.locator("#why svg").waitFor({ timeout: 0 });
    await page.getByRole("button", { name: "Cancel", exact: true })
      .waitFor({ state: "detached", timeout: 0 });
    await page.getByRole("button", { name: "Run the case" }).click();
    const chart = page.locator("[data-campaign] svg").filter({ has: page.locator("[data-frame]") });
    await chart.locator(".held, .hung").first().waitFor({ timeout: 0 });
    await page.getByRole("button", { name: "Cancel the case" }).click();
    await page.getByRole("button", { name: "Cancel the case" }).waitFor({ state: "detached" });
    expect(await chart.locator("text").allTextContents())
      .toEqual(["0 %", "50 %", "100 %", "seed 1 to 30"]);
    const told = await page.locator("[data-campaign] [data-rate]").textContent();
    const ran = Number(/ of (\d+)$/.exec(told!)![1]);
    expect(ran).toBeLessThan(30);
    expect(await chart.locator("[data-seed]").count()).toBe(30);
    expect(await chart.locator(".pending").count()).toBe(30 - ran);
    const widths = await page.locator(".scroll > svg").evaluateAll((all) => (all as unknown as {
      clientWidth: number; parentElement: { clientWidth: number };
    }[]).map((svg) => [svg.clientWidth, svg.parentElement.clientWidth]));
    // Two machines, the story, the case's machine and its chart.
    expect(widths).toHaveLength(5);
    for (const [own, room] of widths) expect(own).toBeLessThanOrEqual(room);
    await page.close();
  });
});
