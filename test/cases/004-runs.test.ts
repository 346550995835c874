// Case 004 in runs: what I004c has to say of the buggy code and, over the same seeds, of the
// repaired one; and report R004 on a request that is tried against a rule. In twenty runs the first
// violation was always I004a: the request that is then tried twice, or while it waits, is the one
// that the wake function has put on run_list in place of its own.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { violationOf } from "../../src/cases/004-account.ts";
import { kicksIn, type KickLayout, type Violation } from "../../src/cases/004-trace.ts";
import { case004 } from "../../src/cases/004.ts";
import type { CaseSpec } from "../../src/cases/case.ts";
import { optionsOf, runOnce } from "../../src/cases/runner.ts";
import type { TraceEvent } from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";
import { FsBlock } from "../../src/machine/fs-block.ts";
import { reportOf } from "../../src/report/case-report.ts";
import { Session } from "../../src/report/crash/session.ts";
import { framesIn, linesOf, textsOf } from "../report/report-tools.ts";

const SEEDS_MAX = 10n;
/** A store, once more. */
const VISIBLE = "commit";
const TWO = "tries of a request that another one tries";
const WAITS = "tries of a request that waits in a queue";
const NONE = [
  "uses of a freed request", "kicks of another request in its place",
  "requests queued again (WARN)", TWO, WAITS, "tries, or places on run_list, after the end",
  "requests completed again", "references given up that there were not",
];

const specOf = (variant: string, seed: bigint): CaseSpec => ({
  machine: "rhel16", variant, workload: "W004", pair: [0, 1], rounds: 100, memory: "tso", seed,
});

afterAll(() => Machine.shutdown());

/** Those of the first seeds that show either kind, until both have been seen. */
let seeds: bigint[] = [];
/** By seed, of the buggy code. */
const counts = new Map<bigint, Record<string, number>>();

beforeAll(async () => {
  const seen = (what: string) => [...counts.values()].some((found) => found[what] > 0);
  for (let seed = 1n; seed <= SEEDS_MAX && !(seen(TWO) && seen(WAITS)); seed++) {
    const run = await runOnce(case004, specOf("bug", seed));
    counts.set(seed, run.counts!);
  }
  seeds = [...counts.keys()].filter((seed) => counts.get(seed)![TWO] + counts.get(seed)![WAITS]);
});

describe("a request", () => {
  it("of the buggy code is tried by two, and while it waits", () => {
    for (const what of [TWO, WAITS]) {
      expect([...counts.values()].reduce((sum, found) => sum + found[what], 0), what)
        .toBeGreaterThan(0);
    }
  });

  it.each(["f0", "f0p", "f1"])("of %s is not, with the same seeds", async (variant) => {
    for (const seed of seeds) {
      const run = await runOnce(case004, specOf(variant, seed));
      expect([run.failure, run.broken]).toEqual([undefined, undefined]);
      for (const what of NONE) expect(run.counts![what], `${what}, seed ${seed}`).toBe(0);
      expect(run.counts!["tries that had to wait"]).toBeGreaterThan(100);
    }
  });
});

describe("R004 of a request that is tried against a rule", () => {
  let machine: Machine;
  let events: TraceEvent[];
  let session: Session;
  let layout: KickLayout;
  let broken: Violation[];

  beforeAll(async () => {
    const seed = seeds.find((one) => counts.get(one)![TWO] > 0)!;
    machine = await Machine.create(
      { ...await optionsOf(case004, specOf("bug", seed)), counters: true });
    const result = await machine.run({});
    session = new Session({ machine, result, image: case004.image, seed, note: "" });
    const block = machine.debugBlock()!;
    events = machine.view.trace();
    const fs = FsBlock.of(block, machine.kernelVariable("smpbox_fs"))!;
    layout = { bytes: fs.sizeOf("struct kiocb")!, base: block.base };
    broken = kicksIn(events, layout.bytes, layout.base).violations
      .filter(({ kind }) => kind === "two tries");
  });
  afterAll(() => machine.close());

  it("has the two tries, in their order, and who begins the second one", async () => {
    const failure = violationOf(broken, events, layout)!;
    expect(failure.invariant).toBe("I004c");
    const report = await reportOf(case004.report!, session, failure, events);
    const { steps, claims } = report.sections.find((section) => section.steps)!;
    const [first, second] = steps!
      .filter(({ label, kind }) => label === "P0" && kind !== VISIBLE).slice(-2);
    const { used, tried } = failure.moments!;
    expect([first.time, second.time]).toEqual([tried!.time, used!.time]);
    // Neither its end nor a decision that it has to wait comes in between.
    expect(steps!.filter(({ label, time }) =>
      time > first.time && time < second.time && /^(P7|Kf|K0)$/.test(label))).toEqual([]);
    expect(claims!.filter(({ holds }) => !holds)).toEqual([]);
    const facts = textsOf(report, "what was done to which request");
    expect(facts.kind).toBe("double (two tries)");
    expect(facts["tried before"]).toBe(`P0 by cpu${first.cpu} at ${first.time}`);
    const who = linesOf(report, "who used it");
    expect(who.join("\n")).toMatch(new RegExp(`CPU: ${second.cpu} +COMMAND:`));
    expect(framesIn(who)).toContain("aio_run_iocb");
  });
});

describe("a request that is not answered in full", () => {
  const spec = { ...specOf("f1", 1n), rounds: 20 };

  it("is told where a drive is gone, and no exit code without a reason", async () => {
    const { broken } = await runOnce(case004, { ...spec, disk: ["gone=300"] });
    expect(broken).toMatch(/^\d+ of 320 requests .* to fail some, .*leave out error= and gone=$/);
  });

  it("is a fault where no disk was to fail", async () => {
    const disks = () => ({ disks: parseDisks(1, "gone=300"), irqPolicy: "fixed" as const });
    const { broken } = await runOnce({ ...case004, disks }, spec);
    expect(broken).toMatch(/^\d+ of 320 requests .* the disk did all of them$/);
  });
});
