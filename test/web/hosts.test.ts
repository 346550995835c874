// The page from a host that sends no headers: a service worker adds them; where there can be none,
// machines run on one thread. Either way it is the same page, with the same states.
import { describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { loadPreset } from "../../src/engine/host.ts";
import { Machine } from "../../src/engine/machine.ts";
import { executablePath, withSite } from "./site.ts";

const WAIT = { timeout: 60_000 };

describe.skipIf(!executablePath)("the page", () => {
  const site = withSite();

  it("works from a host that sends no headers", async () => {
    const bare = await site.serve();
    // Service workers are the browser's, so this page has one of its own.
    const context = await site.browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => site.said.push(error.message));
    await page.goto(`${bare.address}#litmus=`);
    // Asked from outside: the page's policy lets nothing within it evaluate a text.
    await expect.poll(() => page.evaluate("crossOriginIsolated"), WAIT).toBe(true);
    await page.waitForSelector(".machine svg");
    await page.getByLabel("times").selectOption("1000");
    await page.getByRole("button", { name: "Run it there" }).click();
    await page.locator("[data-final]").first().waitFor({ timeout: 0 });
    await context.close();
    await bare.close();
  });

  it("runs on one thread where nothing isolates it, in Node's states", async () => {
    const bare = await site.serve();
    const context = await site.browser.newContext({ serviceWorkers: "block" });
    const page = await context.newPage();
    page.on("pageerror", (error) => site.said.push(error.message));
    const spec = {
      machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 2] as [number, number],
      seed: 1n, rounds: 600, memory: "tso" as const,
    };
    const pair = case001.pairs(await loadPreset(spec.machine))
      .findIndex((one) => one.join() === spec.pair.join());
    await page.goto(`${bare.address}#rounds=600&leftPair=${pair}&leftSeed=1&leftCycle=1`);
    await page.locator("[data-alone]").waitFor();
    expect(await page.evaluate("crossOriginIsolated")).toBe(false);
    const look = page.locator("[data-look=clovertown]");
    await look.waitFor({ timeout: 0 });
    await page.locator("[data-look=conroe]").waitFor({ timeout: 0 });
    await look.getByRole("button", { name: "to the failure" }).click();
    await page.locator("[data-look=clovertown][aria-busy=false]").waitFor({ timeout: 0 });
    const boundary = (await look.locator("[data-boundary]").textContent())!;
    const machine = await Machine.create(await optionsOf(case001, spec));
    await machine.runTo(BigInt(boundary));
    expect(await look.locator("[data-state]").textContent())
      .toBe(machine.stateHash().toString(16).padStart(16, "0"));
    machine.close();
    await page.getByLabel("times").selectOption("1000");
    await page.getByRole("button", { name: "Run it there" }).click();
    await page.locator("[data-final]").first().waitFor({ timeout: 0 });
    // It can be stopped there, too.
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Cancel" }).waitFor({ state: "detached" });
    await context.close();
    await bare.close();
  });

  it("has said nothing on the console", () => expect(site.said).toEqual([]));
});
