// The committed images are what the committed sources make: always by digest, byte for byte where
// the compiler and the linker are those of the manifest.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { manifest, prebuilt } from "./code.ts";

function versionOf(command: string): string | undefined {
  try {
    return execFileSync(command, ["--version"], { encoding: "utf8" }).split("\n")[0];
  } catch {
    return undefined;
  }
}

const compiler = versionOf("gcc");
const linker = versionOf("ld");
const missing = compiler === undefined || linker === undefined;
const same = compiler === manifest.compiler && linker === manifest.linker;
if (missing) console.log("guest images are not rebuilt: there is no gcc");
else if (!same) console.log(`guest images are not compared: made by ${manifest.compiler}`);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

it("every image is the one of the manifest", () => {
  const files = readdirSync(prebuilt).filter((file) => file.endsWith(".elf")).sort();
  expect(files).toEqual(Object.keys(manifest.images).map((name) => `${name}.elf`).sort());
  for (const [name, image] of Object.entries(manifest.images)) {
    expect(sha256(readFileSync(join(prebuilt, `${name}.elf`))), name).toBe(image.sha256);
  }
});

it("the README says which compiler and flags made them", () => {
  const said = readFileSync(join(prebuilt, "README.md"), "utf8").replace(/\s+/g, " ");
  const { compiler: gcc, linker: ld, flags, programFlags } = manifest;
  for (const one of [gcc, ld, flags, programFlags]) expect(said).toContain(one);
});

it.runIf(process.env.CI === "true")("CI has the compiler", () => {
  expect(missing, "install gcc and binutils").toBe(false);
});

/** One level of the programs is enough where nobody is to be kept waiting. */
const inCi = process.env.CI === "true";
const rebuiltNames = Object.keys(manifest.images).filter(
  (name) => inCi || !name.startsWith("programs-") || name === "programs-O2",
);

it.skipIf(missing)("the sources build, and make the committed images", { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "smpbox-rebuilt-"));
  try {
    const script = join(packageRoot(), "scripts", "build-guest.mjs");
    execFileSync(process.execPath, [script, folder, ...rebuiltNames], { stdio: "pipe" });
    const rebuilt = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
    expect(rebuilt.sources, "npm run build:guest, and commit what it makes").toBe(manifest.sources);
    if (!same) return;
    for (const name of rebuiltNames) {
      expect(rebuilt.images[name]?.sha256, name).toBe(manifest.images[name].sha256);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
