// Every verb's --help has examples, and they are what the verb takes; JUnit is well-formed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { EXAMPLES, FIRST_EXAMPLES } from "../../src/cli/examples.ts";
import { programOf } from "../../src/cli/program.ts";
import { packageRoot } from "../../src/core/root.ts";
import { junitText } from "../../src/report/junit.ts";

const root = packageRoot();
const main = join(root, "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-help-"));
afterAll(() => rmSync(folder, { recursive: true }));

const smpbox = (...words: string[]) =>
  spawnSync(process.execPath, [main, ...words], { encoding: "utf8", cwd: folder });

/** Verbs whose words were accepted; nothing is done. */
async function parse(words: string[]): Promise<number> {
  let accepted = 0;
  const program = programOf(async () => {
    accepted++;
  });
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  await program.parseAsync(words, { from: "user" });
  return accepted;
}

/** Words as a shell has them, quoted ones with their blanks. */
const wordsOf = (line: string) =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, one, two, bare]) => one ?? two ?? bare);

const verbs = programOf(async () => {}).commands.map((command) => command.name());

it("every verb has examples, and nothing else has", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...verbs].sort());
});

it.each([...Object.values(EXAMPLES).flat(), ...FIRST_EXAMPLES])("smpbox %s", async (line) => {
  expect(await parse(wordsOf(line))).toBe(1);
});

/** Commands in the README: indented, with what they are for behind two blanks or more. */
const README = readFileSync(join(root, "README.md"), "utf8");
const shown = [...README.matchAll(/^ {4}(?:.*&& )?smpbox (.*?)(?: {2,}.*)?$/gm)]
  .map(([, line]) => line);

it("the README has commands", () => expect(shown.length).toBeGreaterThan(20));

it.each(shown)("README: smpbox %s", async (line) => {
  if (!/\[-|\[[A-Z]{2}|\b[A-Z]{4,}\b/.test(line)) {
    expect(await parse(wordsOf(line))).toBe(1);
    return;
  }
  // A synopsis
  const [verb] = line.split(" ");
  const { options } = programOf(async () => {}).commands.find((item) => item.name() === verb)!;
  const known = options.flatMap(({ long, short }) => [long, short]);
  for (const [option] of line.matchAll(/(?<=[[ ])--?[a-z-]+/g)) expect(known).toContain(option);
});

it("the check of the examples can fail", async () => {
  await expect(parse(["run", "bench", "--machin", "conroe"])).rejects.toThrow(/--machin/);
  await expect(parse(["case", "001", "--memory", "weak"])).rejects.toThrow(/weak/);
});

it.each(verbs)("%s --help: examples, at most 80 columns", (verb) => {
  const { stdout, status } = smpbox(verb, "--help");
  expect(status).toBe(0);
  expect(stdout).toContain("Examples:\n  $ smpbox ");
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

it("--help says where to begin, in at most 80 columns", () => {
  const { stdout, status } = smpbox("--help");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Examples:\n {2}\$ smpbox .*\n {6}begin here: /m);
  expect(stdout.match(/^ {2}\$ smpbox /gm)).toHaveLength(3);
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

it("a typo is answered with what was meant", () => {
  const verb = smpbox("litmu");
  expect(verb.status).toBe(2);
  expect(verb.stderr).toContain("Did you mean litmus?");
  const option = smpbox("run", "bench", "--machne", "conroe");
  expect(option.status).toBe(2);
  expect(option.stderr).toContain("Did you mean --machine?");
});

it("litmus --junit writes a case for each test and engine", () => {
  const test = join(root, "workloads", "litmus", "SB.litmus");
  writeFileSync(join(folder, "bad.litmus"), "no <test>\n");
  const { status } = smpbox("litmus", test, "bad.litmus", "--expect", "no", "--junit", "out.xml");
  expect(status).toBe(1);
  const text = readFileSync(join(folder, "out.xml"), "utf8");
  expect(text).toContain('<testsuites tests="2" failures="1" errors="1" skipped="0">');
  expect(text).toMatch(/<testcase classname="explore" name="SB"><failure message="the condition/);
  expect(text).toMatch(/<testcase classname="input" name="bad\.litmus/);
});

it("JUnit has no text that XML does not allow", () => {
  const text = junitText("a & b", [
    { group: "g", name: '<"\u0000\u001b>', outcome: "failed", message: "it's" },
    { group: "g", name: "n", outcome: "held" },
  ]);
  expect(text).toContain('name="a &#38; b"');
  expect(text).toContain('name="&#60;&#34;??&#62;"');
  expect(text).toContain('<failure message="it&#39;s"/>');
});
