// smpbox barriers: which barriers suffice, and where: every placement explored.
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import {
  BARRIER_IMAGE, type BarrierProgram, barrierPrograms,
} from "../cases/barrier-programs.ts";
import { imageSurvey } from "../engine/barriers.ts";
import type { Question } from "../engine/explore-image.ts";
import { loadPreset, openImage } from "../engine/files.ts";
import { InputError } from "../index.ts";
import { patchSites, readSites } from "../machine/sites.ts";
import { placementText, wrapped } from "../report/barriers.ts";
import { placementChart } from "../report/barriers-chart.ts";
import { explorationLines } from "../report/exploration.ts";
import { printCompletions } from "./barriers-completions.ts";
import { printCost } from "./barriers-cost.ts";
import { litmusBarriers } from "./barriers-litmus.ts";
import { printMatrix } from "./barriers-matrix.ts";
import { imageShown, wordsOf } from "./barriers-image.ts";
import {
  type BarrierOptions, documentOf, exitOf, linesOf, placementOf, print,
} from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseCount, parseList, shellLine, u64Option } from "./options.ts";
import { checkWritable, writeOutput } from "./output-file.ts";

export function barriersVerb(program: Command, act: Act): void {
  program
    .command("barriers")
    .description("which barriers suffice, and where: every placement, every interleaving")
    .argument("[what]", "an image with barrier sites, FILE.litmus, or a case: 000 to 004, M, wM4")
    .option("--entry <f,g>", "a function for each CPU: f, f(1), f(0x10,&symbol)")
    .option("--predicate <p>", "must hold at the end, as for smpbox explore")
    .option("--sites <names>", "only these sites; * stands for any text", parseList)
    .option("--kinds <kinds>", "only these: none, sfence, lfence, mfence, lock, xchg, plain; " +
      "of a litmus test, which has no stack, not lock and xchg", parseList)
    .option("--at <site=kind,...>", "one placement, and the run that breaks it step by step")
    .option("-o, --output <file>", "with --at: write the image with these barriers")
    .option("--prove", "explore every placement; imply none from others")
    .option("--max-states <n>", "machine states of each at most", parseCount(1, 2_000_000_000))
    .option("--machines <names>", "what the minimal ones cost there, in cycles", parseList)
    .option("--runs <n>", "with --machines: of each placement (1000); with --cost: samples (101)",
      parseCount(10, 1_000_000))
    .addOption(u64Option("--seed <n>", "with --machines or --cost: 64-bit seed", 1n))
    .option("--seeds <n>", "with --machines: as many runs of each of n seeds", parseCount(1, 1000))
    .option("--cost", "what each kind costs behind stores that wait, on --machine")
    .option("--machine <name>", "with --cost: preset or JSON file", "clovertown")
    .option("--svg <file>", "with --cost or --machines: a chart of the costs")
    .option("--matrix", "001, 003, M: every way to write one side with every other")
    .option("--all", "list every placement")
    .option("--json", "print one JSON document")
    .action((what: string | undefined, options: BarrierOptions) =>
      act((signal) => barriers(what, options, signal)));
}

async function barriers(
  what: string | undefined, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const { svg, machines, matrix, output } = options;
  // What is wrong is said before the work.
  machines?.forEach((name) => loadPreset(name));
  if (output !== undefined) checkWritable("--output", output);
  if (options.cost && (what !== undefined || machines)) {
    throw new InputError("--cost: takes no image, and one machine with --machine");
  }
  if (svg !== undefined && !options.cost && (!machines || matrix)) {
    throw new InputError("--svg: draws what --cost or --machines measures");
  }
  refuseUnused(what, options);
  if (options.seeds !== undefined && !machines) {
    throw new InputError("--seeds: is for --machines, whose runs it repeats");
  }
  if (svg !== undefined) checkWritable("--svg", svg);
  if (options.cost) return printCost(options.machine, options, signal);
  if (what === undefined) {
    throw new InputError("name an image with barrier sites, a .litmus file, 001 --matrix, " +
      "or --cost");
  }
  if (options.matrix) return printMatrix(what, options, signal);
  if (what.endsWith(".litmus")) return litmusBarriers(what, options, signal);
  const programs = options.entry === undefined ? barrierPrograms(what) : undefined;
  if (what === "001" && programs && options.machines) {
    return printCompletions(options, signal);
  }
  if (programs && programs.length > 1) return caseBarriers(what, programs, options, signal);
  if (programs) {
    const [{ entries, predicate, sites }] = programs;
    const own = { ...options, sites: options.sites ?? sites };
    return imageBarriers(BARRIER_IMAGE, { entries, predicate }, own, signal);
  }
  if (options.entry === undefined) {
    throw new InputError("--entry: name a function for each CPU, such as --entry f,g; or a case: " +
      "000 to 004, M");
  }
  return imageBarriers(
    what, { entries: options.entry, predicate: options.predicate }, options, signal);
}

/** Options that would say nothing, by what is asked for. */
function refuseUnused(what: string | undefined, options: BarrierOptions): void {
  const one = options.at !== undefined || options.output !== undefined;
  const modes = [
    {
      asked: options.matrix, is: "--matrix: is all of a case",
      unused: ["machines", "sites", "kinds", "at", "output", "entry", "predicate", "prove",
        "maxStates"],
    },
    {
      asked: options.cost, is: "--cost: measures every kind",
      unused: ["sites", "kinds", "at", "output", "entry", "predicate", "prove", "maxStates", "all"],
    },
    {
      asked: what === "001" && options.machines && options.entry === undefined,
      is: "001 --machines: measures its completions",
      unused: ["sites", "kinds", "at", "output", "predicate", "prove", "maxStates", "all"],
    },
    {
      asked: one, is: "--at, --output: are about one placement",
      unused: ["machines", "kinds", "prove", "all"],
    },
  ] as const;
  for (const { asked, is, unused } of modes) {
    const name = asked && unused.find((option) => options[option] !== undefined);
    if (!name) continue;
    throw new InputError(`${is}; leave --${name === "maxStates" ? "max-states" : name} out`);
  }
}

async function imageBarriers(
  what: string, asked: Question, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const question = { ...asked, statesMax: options.maxStates };
  if (options.at !== undefined || options.output !== undefined) {
    return onePlacement(what, question, options);
  }
  const shown = await imageShown(what, question, options, signal);
  if (!shown) return EXIT.interrupted;
  if (options.svg !== undefined) {
    writeOutput("--svg", options.svg, placementChart(what, shown.costs ?? []));
  }
  return print(shown);
}

/** Each program of a case. */
async function caseBarriers(
  id: string, programs: readonly BarrierProgram[], options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const single = (["svg", "at", "output", "sites"] as const).find((name) => options[name]);
  if (single) {
    const names = programs.map((program) => program.id).join(", ");
    throw new InputError(
      `--${single}: is about one program; instead of ${id} name one of ${names}`);
  }
  const documents: object[] = [];
  let code: number = EXIT.held;
  for (const { id: name, what, entries, predicate, sites } of programs) {
    const question: Question = { entries, predicate, statesMax: options.maxStates };
    const shown = await imageShown(BARRIER_IMAGE, question, { ...options, sites }, signal);
    if (!shown) return EXIT.interrupted;
    code = Math.max(code, exitOf(shown));
    if (options.json) documents.push({ id: name, what, ...documentOf(shown) });
    else {
      const lines = [...(name === programs[0].id ? [] : ["", ""]), wrapped(`${name}: ${what}`),
        ...linesOf(shown)];
      process.stdout.write(`${lines.join("\n")}\n`);
    }
  }
  if (options.json) {
    printJson({ schema: "smpbox-barriers-case-1", case: id, programs: documents });
  }
  return code;
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
