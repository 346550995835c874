// smpbox barriers IMAGE: every placement at its sites, and what the minimal ones cost on machines.
import { clockOf, type Cost, costOf, type Sample } from "../engine/barrier-cost.ts";
import { imageSurvey, type Trial } from "../engine/barriers.ts";
import { callsIn } from "../engine/explore-function.ts";
import type { Question } from "../engine/explore-image.ts";
import { openImage } from "../engine/files.ts";
import { patchSites, type Placement, readSites } from "../machine/sites.ts";
import { type Measured, placementText } from "../report/barriers.ts";
import {
  type BarrierOptions, checkMachines, narrowed, RUNS, type Shown, surveyed,
} from "./barriers-survey.ts";
import { shellLine } from "./options.ts";
import { Progress } from "./progress.ts";

/** Undefined: interrupted. */
export async function imageShown(
  what: string, question: Question, options: BarrierOptions, signal: AbortSignal,
): Promise<Shown | undefined> {
  const begun = performance.now();
  checkMachines(options.machines, callsIn(question.entries).length);
  const { sites, explore } = imageSurvey(openImage(what), question, options.sites);
  const choices = narrowed(sites, options.kinds);
  const trials = await surveyed(choices, explore, options, signal);
  if (signal.aborted) return undefined;
  const seconds = (performance.now() - begun) / 1000;
  const safe = trials.some(({ verdict }) => verdict === "safe");
  const inOrder = () => imageSurvey(openImage(what), { ...question, model: "sc" }, options.sites)
    .explore(trials[0].placement);
  const order = safe ? undefined : (await inOrder()).verdict === "safe";
  const broken = trials.find(({ verdict }) => verdict === "broken");
  const why = broken && shellLine([...wordsOf(what, question), "--at",
    placementText(broken.placement)]);
  const places = Object.fromEntries(sites.map((site) =>
    [site.name, site.places.map(({ lin }) => lin)]));
  const image = openImage(what);
  const known = readSites(image);
  // Of all placements: what stands at a site is no matter to the clock.
  const clocks = new Map<string, number>();
  const costs = await measured(trials, options, async (placement, sample) => {
    const clock = clocks.get(sample.machine) ?? await clockOf(image, question, sample);
    clocks.set(sample.machine, clock);
    return costOf(patchSites(image, known, placement), question, sample, { clock });
  }, signal);
  if (signal.aborted) return undefined;
  return { what, choices, trials, order, why, places, question, options, costs, seconds };
}

/** The minimal placements and the program without any; for --all and for a chart every one. */
export async function measured(
  trials: readonly Trial[], options: BarrierOptions,
  cost: (placement: Placement, sample: Sample) => Promise<Cost>, signal: AbortSignal,
): Promise<[string, Measured[]][]> {
  const { machines = [], runs = RUNS, seed, seeds } = options;
  const every = options.all || options.svg !== undefined;
  const wanted = trials.filter(({ minimal }, i) => every || minimal || i === 0);
  const progress = new Progress();
  const costs: [string, Measured[]][] = [];
  for (const machine of machines) {
    const done: Measured[] = [];
    for (const { placement, verdict, minimal } of wanted) {
      if (signal.aborted) return [];
      const found = await cost(placement, { machine, runs, seed, seeds });
      done.push({ placement, verdict, minimal, cost: found });
      progress.update(() => `${machine}: ${done.length} of ${wanted.length} placements`);
    }
    costs.push([machine, done]);
  }
  progress.clear();
  return costs;
}

export function wordsOf(what: string, { entries, predicate }: Question): string[] {
  const words = ["smpbox", "barriers", what, "--entry", entries];
  return predicate === undefined ? words : [...words, "--predicate", predicate];
}
