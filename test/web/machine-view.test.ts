// The boxes of a machine in headless Chromium, with what is in them at one cycle: as Node has it,
// and as the lists beneath say it; and what the timeline's legend says of its colours.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { STATES } from "../../src/core/inspect.ts";
import { Travel } from "../../src/engine/travel.ts";
import { executablePath, withSite } from "./site.ts";

const LOOK = "[data-look=clovertown]";
const STEPS_MAX = 60;
const OPTIONS = {
  machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 2] as [number, number],
  seed: 1n, rounds: 600, memory: "tso" as const,
};

/** For the page: the colours of a timeline's signs, and all those that its canvas has. */
const FILLS = `[...document.querySelectorAll("${LOOK} .legend path")]
  .map((path) => getComputedStyle(path).fill)`;
const COLOURS_DRAWN = `{
  const canvas = document.querySelector("${LOOK} canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  [...new Set(new Uint32Array(data.buffer))].map((pixel) =>
    "rgb(" + [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].join(", ") + ")");
}`;

async function press(page: Page, name: string): Promise<void> {
  await page.locator(LOOK).getByRole("button", { name, exact: true }).click();
  await page.locator(`${LOOK}[aria-busy=false]`).waitFor({ timeout: 0 });
}

const texts = (page: Page, selector: string) =>
  page.locator(`${LOOK} ${selector}`).allTextContents();

const letters = async (page: Page, box: string) =>
  (await texts(page, `${box} [data-letter] text`)).join("");

describe.skipIf(!executablePath)("the boxes of a machine", () => {
  const site = withSite();

  it("hold at a failure what Node's frame has, and the lists", async () => {
    const page = await site.open("#seeds=1&rounds=600", 390);
    await page.getByRole("button", { name: "Look inside" }).click();
    await page.locator("[data-look=conroe] canvas").waitFor({ timeout: 0 });
    await press(page, "to the failure");
    const travel = await Travel.open(await optionsOf(case001, OPTIONS));
    const lines = await page.locator(`${LOOK} [data-line]`).evaluateAll((rows) =>
      rows.map((row) => Number(row.getAttribute("data-line"))));
    const cycle = Number((await texts(page, "[data-cycle]"))[0]);
    await travel.to(BigInt(cycle));
    const { buffers, lines: states, shared } = travel.frame(cycle, lines);
    travel.close();
    expect(buffers[0].length).toBeGreaterThan(0);
    for (const [cpu, stores] of buffers.entries()) {
      const cells = page.locator(`${LOOK} [data-live='${cpu}'] .waits`);
      const ages = await cells.evaluateAll((all) => all.map((cell) =>
        Number(cell.getAttribute("data-cell")!.split(" ").at(-1))));
      expect(ages, `cpu ${cpu}`).toEqual(stores.map(({ issued }) => cycle - Number(issued)));
    }
    const drawn = lines.slice(0, 2);
    const table = await Promise.all(drawn.map((line) =>
      texts(page, `[data-line='${line}'] .state`)));
    for (let cpu = 0; cpu < buffers.length; cpu++) {
      const own = drawn.map((line) => STATES[states.get(line)![cpu]]).join("");
      expect(await letters(page, `[data-core='${cpu}']`)).toBe(own);
      expect(table.map((row) => row[cpu]).join("")).toBe(own);
    }
    for (const cluster of shared.get(drawn[0])!.keys()) {
      expect(await letters(page, `[data-shared='${cluster}']`))
        .toBe(drawn.map((line) => STATES[shared.get(line)![cluster]]).join(""));
    }
    // Something is on a bus soon.
    const carries = page.locator(`${LOOK} .fabric .carries`);
    for (let i = 0; i < STEPS_MAX && !await carries.count(); i++) {
      await press(page, "step: the next event");
    }
    const listed = (await texts(page, "[aria-label=Bus] li")).map((text) =>
      text.replace(/ for (cpu \d+|the I\/O hub), for .*/, ", $1"));
    expect(listed.length).toBeGreaterThan(0);
    const buses = await texts(page, "[data-bus]");
    for (const text of listed) {
      expect(buses.some((bus) => bus.includes(text.replace(/^bus \d+: /, "")))).toBe(true);
    }
    expect(buses.filter((bus) => /: idle$/.test(bus))).toHaveLength(
      buses.length - await carries.count());
    // Whatever the timeline's legend explains is drawn, in that colour.
    await page.locator(LOOK).getByRole("button", { name: /^(Whole run|All that is)/ }).click();
    await page.locator(LOOK).getByRole("button", { name: "zoom out" }).click();
    const signs = await texts(page, ".legend li");
    for (const word of ["stores", "labelled", "address bus", "data bus", "cycle"]) {
      expect(signs).toContainEqual(expect.stringContaining(word));
    }
    const fills = await page.evaluate<string[]>(FILLS);
    expect(fills).toHaveLength(signs.length);
    await expect.poll(async () => {
      const colours = await page.evaluate<string[]>(COLOURS_DRAWN);
      return fills.filter((fill) => !colours.includes(fill));
    }).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(390);
    expect(site.said).toEqual([]);
    await page.close();
  });
});
