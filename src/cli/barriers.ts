// smpbox barriers: which barriers suffice, and where: every placement explored.
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { costOf } from "../engine/barrier-cost.ts";
import { imageSurvey, type Trial } from "../engine/barriers.ts";
import type { Question } from "../engine/explore-image.ts";
import { loadPreset, openImage } from "../engine/files.ts";
import { InputError } from "../index.ts";
import type { ImageFile } from "../machine/image.ts";
import { type Kind, patchSites, type Placement, readSites } from "../machine/sites.ts";
import { type Measured, placementText } from "../report/barriers.ts";
import { placementChart } from "../report/barriers-chart.ts";
import { explorationLines } from "../report/exploration.ts";
import { printCost } from "./barriers-cost.ts";
import { litmusBarriers } from "./barriers-litmus.ts";
import { printCompletions, printMatrix } from "./barriers-matrix.ts";
import { type BarrierOptions, narrowed, print, RUNS, surveyed } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseCount, parseList, shellLine, u64Option } from "./options.ts";
import { checkWritable, writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

export function barriersVerb(program: Command, act: Act): void {
  program
    .command("barriers")
    .description("which barriers suffice, and where: every placement, every interleaving")
    .argument("[what]", "an image with barrier sites, FILE.litmus, or 001 with --matrix")
    .option("--entry <f,g>", "a function for each CPU: f, f(1), f(0x10,&symbol)")
    .option("--predicate <p>", "must hold at the end, as for smpbox explore")
    .option("--sites <names>", "only these sites; * stands for any text", parseList)
    .option("--kinds <kinds>", "only these: none, sfence, lfence, mfence, lock, xchg, plain",
      parseList)
    .option("--at <site=kind,...>", "one placement, and the run that breaks it step by step")
    .option("-o, --output <file>", "with --at: write the image with these barriers")
    .option("--prove", "explore every placement; imply none from others")
    .option("--max-states <n>", "machine states of each at most", parseCount(1, 2_000_000_000))
    .option("--machines <names>", "what the minimal ones cost there, in cycles", parseList)
    .option("--runs <n>", "with --machines: of each placement (1000); with --cost: samples (101)",
      parseCount(10, 1_000_000))
    .addOption(u64Option("--seed <n>", "with --machines or --cost: 64-bit seed", 1n))
    .option("--cost", "what each kind costs behind stores that wait, on --machine")
    .option("--machine <name>", "with --cost: preset or JSON file", "clovertown")
    .option("--svg <file>", "with --cost or --machines: a chart of the costs")
    .option("--matrix", "001: every aio_complete() with every way to wait")
    .option("--all", "list every placement")
    .option("--json", "print one JSON document")
    .action((what: string | undefined, options: BarrierOptions) =>
      act((signal) => barriers(what, options, signal)));
}

function barriers(
  what: string | undefined, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const { svg, machines, matrix, output } = options;
  // What is wrong is said before the work.
  machines?.forEach((name) => loadPreset(name));
  if (output !== undefined) checkWritable("--output", output);
  if (options.cost && (what !== undefined || machines)) {
    throw new InputError("--cost: takes no image, and one machine with --machine");
  }
  if (svg !== undefined && !options.cost && (!machines || matrix || what === "001")) {
    throw new InputError("--svg: draws what --cost measures, or --machines of an image");
  }
  if (svg !== undefined) checkWritable("--svg", svg);
  if (options.cost) return printCost(options.machine, options, signal);
  if (what === undefined) {
    throw new InputError("name an image with barrier sites, a .litmus file, 001 --matrix, " +
      "or --cost");
  }
  if (options.matrix) return printMatrix(what, options.json, signal);
  if (options.entry === undefined && options.machines) {
    const { machines, runs = RUNS, seed, json } = options;
    return printCompletions(what, machines, runs, seed, json, signal);
  }
  if (what.endsWith(".litmus")) return litmusBarriers(what, options, signal);
  if (options.entry === undefined) {
    throw new InputError("--entry: name a function for each CPU, such as --entry f,g");
  }
  const question: Question = {
    entries: options.entry, predicate: options.predicate, statesMax: options.maxStates,
  };
  return options.at === undefined && options.output === undefined
    ? imageBarriers(what, question, options, signal)
    : onePlacement(what, question, options);
}

async function imageBarriers(
  what: string, question: Question, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const { sites, explore } = imageSurvey(openImage(what), question, options.sites);
  const choices = narrowed(sites, options.kinds);
  const trials = await surveyed(choices, explore, options, signal);
  if (signal.aborted) return EXIT.interrupted;
  const safe = trials.some(({ verdict }) => verdict === "safe");
  const inOrder = () => imageSurvey(openImage(what), { ...question, model: "sc" }, options.sites)
    .explore(trials[0].placement);
  const order = safe ? undefined : (await inOrder()).verdict === "safe";
  const broken = trials.find(({ verdict }) => verdict === "broken");
  const why = broken && shellLine([...wordsOf(what, question), "--at",
    placementText(broken.placement)]);
  const places = Object.fromEntries(sites.map((site) =>
    [site.name, site.places.map(({ lin }) => lin)]));
  const costs = await measure(openImage(what), question, trials, options, signal);
  if (signal.aborted) return EXIT.interrupted;
  if (options.svg !== undefined) writeOutput("--svg", options.svg, placementChart(what, costs));
  return print(what, choices, trials, { order, why, places, question, options, costs });
}

/** The minimal placements and the program without any; for --all and for a chart every one. */
async function measure(
  image: ImageFile, question: Question, trials: readonly Trial[], options: BarrierOptions,
  signal: AbortSignal,
): Promise<[string, Measured[]][]> {
  const sites = readSites(image);
  const every = options.all || options.svg !== undefined;
  const wanted = trials.filter(({ minimal }, i) => every || minimal || i === 0);
  const progress = new Progress();
  const costs: [string, Measured[]][] = [];
  for (const machine of options.machines ?? []) {
    const measured: Measured[] = [];
    for (const { placement, verdict } of wanted) {
      if (signal.aborted) return [];
      const patched = patchSites(image, sites, placement);
      const cost = await costOf(patched, question, machine, options.runs ?? RUNS, options.seed);
      measured.push({ placement, verdict, cost });
      progress.update(() => `${machine}: ${measured.length} of ${wanted.length} placements`);
    }
    costs.push([machine, measured]);
  }
  progress.clear();
  return costs;
}

function wordsOf(what: string, { entries, predicate }: Question): string[] {
  const words = ["smpbox", "barriers", what, "--entry", entries];
  return predicate === undefined ? words : [...words, "--predicate", predicate];
}

/** One placement as `smpbox explore` shows it. */
async function onePlacement(
  what: string, question: Question, options: BarrierOptions,
): Promise<number> {
  const image = openImage(what);
  const sites = readSites(image);
  const placement = placementOf(options.at ?? "none");
  if (options.output !== undefined) {
    const { bytes } = patchSites(image, sites, placement);
    writeFileSync(options.output, bytes, { mode: 0o755 });
  }
  const found = await imageSurvey(image, question).answer(placement);
  const at = placementText(placement);
  const line = shellLine([...wordsOf(what, question), "--at", at]);
  const title = `${what} with ${at === "none" ? "no barrier" : at}`;
  const lines = await explorationLines(title, question, found, () => line);
  if (options.json) {
    printJson({
      schema: "smpbox-barriers-at-1", image: what, placement: Object.fromEntries(placement),
      failure: found.failure?.schedule, report: lines,
    });
  } else {
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return EXIT.held;
}

function placementOf(text: string): Placement {
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
