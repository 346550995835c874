// Nothing is scripted: the machine knows no case and no guest. No id of a case, of a workload, of a
// row or an invariant, and no name of a function or variable of the guests stands in assembly/.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { CASES } from "../../src/cases/index.ts";
import { packageRoot } from "../../src/core/root.ts";
import { manifest, readPrebuilt } from "../guest/code.ts";

const root = packageRoot();
const files = readdirSync(join(root, "assembly"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));

/** Numbers of cases alone would also be numbers: the words that they are part of. */
const IDS = /\b([WEI]\d{3}\w*|wM\d\w*|case\s*(?:\d{3}|M(?!\.))|E(?:\d{3}|M)\.\w+)\b/;

/** C's names have underscores, the core's have none; the others are words like `start`. */
const guestNames = new Set(
  Object.keys(manifest.images)
    .filter((image) => !image.startsWith("programs-"))
    .flatMap((image) => [...readPrebuilt(image).symbols.keys()])
    .filter((name) => /^[a-z]\w*_\w/.test(name) && !/[.A-Z]/.test(name)),
);
/** Names of the labelled steps are in the images, too. */
const labels = new Set(
  Object.values(manifest.images).flatMap(({ marks }) => marks.map(({ name }) => name))
    .filter((name) => /_/.test(name)),
);

function found(text: string): string[] {
  const words = new Set(text.match(/\b[A-Za-z_]\w*\b/g));
  const names = [...guestNames, ...labels].filter((name) => words.has(name));
  const id = IDS.exec(text);
  return id ? [...names, id[0]] : names;
}

describe("assembly/ names no case and nothing of a guest", () => {
  it.each(files)("%s", (file) => {
    expect(found(readFileSync(join(root, file), "utf8"))).toEqual([]);
  });

  it("would be seen", () => {
    expect(guestNames.size).toBeGreaterThan(300);
    for (const { id, workload, rows } of CASES) {
      expect(found(`if (${workload}) slower();`)).not.toEqual([]);
      expect(found(`// case ${id}`)).not.toEqual([]);
      expect(found(`// for ${rows[0].id}`)).not.toEqual([]);
    }
    expect(found("const at = symbol(aio_complete__k0_24);")).toEqual(["aio_complete__k0_24"]);
    expect(found("if (lin == ring_info) delay(); else try_to_wake_up();")).not.toEqual([]);
  });
});
