// smpbox barriers --cost: fences wait for what is in the store buffer, and only full ones do.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { FenceCost } from "../../src/cases/fence-cost.ts";
import { packageRoot } from "../../src/core/root.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { numberOf } from "../../src/machine/preset.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-cost-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cost = (...words: string[]) =>
  spawnSync(process.execPath, [main, "barriers", "--cost", ...words], { encoding: "utf8" });

it("measures each kind behind stores that hit, are shared, are remote", () => {
  const svg = join(folder, "conroe.svg");
  const { stdout, stderr, status } = cost("--machine", "conroe", "--json", "--svg", svg);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const { costs } = JSON.parse(stdout) as { costs: FenceCost[] };
  const over = (barrier: string, lines: string, pending: number) =>
    costs.find((row) => row.barrier === barrier && row.lines === lines &&
      row.pending === pending)!.over;
  expect(costs).toHaveLength(6 * 3 * 4);
  const conroe = loadPreset("conroe");
  const upgrade = numberOf(conroe, "latency.siblingUpgrade");
  const own = numberOf(conroe, "latency.siblingOwn");
  for (const full of ["mfence", "lock", "xchg"]) {
    const empty = over(full, "hit", 0);
    expect(empty).toBeGreaterThan(0);
    // Stores that hit are gone almost at once; others wait for the bus, one after the other.
    expect(over(full, "hit", 16)).toBeLessThan(empty + 16);
    for (const pending of [1, 4, 16]) {
      const shared = over(full, "shared", pending);
      const remote = over(full, "remote", pending);
      expect(shared).toBeGreaterThan(empty + (pending - 1) * upgrade);
      expect(remote).toBeGreaterThan(empty + (pending - 1) * own);
      expect(remote).toBeGreaterThan(shared);
    }
  }
  for (const half of ["sfence", "lfence"]) {
    expect(over(half, "remote", 16)).toBe(over(half, "hit", 0));
  }
  const drawing = readFileSync(svg, "utf8");
  expect(drawing.match(/<title>/g)).toHaveLength(costs.length);
  expect(drawing).toMatch(/^<svg .*<\/svg>\n$/s);
});

const WRONG: [string[], RegExp][] = [
  [["--machine", "uni1"], /^smpbox: uni1 has one CPU; name a machine with two$/m],
  [["--machine", "nowhere"], /nowhere/],
  [["--runs", "2000"], /^smpbox: --runs 2000: with --cost at most 1000$/m],
  [["--svg", "/nowhere/a.svg"], /^smpbox: --svg \/nowhere\/a\.svg: cannot be written; name /m],
];

it.each(WRONG)("%j is refused in a sentence", (words, message) => {
  const { stderr, status } = cost(...words);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});
