// Case 002 on the machine: how runs that end in other ways than by an exit or a hang are judged.
import { afterAll, describe, expect, it } from "vitest";
import type { CaseSpec } from "../../src/cases/case.ts";
import { case002 } from "../../src/cases/002.ts";
import { OUTCOMES } from "../../src/cases/002-outcome.ts";
import { runOnce } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

const spec: CaseSpec = {
  machine: "clovertown", variant: "dio2620", workload: "W002b", pair: [0, 1], rounds: 64,
  memory: "tso", seed: 1n,
};

describe("a run that is cut short", () => {
  const UNDER_WAY = "requests under way when the run was cut short";

  it.each(["dio2620", "bug"])("by its budget shows what was over before: %s", async (variant) => {
    const disk = ["model=uniform:200000-400000"];
    const { result, failure, broken, counts } = await runOnce(case002, { ...spec, variant, disk });
    expect([result.exit, failure, broken]).toEqual(["budget", undefined, "exit budget"]);
    expect(counts![UNDER_WAY]).toBeGreaterThan(0);
    expect([counts!["requests never freed"], counts!["missing events"]]).toEqual([0, 0]);
    expect(counts![OUTCOMES.lost]).toBeUndefined();
  }, 120_000);

  it("by a panic shows what was over before", async () => {
    const { result, failure, counts } =
      await runOnce(case002, { ...spec, variant: "x3", workload: "W002m" });
    expect(result.exit).toBe("panic");
    expect(failure).toMatchObject({ invariant: "I002a", title: "a request is reported twice" });
    expect([counts!["requests never freed"], counts!["missing events"]]).toEqual([0, 0]);
  }, 120_000);
});
