// The README's commands do what it says: each block ```console is run, in a folder with the files
// that the README gives (```c NAME, ```json NAME), and its output is the one shown, to the last
// cycle and but for times; what this host's gcc or gdb made may have other figures. With README=1
// all outputs are written anew, as after a change of the engine's timing or of the images.
import { spawnSync } from "node:child_process";
import {
  chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ABLATION } from "../../src/cases/001-ablation.ts";
import { packageRoot } from "../../src/core/root.ts";

const root = packageRoot();
const file = join(root, "README.md");
const readme = readFileSync(file, "utf8");
const folder = mkdtempSync(join(tmpdir(), "smpbox-readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

const COLUMNS_MAX = 130;
const main = join(root, "dist", "src", "cli", "main.js");
mkdirSync(join(folder, "bin"));
const shim = join(folder, "bin", "smpbox");
writeFileSync(shim, `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
chmodSync(shim, 0o755);
symlinkSync(join(root, "workloads"), join(folder, "workloads"));
const env = {
  ...process.env, PATH: `${join(folder, "bin")}${delimiter}${process.env.PATH}`, TMPDIR: folder,
};

/** Without how long it took, and where temporary files are. */
const settled = (text: string) => text.replace(/^(Time \S+) .*$/gm, "$1")
  .replace(/\d+(\.\d+)? s, \d+ MIPS/g, "# s, # MIPS").replaceAll(`${folder}/`, "/tmp/").trimEnd();
/** Without figures, and what marks the smallest; each line once and in no order. */
const shape = (text: string) => [...new Set(
  text.trimEnd().split("\n").map((line) =>
    line.replaceAll("*", " ").replace(/0x[0-9a-f]+|[-+]?\d+(\.\d+)?(e-?\d+)?/g, "#")
      .replace(/[0-9a-f]*#[0-9a-f#]*|\s+/g, " ")),
)].sort();
/** On a slow host. */
const PROGRESS =
  /^(\d+ of \d+ (completions|runs), |k\d+: which are safe|\d[\d.]* \w? ?cycles$).*\n/gm;
const isProgress = new Set(ABLATION.map(({ what }) => what));
const withoutProgress = (text: string) =>
  text.replace(PROGRESS, "").replace(/^.*\n/gm, (line) =>
    isProgress.has(line.trimEnd()) ? "" : line);
const HOST_MADE = /smpbox run \.\/hello|^gdb /;

/** The output of `command` in the README is from now on this. */
function rewrite(from: string, to: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(from, () => to));
}

function output(command: string): string {
  const { stdout, status } = spawnSync(
    "sh", ["-c", `{ ${command}; } 2>&1`], { cwd: folder, env, encoding: "utf8" });
  expect(status, `${command}\n${stdout}`).toBe(0);
  return withoutProgress(stdout);
}

for (const [, name, text] of readme.matchAll(/^```(?:c|json) (\S+)\n([^]*?)^```$/gm)) {
  writeFileSync(join(folder, name), text);
}

interface Shown {
  command: string;
  text: string;
}

const shown = [...readme.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(([, block]) =>
  block.split(/^\$ /m).slice(1).map((one): Shown => {
    const end = one.indexOf("\n");
    return { command: one.slice(0, end), text: one.slice(end + 1) };
  }));
/** Two commands; of the first its drawings of the machines are not shown. */
const LONG = "npm start";
const hasGcc = spawnSync("gcc", ["--version"]).status === 0;
const hasGdb = spawnSync("gdb", ["--version"]).status === 0;

it("shows outputs", () => {
  expect(shown.map(({ command }) => command)).toContain(LONG);
  expect(shown.length).toBeGreaterThan(4);
});

it.each(shown.filter(({ command }) => command !== LONG))("$command", ({ command, text }) => {
  if (!hasGcc && /gcc|hello|sleep/.test(command)) return;
  if (!hasGdb && /^gdb /.test(command)) return;
  const made = output(command);
  if (process.env.README) rewrite(`$ ${command}\n${text}`, `$ ${command}\n${made}`);
  else if (HOST_MADE.test(command)) expect(shape(made)).toEqual(shape(text));
  else expect(settled(made)).toBe(settled(text));
}, 300_000);

it("does what npm start does, and tells the first hang again where it says so", () => {
  const { text } = shown.find(({ command }) => command === LONG)!;
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const commands: string[] = scripts.start.split(" && ").map((one: string) =>
    one.replace(/^node dist\/src\/cli\/main\.js /, "smpbox "));
  expect(commands.map((one) => one.split(" ").slice(0, 3).join(" "))).toEqual(
    ["smpbox compare 001", "smpbox case 001"]);
  const [compared, ablated] = commands.map(output);
  const made = compared.replace(/^[^]*?(?=^machine +CPUs )/m, "") + ablated;
  if (process.env.README) rewrite(text, settled(made) + "\n");
  else expect(settled(made)).toBe(settled(text));
  const account = /^First hang:[^]*?^reproduce: (smpbox compare .*)$/m;
  const [told, command] = account.exec(made)!;
  expect(account.exec(output(command))![0]).toBe(told);
}, 600_000);

it("names files that are there, and is narrow enough", () => {
  for (const [, path] of readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)) {
    expect(() => readFileSync(join(root, path)), path).not.toThrow();
  }
  const wide = readme.split("\n").flatMap((line, i) =>
    (line.length > COLUMNS_MAX && !line.startsWith("|") ? [i + 1] : []));
  expect(wide).toEqual([]);
});
