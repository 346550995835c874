// The acceptance test in short: a few runs of each row of the cases. All of it is
// `npm run test:cases`.
import { afterAll, describe, expect, it } from "vitest";
import { CASES, findCase, findRows } from "../../src/cases/index.ts";
import type { CaseRun, Row, Setup } from "../../src/cases/case.ts";
import { runSetups } from "../../src/cases/rows.ts";
import { Machine } from "../../src/engine/machine.ts";

const TIMEOUT_MS = 900_000;

afterAll(() => Machine.shutdown());

/** Shown by test/cases/001.test.ts and 000.test.ts, at the same length. */
const ELSEWHERE = new Set(["E000.1", "E001.1", "E001.4", "E001.1s"]);

describe.each(CASES.flatMap((definition) => definition.rows.map((row) => ({ definition, row }))))(
  "$row.id: $row.what",
  ({ definition, row }) => {
    it.skipIf(ELSEWHERE.has(row.id))("in short", { timeout: TIMEOUT_MS }, async () => {
      const results = await runSetups([{ definition, row }], { size: "short" });
      const missed = results.filter(({ outcome }) => outcome === "missed");
      expect(missed).toEqual([]);
      // So few runs may leave a row open: they did not come where it could fail.
      for (const { outcome, what, measured } of results) {
        if (outcome === "holds") continue;
        console.log(`${row.id} in short, ${outcome}: ${what}: ${measured}`);
      }
    });
  },
);

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

  it("a broken run is never what was expected", () => {
    const broken = { broken: "exit panic after 0 rounds" };
    expect(never.judge([run(never, [0, 4], broken)]).outcome).toBe("missed");
    expect(hangs.judge([run(hangs, [0, 1], hang), run(hangs, [0, 1], broken)]).outcome)
      .toBe("missed");
  });

  it("every pair must hang, not only one of them", () => {
    const one = [run(hangs, [0, 1], hang), run(hangs, [0, 2], {})];
    expect(hangs.judge(one).outcome).toBe("missed");
    expect(hangs.judge([run(hangs, [0, 1], hang), run(hangs, [0, 2], hang)]).outcome).toBe("holds");
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
    expect(results.map(({ outcome, known: why }) => [outcome, why]))
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
