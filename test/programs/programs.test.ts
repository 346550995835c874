// Small C programs at five optimisation levels, in the box and natively: the same static ELF files,
// the same output, which is the committed one. GOLDEN=write takes it anew from the native run.
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";
import { manifest, prebuilt } from "../guest/code.ts";

const LEVELS = ["O0", "O1", "O2", "O3", "Os"];
const PROGRAMS_MIN = 20;
const folder = join(packageRoot(), "test", "programs", "golden");
const native = process.platform === "linux" && process.arch === "x64";
if (!native) console.log("programs are not run natively: this is no x86-64 Linux");

afterAll(() => Machine.shutdown());

/** The output of each program, by its name: it follows the line "== name". */
function outputs(console: string): Record<string, string> {
  const parts = console.split(/^== (\w+)\n/m).slice(1);
  return Object.fromEntries(parts.flatMap((name, i) => (i % 2 ? [] : [[name, parts[i + 1]]])));
}

const runNatively = (level: string) =>
  execFileSync(join(prebuilt, `programs-${level}.elf`), { encoding: "utf8", timeout: 20_000 });

async function runInBox(level: string, machineName: string) {
  const machine = await Machine.create({
    machine: machineName,
    image: `programs-${level}`,
    workers: 1,
    maxCycles: 1_000_000_000n,
  });
  let console = "";
  const { exit, reason } = await machine.run({
    onConsole: (bytes) => (console += Buffer.from(bytes).toString()),
  });
  machine.close();
  return { exit, reason, console };
}

if (process.env.GOLDEN === "write") {
  for (const [name, text] of Object.entries(outputs(runNatively("O0")))) {
    writeFileSync(join(folder, `${name}.txt`), text);
  }
}

const golden = Object.fromEntries(
  readdirSync(folder).map((file) => [
    basename(file, ".txt"),
    readFileSync(join(folder, file), "utf8"),
  ]),
);

it("there are enough programs", () => {
  expect(Object.keys(golden).length).toBeGreaterThanOrEqual(PROGRAMS_MIN);
});

it.runIf(process.env.CI === "true")("CI runs on x86-64 Linux", () => expect(native).toBe(true));

describe.each(LEVELS)("-%s", (level) => {
  it.runIf(native)("natively", () => {
    expect(outputs(runNatively(level))).toEqual(golden);
  });

  it("in the box", async () => {
    const { exit, reason, console } = await runInBox(level, level === "O2" ? "conroe" : "uni1");
    expect(exit, reason).toBe(0);
    expect(outputs(console)).toEqual(golden);
  });
});

it("they are compiled as users are told to", () => {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const { stdout } = spawnSync(process.execPath, [main, "cflags"], { encoding: "utf8" });
  const told = stdout.trim().split(" ");
  const used = manifest.programFlags.split(" ").filter((flag) => !flag.startsWith("-I"));
  expect(told).toEqual(expect.arrayContaining(used));
});
