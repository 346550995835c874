// Every final state of our own tests, by digest: what x86-TSO allows does not change unnoticed. The
// digests were taken where the sets agreed with herd7's on all tests that it reads; the reduction
// may not change them either. STATES_WRITE=1 writes them anew.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { setupOf } from "../../src/engine/explore.ts";
import type { ExploreOptions } from "../../src/engine/exploration.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { ownTest, ownTests } from "./engines.ts";

const file = join(packageRoot(), "test", "litmus", "states.json");
const MODELS = ["sc", "stall", "tso"] as const;

/** `4 2a6e0c11fd`: how many, and which. */
async function digest(explorer: Explorer, name: string, options: ExploreOptions) {
  const test = await ownTest(name);
  const { finals, bound, endless } = explorer.explore(setupOf(test.program), options);
  expect([bound, endless], name).toEqual([undefined, undefined]);
  expect(finals.filter(({ stuck }) => stuck.length), name).toEqual([]);
  const lines = [...new Set(finals.map(({ values }) => test.line(values)))].sort();
  const hash = createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 10);
  return `${lines.length} ${hash}`;
}

it("our own tests end in the recorded states", { timeout: 600_000 }, async () => {
  const explorer = await Explorer.open();
  const found: Record<string, Record<string, string>> = {};
  for (const name of ownTests) {
    found[name] = {};
    for (const model of MODELS) found[name][model] = await digest(explorer, name, { model });
    const all = await digest(explorer, name, { reduce: false });
    expect(all, `${name} without reduction`).toBe(found[name].tso);
  }
  if (process.env.STATES_WRITE) {
    const rows = Object.entries(found).map(([name, row]) =>
      `  ${JSON.stringify(name)}: ${JSON.stringify(row)}`);
    writeFileSync(file, `{\n${rows.join(",\n")}\n}\n`);
  }
  expect(found).toEqual(JSON.parse(readFileSync(file, "utf8")));
});
