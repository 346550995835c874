// The page as a visitor has it: built, served with the headers that shared memory needs, in
// headless Chromium. With SHOTS=1 the screenshots in shots/ are made anew.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { preview } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { findChromium } from "../browser/chromium.ts";

export const root = packageRoot();
export const shots = join(root, "test", "web", "shots");
const name = findChromium();
export const executablePath = name &&
  spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();

if (!executablePath) console.log("skipped: Chromium is not installed (apt-get install chromium)");
if (process.env.CI === "true") it("CI has Chromium", () => expect(executablePath).toBeDefined());

/** For a file of tests; `serve`: the built page again, without headers. */
export interface Site {
  browser: Browser;
  address: string;
  /** Errors on the console of any page. */
  said: string[];
  serve(headers?: Record<string, string>): Promise<{ address: string; close(): Promise<void> }>;
  open(hash: string, width?: number): Promise<Page>;
}

export function withSite(): Site {
  let folder = "";
  const said: string[] = [];
  const site = {
    said,
    async serve(headers: Record<string, string> = {}) {
      const server = await preview({
        configFile: false, root, build: { outDir: folder }, preview: { port: 0, headers },
      });
      return { address: server.resolvedUrls!.local[0], close: () => server.close() };
    },
    async open(hash: string, width = 1280) {
      const page = await site.browser.newPage({ viewport: { width, height: 900 } });
      page.on("console", (message) => {
        if (message.type() === "error") said.push(message.text());
      });
      page.on("pageerror", (error) => said.push(error.message));
      await page.goto(site.address + hash);
      await page.waitForSelector(".machine svg");
      return page;
    },
  } as Site;
  let close: () => Promise<void>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "smpbox-page-"));
    const script = join(root, "scripts", "build-web.mjs");
    const built = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    expect(built.stderr).not.toMatch(/error/i);
    const server = await site.serve({
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    });
    site.address = server.address;
    close = server.close;
    site.browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await site.browser.close();
    await close();
    await Machine.shutdown();
    rmSync(folder, { recursive: true });
  });
  return site;
}

/** At both widths: nothing is wider than the page; in light and dark, nothing is hard to use. */
export async function pictured(page: Page, subject: string, part = "main"): Promise<void> {
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
  // As the debugger does: a script in the document would not run (index.html).
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    if (colorScheme === "dark") await picture("dark");
    const { violations } = await page.evaluate("axe.run()") as
      { violations: { id: string; impact: string }[] };
    const serious = violations.filter(({ impact }) => /serious|critical/.test(impact));
    expect(serious.map(({ id }) => id), colorScheme).toEqual([]);
  }
}
