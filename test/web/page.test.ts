// The page in headless Chromium, as a visitor has it: it runs case 001 on two machines with the
// results that Node has, says why one hung, and takes nothing from a link but names and numbers.
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { case002 } from "../../src/cases/002.ts";
import { findLostWakeup, isStoreBuffering, type LostWakeup } from "../../src/cases/001-story.ts";
import { optionsOf, runOnce } from "../../src/cases/runner.ts";
import type { TraceEvent } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { executablePath, pictured, shots, withSite } from "./site.ts";

const WAIT = { timeout: 60_000 };
const hashOfPage = (page: Page) => new URL(page.url()).hash;

describe.skipIf(!executablePath)("the page", () => {
  const site = withSite();
  const { open } = site;

  async function run(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).waitFor({ state: "detached", timeout: 0 });
  }

  it("runs case 001 on two machines, with Node's results, and says why one hung", async () => {
    const page = await open("#seeds=1&rounds=1100");
    await run(page);
    for (const machine of ["clovertown", "conroe"]) {
      const cells = page.locator(`[data-machine=${machine}] [data-hash]`);
      expect(await cells.count()).toBeGreaterThan(0);
      for (const cell of await cells.all()) {
        const pair = (await cell.getAttribute("data-hash"))!.split(",").map(Number);
        const { result } = await runOnce(case001, {
          machine, variant: "k0", workload: "W001i", pair: pair as [number, number], seed: 1n,
          rounds: 1100, memory: "tso",
        });
        expect(await cell.textContent()).toBe(result.stateHash.toString(16).padStart(16, "0"));
      }
    }
    const caveat = (machine: string) =>
      page.locator(`[data-machine=${machine}] [data-caveat]`).textContent();
    // Three in so many rounds, the rule of three.
    expect(await caveat("conroe")).toBe("CPUs 0 and 1: no hang, under 2.7e-3 a round (95 %).");
    expect(await caveat("clovertown")).toMatch(/^CPUs 0 and 4: [^.]* 2.7e-3 a round \(95 %\).$/);
    await page.getByText("The whole account").click();
    expect(await page.locator("#why pre").textContent()).toContain("still in the store buffer");
    expect(await page.locator("[data-machine=conroe] .bad").count()).toBe(0);
    await pictured(page, "compare");
  });

  it("goes back and forth in a run, in Node's states", async () => {
    const page = await open("#seeds=1&rounds=600");
    await page.getByRole("button", { name: "Look inside" }).click();
    await page.locator("[data-look=conroe] canvas").waitFor({ timeout: 0 });
    for (const machine of ["clovertown", "conroe"]) {
      const look = page.locator(`[data-look=${machine}]`);
      const settled = () =>
        page.locator(`[data-look=${machine}][aria-busy=false]`).waitFor({ timeout: 0 });
      const press = async (name: string) => {
        await look.getByRole("button", { name, exact: true }).click();
        await settled();
      };
      const text = (field: string) => look.locator(`[data-${field}]`).textContent();
      const visited = new Map<string, string>();
      const visit = async () => {
        const boundary = (await text("boundary"))!;
        const state = (await text("state"))!;
        expect(visited.get(boundary) ?? state, `state at ${boundary}`).toBe(state);
        visited.set(boundary, state);
      };
      await visit();
      const walk = ["a window on", "a window on", "a window back", "a window back",
        "a window back"];
      const more = ["to the mark before", "step: the next event", "a window on",
        "step back: the event before", "to the next mark"];
      for (const name of machine === "clovertown" ? [...walk, ...more] : walk) {
        const before = BigInt((await text("boundary"))!);
        await press(name);
        await visit();
        const after = BigInt((await text("boundary"))!);
        if (name === "a window back") expect(after).toBeLessThan(before);
      }
      const pair: [number, number] = machine === "clovertown" ? [0, 2] : [0, 1];
      const node = await Machine.create(await optionsOf(case001, {
        machine, variant: "k0", workload: "W001i", pair, seed: 1n, rounds: 600, memory: "tso",
      }));
      for (const boundary of [...visited.keys()].map(BigInt).sort((a, b) => Number(a - b))) {
        await node.runTo(boundary);
        const state = node.stateHash().toString(16).padStart(16, "0");
        expect([node.view.now, visited.get(String(boundary))]).toEqual([boundary, state]);
      }
      node.close();
      expect(visited.size).toBeGreaterThan(2);
    }
    const failing = page.locator("[data-look=clovertown]");
    await failing.getByRole("button", { name: "to the failure" }).click();
    await page.locator("[data-look=clovertown][aria-busy=false]").waitFor({ timeout: 0 });
    const buffer = failing.locator("[data-buffer='0']");
    expect(await buffer.textContent()).toMatch(/tail\s*\d+/);
    for (const machine of ["clovertown", "conroe"]) {
      const states = page.locator(`[data-look=${machine}] .state`);
      expect(await states.allTextContents(), machine).toEqual(
        expect.arrayContaining([expect.stringMatching(/^[MESI]$/)]));
    }
    // A link leads there again.
    const shown = (where: Page) => Promise.all(["clovertown", "conroe"].flatMap((machine) =>
      ["cycle", "boundary", "state"].map((field) =>
        where.locator(`[data-look=${machine}] [data-${field}]`).textContent({ timeout: 0 }))));
    const here = await shown(page);
    const cycles = new RegExp(`leftCycle=${here[0]}&.*rightCycle=${here[3]}(&|$)`);
    await expect.poll(() => hashOfPage(page), WAIT).toMatch(cycles);
    const again = await open(hashOfPage(page));
    await expect.poll(() => shown(again), WAIT).toEqual(here);
    await again.close();
    // The timeline takes the colours of the page, and follows when they change.
    const drawn = () => failing.locator("canvas").evaluate((element) =>
      (element as unknown as { toDataURL(): string }).toDataURL());
    const light = await drawn();
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(drawn).not.toBe(light);
    await page.emulateMedia({ colorScheme: "light" });
    await expect.poll(drawn).toBe(light);
    await pictured(page, "look", "#inside");
  });

  it("guides through case 001 with the numbers of the run that it made", async () => {
    const page = await open("");
    await page.getByRole("button", { name: "Take the guided tour" }).click();
    const tour = page.locator("[data-stop]");
    await tour.waitFor({ timeout: 0 });
    const story = await firstStory();
    const between = (from?: TraceEvent, to?: TraceEvent) => String(to!.time - from!.time);
    const waits = /^in the store buffer for \d+$/;
    const stops: [number, Record<string, RegExp>, string][] = [
      [1, { A3: /^in the store buffer for 1$/ }, between(story.tailIssue, story.tailCommit)],
      // The reaper's look before it queued itself is not the one that is shown.
      [2, { A3: waits, B: /^done, read/, "1e": /^$/, 2: /^$/ },
        between(story.tailIssue, story.bRead)],
      [3, { A3: waits, 2: /^done, read/ }, between(story.queueCommit, story.tailRead)],
      [4, { A3: /^visible since 1$/ }, between(story.bRead, story.tailCommit)],
    ];
    for (const [index, steps, cycles] of stops) {
      await page.getByRole("button", { name: "Next", exact: true }).click();
      await page.locator(`[data-stop="${index}"]`).waitFor();
      await page.locator("[data-look=clovertown][aria-busy=false]").waitFor({ timeout: 0 });
      expect(await tour.locator("> p").first().textContent()).toContain(`${cycles} cycles`);
      for (const [step, told] of Object.entries(steps)) {
        expect(await tour.locator(`[data-step="${step}"]`).textContent(), step).toMatch(told);
      }
      const buffer = await tour.locator("[data-buffer='0']").textContent();
      expect(buffer!.includes("ring.tail "), `stop ${index}`).toBe(index < 4);
      if (index === 2 && process.env.SHOTS) {
        await tour.screenshot({ path: join(shots, "front.png") });
      }
      if (index === 3) await pictured(page, "tour", "#tour");
    }
    await page.getByRole("button", { name: "Next", exact: true }).click();
    await tour.getByText("does not hang").waitFor();
    await page.getByRole("button", { name: "Next", exact: true }).click();
    await tour.getByText("do not hang").waitFor();
    await page.getByRole("button", { name: "Next", exact: true }).click();
    await page.getByRole("button", { name: "Run the table" }).click();
    await tour.locator("tbody tr").first().waitFor({ timeout: 0 });
    expect(await tour.locator("tbody tr").first().textContent()).toContain("the bug");
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => hashOfPage(page), WAIT).toBe("#stop=8");
    await page.close();
    const again = await open("#stop=3");
    await again.locator("[data-stop='2'] [data-step='B']").waitFor({ timeout: 0 });
    await expect.poll(() => again.locator("[data-step='B']").textContent(), WAIT)
      .toMatch(/^done, read/);
  });

  it("looks at what a link says as far as there is such a run", async () => {
    const page = await open(
      "#left=conroe&workload=W001iii&rounds=100&leftPair=999&leftSeed=2&leftCycle=999999999");
    // The one disk of this work, in the drawing and in the run.
    expect(await page.locator("[data-machine] svg [data-disk]").count()).toBe(2);
    const look = page.locator("[data-look]").first();
    await look.waitFor({ timeout: 0 });
    const end = (await look.getByRole("slider").getAttribute("max"))!;
    await expect.poll(() => look.locator("[data-cycle]").textContent(), WAIT).toBe(end);
    await expect.poll(() => hashOfPage(page), WAIT).toContain(`leftSeed=2&leftCycle=${end}&`);
    expect(hashOfPage(page)).not.toContain("leftPair");
    expect(await look.locator("[data-disk]").allTextContents()).toEqual(["disk 0: 0"]);
    // What is looked at is not the address's any more when the form asks for something else.
    await page.getByLabel("Kernel").selectOption("fixed");
    await expect.poll(() => hashOfPage(page), WAIT)
      .toBe("#left=conroe&variant=fixed&workload=W001iii&rounds=100");
  });

  /** As the tour looks for it. */
  async function firstStory(): Promise<LostWakeup> {
    for (let seed = 1n; seed <= 8n; seed++) {
      const { failure, spec } = await runOnce(case001, {
        machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 1], seed,
        rounds: 1000, memory: "tso",
      });
      const story = failure && findLostWakeup(failure, ...spec.pair);
      if (story && isStoreBuffering(story)) return story;
    }
    throw new Error("no seed hangs");
  }

  it("runs a case with what its link says, and shows the rate and the account", async () => {
    const page = await open("#case=002&caseSeeds=3&caseRounds=40");
    const results = page.locator("[data-campaign='002']");
    const finish = async () => {
      await page.getByRole("button", { name: "Run the case" }).click();
      await page.getByRole("button", { name: "Cancel the case" }).waitFor();
      await page.getByRole("button", { name: "Cancel the case" })
        .waitFor({ state: "detached", timeout: 0 });
    };
    const inNode = await Promise.all([1n, 2n, 3n].map((seed) => runOnce(case002, {
      machine: case002.machine, variant: case002.buggy, workload: case002.workload, pair: [0, 1],
      seed, rounds: 40, memory: "tso",
    })));
    const failed = inNode.filter((run) => run.failure).length;
    await finish();
    expect(await results.locator("[data-rate]").textContent()).toBe(`${failed} of 3`);
    expect(await results.locator("rect[data-seed]").count()).toBe(3);
    const { disks } = case002.disks!(inNode[0].spec)!;
    expect(await results.locator("rect[data-disk]").count()).toBe(disks.length);
    await page.getByText("The account of that run").click();
    expect((await results.locator("pre").textContent())!.length).toBeGreaterThan(200);
    await pictured(page, "case", "#cases");
    await page.locator("select[name=caseVariant]").selectOption("fixed");
    expect(new URL(page.url()).hash).toContain("caseVariant=fixed");
    await finish();
    expect(await results.locator("[data-rate]").textContent()).toBe("0 of 3");
    expect(await results.locator(".held").count()).toBe(3);
    expect(await results.textContent()).not.toContain("adversarial");
    await page.locator("select[name=caseMemory]").selectOption("tso-adv");
    await page.getByRole("button", { name: "Step through a run" }).click();
    const title = await page.locator("[data-look=case] h3").textContent({ timeout: 0 });
    expect(title).toContain("adversarial drains");
  });

  it("tells how far it is, and can be told to stop", async () => {
    const page = await open(
      "#seeds=50&rounds=20000&variant=fixed&case=001&caseVariant=fixed&caseRounds=20000");
    for (const [part, start, cancel] of [
      ["[data-machine=clovertown]", "Run", "Cancel"],
      ["[data-campaign]", "Run the case", "Cancel the case"],
    ]) {
      const button = (name: string) => page.getByRole("button", { name, exact: true });
      await button(start).click();
      const going = page.locator(`${part} [data-going]`);
      await expect.poll(() => going.textContent(), WAIT)
        .toMatch(/^run \d+ of \d+: (?!0\.0)\d+\.\d million cycles/);
      await button(cancel).click();
      await button(cancel).waitFor({ state: "detached" });
      expect(await button(start).isEnabled()).toBe(true);
      expect(await going.count()).toBe(0);
    }
  });

  it("shows how far the run is that is to be looked at, and can be told to stop it", async () => {
    const page = await open("#case=003&caseRounds=400&rounds=600");
    const part = (id: string) => page.locator(id);
    const cancel = async (id: string, button: string) => {
      await part(id).getByRole("button", { name: button }).click();
      const far = part(id).locator("[data-opening]");
      const cycles = async () => Number(await far.locator("[data-cycles]").textContent());
      await expect.poll(cycles, WAIT).toBeGreaterThan(0);
      await far.getByRole("button", { name: "Cancel" }).click();
      await far.waitFor({ state: "detached" });
      expect(await part(id).getByRole("button", { name: button }).isEnabled()).toBe(true);
    };
    for (const [id, button] of [
      ["#inside", "Look inside"], ["#cases", "Step through a run"], ["#tour", "Start the tour"],
    ]) {
      await cancel(id, button);
      expect(await page.locator("[data-look], [data-stop]").count()).toBe(0);
    }
    // What was open stays.
    await part("#inside").getByRole("button", { name: "Look inside" }).click();
    const state = page.locator("[data-look=clovertown] [data-state]");
    const before = await state.textContent({ timeout: 0 });
    await cancel("#cases", "Step through a run");
    expect(await state.textContent()).toBe(before);
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.close();
  });

  it("says in words that a machine has too few CPUs", async () => {
    const page = await open("#left=uni1&leftCycle=5&case=000&caseMachine=uni1");
    const said = (id: string) =>
      page.getByRole("alert").getByText(`uni1 has 1 CPU, and case ${id} needs 2: choose another`);
    await said("001").first().waitFor();
    expect(await page.getByRole("button", { name: "Look inside" }).isEnabled()).toBe(false);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    expect(await page.locator("[data-hash]").count()).toBe(0);
    for (const button of ["Run the case", "Step through a run"]) {
      await page.getByRole("button", { name: button }).click();
      await page.locator("#cases").getByRole("alert").waitFor();
      expect(await said("000").count(), button).toBeGreaterThan(0);
    }
    await page.locator("select[name=left]").selectOption("clovertown");
    await said("001").first().waitFor({ state: "detached" });
    await page.close();
  });

  it("keeps what was chosen in the address", async () => {
    const page = await open("");
    await page.getByLabel("Kernel").selectOption("fixed");
    expect(new URL(page.url()).hash).toBe("#variant=fixed");
    await page.goto(`${site.address}#right=nehalem-ep`);
    await page.locator("[data-machine=nehalem-ep]").waitFor();
  });

  it("puts nothing of a link into the document", async () => {
    const image = encodeURIComponent('<img src=x onerror="window.bad=1">');
    const page = await open(`#left=${image}&seeds=${image}&litmus=${image}`);
    expect(await page.evaluate("window.bad")).toBeUndefined();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.locator("select[name=left]").inputValue()).toBe("clovertown");
    // A text stays one, in its field and in what is said of it.
    expect(await page.getByLabel("The test").inputValue()).toContain("<img");
    await page.getByRole("button", { name: "Explore" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.evaluate("window.bad")).toBeUndefined();
  });

  it("runs no script but its own", async () => {
    const page = await site.browser.newPage();
    await page.goto(site.address);
    await page.waitForSelector(".machine svg");
    await page.evaluate(`{
      window.refused = [];
      document.addEventListener("securitypolicyviolation", (event) =>
        window.refused.push(event.effectiveDirective));
      const script = document.createElement("script");
      script.textContent = "window.bad = 1";
      document.body.append(script);
      const image = document.createElement("img");
      image.setAttribute("onerror", "window.bad = 2");
      image.src = "data:,";
      document.body.append(image);
      location.href = "javascript:window.bad=3";
    }`);
    // Each of the three has been seen, and refused.
    await page.waitForFunction("window.refused.length >= 3");
    expect(await page.evaluate("window.refused.sort()"))
      .toEqual(["script-src-attr", "script-src-elem", "script-src-elem"]);
    expect(await page.evaluate("window.bad")).toBeUndefined();
    await page.close();
  });

  it("steps through a run of a case, in Node's states, and a link leads there again", async () => {
    const link = "#caseRounds=40&caseLook=2";
    const page = await open(link);
    const look = page.locator("[data-look=case]");
    await look.waitFor({ timeout: 0 });
    const spec = {
      machine: case002.machine, variant: case002.buggy, workload: case002.workload,
      pair: [0, 1] as [number, number], seed: 2n, rounds: 40, memory: "tso" as const,
    };
    const { failure } = await runOnce(case002, spec);
    const decision = case002.decision!(failure!, spec)!;
    const shown = (where: Page) => Promise.all(["cycle", "boundary", "state"].map((field) =>
      where.locator(`[data-look=case] [data-${field}]`).textContent({ timeout: 0 })));
    const here = await shown(page);
    expect(here[0]).toBe(String(decision.time + 1n));
    expect(await look.textContent()).toContain(failure!.what);
    expect(await look.locator(".moments").textContent()).toContain("f4 loads dio.result");
    const machine = await Machine.create(await optionsOf(case002, spec));
    await machine.runTo(BigInt(here[1]!));
    expect(here[2]).toBe(machine.stateHash().toString(16).padStart(16, "0"));
    machine.close();
    await look.getByRole("button", { name: "step: the next event" }).click();
    await expect.poll(() => shown(page), WAIT).not.toEqual(here);
    await look.getByRole("button", { name: "step back: the event before" }).click();
    await expect.poll(() => shown(page), WAIT).toEqual(here);
    await expect.poll(() => hashOfPage(page), WAIT).toBe(`${link}&caseCycle=${here[0]}`);
    await pictured(page, "case-look", "[data-look=case]");
    // Far from the failure nothing is recorded: there are states at boundaries, and that is said.
    await look.getByRole("slider").fill("0");
    await expect.poll(() => look.locator("[data-cycle]").textContent(), WAIT).toBe("0");
    expect(await look.locator("[data-recorded]").textContent()).toContain("here there are states");
    const again = await open(`${link}&caseCycle=${here[0]}`);
    await again.locator("[data-look=case]").waitFor({ timeout: 0 });
    await expect.poll(() => shown(again), WAIT).toEqual(here);
    await again.close();
    await page.close();
  });

  it("has said nothing on the console", () => expect(site.said).toEqual([]));
});
