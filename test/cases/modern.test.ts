// Case M: its variants' names, and what its failures say.
import { afterAll, describe, expect, it } from "vitest";
import type { CaseSpec } from "../../src/cases/case.ts";
import { variantsOf } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { rowsModern } from "../../src/cases/modern-rows.ts";
import { runAll, runOnce } from "../../src/cases/runner.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

describe("case M", () => {
  it("knows a variant by what the publisher and the sleeper have", () => {
    expect(caseModern.variantOf("bug")).toBe("none/or");
    expect(caseModern.variantOf("MB/none")).toBe("mb/none");
    expect(caseModern.variantOf("or/mb")).toBe("or/mb");
    expect(caseModern.describeVariant("wmb/or"))
      .toBe("between store and look the publisher has SFENCE, the sleeper its store by a locked " +
        "instruction");
  });

  it.each(["mb", "and/mb", "mb/wmb", "mb/mb/mb", "toString/mb"])("does not know %s", (text) => {
    expect(() => caseModern.variantOf(text)).toThrow(/use PUBLISHER\/SLEEPER/);
  });

  it("has other variants in wM2, where no fence is missing", () => {
    expect(caseModern.variantOf("bug", "wM2")).toBe("unlink-first");
    expect(caseModern.variantOf("fixed", "wM2")).toBe("wake-first");
    expect(caseModern.variantOf("bug", "wM7")).toBe("none/or");
    expect(variantsOf(caseModern, "wM2")).toEqual({ buggy: "unlink-first", fixed: "wake-first" });
    expect(variantsOf(caseModern, "wM7").fixed).toBe("mb/or");
    expect(() => caseModern.variantOf("mb/or", "wM2")).toThrow(/wM2.*unlink-first, wake-first/);
    expect(() => caseModern.variantOf("unlink-first", "wM7")).toThrow(/use PUBLISHER\/SLEEPER/);
    expect(caseModern.describeVariant("wake-first")).toMatch(/wakes it, then takes the entry off/);
  });

  it("says of EM.2 and EM.7 what the table of the memory models says", () => {
    const said = (id: string) => rowsModern.find((row) => row.id === id)!.setups("full")
      .map(({ variant, memory, expected }) => `${variant} ${memory} ${expected}`);
    expect(said("EM.2")).toEqual([
      "unlink-first tso fails", "unlink-first sc fails",
      "wake-first tso 0", "wake-first sc 0", "wake-first tso-adv 0",
    ]);
    expect(said("EM.7")).toEqual([
      "none/none tso-adv fails", "none/mb tso-adv fails", "none/or tso-adv fails",
      "wmb/or tso-adv fails", "mb/none tso-adv fails", "none/none sc 0",
      "mb/mb tso-adv 0", "mb/or tso-adv 0", "or/mb tso-adv 0", "or/or tso-adv 0",
    ]);
  });
});

const shape = (part: Partial<CaseSpec>): CaseSpec => ({
  machine: "clovertown", variant: "unlink-first", workload: "wM2", pair: [0, 2], seed: 1n,
  rounds: 1000, memory: "tso", ...part,
});

describe("wM2: an entry on the waiter's stack", () => {
  it("what was read is what the waiter wrote after it had returned", async () => {
    const pairs: Array<[number, number]> = [[0, 1], [0, 2]];
    const memories = ["tso", "sc"] as const;
    const runs = await runAll(caseModern, pairs.flatMap((pair) =>
      memories.map((memory) => shape({ pair, memory }))), {});
    for (const { spec, failure, rounds, console } of runs) {
      const name = `${spec.pair} ${spec.memory}`;
      expect(failure, name).toMatchObject({ invariant: "IM2", cause: "interleaving" });
      // The waiter writes the round's number over its entry; that round is through for it.
      const [, round, task] = /^round (\d+) wakes 0x([0-9a-f]+),/.exec(failure!.what)!;
      expect(Number.parseInt(task, 16), name).toBe(Number(round));
      expect([Number(round) - 1, Number(round)], name).toContain(rounds);
      expect(console, name).toContain(`wm: round ${round} wakes ${task}`);
    }
  }, 60_000);

  it("is not read behind the waiter's back where it is taken off last", async () => {
    const run = await runOnce(caseModern, shape({ variant: "wake-first", rounds: 5000 }));
    expect([run.failure, run.broken, run.rounds]).toEqual([undefined, undefined, 5000]);
  }, 60_000);
});

describe("wM7: an adaptive mutex", () => {
  const mutex = (variant: string, part: Partial<CaseSpec> = {}) =>
    runOnce(caseModern, shape({ workload: "wM7", variant, memory: "tso-adv", ...part }));

  it.each(["none/or", "mb/none"])("%s: it is free, and who wants it sleeps", async (variant) => {
    const run = await mutex(variant);
    expect(run.failure).toMatchObject({ invariant: "I001", cause: "store buffer" });
    expect(run.failure!.what).toBe(
      `mutex ${run.rounds + 1} is free, and the one who wants it sleeps: nobody woke him`);
    const sleeps = run.places.filter((place) => /\bwm\b.*sleep futex/.test(place));
    expect(sleeps, run.places.join("\n")).toHaveLength(2);
  }, 60_000);

  it("with both fences, or without store buffers, everybody gets it", async () => {
    for (const run of [await mutex("mb/or"), await mutex("none/none", { memory: "sc" })]) {
      expect([run.failure, run.broken, run.rounds]).toEqual([undefined, undefined, 1000]);
    }
  }, 60_000);
});
