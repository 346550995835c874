// The kernel's README names every file of the kernel in its reading order, and none that is not
// there, and every system call; the workloads' README has every boot parameter that the kernel
// reads.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { matches, namedIn, unnamed } from "./reading-order.ts";

const workloads = join(packageRoot(), "workloads");
const kernel = join(workloads, "kernel");
const LINES_MAX = 400;

const files = readdirSync(kernel, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name !== "README.md")
  .map((entry) => relative(kernel, join(entry.parentPath ?? entry.path, entry.name)))
  .sort();
const text = (file: string) => readFileSync(join(kernel, file), "utf8");

const readme = text("README.md");
const named = namedIn(readme, "c|h|S|ld");

describe("the kernel's reading order", () => {
  it("sees a file that it does not name", () => {
    const order = "## Reading order\n1. `a/b.c`, `c/d_*.c`, `e.h`\n## Next\n`f.c`\n";
    const all = ["a/b.c", "a/b.h", "a/b.S", "c/d_x1.c", "c/d.c", "e.h", "e.c", "f.c"];
    expect(unnamed(namedIn(order, "c|h"), all)).toEqual(["a/b.S", "c/d.c", "e.c", "f.c"]);
  });

  it("has every file", () => expect(unnamed(named, files)).toEqual([]));

  it("has no other", () => {
    const absent = named.filter((name) => !files.some((file) => matches(name, file)));
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

it("every system call of Linux is in the README, with its number", () => {
  const [, section] = /^## System calls$([\s\S]*?)^Everything else is ENOSYS/m.exec(readme)!;
  const said = [...section.matchAll(/\b([a-z][a-z0-9_]*) (\d+)/g)]
    .map(([, name, n]) => [name, n]);
  const calls = [...text("sys/abi.h").matchAll(/^#define NR_(\w+) (\d+)/gm)]
    .map(([, name, n]) => [name, n]).filter(([, n]) => Number(n) < 400);
  expect(said.sort()).toEqual(calls.sort());
});

it("inline assembly stands where the README says", () => {
  const sources = files.filter((file) => /\.[ch]$/.test(file) && !file.startsWith("arch/"));
  expect(sources.filter((file) => /\basm\b/.test(text(file)))).toEqual(["core/panic.c"]);
});
