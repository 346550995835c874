// smpbox litmus: the engines, directories, bad files, JSON, generated tests, exit codes.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const own = (name: string) => join(packageRoot(), "workloads", "litmus", `${name}.litmus`);
const folder = mkdtempSync(join(tmpdir(), "smpbox-litmus-"));
afterAll(() => rmSync(folder, { recursive: true }));

function litmus(...words: string[]) {
  return spawnSync(process.execPath, [main, "litmus", ...words], { encoding: "utf8" });
}

const GOOD = "X86_64 good\n{ x=0; }\n P0 ;\n movl $1,(x) ;\nexists (x=1)\n";
const BAD: Record<string, [string | Uint8Array, RegExp]> = {
  mnemonic: [GOOD.replace("movl", "fadd"), /:4:2: .*fadd/],
  register: [GOOD.replace("$1", "%exx"), /:4:7: .*exx/],
  location: [GOOD.replace("(x=1)", "(y=1)"), /:5:9: .*y/],
  comment: [`${GOOD}(* never closed`, /:6:1: /],
  binary: [Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 0xff), /:\d+:\d+: /],
  long: [GOOD.replace(" movl", " nop ;\n".repeat(100_000) + " movl"), /:\d+:\d+: /],
};

const ENDLESS = "X86_64 endless\n{ x=0; }\n P0 ;\n L0: ;\n movl (x),%eax ;\n cmpl $1,%eax ;\n" +
  " jne L0 ;\nexists (x=0)\n";

// A loop to its own beginning, and nobody else: native waits ten seconds for it, and is left out.
const ENGINES = ["explore", "timing", "host"];
it.each(ENGINES)("%s: a thread that waits for ever is a failure", (engine) => {
  const file = join(folder, "endless.litmus");
  writeFileSync(file, ENDLESS);
  const { status, stdout } = litmus(file, "--engine", engine, "--runs", "10");
  expect(stdout).toMatch(/^Stuck: P0/m);
  expect(stdout).toMatch(/^No (run came to its end|execution ends): /m);
  expect(status).toBe(1);
});

/** Four threads with eight accesses each: millions of machine states. */
function longTest(): string {
  const rows = Array.from({ length: 8 }, (_, row) => [0, 1, 2, 3].map((thread) =>
    row % 2 ? `movl (x),%e${"abcd"[row >> 1]}x` : `movl $${8 * thread + row + 1},(x)`));
  return ["X86_64 long", "{ x=0; }", " P0 | P1 | P2 | P3 ;",
    ...rows.map((row) => ` ${row.join(" | ")} ;`), "exists (0:rax=99)"].join("\n");
}

it("Ctrl-C ends a long search with what was found, which is no proof", async () => {
  const file = join(folder, "long.litmus");
  writeFileSync(file, longTest());
  const child = spawn(process.execPath, [main, "litmus", own("SB"), file, own("MP")]);
  let stdout = "";
  const pieces = child.stdout.setEncoding("utf8");
  const first = once(pieces, "data");
  pieces.on("data", (piece: string) => (stdout += piece));
  // SB is done: the long one is under way.
  await first;
  await new Promise((resolve) => setTimeout(resolve, 500));
  child.kill("SIGINT");
  const [code] = await once(child, "close");
  expect(code).toBe(130);
  const [, after] = stdout.split("Test long Allowed\n");
  expect(after).toMatch(/^Undecided$/m);
  expect(after).toMatch(/^Incomplete: stopped before its end: interrupted$/m);
  expect(after).toMatch(/^Not among .* the search was not complete\.$/m);
  expect(after).not.toContain("Test MP");
}, 60_000);

describe("explore, the default", () => {
  it("prints herd7's sections, the model and a sentence", () => {
    const { status, stdout, stderr } = litmus(own("SB"));
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const lines = stdout.split("\n");
    expect(lines.slice(0, 7)).toEqual(["Test SB Allowed", "States 4", "0:rax=0; 1:rax=0;",
      "0:rax=0; 1:rax=1;", "0:rax=1; 1:rax=0;", "0:rax=1; 1:rax=1;", "Ok"]);
    expect(stdout).toContain("Observation SB Sometimes 1 3\n");
    expect(stdout).toMatch(/^Model explore: x86-TSO/m);
    expect(stdout).toContain("Reachable");
  });

  it("prints a witness as a table with the store buffers", () => {
    const { stdout } = litmus(own("SB"), "--witness");
    expect(stdout).toMatch(/^step +CPU +does +.*buffer of P0 +buffer of P1$/m);
    expect(stdout).toContain("x=1");
    expect(stdout).toContain("was still in its store buffer when P0 loaded y");
  });
});

describe("several engines", () => {
  const words = ["--engine", "explore,timing", "--runs", "2000", "--machine", "conroe"];

  it("stand side by side", () => {
    const { status, stdout } = litmus(own("SB"), ...words);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Side by side SB +explore +timing conroe$/m);
    expect(stdout).toMatch(/^\*>0:rax=0; 1:rax=0; +allowed +[1-9]\d*$/m);
    expect(stdout).toContain("Histogram (4 states)");
  });

  it("in JSON: one document, counts that do not change", () => {
    const run = () => litmus(own("SB"), "--json", ...words);
    const { status, stdout } = run();
    expect(status).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      schema: "smpbox-litmus-1", seed: "0x1", machine: "conroe", errors: [],
    });
    expect(document.tests).toHaveLength(2);
    const [explore, timing] = document.tests;
    expect(explore).toMatchObject({
      name: "SB", file: own("SB"), engine: "explore", observation: "Sometimes", holds: true,
      condition: "exists (0:rax=0 /\\ 1:rax=0)",
      states: [{ state: "0:rax=0; 1:rax=0;", count: 1 }, {}, {}, {}],
    });
    expect(timing).toMatchObject({ engine: "timing", machine: "conroe", holds: true });
    const counts = timing.states.map(({ count }: { count: number }) => count);
    expect(counts.reduce((a: number, b: number) => a + b)).toBe(2000);
    expect(JSON.parse(run().stdout).tests[1].states).toEqual(timing.states);
  });
});

describe("files", () => {
  it("in directories, at any depth; a bad one costs a line, the others still run", () => {
    const top = join(folder, "tree");
    mkdirSync(join(top, "a", "b"), { recursive: true });
    writeFileSync(join(top, "a", "b", "good.litmus"), GOOD);
    writeFileSync(join(top, "zz.litmus"), GOOD.replace("good", "last"));
    writeFileSync(join(top, "notes.txt"), "no test");
    for (const [name, [text]] of Object.entries(BAD)) {
      writeFileSync(join(top, `${name}.litmus`), text);
    }
    const { status, stdout, stderr } = litmus(top);
    expect(status).toBe(2);
    expect(stdout).toMatch(/^Test good Allowed$/m);
    expect(stdout).toMatch(/^Test last Allowed$/m);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(Object.keys(BAD).length);
    for (const [name, [, pattern]] of Object.entries(BAD)) {
      expect(lines.find((line) => line.includes(`${name}.litmus`)), name).toMatch(pattern);
    }
    const { errors, tests } = JSON.parse(litmus(top, "--json").stdout);
    expect(errors).toEqual(lines);
    expect(tests.map(({ name }: { name: string }) => name)).toEqual(["good", "last"]);
  });

  it("that are not there, or none", () => {
    const none = litmus(join(folder, "nowhere.litmus"));
    expect(none.status).toBe(2);
    expect(none.stderr).toMatch(/nowhere.litmus: there is no such file or directory\n$/);
    mkdirSync(join(folder, "empty"));
    expect(litmus(join(folder, "empty")).stderr).toContain("there is no .litmus file in it");
    expect(litmus().status).toBe(2);
  });

  it("with a condition that is not as expected end with 1", () => {
    expect(litmus(own("SB"), "--expect", "ok").status).toBe(0);
    const { status, stderr } = litmus(own("SB"), own("SB+mfences"), "--expect", "no");
    expect(status).toBe(1);
    expect(stderr).toContain("SB: explore: the condition is not no\n");
  });
});

describe("--generate", () => {
  it("writes the test", () => {
    const { status, stdout } = litmus("--generate", "PodWR Fre PodWR Fre");
    expect(status).toBe(0);
    expect(stdout).toContain('X86_64 SB\n"PodWR Fre PodWR Fre"\n');
  });

  it("runs it, if an engine is named", () => {
    const { stdout } = litmus("--generate", "Rfi PodRR Fre Rfi PodRR Fre", "--engine", "explore");
    expect(stdout).toMatch(/^Observation SB\+rfi-pos Sometimes 1 3$/m);
  });

  it("says what is wrong with a cycle", () => {
    const { status, stderr } = litmus("--generate", "PodWR Xyz");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^smpbox: --generate: .*Xyz/);
  });
});

it.each([
  [["--engine", "herd"], /engine/],
  [["--engine", "timing", "--machine", "nothing"], /machine nothing/],
  [["--engine", "timing", "--cpus", "0,99"], /has only CPUs/],
  [["--runs", "0"], /runs/],
])("usage: %s", (words, message) => {
  const { status, stderr } = litmus(own("SB"), ...words);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});

it("takes lists of files as herdtools7 has them, from where they are", () => {
  const lists = join(folder, "lists", "more");
  mkdirSync(lists, { recursive: true });
  writeFileSync(join(lists, "good.litmus"), GOOD);
  writeFileSync(join(lists, "inner"), "good.litmus\n@../all\n");
  writeFileSync(join(folder, "lists", "all"),
    `# a list\n\n${own("SB")}\n@more/inner\nmore/none.litmus\n`);
  const { status, stdout, stderr } = litmus(`@${join(folder, "lists", "all")}`);
  expect(stdout.match(/^Test .*$/gm)).toEqual(["Test SB Allowed", "Test good Allowed"]);
  expect(stderr).toBe(`${join(lists, "none.litmus")}: there is no such file or directory\n`);
  expect(status).toBe(2);
  expect(litmus("@nowhere").stderr).toBe("@nowhere: cannot be read (ENOENT)\n");
});
