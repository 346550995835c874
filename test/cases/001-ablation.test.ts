// The table of case 001 with one thing changed at a time: what is read from each row, and when the
// verdict is given; from made-up runs, and from real ones.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  ABLATION, hangsOf, readingOf, type Row, verdictOf, waitOf,
} from "../../src/cases/001-ablation.ts";
import { parseVariant } from "../../src/cases/001-variants.ts";
import { MATRIX } from "../../src/cases/001-verdicts.ts";
import type { CaseRun } from "../../src/cases/case.ts";
import { packageRoot } from "../../src/core/root.ts";

const RUNS = { timeout: 300_000 };
const NO_VERDICT = /^These runs do not bear out the verdict/;

const run = (shape: Partial<CaseRun> = {}) =>
  ({ visited: 5, residence: [], ...shape }) as CaseRun;
const hung = run({ failure: {} as CaseRun["failure"] });

/** As on clovertown: it hangs with nothing changed, and with a fence on the waiter only. */
function rowsOf(changed: Record<string, CaseRun[]> = {}): Row[] {
  return ABLATION.map((change): Row => {
    const other = Object.keys(changed).find((what) => change.what.startsWith(what));
    if (other !== undefined) return { change, runs: changed[other] };
    const hangs = /^nothing|^fence on the waiter/.test(change.what);
    return { change, runs: hangs ? [hung, run()] : [run(), run()] };
  });
}

describe("what is read from a row", () => {
  const [change] = ABLATION;

  it("is that of a hang if one of its runs hangs, else that of none", () => {
    for (const one of ABLATION) {
      expect(readingOf({ change: one, runs: [run(), hung] })).toBe(one.hangs);
      expect(readingOf({ change: one, runs: [run(), run()] })).toBe(one.never);
    }
  });

  it("is nothing if the two sides never met, or a run is broken", () => {
    expect(readingOf({ change, runs: [run(), run({ visited: 0 })] })).toMatch(/never came near/);
    expect(readingOf({ change, runs: [hung, run({ broken: "exit panic" })] }))
      .toBe("broken: exit panic");
  });

  it("is beside the hangs and the median wait", () => {
    expect(hangsOf([hung, run(), hung])).toBe(2);
    expect(waitOf([run({ residence: [7, 300] }), run({ residence: [40] })])).toBe(40);
  });
});

it("a repair that can hang, as the engine explore finds, says so", () => {
  const canHang = (name: string) => {
    const { completer, reaper } = parseVariant(name);
    return MATRIX[Number(completer.slice(1))]["abcdefghij".indexOf(reaper)] === "H";
  };
  const repairs = ABLATION.filter(({ shape }) => shape.variant && shape.variant !== "k0/f");
  expect(repairs.map(({ shape }) => shape.variant)).toEqual(["k7/c", "k10", "k7"]);
  for (const { shape, never } of repairs) {
    expect(/can hang/.test(never), shape.variant).toBe(canHang(shape.variant!));
  }
  // The waiter of 2.6.24 has a fence: another one changes nothing.
  expect(canHang("k0") && canHang("k0/f")).toBe(true);
});

describe("the verdict", () => {
  it("is given where the rows bear it out", () => {
    const text = verdictOf(rowsOf());
    expect(text).toMatch(/^The patch of 2008 is right/);
    expect(text).toContain("the waiter's insertion has its fence already");
    expect(text).toContain("as long as the waiter keeps its own");
  });

  it.each([
    ["nothing changed", [run()]],
    ["the patch", [run(), hung]],
    ["the patch", [run({ visited: 0 })]],
    ["the patch", [run({ broken: "exit panic" })]],
    ["the patch", []],
    ["fence on the waiter", [run()]],
    ["fence on the completer", [hung]],
    ["no store buffers", [hung]],
    ["no store buffers", [run({ visited: undefined })]],
  ])("is not, if of %s there is %j", (what, runs) => {
    expect(verdictOf(rowsOf({ [what]: runs }))).toMatch(NO_VERDICT);
  });
});

it("smpbox case 001 --ablate --json: the rows as measured on two dies", RUNS, () => {
  const main = join(packageRoot(), "dist", "src", "cli", "main.js");
  const words = ["case", "001", "--ablate", "--pair", "0,1", "--seeds", "1", "--json"];
  const { stdout, stderr, status } =
    spawnSync(process.execPath, [main, ...words], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const made = JSON.parse(stdout);
  expect(made).toMatchObject({ schema: "smpbox-ablation-1", machine: "clovertown", rounds: 2000 });
  const expected = ABLATION.map(({ what, never, hangs }) => {
    const failures = /^nothing|^fence on the waiter/.test(what) ? 1 : 0;
    return { what, failures, runs: 1, reading: failures ? hangs : never };
  });
  expect(made.changes).toMatchObject(expected);
  const wait = (what: string) => made.changes.find((one: { what: string }) =>
    one.what.startsWith(what)).residenceMedian;
  expect(wait("one shared L2")).toBeLessThan(wait("nothing changed"));
  expect(made.verdict).toMatch(/^The patch of 2008 is right/);
});
