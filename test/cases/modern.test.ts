// Case M: its variants' names, and what its failures say.
import { afterAll, describe, expect, it } from "vitest";
import type { CaseRun, CaseSpec } from "../../src/cases/case.ts";
import { variantsOf } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { rowsModern } from "../../src/cases/modern-rows.ts";
import { optionsOf, runAll, runOnce } from "../../src/cases/runner.ts";
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

  it.each(["mb", "and/mb", "mb/lock", "mb/mb/mb", "toString/mb"])("does not know %s", (text) => {
    expect(() => caseModern.variantOf(text)).toThrow(/use bug, fixed, or PUBLISHER\/SLEEPER/);
  });

  it("knows those of case 001's matrix in wM1 only, and one in wM6", () => {
    expect(caseModern.variantOf("lock/before", "wM1")).toBe("lock/before");
    expect(() => caseModern.variantOf("lock/before", "wM4"))
      .toThrow("lock/before of wM4 of case M: use bug, fixed, or PUBLISHER/SLEEPER with one of " +
        "none, wmb, mb, or and one of none, mb, or");
    expect(caseModern.variantOf("bug", "wM6")).toBe("none/none");
    expect(() => caseModern.variantOf("mb/or", "wM6")).toThrow(/one of none and one of none/);
    expect(caseModern.describeVariant("wake/unlock")).toBe("between store and look the publisher " +
      "has no look: it takes the queue's lock and wakes whoever is there, the sleeper a locked " +
      "instruction that releases the queue's lock, before its state's store");
  });

  it("has other variants in wM2, where no fence is missing", () => {
    expect(caseModern.variantOf("bug", "wM2")).toBe("unlink-first");
    expect(caseModern.variantOf("fixed", "wM2")).toBe("wake-first");
    expect(caseModern.variantOf("bug", "wM7")).toBe("none/or");
    expect(variantsOf(caseModern, "wM2")).toEqual({ buggy: "unlink-first", fixed: "wake-first" });
    expect(variantsOf(caseModern, "wM7").fixed).toBe("mb/or");
    expect(() => caseModern.variantOf("mb/or", "wM2")).toThrow(/wM2.*unlink-first, wake-first/);
    expect(() => caseModern.variantOf("unlink-first", "wM7")).toThrow(/PUBLISHER\/SLEEPER/);
    expect(caseModern.describeVariant("wake-first")).toMatch(/wakes it, then takes the entry off/);
  });

  it("says of EM.2 and EM.7 what the table of the memory models says", () => {
    const said = (id: string) => rowsModern.find((row) => row.id === id)!.setups("full")
      .map(({ variant, memory, expected }) => `${variant} ${memory} ${expected}`);
    expect(said("EM.2")).toEqual([
      "unlink-first tso fails", "unlink-first sc fails",
      "wake-first tso 0", "wake-first sc 0", "wake-first tso-adv 0",
    ]);
    const all = (variants: string[], what: string) => variants.map((name) => `${name} ${what}`);
    const bad = ["none/none", "none/mb", "none/or", "wmb/or", "mb/none"];
    expect(said("EM.7")).toEqual([
      ...all(bad, "tso-adv fails"), ...all(bad, "sc 0"),
      ...["mb/mb", "mb/or", "or/mb", "or/or"].flatMap((variant) =>
        [`${variant} tso 0`, `${variant} tso-adv 0`, `${variant} sc 0`]),
    ]);
  });

  it("asks of wM1 what the matrix of case 001 says", () => {
    const letters = { none: "c", wmb: "d", rmb: "e", mb: "f", or: "a", queued: "b", before: "g",
      unlock: "h", read: "i" };
    const numbers = { none: "k0", wmb: "k1", rmb: "k2", mb: "k7", or: "k8", lock: "k11",
      wake: "k12" };
    const row = rowsModern.find(({ id }) => id === "EM.1")!;
    const copies = row.setups("full").map(({ variant }) => variant.split("/"));
    expect(new Set(copies.map(([x]) => x))).toEqual(new Set(Object.keys(numbers)));
    expect(new Set(copies.map(([, y]) => y))).toEqual(new Set(Object.keys(letters)));
    for (const { variant, memory, expected } of row.setups("full")) {
      const [x, y] = variant.split("/") as [keyof typeof numbers, keyof typeof letters];
      const hangs = MATRIX[numbers[x]]![COLUMNS.indexOf(letters[y])] === "H";
      expect([variant, expected]).toEqual([variant, hangs && memory !== "sc" ? "fails" : "0"]);
    }
  });

  it("shows nothing by a run in which the two never met", () => {
    const [setup] = rowsModern.find(({ id }) => id === "EM.6")!.setups("short");
    const run = (visited: number, failure?: unknown) => ({
      spec: { ...shape({}), pair: setup.pairs[0] }, visited, failure, rounds: 1, places: [],
    }) as unknown as CaseRun;
    expect(setup.judge([run(3), run(1)]).outcome).toBe("holds");
    expect(setup.judge([run(3), run(0)]).outcome).toBe("open");
    expect(setup.judge([run(0), run(3, {})]).outcome).toBe("missed");
  });
});

/** What explore finds of the pairs (smpbox barriers 001 --matrix), waiters a to i. */
const COLUMNS = "abcdefghi";
const MATRIX: Record<string, string> = {
  k0: "HHHHHHHHH", k1: "HHHHHHHHH", k2: "HHHHHHHHH", k7: "..HHH.HH.", k8: "..HHH.HH.",
  k11: "..HHH..H.", k12: "..HHH..H.",
};

const shape = (part: Partial<CaseSpec>): CaseSpec => ({
  machine: "clovertown", variant: "unlink-first", workload: "wM2", pair: [0, 2], seed: 1n,
  rounds: 1000, memory: "tso", ...part,
});

/** Their entry has its task in the line before its links. */
const SEEDS_APART = [2n, 5n, 8n];

describe("wM2: an entry on the waiter's stack", () => {
  it("what was read is what the waiter wrote after it had returned", async () => {
    const memories = ["tso", "sc"] as const;
    const runs = await runAll(caseModern, memories.flatMap((memory) =>
      SEEDS_APART.map((seed) => shape({ seed, memory, rounds: 4000 }))), {});
    for (const { spec, failure, rounds, console } of runs) {
      const name = `${spec.seed} ${spec.memory}`;
      expect(failure, name).toMatchObject({ invariant: "IM2", cause: "interleaving" });
      expect(failure!.account, name).toContain("begins 48 bytes behind the start of a line");
      // The waiter writes the round's number over its entry; that round is through for it.
      const [, round, task] = /^round (\d+) wakes 0x([0-9a-f]+),/.exec(failure!.what)!;
      expect(Number.parseInt(task, 16), name).toBe(Number(round));
      expect([Number(round) - 1, Number(round)], name).toContain(rounds);
      expect(console, name).toContain(`wm: round ${round} wakes ${task}`);
    }
  }, 60_000);

  it("has a place in its line that the seed draws", async () => {
    const places = new Set<bigint>();
    for (let seed = 1n; seed <= 10n; seed++) {
      const spec = shape({ seed, rounds: 1000 });
      const machine = await Machine.create({
        ...await optionsOf(caseModern, spec), maxCycles: 20_000_000n,
      });
      await machine.run();
      places.add(machine.userVariable("wm_stats")!.getBigUint64(80, true));
      machine.close();
    }
    expect([...places].sort()).toEqual([0n, 16n, 32n, 48n]);
  }, 60_000);

  it("is not read behind the waiter's back where it is taken off last", async () => {
    const run = await runOnce(caseModern, shape({ variant: "wake-first", rounds: 5000 }));
    expect([run.failure, run.broken, run.rounds]).toEqual([undefined, undefined, 5000]);
    expect(run.visited).toBeGreaterThan(0);
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
      expect(run.visited).toBeGreaterThan(0);
    }
  }, 60_000);
});
