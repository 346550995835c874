// Placements of barriers in machine code: where the patterns of case 001 need a fence, which
// fences help nobody, what a verdict says of placements above and below it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { case000 } from "../../src/cases/000.ts";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { case004 } from "../../src/cases/004.ts";
import type { Case } from "../../src/cases/case.ts";
import { caseModern } from "../../src/cases/modern.ts";
import { barrierPrograms } from "../../src/cases/barrier-programs.ts";
import { packageRoot } from "../../src/core/root.ts";
import { imageSurvey, survey, type SurveyOptions } from "../../src/engine/barriers.ts";
import {
  minimalTexts, placementText, surveySentence, surveyTable,
} from "../../src/report/barriers.ts";

const NAME = "explore.elf";
const image = {
  name: NAME, bytes: readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)),
};

type Asked = [sites: string, entries: string, predicate?: string];

/** A program of the cases, as the command asks it. */
function program(id: string): Asked {
  const [{ sites, entries, predicate }, more] = barrierPrograms(id)!;
  expect(more, `${id} is one program`).toBeUndefined();
  return [sites.join(" "), entries, predicate];
}

async function ask([sites, entries, predicate]: Asked, options: SurveyOptions = {}) {
  const asked = imageSurvey(image, { entries, predicate }, sites.split(" "));
  const trials = await survey(asked.sites, asked.explore, options);
  return { ...asked, trials };
}

const WM4 = program("wM4");
const WM7 = program("wM7");

/** What is needed and enough; full fences as one. */
const NEEDED: [Asked, string[], number][] = [
  // The patch of case 001 is the third: smp_mb(), and set_current_state() as it was.
  [program("001"), [
    "a full fence at 001.fence and a full fence at 001.waiter",
    "the store 001.tail by xchg and a full fence at 001.waiter",
    "a full fence at 001.fence and the store 001.state by xchg",
    "the store 001.tail by xchg and the store 001.state by xchg",
  ], 16],
  [program("wM1"), ["a full fence at wM1.wake and a full fence at wM1.wait"], 9],
  [WM4, [
    "a full fence at wM4.app and a full fence at wM4.poll",
    "a full fence at wM4.app and the store wM4.flag by xchg",
  ], 12],
  [program("wM5"),
    ["a full fence at wM5.driver and a full fence at wM5.device"], 9],
  [WM7, [
    "a full fence at wM7.resume and a full fence at wM7.block",
    "a full fence at wM7.resume and the store wM7.waiters by xchg",
  ], 12],
  [program("wM7-3"), [
    "a full fence at wM7.resume and a full fence at wM7.block",
    "a full fence at wM7.resume and the store wM7.waiters by xchg",
  ], 12],
  [program("wM3"), ["a full fence at wM3.sleeper"], 3],
  [program("wM8"), ["a full fence at wM8.wake", "the store wM8.clear by xchg"], 4],
  [program("wM9"), ["a full fence at wM9.wake"], 3],
  [program("wM10"), ["a full fence at wM10.sleep", "the store wM10.state by xchg"], 4],
  [program("wM11"), [
    "a full fence at wM11.end and a full fence at wM11.again",
    "a full fence at wM11.end and the store wM11.restart by xchg",
  ], 12],
  [program("wM6"), ["nothing"], 1],
  [program("003.X5"), ["a full fence at 003.X7"], 3],
];

it.each(NEEDED)("%j", async (asked, needed, count) => {
  const { trials, sites } = await ask(asked);
  expect(trials.every(({ verdict }) => verdict !== "undecided")).toBe(true);
  expect(minimalTexts(trials, sites).sort()).toEqual([...needed].sort());
  expect(trials.filter(({ minimal }) => minimal).length).toBe(count);
  const broken = trials.filter(({ verdict }) => verdict === "broken");
  expect(broken.every(({ schedule }) => schedule)).toBe(true);
  // Under sequential consistency the weakest one is right.
  const inOrder = imageSurvey(
    image, { entries: asked[1], predicate: asked[2], model: "sc" }, asked[0].split(" "));
  expect((await inOrder.explore(trials[0].placement)).verdict).toBe("safe");
});

it("counts what upstream did for case 001 among the minimal ones", async () => {
  const { trials } = await ask(program("001"));
  const upstream = trials.find(({ placement }) => placementText(placement) ===
    "001.fence=mfence,001.state=xchg")!;
  expect(upstream).toMatchObject({ verdict: "safe", minimal: true });
});

/** Bugs of locks and lifetimes, among those of missing fences: "add a fence" is no answer. */
const DISTRACTORS = ["000.X1", "002.X4", "003.X1", "003.X7", "004.X5", "wM2", "wM9-late"]
  .map(program);

describe.each(DISTRACTORS)("%s", (...asked) => {
  it("is helped by no fence", async () => {
    const { trials, sites } = await ask(asked);
    expect(trials.length).toBe(sites.reduce((count, { kinds }) => count * kinds.length, 1));
    expect(trials.length).toBeGreaterThanOrEqual(36);
    expect(trials.filter(({ verdict }) => verdict !== "broken")).toEqual([]);
    const [, entries, predicate] = asked;
    const inOrder = imageSurvey(image, { entries, predicate, model: "sc" }, asked[0].split(" "));
    expect((await inOrder.explore(trials.at(-1)!.placement)).verdict).toBe("broken");
    expect(surveySentence(trials, sites, { order: false })).toContain("not an ordering bug");
  });
});

it.each([
  ["000.X1", case000], ["002.X4", case002], ["003.X1", case003], ["004.X5", case004],
] as [string, Case][])("%s: its case says that no fence repairs it", (id, definition) => {
  expect(DISTRACTORS).toContainEqual(program(id));
  const { buggy: variant, workload } = definition;
  expect(definition.inOrder!({ variant, workload })!.fails).toBe(true);
});

it("wM2 is the one of case M that no fence helps", () => {
  expect(DISTRACTORS).toContainEqual(program("wM2"));
  expect(caseModern.inOrder!({ variant: "unlink-first", workload: "wM2" })!.fails).toBe(true);
});

it("says what was asked where nothing was", async () => {
  const { trials, sites } = await ask(["000.*", "c000_reap,c000_submit"]);
  expect(surveySentence(trials, sites, { endsOnly: true })).toContain("all that was asked");
});

it("blames the kinds that were left out", async () => {
  const [name, entries] = WM7;
  const { sites, explore } = imageSurvey(image, { entries }, [name]);
  const weak = sites.map((site) => ({ ...site, kinds: site.kinds.filter((kind) =>
    kind === "none" || kind === "lfence") }));
  const trials = await survey(weak, explore);
  const sentence = surveySentence(trials, weak, { order: true, narrowed: true });
  expect(sentence).toContain("No barrier of these kinds helps");
});

it("each of the placements of 000 is explored when that is asked for", async () => {
  const [sites, entries, predicate] = DISTRACTORS[0];
  const asked = imageSurvey(image, { entries, predicate }, sites.split(" "));
  const two = asked.sites.map((site) => ({ ...site, kinds: ["none", "mfence"] as const }));
  const trials = await survey(two, asked.explore, { prove: true });
  expect(trials.filter(({ verdict, impliedBy }) => verdict === "broken" && !impliedBy).length)
    .toBe(16);
});

it("names what was explored in place of those that are implied", async () => {
  const { trials, sites } = await ask(DISTRACTORS[0]);
  const explored = trials.filter(({ impliedBy }) => !impliedBy);
  const table = surveyTable(trials, sites, false).join("\n");
  const named = table.split("\nbroken, implied: by ")[1].replaceAll(/,\s+/g, ",");
  expect(explored.map(({ placement }) => placementText(placement))).toContain(named);
});

/** The oracle itself: what is implied is what would have been found, and patches are needed. */
describe("the survey", () => {
  it("implies what exploring finds", async () => {
    const { sites, explore, trials } = await ask(WM7);
    expect(trials.some(({ impliedBy }) => impliedBy)).toBe(false);
    // Two sites that change nothing make it many placements.
    const more = [...sites, ...["x", "y"].map((name) => ({
      name, kinds: ["none", "mfence", "lock"] as const,
    }))];
    const implied = await survey(more, (placement) =>
      explore(new Map([...placement].filter(([name]) => name.startsWith("wM7")))));
    expect(implied.length).toBe(9 * trials.length);
    // Its loops only read: a fence takes no way out of them away.
    expect(implied.filter(({ impliedBy }) => !impliedBy).length).toBeLessThan(60);
    for (const { placement, verdict } of implied) {
      const same = trials.find((trial) =>
        [...trial.placement].every(([name, kind]) => placement.get(name) === kind))!;
      expect(verdict).toBe(same.verdict);
    }
  });

  it("finds nothing safe where the patch is left out", async () => {
    const { sites, explore, trials } = await ask(WM4);
    expect(trials.some(({ verdict }) => verdict === "safe")).toBe(true);
    const unpatched = await survey(sites, () => explore(new Map()));
    expect(unpatched.some(({ verdict }) => verdict === "safe")).toBe(false);
  });

  it("calls what was cut short undecided", async () => {
    const [sites, entries] = WM7;
    const asked = imageSurvey(image, { entries, statesMax: 60 }, [sites]);
    const trials = await survey(asked.sites, asked.explore);
    expect(trials.some(({ verdict }) => verdict === "undecided")).toBe(true);
    expect(trials.some(({ verdict }) => verdict === "safe")).toBe(false);
    expect(surveySentence(trials, asked.sites, {})).toContain("stopped after 60");
    const table = surveyTable(trials, asked.sites, false).join(" ");
    const more = (verdict: string) =>
      Number(new RegExp(`(\\d+) more are ${verdict}`).exec(table)?.[1] ?? 0);
    const broken = trials.filter(({ verdict }) => verdict === "broken").length;
    expect(more("broken")).toBeLessThanOrEqual(broken);
    expect(more("undecided")).toBeGreaterThan(0);
    expect(more("broken") + more("undecided") + 6).toBe(trials.length);
  });

  it("prints at most 80 columns", async () => {
    for (const asked of [WM4, WM7, ...DISTRACTORS]) {
      const { trials, sites } = await ask(asked);
      const lines = surveyTable(trials, sites, true);
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    }
  });

  it.each([
    [["nothing"], "--sites nothing: explore.elf has"],
    [undefined, "placements are too many: choose sites with --sites"],
  ])("--sites %j is refused", async (patterns, message) => {
    await expect(async () => {
      const asked = imageSurvey(image, { entries: WM7[1] }, patterns as string[] | undefined);
      await survey(asked.sites, asked.explore);
    }).rejects.toThrow(message as string);
  });
});
