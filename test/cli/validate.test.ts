// smpbox validate: a report with a verdict a row, exit 1 when a row is out of tolerance.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { holds, type Row, sbRate, Validation } from "../../src/cases/validate.ts";
import { packageRoot } from "../../src/core/root.ts";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { Machine } from "../../src/engine/machine.ts";
import { pairsByRelation } from "../../src/machine/topology.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-validate-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

const timeout = 600_000;

function validate(...words: string[]) {
  return spawnSync(process.execPath, [main, "validate", ...words], { encoding: "utf8" });
}

it("conroe is within tolerance, in at most 80 columns", { timeout }, () => {
  const { status, stdout } = validate("--machine", "conroe");
  expect(stdout).toContain("In-order approximation");
  expect(stdout).toMatch(/^(\d+) of \1 rows within tolerance\.$/m);
  expect(stdout).not.toContain("MISS");
  expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(status).toBe(0);
});

it("a machine that is not what it says misses rows: exit 1", { timeout }, () => {
  const file = join(folder, "slow.json");
  const slow = { value: 300, confidence: "D", source: "test" };
  const numbers = { "cost.mfence": slow, "latency.siblingLoad": slow };
  writeFileSync(file, JSON.stringify({ name: "conroe", derives: "conroe", numbers }));
  const { status, stdout } = validate("--machine", file, "--json");
  const { rows, missed } = JSON.parse(stdout);
  const names = rows.filter((row: { holds: boolean }) => !row.holds)
    .map((row: { what: string }) => row.what);
  expect(names).toContain("mfence, buffer empty");
  expect(names).toContain("store ping-pong, one way");
  expect(names).toHaveLength(missed);
  expect(names).not.toContain("dependent load, 16 KiB");
  expect(status).toBe(1);
});

/** Machines with published hand-over times, and how many of their rows are such. */
it.each([
  ["nehalem-ep", 3], ["sandybridge-ep", 3], ["skylake-sp", 3], ["zen", 4], ["westmere-ex", 3],
  ["opteron-k8", 2],
])("%s: hand-overs within 15 per cent, fences within a cycle", { timeout }, async (name, count) => {
  const validation = new Validation(name);
  const wanted = validation.rows.filter(({ program }) => /^(costs|pingpong)/.test(program));
  for (const row of wanted) {
    expect(row.tolerance).toBe(row.program === "costs" ? "1" : "15%");
  }
  expect(wanted.filter(({ read }) => read === "cas")).toHaveLength(count);
  for (const fence of ["mfence", "sfence", "lfence", "lock", "xchg"]) {
    expect(wanted.map(({ read }) => read)).toContain(fence);
  }
  // The rest takes longer: working sets, and the outcomes of any machine
  const short = validation.rows.filter(({ program }) => /^ladder kib=\d{2,3}$/.test(program));
  validation.rows.splice(0, Infinity, ...wanted, ...short);
  const measured = await validation.run(() => {});
  expect(measured.filter((row) => !row.holds)).toEqual([]);
  expect(measured).toHaveLength(wanted.length + short.length);
});

it("tells store buffering apart by pair", { timeout }, () => {
  const { stdout } = validate("--sb-table", "--iterations", "200", "--json");
  const { rates } = JSON.parse(stdout);
  const window = Object.fromEntries(
    rates.map((rate: { relation: string; window: number }) => [rate.relation, rate.window]),
  );
  expect(window["same package"]).toBeGreaterThan(2 * window["same L2"]);
  expect(window["other socket"]).toBeGreaterThan(window["same package"]);
  for (const { shared, owned } of rates) {
    expect(shared).toBeGreaterThan(90);
    expect(owned).toBeLessThan(1);
  }
});

it("the table that is shipped is what the machines do", { timeout }, async () => {
  const folderOf = join(packageRoot(), "src", "machine", "validation");
  const table = readFileSync(join(folderOf, "store-buffering.md"), "utf8");
  for (const name of presetNames()) {
    const relations = [...pairsByRelation(loadPreset(name)).keys()];
    const rows = [...table.matchAll(new RegExp(`^\\| ${name} \\| ([^|]+) \\|`, "gm"))];
    expect(rows.map(([, relation]) => relation), name).toEqual(relations);
  }
  const { shared, owned, random, window } = await sbRate("conroe", [0, 1], "same L2", 1000);
  const shares = [shared, owned, random].map((share) => `${share.toFixed(1)} %`).join(" | ");
  expect(table).toContain(`| conroe | same L2 | 0, 1 | ${shares} | ${window} |`);
});

it("a tolerance is in the row's unit or in percent of the bound", () => {
  const row = { low: 10, high: 20 } as Row;
  expect(holds({ ...row, tolerance: "0" }, 20)).toBe(true);
  expect(holds({ ...row, tolerance: "0" }, 20.1)).toBe(false);
  expect(holds({ ...row, tolerance: "1" }, 9)).toBe(true);
  expect(holds({ ...row, tolerance: "10%" }, 22.1)).toBe(false);
  expect(holds({ ...row, tolerance: "10%" }, 8.9)).toBe(false);
});
