// smpbox barriers: what the surveys of an image and of a litmus file have in common: the options,
// the progress, and what is printed.
import { wilson } from "../cases/numbers.ts";
import { survey, type SurveyOptions, type Trial } from "../engine/barriers.ts";
import type { Question } from "../engine/explore-image.ts";
import { loadPreset } from "../engine/files.ts";
import { InputError } from "../index.ts";
import { cpuCount } from "../machine/preset.ts";
import type { Kind, Placement } from "../machine/sites.ts";
import {
  costTable, type Measured, surveySentence, surveyTable, wrapped,
} from "../report/barriers.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { parseList } from "./options.ts";
import { Progress } from "./progress.ts";

/** Of each placement, on a machine. */
export const RUNS = 1000;

export interface BarrierOptions {
  entry?: string;
  predicate?: string;
  sites?: string[];
  kinds?: string[];
  at?: string;
  output?: string;
  prove?: boolean;
  maxStates?: number;
  machines?: string[];
  runs?: number;
  seed: bigint;
  seeds?: number;
  matrix?: boolean;
  cost?: boolean;
  machine: string;
  svg?: string;
  all?: boolean;
  json?: boolean;
}

/** Functions that take turns on one CPU say nothing about it. */
export function checkMachines(machines: readonly string[] = [], threads: number): void {
  for (const name of machines) {
    const count = cpuCount(loadPreset(name));
    if (count >= threads) continue;
    const has = `${name} has ${count === 1 ? "one CPU" : `${count} CPUs`}`;
    throw new InputError(`--machines: ${has}, and ${threads} are needed; name a larger one`);
  }
}

export async function surveyed(
  choices: Parameters<typeof survey>[0], explore: Parameters<typeof survey>[1],
  { prove }: BarrierOptions, signal: AbortSignal,
): Promise<Trial[]> {
  const progress = new Progress();
  const onDone: SurveyOptions["onDone"] = (done, count) =>
    progress.update(() => `${done} of ${count} placements`);
  const trials = await survey(choices, explore, { prove, signal, onDone });
  progress.clear();
  return trials;
}

/** Without the kinds that nobody wants; the first one of a site stays. */
export function narrowed<T extends { name: string; kinds: readonly Kind[] }>(
  sites: readonly T[], kinds: string[] | undefined,
): T[] {
  if (!kinds) return [...sites];
  const known = new Set<string>(["plain", "none", "sfence", "lfence", "mfence", "lock", "xchg"]);
  const wrong = kinds.find((kind) => !known.has(kind));
  if (wrong) throw new InputError(`--kinds ${wrong}: choose from ${[...known].join(", ")}`);
  const there = new Set<string>(sites.flatMap((site) => site.kinds));
  const nowhere = kinds.find((kind) => !there.has(kind));
  if (nowhere) {
    throw new InputError(`--kinds ${nowhere}: these sites have ${[...there].join(", ")}`);
  }
  return sites.map((site) => ({
    ...site, kinds: site.kinds.filter((kind, i) => i === 0 || kinds.includes(kind)),
  }));
}

/** What came out for one program. */
export interface Shown {
  what: string;
  choices: Parameters<typeof survey>[0];
  trials: Trial[];
  /** Is it right in program order? Asked where no placement helps. */
  order?: boolean;
  why?: string;
  places?: Record<string, bigint[]>;
  question?: Question;
  options: BarrierOptions;
  costs?: [string, Measured[]][];
  seconds: number;
}

export function print(shown: Shown): number {
  if (shown.options.json) {
    printJson({ schema: "smpbox-barriers-1", ...documentOf(shown) });
  } else {
    process.stdout.write(`${linesOf(shown).join("\n")}\n`);
  }
  return exitOf(shown);
}

export const exitOf = ({ trials }: Shown) =>
  (trials.some(({ verdict }) => verdict === "undecided") ? EXIT.budget : EXIT.held);

function sentenceOf({ choices, trials, order, question, options }: Shown): string {
  return surveySentence(trials, choices, {
    order, narrowed: options.kinds !== undefined,
    endsOnly: question !== undefined && question.predicate === undefined,
  });
}

export function documentOf(shown: Shown) {
  const { what, choices, trials, places, question, options, costs = [], seconds } = shown;
  return {
    image: what,
    entries: question?.entries,
    predicate: question?.predicate,
    sites: choices.map(({ name, kinds }) => ({ name, kinds, places: places?.[name] })),
    placements: trials.map(({ placement, impliedBy, ...rest }) => ({
      placement: Object.fromEntries(placement),
      ...rest,
      impliedBy: impliedBy && Object.fromEntries(impliedBy),
    })),
    verdict: sentenceOf(shown),
    explored: trials.filter(({ impliedBy }) => !impliedBy).length,
    seconds,
    costs: costs.flatMap(([machine, measured]) => measured.map(({ cost, ...one }) => ({
      machine, ...one, placement: Object.fromEntries(one.placement), seed: options.seed,
      seeds: options.seeds ?? 1, ...cost,
      ci95: cost.failures === undefined ? undefined : wilson(cost.failures, cost.runs),
    }))),
  };
}

export function linesOf(shown: Shown): string[] {
  const { what, choices, trials, why, options, costs = [] } = shown;
  const undecided = trials.some(({ verdict }) => verdict === "undecided");
  const explored = trials.filter(({ impliedBy }) => !impliedBy).length;
  const count = `${trials.length} placements, ${explored} explored on x86-TSO`;
  const lines = [
    `Barriers ${what}: ${count}${undecided ? "" : ", every interleaving"}`, "",
    ...surveyTable(trials, choices, options.all ?? false), "",
    wrapped(sentenceOf(shown)),
  ];
  if (why) lines.push(`why: ${why}`);
  for (const [machine, measured] of costs) {
    const runs = `${(options.runs ?? RUNS) * (options.seeds ?? 1)} runs of each`;
    const title = `${machine}: cycles of all functions together, ${runs}`;
    const clock = measured[0]?.cost.clock ?? 0;
    lines.push("", wrapped(`${title} (in-order approximation); median and p99 of those that ` +
      `ended well; ${clock} cycles for the clock, which empty functions take, are taken off`),
      ...costTable(measured, choices));
  }
  return lines;
}

/** What --at says. */
export function placementOf(text: string): Placement {
  const items = text === "none" ? [] : parseList(text);
  const names = items.map((item) => item.split("=")[0]);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new InputError(`--at: ${twice} is there twice`);
  return new Map(items.map((item) => {
    const match = /^(.+)=([a-z]+)$/.exec(item);
    if (!match) throw new InputError(`--at ${item}: write site=kind, such as wake=mfence, or none`);
    return [match[1], match[2] as Kind];
  }));
}
