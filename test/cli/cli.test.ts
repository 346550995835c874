// The command line as a user meets it: exit codes, which stream, error messages.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function smpbox(...words: string[]) {
  return spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
}

describe("usage errors: exit 2, a message on stderr, nothing on stdout", () => {
  const text = join(folder, "notes.txt");
  const json = join(folder, "machine.json");
  writeFileSync(text, "hello\n");
  writeFileSync(json, JSON.stringify({ name: "mine", derives: "conroe", numbers: { x: 1 } }));
  it.each([
    [["frob"], "unknown command 'frob'"],
    [["run"], "missing required argument 'image'"],
    [["run", text], "notes.txt: not an ELF file"],
    [["run", "nothing-here"], "neither a file nor a bundled image"],
    [["run", text, "--seed", "x"], "--seed"],
    [["run", text, "--seed", "0x10000000000000000"], "larger than 64 bits"],
    [["run", text, "--workers", "0"], "from 1 to 8"],
    [["run", text, "--machine", "vax"], "machine vax: neither a file nor one of"],
    [["run", text, "--machine", json], "numbers.x: unknown number"],
    [["run", text, "--machine", "conroe", "--cpus", "3"], "--cpus must be 1 to 2"],
    [["run", "hello", "--cpus", "0"], "from 1 to 64"],
    [["run", "hello", "--cpus", "1000000000"], "from 1 to 64"],
    [["run", "hello", "--cpus", "2.5"], "from 1 to 64"],
    [["run", "hello", "--cpus", "9"], "--cpus must be 1 to 8"],
    [["run", "hello", "--cups", "1"], "unknown option '--cups'"],
    [["run", "hello", "--record", join(folder, "none", "x.sbx")], "name another file"],
    [["run", "hello", "--window", "78"], "whole number from 1 to 77"],
    [["run", "hello", "--workers", "1000"], "from 1 to 8"],
    [["run", "hello", "--append", "x".repeat(3000)], "command line is longer than"],
    [["run", folder], "neither a file nor a bundled image"],
    [["run", text, "--memory", "pso"], "one of tso, sc"],
    [["run", text, "--set", "core.retireDelay"], "core.retireDelay=4"],
    [["compare", "999"], "known cases are 000, 001"],
    [["comapre", "--help"], "unknown command 'comapre'\n(Did you mean compare?)"],
    [["help", "comapre"], "(Did you mean compare?)"],
    [["run"], "(smpbox run --help lists its options, with examples)"],
    [["case", "999"], "known cases are 000, 001, 002, 003, 004, M\n"],
    [["case", "1"], "known cases are 000, 001, 002, 003, 004, M; did you mean 001?"],
    [["run", "helo"], "w004, wm); did you mean hello?"],
    [["run", "vax"], "w004, wm)\n"],
    [["machines", "clovertwon"], "zen; did you mean clovertown?"],
    [["case", "001", "--variant", "k14"], "k13"],
    [["case", "000", "--variant", "f9"], "use fixed or one of bug, f0"],
    [["case", "M", "--workload", "wM2", "--variant", "mb/or"], "one of unlink-first, wake-first"],
    [["case", "M", "--workload", "wM7", "--variant", "wake-first"], "or PUBLISHER/SLEEPER"],
    [["case", "001", "--workload", "W9"], "use one of W001i, W001p"],
    [["case", "--rows", "E9.*"], "E001.12"],
    [["case", "001", "--machine", "uni1"], "uni1 has 1 CPU, and case 001 needs 2: choose another"],
    [["case", "000", "--pair", "0,1"], "of case 000 runs on all CPUs: leave it out"],
    [["case", "000", "--inflight", "121"], "--inflight must be 1 to 120"],
    [["case", "001", "--inflight", "3"], "in case 001 the workload says how many requests"],
    [["case", "001", "--progress", "none", "--svg", "x.svg"],
      "--svg is not for case: leave it out, or use it with --sweep\n"],
    [["case", "001", "--rows", "E001.12", "--short", "--variant", "k99"], "--variant is not for"],
    [["case", "--rows", "E001.12", "--machine", "nope"],
      "--machine is not for case --rows: leave it out, or use it with --ablate or --sweep"],
    [["case", "--rows", "E001.12", "--workload", "W9"], "--workload is not for case --rows"],
    [["case", "001", "--ablate", "--variant", "k7"], "--variant is not for case --ablate"],
    [["case", "001", "--ablate", "--memory", "sc"], "--memory is not for case --ablate"],
    [["case", "001", "--ablate", "--workload", "W001c"], "use it with plain runs of a case\n"],
    [["case", "001", "--ablate", "--sweep"], "--sweep is not for case --ablate"],
    [["case", "001", "--ablate", "--set", "core.nonsense=1"], "core.nonsense"],
    [["case", "001", "--sweep", "--workload", "W001c"], "--workload is not for case --sweep"],
    [["case", "001", "--sweep", "--variant", "k99"], "variant k99 of case 001"],
    [["case", "001", "--short"], "--short is not for case: leave it out, or use it with --rows\n"],
    [["case", "001", "--budget", "3"], "use it with --rows\n"],
    [["case", "--seeds", "3"], "--seeds is not for case without an id: name a case\n"],
    [["case", "000", "--sweep"], "--sweep is there for case 001"],
    [["compare", "001", "--workload", "W000"], "use one of W001i"],
    [["compare", "001", "--pair", "1,1"], "two different CPUs"],
    [["compare", "001", "--machines", "conroe", "--pair", "0,2"], "needs 3 CPUs: conroe has 2"],
    [["compare", "001", "--machines", "uni1"], "uni1 has 1 CPU, and case 001 needs 2"],
    [["machines", "vax"], "neither a file nor one of clovertown, conroe, illumos32"],
  ])("%j", (words, message) => {
    const { status, stdout, stderr } = smpbox(...words);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(status).toBe(2);
  });
});

it.each([["case"], ["machines"], ["machines", "westmere-ex"], ["doctor"]])(
  "%s %s: at most 80 columns", (...words) => {
    const { stdout, status } = smpbox(...words);
    expect(status).toBe(0);
    const wide = stdout.split("\n").filter((line) => line.length > 80);
    expect(wide).toEqual([]);
  });

describe("machines", () => {
  it("lists and draws in at most 80 columns", () => {
    const list = smpbox("machines");
    expect(list.status).toBe(0);
    expect(list.stdout).toMatch(/^clovertown +8 CPUs/m);
    const drawing = smpbox("machines", "clovertown").stdout.split("\n\n")[1];
    expect(drawing).toContain("| | | cpu0       | | cpu4       | |");
    expect(Math.max(...drawing.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it("prints one JSON document", () => {
    const machine = JSON.parse(smpbox("machines", "conroe", "--json").stdout);
    expect(machine.schema).toBe("smpbox-machine-1");
    expect(machine.numbers["latency.l2"]).toMatchObject({ value: 14, confidence: "A" });
  });
});

it("prints the help of every verb", () => {
  const verbs = smpbox("--help").stdout.matchAll(/^ {2}([a-z0-9]+) .*$/gm);
  const names = [...verbs].map(([, name]) => name).filter((name) => name !== "help");
  expect(names.length).toBeGreaterThan(10);
  for (const name of names) {
    const { status, stdout, stderr } = smpbox(name, "--help");
    expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: "" });
    expect(stdout).toContain(`Usage: smpbox ${name}`);
  }
});

it("prints help and version on stdout with exit 0", () => {
  expect(smpbox("--help")).toMatchObject({ status: 0, stderr: "" });
  expect(smpbox("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it("prints compiler flags on one line", () => {
  expect(smpbox("cflags").stdout).toMatch(/^-g -O2 .*workloads\/include\n$/);
});
