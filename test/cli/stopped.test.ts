// smpbox crash and c2c as a user meets them: a script goes on behind a wrong line and tells of it;
// of a case an option counts, or is refused.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { case002 } from "../../src/cases/002.ts";
import { caseOptions, type StoppedOptions } from "../../src/cli/stopped.ts";
import { packageRoot } from "../../src/core/root.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const smpbox = (...words: string[]) =>
  spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
const folder = mkdtempSync(join(tmpdir(), "smpbox-stopped-"));
afterAll(() => rmSync(folder, { recursive: true }));
/** Soon over. */
const SHORT = ["hello", "--machine", "conroe", "--at", "1000000"];

it("crash -c goes on after a line that fails, says what was wrong, and exits with 2", () => {
  const script = "px nothing_is_called_so; pd nr_cpus; bt 99999; ps | grep swapper | wc -l; " +
    "quit; sys";
  const { status, stdout, stderr } = smpbox("crash", ...SHORT, "-c", script);
  expect(stdout).toMatch(/^crash> px nothing.*\ncrash> pd nr_cpus\nnr_cpus = \$1 = 2\n/);
  expect(stdout).toContain("crash> ps | grep swapper | wc -l\n2\n");
  expect(stdout).not.toContain("crash> sys");
  expect(stderr).toContain("crash: nothing_is_called_so: neither an address nor a symbol");
  expect(stderr).toContain("crash: 99999: no task has this PID or address");
  expect(status).toBe(2);
  expect(smpbox("crash", ...SHORT, "-c", "pd nr_cpus; sys").status).toBe(0);
}, 120_000);

it.each([
  ["crash", "001", "--cpus", "2", "case 001 takes no --cpus: a case is of all CPUs"],
  ["crash", "001", "--append", "x=1", "case 001 takes no --append: its kernel parameters"],
  ["crash", "001", "--append", "", "case 001 takes no --append: its kernel parameters"],
  ["c2c", "002", "--disks", "3", "case 002 takes no --disks: it has disks of its own"],
  ["c2c", "001", "--irq", "fixed", "of case 001 has no disks"],
  ["crash", "001", "--disk", "model=ssd", "of case 001 has no disks"],
  ["crash", "hello", "--variant", "bug", "hello takes no --variant: that chooses a run of a case"],
  ["why", "hello", "--workload", "W001i", "hello takes no --workload: that chooses a run"],
  ["c2c", "hello", "--pair", "0,1", "hello takes no --pair: that chooses a run of a case"],
  ["crash", "hello", "--rounds", "9", "hello takes no --rounds: that chooses a run of a case"],
  ["crash", "hello", "--inflight", "9", "hello takes no --inflight: that chooses a run of a case"],
  ["crash", "001", "--rounds", "0", "'--rounds <n>' argument '0' is invalid. must be a whole"],
  ["crash", "001", "--pair", "all", "'--pair <s,r>' argument 'all' is invalid. must be two"],
])("%s %s %s %s is refused in a sentence", (verb, subject, option, value, message) => {
  const { status, stderr, stdout } = smpbox(verb, subject, option, value);
  expect(stderr).toContain(message);
  expect([status, stdout]).toEqual([2, ""]);
});

it("of an image --window is that of smpbox run", () => {
  const hash = (verb: string, ...more: string[]) => JSON.parse(
    smpbox(verb, "hello", "--machine", "conroe", "--json", ...more).stdout).stateHash;
  const run = hash("run", "--window", "5");
  expect(hash("c2c", "--window", "5")).toBe(run);
  expect(hash("c2c")).not.toBe(run);
}, 120_000);

it("a capsule is the run that was recorded: nothing of it can be changed", () => {
  const file = join(folder, "hello.sbx");
  smpbox("run", "hello", "--machine", "conroe", "--max-cycles", "3000000", "--record", file);
  const { status, stderr } = smpbox("crash", file, "--seed", "2", "-c", "sys");
  expect(stderr).toContain("takes no --seed: it is a recorded run");
  expect(status).toBe(2);
  // Also where it says what the option would be anyway.
  for (const given of [["--seed", "1"], ["--memory", "tso"], ["--max-cycles", "0"],
    ["--variant", "bug"], ["--rounds", "20000"], ["--window", "9"]]) {
    expect(smpbox("crash", file, ...given, "-c", "sys").stderr).toContain(`takes no ${given[0]}: `);
  }
  expect(smpbox("crash", file, "-c", "sys").status).toBe(0);
  const traced = smpbox("trace", file, "-o", join(folder, "hello.pftrace"), "--events", "marks");
  const cycles = /CYCLES: (\d+)/.exec(smpbox("crash", file, "-c", "sys").stdout)![1];
  expect(traced.stderr).toContain(`exit budget: ${cycles} cycles`);
}, 120_000);

it("a case is run for as many cycles as --max-cycles says", () => {
  const { stdout } = smpbox("crash", "002", "--max-cycles", "1000000", "-c", "sys");
  expect(stdout).toMatch(/CYCLES: 10\d{5} /);
  expect(stdout).toContain("the cycle budget is used up");
  const traced = smpbox("trace", "002", "--max-cycles", "1000000", "-o", join(folder, "002"));
  expect(traced.stderr).toMatch(/^exit budget: 10\d{5} cycles/m);
  expect(traced.status).toBe(124);
}, 120_000);

it("and on the disks and with the interrupts that were asked for", async () => {
  const made = (more: Partial<StoppedOptions>) => caseOptions(case002, {
    memory: "tso", workers: 1, seed: 1n, append: "", maxCycles: 0n, at: 0n, ...more,
  });
  const own = await made({});
  const other = await made({ disk: ["model=uniform:900-901"], irq: "fixed" });
  expect(own.disks!.map(({ times }) => times)).not.toContainEqual([900, 901]);
  expect(other.disks!.map(({ times }) => times)).toContainEqual([900, 901]);
  expect([own.irqPolicy, other.irqPolicy]).toEqual(["round-robin", "fixed"]);
});
