// The tests in workloads/litmus: each is a test, named as its file, and says what it teaches.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { assemble } from "../../src/litmus/assemble.ts";
import { parseText } from "../../src/litmus/parse.ts";
import { writeTest } from "../../src/litmus/write.ts";
import { disassemble } from "../../src/machine/disassemble.ts";

const folder = join(packageRoot(), "workloads", "litmus");
const files = readdirSync(folder).filter((name) => name.endsWith(".litmus"));
const COLUMNS_MAX = 100;

describe("workloads/litmus", () => {
  it("has the shapes that a reader looks for", () => {
    expect(files.length).toBeGreaterThanOrEqual(45);
    const wanted = ["SB", "MP", "LB", "R", "S", "2+2W", "IRIW", "CoRR", "SB+mfences",
      "SB+sfences", "SB+lfences", "inc-unlocked", "xadd", "bts-locked", "cmpxchg16b", "dekker",
      "peterson", "ticket-lock", "mcs-lock", "seqlock", "spsc-ring", "chase-lev", "wait-queue"];
    expect(files).toEqual(expect.arrayContaining(wanted.map((name) => `${name}.litmus`)));
  });

  it.each(files)("%s", async (file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const test = parseText(file, text);
    expect(`${test.name}.litmus`).toBe(file);
    expect(/\(\*[^]{40,}?\*\)/.test(text), "a comment that says what it teaches").toBe(true);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(COLUMNS_MAX);
    const { program } = await assemble(test);
    for (const { code, address, offsets } of program.threads) {
      const lines = await disassemble(code, address);
      expect(lines.map(({ lin }) => Number(lin - address))).toEqual(offsets);
      expect(lines.map((line) => line.text)).not.toContain("(bad)");
    }
    const again = await assemble(parseText(file, writeTest(test)));
    expect(again.program.threads.map(({ code }) => [...code])).toEqual(
      program.threads.map(({ code }) => [...code]));
  });
});
