// The page in headless Chromium, as a visitor has it: it runs case 001 on two machines with the
// results that Node has, says why one hung, and takes nothing from a link but names and numbers.
// With SHOTS=1 the screenshots in shots/ are made anew.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { case002 } from "../../src/cases/002.ts";
import { findLostWakeup, isStoreBuffering, type LostWakeup } from "../../src/cases/001-story.ts";
import { optionsOf, runOnce } from "../../src/cases/runner.ts";
import { packageRoot } from "../../src/core/root.ts";
import type { TraceEvent } from "../../src/core/trace.ts";
import { ExploreEngine } from "../../src/engine/explore.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { Machine } from "../../src/engine/machine.ts";
import type { Engine } from "../../src/engine/program.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";
import { judge } from "../../src/litmus/print.ts";
import { runTest } from "../../src/litmus/run.ts";
import { askedOf, DEFAULTS, hashOf } from "../../src/web/page/state.ts";
import { findChromium } from "../browser/chromium.ts";

const root = packageRoot();
const shots = join(root, "test", "web", "shots");
const folder = mkdtempSync(join(tmpdir(), "smpbox-page-"));
const name = findChromium();
const executablePath = name &&
  spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
if (!executablePath) console.log("skipped: Chromium is not installed (apt-get install chromium)");
if (process.env.CI === "true") it("CI has Chromium", () => expect(executablePath).toBeDefined());

describe("what a link may say", () => {
  it("is known names, and numbers within limits", () => {
    const asked = askedOf("#left=zen&right=uni1&variant=fixed&memory=sc&seeds=99&rounds=7");
    expect(asked).toEqual({
      ...DEFAULTS, left: "zen", variant: "fixed", memory: "sc", seeds: 50,
      rounds: 100,
    });
    const other = askedOf("#case=003&caseWorkload=W002b&caseMachine=/etc&caseSeed=7&caseSeeds=0");
    expect(other).toEqual({ ...DEFAULTS, case: "003", caseSeed: 7, caseSeeds: 1 });
  });

  it("comes back from what it gives", () => {
    const asked = { ...DEFAULTS, right: "nehalem-ep", seeds: 7 };
    expect(askedOf(hashOf(asked))).toEqual(asked);
    expect(hashOf(DEFAULTS)).toBe("");
  });

  it("is a litmus test of printable characters, not too long", () => {
    const litmus = "X86_64 SB\n{}\n P0 ;\n";
    expect(askedOf(hashOf({ ...DEFAULTS, litmus })).litmus).toBe(litmus);
    expect(askedOf(`#litmus=${"x".repeat(99_999)}`).litmus).toHaveLength(4000);
    expect(askedOf("#litmus=a%E2%80%AEb").litmus).toBe("");
  });

  it.each(["#left=__proto__&variant=constructor", "#seeds=-1&rounds=1e9", "#%00%ff", "#=&&&="])(
    "%s is nothing", (hash) => expect(askedOf(hash)).toEqual(DEFAULTS));
});

describe.skipIf(!executablePath)("the page", () => {
  let server: PreviewServer;
  let browser: Browser;
  let address = "";
  const said: string[] = [];

  beforeAll(async () => {
    const script = join(root, "scripts", "build-web.mjs");
    const built = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    expect(built.stderr).not.toMatch(/error/i);
    server = await preview({
      configFile: false, root, build: { outDir: folder },
      preview: {
        port: 0,
        headers: {
          "Cross-Origin-Opener-Policy": "same-origin",
          "Cross-Origin-Embedder-Policy": "require-corp",
        },
      },
    });
    address = server.resolvedUrls!.local[0];
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
    await Machine.shutdown();
    rmSync(folder, { recursive: true });
  });

  async function open(hash: string, width = 1280): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    page.on("console", (message) => {
      if (message.type() === "error") said.push(message.text());
    });
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(address + hash);
    await page.waitForSelector(".machine svg");
    return page;
  }

  async function run(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("button", { name: "Cancel" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).waitFor({ state: "detached", timeout: 0 });
  }

  /** At both widths: nothing is wider than the page; in light and dark, nothing is hard to use. */
  async function pictured(page: Page, subject: string, part = "main"): Promise<void> {
    const picture = async (what: string) => {
      if (!process.env.SHOTS) return;
      await page.locator(part).screenshot({ path: join(shots, `${subject}-${what}.png`) });
    };
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide).toBeLessThanOrEqual(width);
      await picture(`${width}`);
    }
    await page.addScriptTag({
      content: readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"),
    });
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      if (colorScheme === "dark") await picture("dark");
      const { violations } = await page.evaluate("axe.run()") as
        { violations: { id: string; impact: string }[] };
      const serious = violations.filter(({ impact }) => /serious|critical/.test(impact));
      expect(serious.map(({ id }) => id), colorScheme).toEqual([]);
    }
  }

  it("runs case 001 on two machines, with Node's results, and says why one hung", async () => {
    const page = await open("#seeds=1&rounds=600");
    await run(page);
    for (const machine of ["clovertown", "conroe"]) {
      const cells = page.locator(`[data-machine=${machine}] [data-hash]`);
      expect(await cells.count()).toBeGreaterThan(0);
      for (const cell of await cells.all()) {
        const pair = (await cell.getAttribute("data-hash"))!.split(",").map(Number);
        const { result } = await runOnce(case001, {
          machine, variant: "k0", workload: "W001i", pair: pair as [number, number], seed: 1n,
          rounds: 600, memory: "tso",
        });
        expect(await cell.textContent()).toBe(result.stateHash.toString(16).padStart(16, "0"));
      }
    }
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
    expect(await failing.locator(".state").allTextContents()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^[MESI]$/)]));
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
    await page.getByRole("button", { name: "Start the tour" }).click();
    const tour = page.locator("[data-stop]");
    await tour.waitFor({ timeout: 0 });
    const story = await firstStory();
    const between = (from?: TraceEvent, to?: TraceEvent) => String(to!.time - from!.time);
    const waits = /^in the store buffer for \d+$/;
    const stops: [number, Record<string, RegExp>, string][] = [
      [1, { A3: /^in the store buffer for 1$/ }, between(story.tailIssue, story.tailCommit)],
      [2, { A3: waits, B: /^done, read/ }, between(story.tailIssue, story.bRead)],
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
    expect(await results.locator("rect").count()).toBe(3);
    await page.getByText("The account of that run").click();
    expect((await results.locator("pre").textContent())!.length).toBeGreaterThan(200);
    await pictured(page, "case", "#cases");
    await page.locator("select[name=caseVariant]").selectOption("fixed");
    expect(new URL(page.url()).hash).toContain("caseVariant=fixed");
    await finish();
    expect(await results.locator("[data-rate]").textContent()).toBe("0 of 3");
    expect(await results.locator(".held").count()).toBe(3);
  });

  it("works from a host that sends no headers", async () => {
    const bare = await preview({
      configFile: false, root, build: { outDir: folder }, preview: { port: 0 },
    });
    // Service workers are the browser's, so this page has one of its own.
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => said.push(error.message));
    await page.goto(`${bare.resolvedUrls!.local[0]}#litmus=`);
    await page.waitForFunction("crossOriginIsolated");
    await page.waitForSelector(".machine svg");
    await page.getByLabel("times").selectOption("1000");
    await page.getByRole("button", { name: "Run it there" }).click();
    await page.locator("[data-final]").first().waitFor({ timeout: 0 });
    await context.close();
    await bare.close();
  });

  it("can be told to stop", async () => {
    const page = await open("#seeds=50&rounds=20000&variant=fixed");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Cancel" }).waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: "Run", exact: true }).isEnabled()).toBe(true);
  });

  it("keeps what was chosen in the address", async () => {
    const page = await open("");
    await page.getByLabel("Kernel").selectOption("fixed");
    expect(new URL(page.url()).hash).toBe("#variant=fixed");
    await page.goto(`${address}#right=nehalem-ep`);
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

  it("has said nothing on the console", () => expect(said).toEqual([]));
});
