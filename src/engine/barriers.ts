// Which barriers suffice: every choice of a kind for each site is put into the program and
// explored. More order never allows another final state, so where there are many choices one
// verdict decides those above or below it. That is not so of loops that need not end: more order
// may take away the only way out of one. A verdict with such a loop decides nothing else.
import type { ImageFile } from "../machine/image.ts";
import { InputError } from "../machine/input.ts";
import { type Kind, patchSites, type Placement, readSites, type Site } from "../machine/sites.ts";
import { breathe } from "./breathe.ts";
import { type Answer, askWith, type Question } from "./explore-image.ts";

/** What can be chosen, whatever it is that is patched. */
export type Choice = Pick<Site, "name" | "kinds">;

export interface Finding {
  verdict: "safe" | "broken" | "undecided";
  /** Machine states that were looked at. */
  states: number;
  /** Shows the failure: smpbox explore --replay. */
  schedule?: string;
  /** Why it is undecided. */
  bound?: string;
  /** The program has a loop that need not end: the verdict says nothing of other placements. */
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
const PLACEMENTS_MAX = 100_000;

/** Of full fences none is weaker than another: all wait until the store buffer is empty. */
function strength(kind: Kind): number {
  if (kind === "none" || kind === "plain") return 0;
  return kind === "sfence" || kind === "lfence" ? 1 : 2;
}

/** Does b order at least what a does? SFENCE and LFENCE order different things. */
function atMost(a: Placement, b: Placement): boolean {
  return [...a].every(([name, kind]) => {
    const other = b.get(name)!;
    const [s, t] = [strength(kind), strength(other)];
    return kind === other || s < t || (s === t && s === 2);
  });
}

export function isFull(kind: Kind): boolean {
  return strength(kind) === 2;
}

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

function allPlacements(choices: readonly Choice[]): Placement[] {
  const count = choices.reduce((product, { kinds }) => product * kinds.length, 1);
  if (count > PLACEMENTS_MAX) {
    throw new InputError(`${count} placements are too many: choose sites with --sites, or kinds ` +
      "with --kinds none,mfence");
  }
  let all: [string, Kind][][] = [[]];
  for (const { name, kinds } of choices) {
    all = all.flatMap((front) => kinds.map((kind) => [...front, [name, kind] as [string, Kind]]));
  }
  return all.map((items) => new Map(items));
}

const weight = (placement: Placement) =>
  [...placement.values()].reduce((sum, kind) => sum + strength(kind), 0);

/** Every placement with its verdict, weakest first. */
export async function survey(
  choices: readonly Choice[], explore: (placement: Placement) => Promise<Finding> | Finding,
  options: SurveyOptions = {},
): Promise<Trial[]> {
  const all = allPlacements(choices).sort((a, b) => weight(a) - weight(b));
  const imply = !options.prove && all.length > EXPLORED_ALL;
  // If the strongest does not do, none does.
  const order = imply ? [all.at(-1)!, ...all.slice(0, -1)] : all;
  const trials = new Map<Placement, Trial>();
  for (const placement of order) {
    if (options.signal?.aborted) break;
    const known = imply ? impliedBy(placement, trials.values()) : undefined;
    const finding = known
      ? { verdict: known.verdict, states: 0, impliedBy: known.placement }
      : await explore(placement);
    trials.set(placement, { ...finding, placement, minimal: false });
    options.onDone?.(trials.size, all.length);
    await breathe();
  }
  const done = all.flatMap((placement) => trials.get(placement) ?? []);
  const safe = done.filter(({ verdict }) => verdict === "safe");
  for (const trial of safe) {
    trial.minimal = !safe.some(({ placement }) =>
      atMost(placement, trial.placement) && !atMost(trial.placement, placement));
  }
  return done;
}

function impliedBy(placement: Placement, trials: Iterable<Trial>): Trial | undefined {
  for (const trial of trials) {
    if (trial.impliedBy || trial.loops) continue;
    if (trial.verdict === "safe" && atMost(trial.placement, placement)) return trial;
    if (trial.verdict === "broken" && atMost(placement, trial.placement)) return trial;
  }
  return undefined;
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
  const { machineStates: states, bound, cyclic } = exploration;
  if (failure && failure.verdict !== "right") {
    const loops = failure.verdict === "endless";
    return { verdict: "broken", states, schedule: failure.schedule, loops };
  }
  if (bound) return { verdict: "undecided", states, bound };
  return { verdict: "safe", states, loops: cyclic };
}
