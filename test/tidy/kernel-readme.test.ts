// The kernel's README names every file of the kernel in its reading order, and none that is not
// there; the workloads' README has every boot parameter that the kernel reads.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const workloads = join(packageRoot(), "workloads");
const kernel = join(workloads, "kernel");
const LINES_MAX = 400;

const files = readdirSync(kernel, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== "README.md")
  .map((entry) => relative(kernel, join(entry.parentPath ?? entry.path, entry.name)))
  .sort();
const text = (file: string) => readFileSync(join(kernel, file), "utf8");

/** The names in backquotes that are paths; "*" stands for any part of a name. */
function namedIn(readme: string): string[] {
  const order = /^## Reading order$([\s\S]*?)^## /m.exec(readme)![1];
  return [...order.matchAll(/`([\w*+./-]+\.(?:c|h|S|ld))`/g)].map(([, name]) => name);
}

function matches(name: string, file: string): boolean {
  const pattern = name.replaceAll(/[.+]/g, "\\$&").replaceAll("*", "[\\w-]*");
  return new RegExp(`^${pattern}$`).test(file);
}

/** A .c file stands for its header. */
const stands = (name: string, file: string) =>
  matches(name, file) || (name.endsWith(".c") && matches(name.replace(/c$/, "h"), file));

function unnamed(readme: string, all: readonly string[]): string[] {
  const names = namedIn(readme);
  return all.filter((file) => !names.some((name) => stands(name, file)));
}

const readme = text("README.md");

describe("the kernel's reading order", () => {
  it("sees a file that it does not name", () => {
    const order = "## Reading order\n1. `a/b.c`, `c/d_*.c`, `e.h`\n## Next\n`f.c`\n";
    expect(unnamed(order, ["a/b.c", "a/b.h", "a/b.S", "c/d_x1.c", "c/d.c", "e.h", "e.c", "f.c"]))
      .toEqual(["a/b.S", "c/d.c", "e.c", "f.c"]);
  });

  it("has every file", () => expect(unnamed(readme, files)).toEqual([]));

  it("has no other", () => {
    const absent = namedIn(readme).filter((name) => !files.some((file) => matches(name, file)));
    // Named with the rest of the assembly code, and outside of this folder.
    expect(absent.filter((name) => name !== "include/smpbox.h")).toEqual([]);
  });

  it.each(files)("%s is short", (file) => {
    expect(text(file).split("\n").length - 1).toBeLessThanOrEqual(LINES_MAX);
  });
});

it("every boot parameter is in the table", () => {
  const source = files.filter((file) => file.endsWith(".c")).map(text).join("\n");
  const calls = source.matchAll(/\b(?:param_number|param_string|choose)\("(\w+)"/g);
  const read = [...new Set([...calls].map(([, name]) => name))].sort();
  const table = readFileSync(join(workloads, "README.md"), "utf8").matchAll(/^\| `(\w+)=/gm);
  expect([...table].map(([, name]) => name).sort()).toEqual(read);
});
