// How fast the page is, in headless Chromium, medians of N runs, each in a browser of its own:
// until something is painted and until the machines are drawn, of a comparison of case 001 on
// clovertown and conroe, and how many frames a second the timeline draws of a million records.
// Usage: npm run bench:page [-- N]
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { preview } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const RUNS = Number(process.argv[2] ?? 3);
const COMPARISON = "#seeds=1&rounds=1000";
/** Runs that do not hang, long enough for more records than are kept. */
const LONG = "#left=conroe&right=conroe&rounds=4000&leftCycle=1";
const FRAMES = 120;
const [executablePath] = spawnSync(
  "sh", ["-c", "command -v chromium chromium-browser google-chrome"], { encoding: "utf8" },
).stdout.split("\n");
if (!executablePath) throw new Error("Chromium is not installed (apt-get install chromium)");

const server = await preview({
  configFile: false, root, logLevel: "error", build: { outDir: join(root, "dist", "web") },
  preview: {
    port: 0,
    headers: {
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
    },
  },
});
const address = server.resolvedUrls.local[0];

async function once() {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const visit = async (hash) => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(address + hash);
    await page.waitForSelector(".machine svg");
    return page;
  };
  const page = await visit(COMPARISON);
  const drawn = await page.evaluate(() => performance.now());
  const paint = await page.evaluate(() =>
    performance.getEntriesByName("first-contentful-paint")[0].startTime);
  const from = Date.now();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await page.getByRole("button", { name: "Cancel" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).waitFor({ state: "detached", timeout: 0 });
  const comparison = Date.now() - from;
  await page.close();
  const long = await visit(LONG);
  await long.locator("canvas").first().waitFor({ timeout: 0 });
  await long.locator("[data-look]").nth(1).waitFor({ timeout: 0 });
  await long.getByRole("button", { name: /Whole run|All that is/ }).first().click();
  const { records, seconds } = await long.evaluate(async (frames) => {
    const canvas = document.querySelector("canvas");
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    canvas.focus();
    await frame();
    const begun = performance.now();
    for (let i = 0; i < frames; i++) {
      // In and out of the middle of the run, a quarter of what is shown to the right each time.
      const key = ["+", "ArrowRight", "-"][i % 3];
      canvas.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      await frame();
    }
    return { records: Number(canvas.dataset.records), seconds: (performance.now() - begun) / 1000 };
  }, FRAMES);
  await browser.close();
  return { paint, drawn, comparison, records, frames: FRAMES / seconds };
}

const runs = [];
for (let i = 0; i < RUNS; i++) {
  runs.push(await once());
  console.error(JSON.stringify(runs.at(-1)));
}
await server.close();
const median = (name) => runs.map((run) => run[name]).sort((a, b) => a - b)[runs.length >> 1];
console.log(`first paint        ${median("paint").toFixed(0)} ms`);
console.log(`machines drawn     ${median("drawn").toFixed(0)} ms`);
console.log(`comparison of 001  ${(median("comparison") / 1000).toFixed(1)} s (${COMPARISON})`);
console.log(`timeline           ${median("frames").toFixed(0)} frames/s, ` +
  `${median("records")} records`);
