// The acceptance test in short: a few runs of each row of the cases. All of it is
// `npm run test:cases`.
import { afterAll, describe, expect, it } from "vitest";
import { CASES, findCase, findRows } from "../../src/cases/index.ts";
import type { CaseRun, Row, Setup } from "../../src/cases/case.ts";
import { runSetups, specsOf } from "../../src/cases/rows.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { Machine } from "../../src/engine/machine.ts";
import { numberOf } from "../../src/machine/preset.ts";

const TIMEOUT_MS = 900_000;

afterAll(() => Machine.shutdown());

/** Rows whose runs another test makes. */
const SHOWN = new Set(["E000.1", "E001.1"]);
/** Rows that are not run here, and why. */
const SKIPPED: Record<string, string> = {
  "E000.1": "test/cases/000.test.ts has it, at the same length",
  "E001.1": "test/cases/001.test.ts has it, at the same length",
  "E000.8": "a hundredth of the rate needs 90,000 completions to be told from none",
  "E003.5": "its hangs and its uses after free take minutes each",
  "E003.6": "a use after free takes minutes",
};
const ROWS = CASES.flatMap((definition) => definition.rows.map((row) => ({ definition, row })));
const skippedBy = (row: Row) => row.setups("short").length === 0 || SHOWN.has(row.id)
  ? SKIPPED[row.id] ?? "for no reason" : undefined;

describe.each(ROWS)("$row.id: $row.what", ({ definition, row }) => {
  const why = skippedBy(row);
  const name = why === undefined ? "in short" : `not in short: ${why}`;
  it.skipIf(why !== undefined)(name, { timeout: TIMEOUT_MS }, async () => {
    const results = await runSetups([{ definition, row }], { size: "short" });
    expect(results.length).toBeGreaterThan(0);
    for (const { row: id, what, runs, outcome, measured, why } of results) {
      const setup = `${id}: ${what}`;
      expect(runs, setup).toBeGreaterThan(0);
      const allowed = ["holds", ...(why === undefined ? [] : ["known", "open"])];
      expect(allowed, `${setup}: ${outcome}, ${measured}`).toContain(outcome);
      if (outcome !== "holds") console.log(`${setup}, in short, ${outcome}: ${measured}`);
    }
  });
});

it("a row that is not run in short says why", () => {
  const silent = ROWS.filter(({ row }) => skippedBy(row) === "for no reason");
  expect(silent.map(({ row }) => row.id)).toEqual([]);
});

describe("the judges", () => {
  const { row } = findRows("E001.1", "001")[0];
  const [hangs, never] = row.setups("short");
  const run = (setup: Setup, pair: [number, number], found: Partial<CaseRun>) =>
    ({
      spec: { ...setup, pair, seed: 1n }, rounds: 10, visited: 5, ...found,
    }) as unknown as CaseRun;
  const hang = { failure: { invariant: "I001" } } as unknown as Partial<CaseRun>;

  it("one hang is too many where none is allowed", () => {
    expect(never.judge([run(never, [0, 4], {}), run(never, [0, 4], {})]).outcome).toBe("holds");
    expect(never.judge([run(never, [0, 4], {}), run(never, [0, 4], hang)]).outcome).toBe("missed");
  });

  it("a run whose sides never met shows nothing", () => {
    expect(never.judge([run(never, [0, 4], { visited: 0 })]).outcome).toBe("open");
  });

  it("a run with one order of the two sides only leaves the row open, and says so", () => {
    const counted = (bEmpty: bigint) => run(never, [0, 4], {
      rounds: 100, counters: { bEmpty, bWaiters: 100n - bEmpty } as CaseRun["counters"],
    });
    const judged = (bEmpty: bigint) => never.judge([counted(50n), counted(bEmpty)]);
    expect(judged(20n).outcome).toBe("holds");
    expect(judged(80n).outcome).toBe("holds");
    expect(judged(19n)).toMatchObject({
      outcome: "open", measured: expect.stringContaining("19 to 50 %"),
    });
    expect(judged(81n).outcome).toBe("open");
  });

  it("one safe copy that hangs is too many; of the others one has to", () => {
    const [safe, others] = findRows("E001.13", "001")[0].row.setups("short");
    const good = safe.variants!.map((variant) => run({ ...safe, variant }, [0, 2], {}));
    expect(safe.judge(good).outcome).toBe("holds");
    expect(safe.judge([...good.slice(1), run(safe, [0, 2], hang)]).outcome).toBe("missed");
    expect(others.judge(good).outcome).toBe("missed");
    expect(others.judge([...good.slice(1), run(others, [0, 2], hang)]).outcome).toBe("holds");
  });

  it("a broken run is never what was expected", () => {
    const broken = { broken: "exit panic after 0 rounds" };
    expect(never.judge([run(never, [0, 4], broken)]).outcome).toBe("missed");
    expect(hangs.judge([run(hangs, [0, 1], hang), run(hangs, [0, 1], broken)]).outcome)
      .toBe("missed");
  });

  it("a machine's own number is what a factor is of", async () => {
    const factors = new Map([["latency.siblingOwn", 0.9], ["latency.siblingLoad", 1.1]]);
    const [spec] = await specsOf({ ...never, machine: "conroe", seeds: 1, factors });
    const conroe = loadPreset("conroe");
    const own = (field: string) => numberOf(conroe, field);
    expect(spec.changes).toEqual(new Map([
      ["latency.siblingOwn", Math.round(own("latency.siblingOwn") * 0.9)],
      ["latency.siblingLoad", Math.round(own("latency.siblingLoad") * 1.1)],
    ]));
  });

  it("every pair must hang, not only one of them", () => {
    const one = [run(hangs, [0, 1], hang), run(hangs, [0, 2], {})];
    expect(hangs.judge(one).outcome).toBe("missed");
    expect(hangs.judge([run(hangs, [0, 1], hang), run(hangs, [0, 2], hang)]).outcome).toBe("holds");
  });

  it("what is worse than known is missed", async () => {
    const definition = findCase("001");
    const known: Row = {
      id: "X.3", what: "missed, as known and otherwise",
      setups: (size) => [true, false].map((as) => ({
        ...row.setups(size)[0], seeds: 0, known: "because", bound: () => as,
        judge: () => ({ measured: "-", outcome: "missed" }),
      })),
    };
    const results = await runSetups([{ definition, row: known }], { size: "short" });
    expect(results.map(({ outcome }) => outcome)).toEqual(["known", "missed"]);
  });

  /** Without one a worse result would pass. */
  it.each(CASES.flatMap(({ rows }) => rows))("what is known in $id has its bound", ({ setups }) => {
    for (const { known, bound } of [...setups("short"), ...setups("full")]) {
      expect(known === undefined).toBe(bound === undefined);
    }
  });

  it("what shows nothing is missed, unless it says why that may be", async () => {
    const definition = findCase("001");
    const open: Row = {
      id: "X.4", what: "open, with a reason and without",
      setups: (size) => ["no disk there", undefined].map((mayBeOpen) => ({
        ...row.setups(size)[0], seeds: 0, mayBeOpen,
        judge: () => ({ measured: "-", outcome: "open" }),
      })),
    };
    const results = await runSetups([{ definition, row: open }], { size: "short" });
    expect(results.map(({ outcome, why, measured }) => [outcome, why, measured])).toEqual([
      ["open", "no disk there", "-"], ["missed", undefined, "-: nothing is shown"],
    ]);
  });

  it("what is known not to be as expected is told, and does not end the test", async () => {
    const definition = findCase("001");
    const known = "because";
    const judge = (outcome: "holds" | "missed") => () => ({ measured: "-", outcome });
    const differs: Row = {
      id: "X.2", what: "misses as known, then holds although it was known not to",
      setups: (size) => (["missed", "holds"] as const).map((outcome) =>
        ({ ...row.setups(size)[0], seeds: 0, known, judge: judge(outcome) })),
    };
    const results = await runSetups([{ definition, row: differs }], { size: "short" });
    expect(results.map(({ outcome, why }) => [outcome, why]))
      .toEqual([["known", known], ["holds", undefined]]);
  });

  it("a missed row ends the test, and what was not reached says so", async () => {
    const miss: Row = {
      id: "X.1", what: "always missed",
      setups: (size) => row.setups(size).slice(0, 1).map((setup) => ({
        ...setup, seeds: 0, judge: () => ({ measured: "-", outcome: "missed" }),
      })),
    };
    const definition = findCase("001");
    const rows = [{ definition, row: miss }, { definition, row }];
    const outcomes = (await runSetups(rows, { size: "short" })).map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["missed", "not reached", "not reached"]);
    const late = await runSetups(rows, { size: "short", deadline: 0 });
    expect(new Set(late.map(({ outcome }) => outcome))).toEqual(new Set(["not reached"]));
  });
});
