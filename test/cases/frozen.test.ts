// One frozen set of parameters for each machine: what the cases were measured on. A digest of each
// is committed; it says what must be done before another one is.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { loadPreset } from "../../src/engine/files.ts";
import type { Preset } from "../../src/machine/preset.ts";

const presets = join(packageRoot(), "src", "machine", "presets");
const names = readdirSync(presets).filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length)).sort();
const frozen: Record<string, string> = JSON.parse(
  readFileSync(join(packageRoot(), "test", "cases", "frozen.json"), "utf8"),
);

/** Of values and topology, whatever was said about their sources. */
function digestOf({ numbers, clusters, homes, hops }: Preset): string {
  const values = [...numbers].map(([field, { value }]) => `${field}=${value}`).sort();
  const units = clusters.map(({ package: p, bus, units }) => [p, bus, units]);
  const text = JSON.stringify([values, units, homes, hops]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

const MESSAGE =
  "the parameters of this machine are frozen: any later change re-runs everything " +
  "(npm run test:cases, smpbox validate, the measured tables of README.md), and then the digest " +
  "in test/cases/frozen.json is changed in the same commit, with the reason";

describe("parameters of machines are frozen", () => {
  it.each(names)("%s", (name) => expect(digestOf(loadPreset(name)), MESSAGE).toBe(frozen[name]));

  it("all of them, and no others", () => expect(Object.keys(frozen).sort()).toEqual(names));

  it("a changed number, CPU or distance is seen, another source is not", () => {
    const machine = loadPreset("clovertown");
    const digest = digestOf(machine);
    expect(digestOf(loadPreset("clovertown", new Map([["core.retireDelay", 9]])))).not.toBe(digest);
    const [first, ...rest] = machine.clusters;
    const moved = { ...first, units: [[...first.units[0], ...first.units[1]]] };
    expect(digestOf({ ...machine, clusters: [moved, ...rest] })).not.toBe(digest);
    expect(digestOf({ ...machine, hops: [[0, 1]] })).not.toBe(digest);
    const numbers = new Map([...machine.numbers].map(([field, number]) =>
      [field, { ...number, source: "elsewhere" }] as const));
    expect(digestOf({ ...machine, numbers })).toBe(digest);
  });
});
