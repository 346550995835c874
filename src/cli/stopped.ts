// A machine to look at: an image that has run with the options given, a case, or a capsule that has
// run again and come out as recorded; to its end, or to a cycle.
import type { Command } from "commander";
import type { Case, CaseSpec } from "../cases/case.ts";
import { CASES, findCase } from "../cases/index.ts";
import { optionsOf } from "../cases/runner.ts";
import { type Capsule } from "../engine/capsule.ts";
import { readCapsule } from "../engine/capsule-file.ts";
import { loadPreset } from "../engine/host.ts";
import { type CreateOptions, InputError, Machine, type RunResult } from "../index.ts";
import { memoryNote } from "../report/memory-model.ts";
import { addRunOptions, pairsFor, type RunOptions, shapeOf } from "./case-spec.ts";
import { disksOf } from "./disk-options.ts";
import { addMachineOptions, type MachineOptions } from "./machine-options.ts";
import { parsePair, u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";

const MACHINE = "clovertown";

/** What is looked at, of those that addSubjectOptions() gives options. */
export interface SubjectOptions extends MachineOptions, RunOptions {
  machine?: string;
  pair?: [number, number];
  /** Options of the command line, be they as the default is or not: "maxCycles". */
  given?: readonly string[];
}

export interface StoppedOptions extends SubjectOptions {
  at: bigint;
}

export interface Stopped {
  machine: Machine;
  /** Undefined when it stands at the cycle asked for. */
  result?: RunResult;
  image: string;
  seed: bigint;
  /** "adversarial drains" where they are. */
  note: string;
}

/** The options of a run of an image or a case, for a verb that looks at its machine. */
export function addSubjectOptions(command: Command): Command {
  return addRunOptions(addMachineOptions(command), "of a case: ")
    .option("--pair <s,r>", "of a case: CPUs of submitter and reaper", parsePair)
    .option("--machine <name>", `preset or JSON file (${MACHINE}; of a case, its own)`)
    .hook("preAction", (_, verb) => {
      const given = Object.keys(verb.opts()).filter((name) =>
        verb.getOptionValueSource(name) === "cli");
      verb.setOptionValue("given", given);
    });
}

/** And where it is to stop. */
export function addStoppedOptions(command: Command): Command {
  return addSubjectOptions(command)
    .addOption(u64Option("--at <cycle>", "stop at this cycle; 0: at the end", 0n));
}

/** What a subject has of its own: given all the same, an option says what to do instead. */
function refuse(subject: string, options: SubjectOptions, advice: Record<string, string>): void {
  const given = (option: string) => options.given?.includes(
    option.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase()));
  const wrong = Object.keys(advice).find(given);
  if (wrong) throw new InputError(`${subject} takes no ${wrong}: ${advice[wrong]}`);
}

const OF_CASE = {
  "--cpus": "a case is of all CPUs of a machine; choose another --machine",
  "--append": "its kernel parameters are those of its program; run its image for others",
  "--disks": "it has disks of its own; --disk changes what they are like",
};
const every = (advice: string, ...options: string[]) =>
  Object.fromEntries(options.map((option) => [option, advice]));
const OF_RUN = ["--variant", "--workload", "--rounds", "--inflight", "--pair"];
const OF_IMAGE = every(
  "that chooses a run of a case; an image gets its words by --append", ...OF_RUN);
const OF_CAPSULE = every(
  "it is a recorded run; record another with smpbox run --record", ...OF_RUN, "--window",
  "--machine", "--cpus", "--set", "--seed", "--memory", "--append", "--max-cycles", "--disks",
  "--disk", "--irq");

/** Of the runs that `case` makes with the same options the one with this seed. */
export async function specOf(definition: Case, options: SubjectOptions): Promise<CaseSpec> {
  const shape = shapeOf(definition, options);
  const preset = await loadPreset(shape.machine, options.set);
  // With no --pair, the CPUs that are farthest from each other.
  return { ...shape, pair: pairsFor(definition, preset, options).at(-1)!, seed: options.seed };
}

export async function caseOptions(
  definition: Case, options: SubjectOptions,
): Promise<CreateOptions> {
  const run = await optionsOf(definition, await specOf(definition, options));
  return { ...run, traceEvents: 0, maxCycles: options.maxCycles || run.maxCycles };
}

/** The machine for `subject`, a capsule FILE.sbx, a case or an image, before it runs. */
export async function createStopped(
  subject: string, options: SubjectOptions, more: Partial<CreateOptions> = {},
): Promise<Stopped & { capsule?: Capsule }> {
  const capsule = subject.endsWith(".sbx") ? await readCapsule(subject) : undefined;
  const { machine = MACHINE, workers } = options;
  let created: CreateOptions;
  if (capsule) {
    refuse(subject, options, OF_CAPSULE);
    created = { ...capsule.options, workers, ...more };
  } else if (CASES.some(({ id }) => id === subject)) {
    refuse(`case ${subject}`, options, OF_CASE);
    created = { ...(await caseOptions(findCase(subject), options)), workers, ...more };
  } else {
    refuse(subject, options, OF_IMAGE);
    const disks = disksOf(machine, options);
    created = {
      ...options, machine, image: subject, changes: options.set, windowCycles: options.window,
      ...disks, ...more,
    };
  }
  return {
    machine: await Machine.create(created),
    image: capsule ? capsule.options.image.name : subject,
    seed: created.seed ?? 1n,
    note: memoryNote(created.memory ?? "tso") ?? "",
    capsule,
  };
}

/** Runs `subject` and leaves the machine as it stopped. */
export async function openStopped(
  subject: string,
  options: StoppedOptions,
  signal: AbortSignal,
  more: Partial<CreateOptions> = {},
): Promise<Stopped> {
  const { capsule, ...stopped } = await createStopped(subject, options, more);
  const { machine } = stopped;
  const progress = new Progress();
  const hooks = {
    signal,
    onProgress: (now: bigint) => progress.update(() => `${short(now)} cycles`),
  };
  const result = options.at
    ? await machine.runTo(options.at, hooks)
    : await machine.run(hooks);
  progress.clear();
  if (capsule && result) requireSame(subject, capsule, result);
  return { ...stopped, result };
}

export function requireSame(file: string, { end }: Capsule, result: RunResult): void {
  if (result.exit === "cancelled") return;
  if (result.cycles === end.cycles && result.stateHash === end.stateHash) return;
  throw new InputError(`${file}: the run comes out different here; see smpbox replay ${file}`);
}
