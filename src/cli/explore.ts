// smpbox explore IMAGE --entry f,g: functions of an image on a few CPUs, every interleaving.
import type { Command } from "commander";
import { type Answer, ask, type Question } from "../engine/explore-image.ts";
import { readCapsule } from "../engine/capsule-file.ts";
import { type Piece, piecesOf } from "../engine/explore-snapshot.ts";
import { openImage } from "../engine/files.ts";
import { witnessRows } from "../engine/witness.ts";
import {
  explorationLines, modelText, namingOf, shownSteps, stateLine, verdictText,
} from "../report/exploration.ts";
import { Machine } from "../index.ts";
import { readElf } from "../machine/elf.ts";
import type { ImageFile } from "../machine/image.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseChoice, parseCount, shellLine, u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";

interface ExploreOptions {
  entry: string;
  predicate?: string;
  model: "tso" | "sc" | "stall";
  maxStates?: number;
  runs?: number;
  depth: number;
  seed: bigint;
  reduce: boolean;
  replay?: string;
  json?: boolean;
}

const STATES_MAX = 2_000_000_000;

export function exploreVerb(program: Command, act: Act): void {
  program
    .command("explore")
    .description("functions of an image on 1 to 4 CPUs at once: every interleaving, every drain")
    .argument("<image>", "explore, ... or the path of an ELF file; or a capsule with a " +
      "snapshot (run --record FILE.sbx --snapshot-at CYCLE), whose memory they begin with")
    .requiredOption("--entry <f,g>", "a function for each CPU: f, f(1), f(0x10,&symbol)")
    .option("--predicate <p>", "must hold at the end: a function of the image that returns it, " +
      'or "count == 2 && taken:4[0] <= 1"')
    .option("--model <model>", "tso, sc, or stall: loads wait for stores that cover them in part",
      parseChoice("tso", "sc", "stall"), "tso")
    .option("--max-states <n>", "machine states at most", parseCount(1, STATES_MAX))
    .option("--no-reduce", "without partial-order reduction")
    .option("--runs <n>", "so many random runs in place of all", parseCount(1, 1_000_000_000))
    .option("--depth <n>", "with --runs: priorities that change n - 1 times; 0: at random",
      parseCount(0, 100), 0)
    .addOption(u64Option("--seed <n>", "with --runs: 64-bit seed", 1n))
    .option("--replay <schedule>", "one run, by the schedule that a failure printed")
    .option("--json", "print one JSON document")
    .action((image: string, options: ExploreOptions) =>
      act((signal) => explore(image, options, signal)));
}

async function explore(
  image: string, options: ExploreOptions, signal: AbortSignal,
): Promise<number> {
  const { entry, predicate, model, maxStates: statesMax, runs, depth, seed } = options;
  const question: Question = {
    entries: entry, predicate, model, statesMax, runs, depth, seed,
    reduce: options.reduce, replay: options.replay,
  };
  const { file, memory } = await opened(image);
  const progress = new Progress();
  const what = runs === undefined ? "machine states" : "runs";
  const answer = await ask(file, { ...question, memory }, {
    signal, onProgress: (count) => progress.update(() => `${short(count)} ${what}`),
  });
  progress.clear();
  const reproduce = (schedule: string) => reproduceLine(image, question, schedule);
  if (options.json) {
    await printDocument(image, question, answer, reproduce);
  } else {
    const lines = await explorationLines(image, question, answer, reproduce);
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return signal.aborted ? EXIT.interrupted : exitOf(answer);
}

const CAPSULE = ".sbx";

/** The image, and where it has run already its memory. */
async function opened(image: string): Promise<{ file: ImageFile; memory?: Piece[] }> {
  if (!image.endsWith(CAPSULE)) return { file: openImage(image) };
  const capsule = await readCapsule(image);
  const file = capsule.options.image;
  try {
    return { file, memory: await piecesOf(capsule, readElf(file.bytes, file.name)) };
  } finally {
    await Machine.shutdown();
  }
}

function exitOf({ failure, exploration }: Answer): number {
  if (failure && failure.verdict !== "right") return EXIT.failed;
  return exploration.bound ? EXIT.budget : EXIT.held;
}

function reproduceLine(image: string, question: Question, schedule: string): string {
  const { entries, predicate, model = "tso" } = question;
  const words = ["smpbox", "explore", image, "--entry", entries];
  if (predicate !== undefined) words.push("--predicate", predicate);
  if (model !== "tso") words.push("--model", model);
  return shellLine([...words, "--replay", schedule]);
}

async function printDocument(
  image: string, question: Question, answer: Answer, reproduce: (schedule: string) => string,
): Promise<void> {
  const { calls, finals, failure, exploration } = answer;
  const { bound, endless, machineStates, transitions, instructions, seconds } = exploration;
  const naming = await namingOf(answer);
  const steps = shownSteps(answer, naming);
  printJson({
    schema: "smpbox-explore-1",
    image,
    seed: question.seed,
    entries: calls,
    predicate: question.predicate,
    model: modelText(question, answer),
    states: finals.map((final) => ({
      state: stateLine(answer, final), verdict: final.verdict, count: final.count,
    })),
    holds: !failure || failure.verdict === "right",
    complete: !bound && question.runs === undefined && question.replay === undefined,
    verdict: verdictText(question, answer),
    failure: failure && {
      verdict: failure.verdict,
      schedule: failure.schedule,
      witness: steps.length ? witnessRows(steps, calls.length, naming) : undefined,
      reproduce: reproduce(failure.schedule),
    },
    incomplete: bound,
    endless: endless !== undefined,
    machineStates,
    transitions,
    instructions,
    seconds,
  });
}
