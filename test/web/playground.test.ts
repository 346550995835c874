// The page's litmus playground in headless Chromium: explores and runs with Node's results.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ExploreEngine } from "../../src/engine/explore.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import type { Engine } from "../../src/engine/program.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";
import { judge } from "../../src/litmus/print.ts";
import { runTest } from "../../src/litmus/run.ts";
import { DEFAULTS, hashOf } from "../../src/web/page/state.ts";
import { executablePath, pictured, root, withSite } from "./site.ts";

describe.skipIf(!executablePath)("the litmus playground", () => {
  const { open, said } = withSite();

  it("explores a litmus test of a link, with fences, and runs it on a machine", async () => {
    const text = readFileSync(join(root, "workloads", "litmus", "SB.litmus"), "utf8")
      .replace("X86_64 SB", "X86_64 SB-linked");
    const page = await open(hashOf({ ...DEFAULTS, litmus: text }));
    expect(await page.getByLabel("The test").inputValue()).toBe(text);
    const result = page.locator("[data-found]");
    const finals = () => page.locator("[data-final]").evaluateAll(
      (rows) => rows.map((row) => row.getAttribute("data-final")));
    const press = async (name: string) => {
      await page.getByRole("button", { name, exact: true }).click();
      await page.getByRole("button", { name: "Cancel the run" })
        .waitFor({ state: "detached", timeout: 0 });
      await result.waitFor();
    };
    const assembled = await assemble(parseText("SB", text));
    const states = async (engine: Engine) => {
      const options = { machine: "clovertown", runs: 1000, seed: 1n };
      const found = await runTest(assembled, engine, options);
      return judge(found).states.map(({ line, count }) => [line, String(count)]);
    };
    await press("Explore");
    expect(await finals()).toEqual((await states(new ExploreEngine())).map(([line]) => line));
    expect(await result.textContent()).toContain("SB-linked Allowed: Sometimes");
    const steps = await page.locator("[data-witness] tbody tr").count();
    expect(steps).toBeGreaterThan(5);
    await page.getByRole("button", { name: "Step back" }).click();
    expect(await page.locator("[data-witness] tr.ahead").count()).toBe(1);
    await pictured(page, "litmus", "#litmus");
    await page.getByLabel("times").selectOption("1000");
    await press("Run it there");
    const counted = await page.locator("[data-final]").evaluateAll((rows) => rows.map((row) =>
      [row.getAttribute("data-final"), row.querySelector(".number")!.textContent]));
    expect(counted).toEqual(await states(new TimingEngine()));
    for (const gap of ["P0.1", "P1.1"]) {
      await page.locator(`[data-gap="${gap}"]`).selectOption("mfence");
    }
    await press("Explore");
    expect(await result.textContent()).toContain("Never");
    await page.getByLabel("The test").fill("X86_64 no test\n");
    await page.getByRole("button", { name: "Explore" }).click();
    expect(await page.getByRole("alert").textContent()).toMatch(/test:\d+/);
  });

  it("cancels an exploration, says that it has no answer, and explores again", async () => {
    const cpus = [0, 1, 2, 3];
    const row = (cells: string[]) => ` ${cells.join(" | ")} ;\n`;
    const round = row(cpus.map((cpu) => `movl $1,(v${cpu})`)) +
      row(cpus.map((cpu) => `movl (v${(cpu + 1) % 4}),%eax`)) +
      row(cpus.map(() => "addl %eax,%ebx"));
    const litmus = `X86_64 SB-rounds\n{}\n${row(cpus.map((cpu) => `P${cpu}`))}` +
      `${round.repeat(4)}exists (0:rbx=9)\n`;
    const page = await open(hashOf({ ...DEFAULTS, litmus }));
    await page.getByRole("button", { name: "Explore", exact: true }).click();
    await page.locator("[data-explored]").waitFor({ timeout: 0 });
    await page.getByRole("button", { name: "Cancel the run" }).click();
    const told = await page.getByRole("status").filter({ hasText: "Cancelled" }).textContent();
    // It has more than two million, at which the page would give up by itself.
    const states = Number(told!.match(/after ([\d,]+) machine states/)![1].replaceAll(",", ""));
    expect(states).toBeGreaterThan(0);
    expect(states).toBeLessThan(2e6);
    expect(await page.locator("[data-found]").count()).toBe(0);
    // The page explores again.
    await page.getByRole("button", { name: "SB", exact: true }).click();
    await page.getByRole("button", { name: "Explore", exact: true }).click();
    await page.getByText("SB Allowed: Sometimes").waitFor({ timeout: 0 });
    expect(await page.getByText("Cancelled after").count()).toBe(0);
  });

  it("tells how many runs are done, and of those that were when it is cancelled", async () => {
    const page = await open("");
    await page.getByLabel("times").selectOption("100000");
    await page.getByRole("button", { name: "Run it there" }).click();
    const done = async () => Number(await page.locator("[data-ran]").textContent());
    await expect.poll(done, { timeout: 60_000 }).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Cancel the run" }).click();
    await page.locator("[data-bound]").waitFor({ timeout: 0 });
    const counts = await page.locator("[data-final] .number").allTextContents();
    const sum = counts.reduce((all, count) => all + Number(count), 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(100_000);
    expect(await page.locator("[data-ran]").count()).toBe(0);
  });

  it("is in the address: a link leads to the same test, fences, machine and runs", async () => {
    const page = await open("");
    await page.getByRole("button", { name: "R", exact: true }).click();
    await page.locator("[data-gap='P1.1']").selectOption("mfence");
    await page.locator("[data-gap='P0.1']").selectOption("sfence");
    await page.locator("[name=litmusMachine]").selectOption("zen");
    await page.locator("[name=litmusRuns]").selectOption("1000");
    const { hash } = new URL(page.url());
    const again = await open(hash);
    const values = () => again.locator("#litmus :is(select, textarea)").evaluateAll(
      (all) => all.map((one) => (one as HTMLSelectElement).value));
    const text = readFileSync(join(root, "workloads", "litmus", "R.litmus"), "utf8");
    expect(await values()).toEqual([text, "sfence", "mfence", "zen", "1000"]);
    await again.getByRole("button", { name: "Explore", exact: true }).click();
    await again.getByText("R Allowed: Never").waitFor({ timeout: 0 });
    await again.getByRole("button", { name: "Run it there" }).click();
    await again.getByText("Cancel the run").waitFor({ state: "detached", timeout: 0 });
    const counts = await again.locator("[data-final] .number").allTextContents();
    expect(counts.reduce((sum, count) => sum + Number(count), 0)).toBe(1000);
    expect(await again.locator("[data-found] > .soft").textContent())
      .toContain("of its 32 CPUs"); // zen's
    // A test that is edited has other gaps.
    await again.getByRole("button", { name: "MP", exact: true }).click();
    expect((await values()).slice(1)).toEqual(["none", "none", "zen", "1000"]);
  });

  it("says what it did not take from a link, without the link's text", async () => {
    const page = await open("#left=uni9&litmusRuns=7&<b>=1");
    const told = page.locator("[data-ignored]");
    expect(await told.textContent()).toContain("left, litmusRuns, 1 that is not of this page.");
    expect(await told.innerHTML()).not.toMatch(/uni9|<b>|&lt;/);
    await page.evaluate(() => {
      location.hash = "#left=zen";
    });
    await told.waitFor({ state: "detached" });
  });

  it("has said nothing on the console", () => expect(said).toEqual([]));
});
