// A machine to look at: an image that has run with the options given, a case, or a capsule that has
// run again and come out as recorded; to its end, or to a cycle.
import type { Command } from "commander";
import type { Case } from "../cases/case.ts";
import { CASES, findCase } from "../cases/index.ts";
import { optionsOf } from "../cases/runner.ts";
import { type Capsule } from "../engine/capsule.ts";
import { readCapsule } from "../engine/capsule-file.ts";
import { loadPreset } from "../engine/host.ts";
import { type CreateOptions, InputError, Machine, type RunResult } from "../index.ts";
import { memoryNote } from "../report/memory-model.ts";
import { disksOf } from "./disk-options.ts";
import { addMachineOptions, type MachineOptions } from "./machine-options.ts";
import { u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";

const MACHINE = "clovertown";
const CASE_ROUNDS = 4000;

export interface StoppedOptions extends MachineOptions {
  machine?: string;
  at: bigint;
  /** Options of the command line, be they as the default is or not: "maxCycles". */
  given?: readonly string[];
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

/** The options of a run, for a verb that looks at the machine afterwards. */
export function addStoppedOptions(command: Command): Command {
  return addMachineOptions(command)
    .option("--machine <name>", "preset or JSON file (clovertown; of a case, its own)")
    .addOption(u64Option("--at <cycle>", "stop at this cycle; 0: at the end", 0n))
    .hook("preAction", (_, verb) => {
      const given = Object.keys(verb.opts()).filter((name) =>
        verb.getOptionValueSource(name) === "cli");
      verb.setOptionValue("given", given);
    });
}

/** What a subject has of its own: given all the same, an option says what to do instead. */
function refuse(subject: string, options: StoppedOptions, advice: Record<string, string>): void {
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
const RECORDED = "it is a recorded run; record another with smpbox run --record";
const OF_CAPSULE = Object.fromEntries(
  ["--machine", "--cpus", "--set", "--seed", "--memory", "--append", "--max-cycles", "--disks",
    "--disk", "--irq"].map((option) => [option, RECORDED]));

/** The run of a case that shows its bug: between the CPUs that are farthest from each other. */
export async function caseOptions(
  definition: Case, options: StoppedOptions,
): Promise<CreateOptions> {
  const machine = options.machine ?? definition.machine;
  const pairs = definition.pairs(await loadPreset(machine, options.set));
  const run = await optionsOf(definition, {
    machine,
    variant: definition.buggy,
    workload: definition.workload,
    pair: pairs[pairs.length - 1],
    seed: options.seed,
    rounds: definition.rounds ?? CASE_ROUNDS,
    memory: options.memory,
    changes: options.set,
    disk: options.disk,
    irq: options.irq,
  });
  return { ...run, traceEvents: 0, maxCycles: options.maxCycles || run.maxCycles };
}

/** The machine for `subject`, a capsule FILE.sbx, a case or an image, before it runs. */
export async function createStopped(
  subject: string, options: StoppedOptions, more: Partial<CreateOptions> = {},
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
    const disks = disksOf(machine, options);
    created = { ...options, machine, image: subject, changes: options.set, ...disks, ...more };
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

function requireSame(file: string, { end }: Capsule, result: RunResult): void {
  if (result.exit === "cancelled") return;
  if (result.cycles === end.cycles && result.stateHash === end.stateHash) return;
  throw new InputError(`${file}: the run comes out different here; see smpbox replay ${file}`);
}
