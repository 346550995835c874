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

const SHORT = "E001.1, in short";
const judged = (runs: CaseRun[]) =>
  judge(case001, groupRuns(runs)).map(({ expectation, outcome }) => `${expectation.id} ${outcome}`);
const outcomes = (runs: CaseRun[]) => judged(runs).filter((line) => !line.startsWith(SHORT));

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

  it("of short runs is missed when none of three hangs", () => {
    const short = { rounds: 4000 };
    const well = () => run("well", short);
    expect(judged([well(), well(), well()])).toContain(`${SHORT} missed`);
    expect(judged([well(), run("hang", short), well()])).toContain(`${SHORT} holds`);
  });

  it("counts the hangs that a phase scan mended", () => {
    const scan = run("well", { variant: "k7" });
    scan.scan = { low: 0, high: 8, step: 8, rounds: 2, hangs: 1, width: 8, ranges: [] };
    expect(judged([scan])).toEqual(["E001.6 missed"]);
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
