// Which barriers suffice: every choice of a kind for each site is put into the program and
// explored. More order never allows another final state, so where there are many choices one
// verdict decides those above or below it. That is not so of a loop with stores in it that need not
// end: more order may take away the only way out of it. A verdict with such a loop decides nothing
// else but its class.
import type { ImageFile } from "../machine/image.ts";
import { InputError } from "../machine/input.ts";
import { patchSites, type Placement, readSites, type Site } from "../machine/sites.ts";
import { breathe } from "./breathe.ts";
import { type Answer, askWith, type Question } from "./explore-image.ts";
import { allPlacements, atMost, below, type Choice, type Class, classesOf } from "./lattice.ts";

export interface Finding {
  verdict: "safe" | "broken" | "undecided";
  /** Machine states that were looked at. */
  states: number;
  /** Shows the failure: smpbox explore --replay. */
  schedule?: string;
  /** Why it is undecided. */
  bound?: string;
  /** There is a loop that more order may never leave: nothing follows for other classes. */
  loops?: boolean;
}

export interface Trial extends Finding {
  placement: Placement;
  /** Not explored: it follows from the verdict on this one. */
  impliedBy?: Placement;
  /** Safe, and no weaker placement is. */
  minimal: boolean;
}

export interface SurveyOptions {
  /** Explore each, imply none. */
  prove?: boolean;
  signal?: AbortSignal;
  onDone?(done: number, count: number): void;
}

/** Above so many placements, verdicts that follow from others are not looked for again. */
const EXPLORED_ALL = 256;

/** The sites that the patterns name; all of them without patterns. `*` stands for any text. */
export function chooseSites(sites: readonly Site[], name: string, patterns?: string[]): Site[] {
  if (!sites.length) {
    throw new InputError(`${name}: no barrier sites; put barrier_site("name") of smpbox.h into ` +
      "its code (README, \"Barriers\")");
  }
  if (!patterns) return [...sites];
  const known = sites.map((site) => site.name);
  const wanted = new Set(patterns.flatMap((pattern) => {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    const found = known.filter((item) => new RegExp(`^${escaped}$`).test(item));
    if (found.length) return found;
    throw new InputError(`--sites ${pattern}: ${name} has ${known.join(", ")}`);
  }));
  return sites.filter((site) => wanted.has(site.name));
}

type Explore = (placement: Placement) => Promise<Finding> | Finding;

/** Every placement with its verdict, weakest first. */
export async function survey(
  choices: readonly Choice[], explore: Explore, options: SurveyOptions = {},
): Promise<Trial[]> {
  const all = allPlacements(choices);
  const imply = !options.prove && all.length > EXPLORED_ALL;
  const trials = await (imply ? implied : explored)(choices, all, explore, options);
  const done = all.flatMap((placement) => trials.get(placement) ?? []);
  markMinimal(choices, done);
  return done;
}

async function explored(
  _choices: readonly Choice[], all: readonly Placement[], explore: Explore,
  { signal, onDone }: SurveyOptions,
): Promise<Map<Placement, Trial>> {
  const trials = new Map<Placement, Trial>();
  for (const placement of all) {
    if (signal?.aborted) break;
    trials.set(placement, { ...await explore(placement), placement, minimal: false });
    onDone?.(trials.size, all.length);
    await breathe();
  }
  return trials;
}

/**
 * One placement of each class, and of the classes those that nothing is known of. From the
 * strongest of them down as long as it is safe: what is broken on the way decides all below it,
 * and where nothing weaker is safe, that decides all above.
 */
async function implied(
  choices: readonly Choice[], all: readonly Placement[], explore: Explore,
  { signal, onDone }: SurveyOptions,
): Promise<Map<Placement, Trial>> {
  const classes = classesOf(choices, all);
  const byBits = new Map(classes.map((item) => [item.bits, item]));
  const trials = new Map<Placement, Trial>();
  const known = (item: Class) => trials.get(item.placements[0]);
  const decide = ({ placements }: Class, finding: Finding, by?: Placement) => {
    for (const [i, placement] of placements.entries()) {
      const impliedBy = by ?? (i ? placements[0] : undefined);
      const found = impliedBy ? { verdict: finding.verdict, states: 0, impliedBy } : finding;
      trials.set(placement, { ...found, placement, minimal: false });
    }
  };
  const ask = async (item: Class): Promise<Finding> => {
    const [placement] = item.placements;
    const finding = await explore(placement);
    decide(item, finding);
    const { verdict, loops } = finding;
    const follows = ({ bits }: Class) => verdict === "safe"
      ? atMost(item.bits, bits) : verdict === "broken" && atMost(bits, item.bits);
    for (const other of loops ? [] : classes) {
      if (!known(other) && follows(other)) decide(other, finding, placement);
    }
    onDone?.(trials.size, all.length);
    await breathe();
    return finding;
  };
  for (const strongest of classes.toReversed()) {
    if (known(strongest) || signal?.aborted) continue;
    let safe = (await ask(strongest)).verdict === "safe" ? strongest : undefined;
    while (safe && !signal?.aborted) {
      const weaker = below(safe, byBits).find((item) => !known(item));
      if (!weaker) break;
      if ((await ask(weaker)).verdict === "safe") safe = weaker;
    }
  }
  return trials;
}

function markMinimal(choices: readonly Choice[], trials: readonly Trial[]): void {
  const safe = new Set(trials.flatMap(({ verdict, placement }) =>
    (verdict === "safe" ? placement : [])));
  const classes = classesOf(choices, trials.map(({ placement }) => placement));
  const byBits = new Map(classes.map((item) => [item.bits, item]));
  const isSafe = (item: Class) => item.placements.some((placement) => safe.has(placement));
  const overSafe = new Set<Class>();
  const minimal = new Set<Placement>();
  for (const item of classes) {
    if (below(item, byBits).some((weaker) => isSafe(weaker) || overSafe.has(weaker))) {
      overSafe.add(item);
    } else {
      item.placements.forEach((placement) => minimal.add(placement));
    }
  }
  for (const trial of trials) {
    trial.minimal = trial.verdict === "safe" && minimal.has(trial.placement);
  }
}

/** Choices of an image's sites, and how one placement of them is explored. */
export function imageSurvey(image: ImageFile, question: Question, patterns?: string[]) {
  const all = readSites(image);
  const sites = chooseSites(all, image.name, patterns);
  const ask = askWith();
  const answer = (placement: Placement): Promise<Answer> =>
    ask(patchSites(image, all, placement), question);
  const explore = async (placement: Placement): Promise<Finding> =>
    findingOf(await answer(placement));
  return { sites, explore, answer };
}

export function findingOf({ failure, exploration }: Answer): Finding {
  const { machineStates: states, bound, storesInLoop } = exploration;
  if (failure && failure.verdict !== "right") {
    const loops = failure.verdict === "endless";
    return { verdict: "broken", states, schedule: failure.schedule, loops };
  }
  if (bound) return { verdict: "undecided", states, bound };
  return { verdict: "safe", states, loops: storesInLoop };
}
