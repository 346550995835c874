// What a comparison concludes: only sound runs speak for an expectation.
import { describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import type { CaseRun } from "../../src/cases/case.ts";
import { groupRuns, judge, summarize } from "../../src/report/compare.ts";

interface Shape {
  variant?: string;
  rounds?: number;
  relation?: string;
}

const run = (state: "well" | "hang" | "broken", shape: Shape = {}): CaseRun =>
  ({
    spec: {
      machine: "clovertown",
      variant: shape.variant ?? "k0",
      workload: "W001i",
      pair: [0, 1],
      seed: 1n,
      rounds: shape.rounds ?? 20_000,
      memory: "tso",
    },
    relation: shape.relation ?? "same package",
    result: { exit: state === "well" ? 0 : state === "hang" ? "hang" : "panic" },
    failure: state === "hang" ? {} : undefined,
    broken: state === "broken" ? "exit panic after 0 rounds" : undefined,
    rounds: state === "broken" ? 0 : (shape.rounds ?? 20_000),
    residence: [],
  }) as unknown as CaseRun;

const outcomes = (runs: CaseRun[]) =>
  judge(case001, groupRuns(runs)).map(({ expectation, outcome }) => `${expectation.id} ${outcome}`);

describe("an expectation", () => {
  it("holds and is missed by sound runs", () => {
    expect(outcomes([run("hang"), run("hang")])).toEqual(["E001.1 holds"]);
    expect(outcomes([run("well"), run("hang")])).toEqual(["E001.1 missed"]);
    const fixed = { variant: "k7" };
    expect(outcomes([run("well", fixed)])).toEqual(["E001.6 holds"]);
    expect(outcomes([run("hang", fixed), run("well", fixed)])).toEqual(["E001.6 missed"]);
  });

  it("is not evaluated by runs that panicked, ran out of budget or did nothing", () => {
    const fixed = { variant: "k7" };
    expect(outcomes([run("broken")])).toEqual(["E001.1 not evaluated"]);
    expect(outcomes([run("broken", fixed)])).toEqual(["E001.6 not evaluated"]);
    expect(outcomes([run("well", fixed), run("broken", fixed)])).toEqual(["E001.6 not evaluated"]);
  });

  it("is missed by one hang whatever else is broken", () => {
    const fixed = { variant: "k7" };
    expect(outcomes([run("broken", fixed), run("hang", fixed)])).toEqual(["E001.6 missed"]);
  });

  it("about a rate is not missed by runs that are too short", () => {
    expect(outcomes([run("well", { rounds: 100 })])).toEqual(["E001.1 not evaluated"]);
    expect(outcomes([run("hang", { rounds: 100 })])).toEqual(["E001.1 holds"]);
  });
});

it("counts broken runs apart", () => {
  const [group] = groupRuns([run("broken"), run("hang"), run("well")]);
  expect(summarize(group)).toMatchObject({ failures: 1, runs: 3, broken: 1 });
});
