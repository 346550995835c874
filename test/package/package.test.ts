// The package as a user gets it: packed, installed into an empty folder without what only
// development needs, and used there with nothing but Node on the PATH: this one,
// and with NODES=22,24 the newest of each, which npx fetches.
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const root = packageRoot();
const folder = mkdtempSync(join(tmpdir(), "smpbox-package-"));
const empty = join(folder, "empty");
const TIMEOUT_MS = 600_000;
const SIZE_MAX = 5e6;
const NODES = process.env.NODES?.split(",") ?? [];
let tarball = "";

beforeAll(() => {
  const words = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(
    execFileSync("npm", words, { cwd: root, encoding: "utf8", stdio: "pipe" }));
  tarball = join(folder, filename);
  mkdirSync(empty);
  writeFileSync(join(empty, "package.json"), '{ "type": "module" }\n');
  execFileSync("npm", [
    "install", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", tarball,
  ], { cwd: empty, stdio: "pipe" });
  // No compiler and no shell tools: only Node.
  mkdirSync(join(folder, "bin"));
  symlinkSync(process.execPath, join(folder, "bin", "node"));
}, TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true }));

const env = { PATH: join(folder, "bin"), HOME: folder };
const run = (node: string, ...words: string[]) =>
  spawnSync(node, words, { cwd: empty, encoding: "utf8", env });
const bin = join(empty, "node_modules", ".bin", "smpbox");
const smpbox = (...words: string[]) => run(process.execPath, bin, ...words);

function compares(node: string): string {
  const { stdout, stderr, status } = run(
    node, bin, "compare", "001", "--seeds", "1", "--rounds", "1000");
  expect(stderr).not.toMatch(/smpbox:/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/clovertown/);
  expect(stdout).toMatch(/conroe/);
  expect(stdout).toMatch(/reproduce: smpbox /);
  return stdout;
}

function isLibrary(node: string): void {
  writeFileSync(join(empty, "use.js"), `
    import { Machine } from "smpbox";
    const machine = await Machine.create({ machine: "conroe", image: "hello" });
    const { exit } = await machine.run();
    machine.close();
    await Machine.shutdown();
    console.log("exit", exit);
  `);
  const { stdout, stderr } = run(node, "use.js");
  expect(stderr).toBe("");
  expect(stdout).toContain("exit 0");
}

describe("the package", () => {
  it("is small, and has what its users need", () => {
    expect(statSync(tarball).size).toBeLessThan(SIZE_MAX);
    const installed = join(empty, "node_modules", "smpbox");
    const names = readdirSync(installed, { recursive: true }).map(String);
    for (const name of [
      "LICENSE", "NOTICE", "CHANGELOG.md", "README.md", join("workloads", "include", "smpbox.h"),
      join("workloads", "prebuilt", "manifest.json"), join("dist", "src", "index.d.ts"),
    ]) expect(names).toContain(name);
    expect(names.filter((name) => /^test\b|^assembly\b|^dist.web\b|\.map$/.test(name))).toEqual([]);
  });

  it("brings no dependency of development", () => {
    const names = readdirSync(join(empty, "node_modules"));
    for (const name of ["assemblyscript", "vitest", "typescript", "vite"]) {
      expect(names).not.toContain(name);
    }
  });

  it("names in NOTICE what it, or the page, is made of", () => {
    const notice = readFileSync(join(root, "NOTICE"), "utf8");
    const sources = readdirSync(join(root, "src"), { recursive: true }).map(String)
      .filter((name) => /\.tsx?$/.test(name));
    const names = new Set(sources.flatMap((name) => {
      const text = readFileSync(join(root, "src", name), "utf8");
      return [...text.matchAll(/(?:from|import\() ?"((?:@[\w-]+\/)?[\w-]+)[^":]*"/g)];
    }).map(([, name]) => name));
    expect([...names]).toContain("preact");
    for (const name of names) expect(notice).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  it("compares case 001", { timeout: TIMEOUT_MS }, () => {
    compares(process.execPath);
  });

  it.each(NODES)("does on Node %s, too", { timeout: TIMEOUT_MS }, (version) => {
    const words = ["-y", "-p", `node@${version}`, "node", "-p", "process.execPath"];
    const node = execFileSync("npx", words, { cwd: empty, encoding: "utf8" }).trim();
    expect(run(node, "--version").stdout).toMatch(new RegExp(`^v${version}\\.`));
    expect(compares(node)).toBe(compares(process.execPath));
    isLibrary(node);
  });

  it("explores litmus tests, its own and what it generates, and finds its own headers", () => {
    const { stdout } = smpbox("litmus", "--generate", "PodWR Fre PodWR Fre", "--engine", "explore");
    expect(stdout).toMatch(/^Observation \S+ Sometimes /m);
    symlinkSync(join("node_modules", "smpbox", "workloads"), join(empty, "workloads"));
    expect(smpbox("litmus", join("workloads", "litmus", "SB.litmus")).stdout)
      .toMatch(/^Observation SB Sometimes 1 3$/m);
    expect(smpbox("cflags").stdout).toContain(join("smpbox", "workloads", "include"));
    expect(smpbox("doctor").status).toBe(0);
  });

  it("is a library", () => isLibrary(process.execPath));

  it("has types that a strict user can rely on", () => {
    writeFileSync(join(empty, "use.ts"), `
      import { InputError, Machine, type RunResult } from "smpbox";
      const machine = await Machine.create({ machine: "conroe", image: "hello", seed: 7n });
      const result: RunResult = await machine.run();
      const hash: bigint = result.stateHash;
      // @ts-expect-error: a seed is 64 bits wide
      await Machine.create({ image: "hello", seed: 7 });
      export { InputError, hash };
    `);
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const { stdout } = spawnSync(tsc, [
      "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022",
      "--typeRoots", join(root, "node_modules", "@types"), "--types", "node", "use.ts",
    ], { cwd: empty, encoding: "utf8" });
    expect(stdout).toBe("");
  });
});
