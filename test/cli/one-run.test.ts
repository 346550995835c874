// crash, why, c2c, core and trace of a case open the run that is asked for: that which `case` makes
// with the same words, to the state hash; and the line that `case` prints for it is such a command.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import type { CaseSpec } from "../../src/cases/case.ts";
import { CASES, findCase } from "../../src/cases/index.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { openCase, reproduceCase } from "../../src/cli/case-spec.ts";
import {
  addStoppedOptions, openStopped, specOf, type StoppedOptions,
} from "../../src/cli/stopped.ts";
import { packageRoot } from "../../src/core/root.ts";
import { Machine } from "../../src/engine/machine.ts";

const main = join(packageRoot(), "dist", "src", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "smpbox-one-run-"));
const smpbox = (...words: string[]) => {
  const env = { ...process.env, TMPDIR: folder };
  return spawnSync(
    process.execPath, [main, ...words], { encoding: "utf8", env, maxBuffer: 1 << 28 });
};
afterAll(() => rmSync(folder, { recursive: true }));
afterAll(() => Machine.shutdown());

/** What a verb of addStoppedOptions() makes of these words. */
async function optionsIn(words: readonly string[]): Promise<StoppedOptions> {
  let read: StoppedOptions | undefined;
  const command = addStoppedOptions(new Command()).exitOverride()
    .action((options: StoppedOptions) => void (read = options));
  await command.parseAsync(words, { from: "user" });
  return read!;
}

const VERBS = ["crash", "why", "c2c", "core", "trace"];

it.each(VERBS)("smpbox %s --help has what chooses it", (verb) => {
  const { stdout } = smpbox(verb, "--help");
  for (const option of ["variant", "workload", "rounds", "inflight", "pair"]) {
    expect(stdout).toMatch(new RegExp(`^  --${option} <\\S+> +of a case: `, "m"));
  }
  expect(stdout).toMatch(/^ {2}--window <cycles>/m);
});

describe("the run of a case", () => {
  const defaults = { memory: "tso" as const, seed: 1n };

  it.each<[string, string[], CaseSpec]>([
    ["003", ["--workload", "W003", "--variant", "f0", "--seed", "3", "--rounds", "1"], {
      ...defaults, machine: "rhel16", variant: "f0", workload: "W003", pair: [0, 1], seed: 3n,
      rounds: 1,
    }],
    ["000", ["--machine", "quad4", "--inflight", "8", "--rounds", "300", "--workload", "W000n"], {
      ...defaults, machine: "quad4", variant: "bug", workload: "W000n", pair: [0, 3], rounds: 300,
      inflight: 8,
    }],
    ["M", ["--workload", "wM4", "--variant", "mb/none", "--pair", "1,0", "--rounds", "50",
      "--memory", "sc", "--window", "20"], {
      ...defaults, machine: "clovertown", variant: "mb/none", workload: "wM4", pair: [1, 0],
      rounds: 50, memory: "sc", windowCycles: 20,
    }],
  ])("%s %j is that of `case`", async (id, words, spec) => {
    const definition = findCase(id);
    const { machine, result } = await openStopped(
      id, await optionsIn(words), new AbortController().signal);
    const { result: own } = await runOnce(definition, spec);
    expect([machine.stateHash(), result!.stateHash, result!.cycles])
      .toEqual([own.stateHash, own.stateHash, own.cycles]);
    machine.close();
  }, 120_000);

  it.each(CASES)("of $id is without options one of the buggy code", async (definition) => {
    const opened = await specOf(definition, await optionsIn([]));
    const { machine, workload, rounds = 20_000 } = definition;
    const variant = definition.variantOf("bug", workload);
    expect(opened).toMatchObject({ machine, workload, variant, rounds, seed: 1n });
  });

  it("of a workload that has its own rounds has these", async () => {
    for (const words of [[], ["--rounds", "1"]]) {
      const options = await optionsIn(["--workload", "W002h", ...words]);
      expect(await specOf(findCase("002"), options)).toMatchObject({ rounds: 1 });
    }
    const other = await optionsIn(["--workload", "W002b", "--rounds", "3"]);
    expect(await specOf(findCase("002"), other)).toMatchObject({ rounds: 3 });
  });

  it("is refused where the case has no such thing, with the words of `case`", async () => {
    const wrong: [id: string, words: string[], message: RegExp][] = [
      ["003", ["--workload", "W001"], /workload W001 of case 003: use one of W003c, /],
      ["003", ["--variant", "k7"], /variant k7 of case 003: use bug, f0, /],
      ["003", ["--pair", "0,1"], /--pair: W003c of case 003 runs on all CPUs/],
      ["001", ["--pair", "0,8"], /--pair 0,8 needs 9 CPUs: clovertown has 8/],
      ["001", ["--inflight", "3"], /--inflight: in case 001 the workload says how many/],
      ["002", ["--inflight", "4"], /--inflight: in case 002 the workload says how many/],
      ["002", ["--workload", "W002h", "--rounds", "3"], /--rounds 3: W002h .* always has 1:/],
      ["003", ["--workload", "W003", "--rounds", "36"],
        /--rounds 36: W003 of case 003 has room for 35 rounds: ask for no more/],
      ["003", ["--workload", "W003m", "--rounds", "2"], /W003m .* has room for 1 round: ask/],
      ["002", ["--workload", "W002c", "--rounds", "1025"], /W002c .* has room for 1024 rounds: /],
      ["002", ["--workload", "W002h", "--pair", "0,5"], /W002h of case 002 runs on all CPUs: /],
      ["002", ["--workload", "W002g", "--rounds", "64"], /W002g .* another --workload/],
      ["001", ["--machine", "uni1"], /uni1 has 1 CPU, and case 001 needs 2/],
    ];
    for (const [id, words, message] of wrong) {
      const options = await optionsIn(words);
      await expect(specOf(findCase(id), options)).rejects.toThrow(message);
      expect(smpbox("case", id, "--seed", "1", ...words).stderr).toMatch(message);
    }
  }, 60_000);
});

describe("the line that `case` prints", () => {
  const words = ["--pair", "0,1", "--rounds", "300", "--variant", "k0/c", "--set",
    "core.retireDelay=9", "--seed", "2"];

  it("opens the run that failed", () => {
    const { stdout, status } = smpbox("case", "001", ...words, "--expect", "fail", "--json");
    expect(status).toBe(0);
    const { first } = JSON.parse(stdout);
    const [program, verb, ...opened] = first.open.split(" ");
    expect([program, verb]).toEqual(["smpbox", "crash"]);
    const told = smpbox("crash", ...opened, "-c", "sys").stdout;
    expect(BigInt(/CYCLES: (\d+)/.exec(told)![1])).toBe(BigInt(first.cycles));
    for (const other of ["why", "c2c"]) {
      const { stateHash, cycles, found } = JSON.parse(smpbox(other, ...opened, "--json").stdout);
      expect([other, stateHash, cycles]).toEqual([other, first.stateHash, first.cycles]);
      if (other !== "why") continue;
      const { kind, cause, needsBuffer, task, title } = found[0];
      expect(first.details.why[0]).toMatchObject({ kind, cause, needsBuffer, task, title });
      expect([needsBuffer, cause]).toEqual([true, first.cause]);
    }
    const at = ["-o", join(folder, "it")];
    expect(smpbox("core", ...opened, ...at).stderr).toContain(`cycle ${BigInt(first.cycles)};`);
    expect(smpbox("trace", ...opened, ...at, "--events", "marks").stderr)
      .toContain(`exit hang: ${BigInt(first.cycles)} cycles`);
  }, 120_000);

  it("is below the one that reproduces it, and in the report", () => {
    const file = join(folder, "report.txt");
    const { stdout } = smpbox("case", "001", ...words, "--report", file);
    const line = "look at it (crash, why, c2c): smpbox crash 001 --machine clovertown --pair 0,1 " +
      "--seed 2 --variant k0/c --rounds 300 --set core.retireDelay=9";
    for (const text of [stdout, readFileSync(file, "utf8")]) {
      const unfolded = text.replaceAll(" \\\n  ", " ");
      expect(unfolded).toMatch(new RegExp(
        `^reproduce: smpbox case 001 .*\\n${line.replace(/[()]/g, "\\$&")}$`, "m"));
    }
  }, 120_000);

  it("has all that a run depends on, where it is not what the verb takes by itself", async () => {
    const spec: CaseSpec = {
      machine: "quad4", variant: "f1", workload: "W000m", pair: [0, 3], seed: 1n << 40n,
      rounds: 7, memory: "tso-adv", inflight: 3, windowCycles: 11,
      changes: new Map([["core.retireDelay", 5]]), disk: ["0:model=list:20,35"], irq: "fixed",
    };
    const definition = findCase("000");
    const [, ...opened] = openCase(definition, spec).split(" ").slice(2);
    expect(await specOf(definition, await optionsIn(opened))).toEqual(spec);
    expect(reproduceCase(definition, spec).replace(" case ", " crash "))
      .toBe(openCase(definition, spec));
  });
});
