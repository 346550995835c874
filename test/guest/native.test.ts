// User programs that need nothing of the box also run on this host, if it is x86-64 Linux: the
// same bytes, real silicon. What they print does not depend on which of the two it is, except for
// how often an outcome comes.
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prebuilt } from "./code.ts";

const native = process.platform === "linux" && process.arch === "x64";
if (!native) console.log("user programs are not run natively: this is no x86-64 Linux");

const run = (name: string, ...args: string[]) =>
  execFileSync(join(prebuilt, `${name}.elf`), args, { encoding: "utf8", timeout: 20_000 });

describe.runIf(native)("natively", () => {
  it("hello finds its options", () => {
    expect(run("hello", "seed=42")).toMatch(/^hello from thread \d+, seed 42, CPUs [0-9a-f]+\n$/);
  });

  it("bench has the checksum of its scale", () => {
    expect(run("bench", "copies=1", "scale=1")).toBe(
      "bench copies=1 scale=1 checksum=3397be3c57c66b7\n",
    );
  });

  it.runIf(availableParallelism() > 1).each([
    ["sb", "fence=mfence"], ["sb", "fence=lock"], ["mp", "fence=none"], ["mp", "lines=owned"],
  ])("%s %s shows no forbidden outcome", (name, option) => {
    const lines = run(name, option, "n=2000").trimEnd().split("\n");
    expect(lines).toHaveLength(5);
    expect(lines.find((line) => line.endsWith("forbidden"))).toMatch(/ 0 forbidden$/);
  });
});
