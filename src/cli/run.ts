// smpbox run IMAGE: a bundled image or an ELF file on one machine, its console on stdout.
import type { Command } from "commander";
import {
  InputError, Machine, type MemoryModel, type RunHooks, type RunResult,
} from "../index.ts";
import { countersText } from "../report/counters.ts";
import { memoryNote } from "../report/memory-model.ts";
import { keepCapsule, writeCapsule } from "../engine/capsule-file.ts";
import { record, recordEnd } from "../engine/replay.ts";
import { postmortem, programDeath } from "../report/postmortem.ts";
import { disksOf, diskWords } from "./disk-options.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { addMachineOptions, type MachineOptions } from "./machine-options.ts";
import type { Act } from "./main.ts";
import { parseCount, parseU64, shellLine } from "./options.ts";
import { checkWritable } from "./output-file.ts";
import { Progress, short } from "./progress.ts";

interface RunOptions extends MachineOptions {
  machine: string;
  window?: number;
  counters?: boolean;
  record?: string;
  snapshotAt?: bigint;
  json?: boolean;
}

export function runVerb(program: Command, act: Act): void {
  addMachineOptions(program.command("run"))
    .description("run an image: a bundled one by name, or a static x86-64 ELF file")
    .argument("<image>", "bench, w001, ... or a path")
    .option("--machine <name>", "preset or JSON file", "clovertown")
    .option("--window <cycles>", "window of the simulation", parseCount(1, 100_000))
    .option("--check", "check coherence after every window (slow; needs --workers 1)")
    .option("--counters", "print what CPUs, caches and buses did; always in --json")
    .option("--record <file.sbx>", "write a capsule of the run, for smpbox replay")
    .option("--snapshot-at <cycle>", "with --record: keep the state there, too", parseU64)
    .option("--json", "print one JSON document")
    .action((image: string, options: RunOptions) => act((signal) => run(image, options, signal)));
}

async function run(image: string, options: RunOptions, signal: AbortSignal): Promise<number> {
  if (options.snapshotAt !== undefined && options.record === undefined) {
    throw new InputError("--snapshot-at is for --record FILE.sbx: the state goes into the capsule");
  }
  if (options.record !== undefined) checkWritable("--record", options.record);
  const created = {
    ...options,
    image,
    counters: options.counters || options.json,
    ...disksOf(options.machine, options),
    changes: options.set,
    windowCycles: options.window,
  };
  const filed = created.disks.some((disk) => disk.file !== undefined);
  if (filed && options.record !== undefined) {
    throw new InputError("--record: a capsule has no room for files behind disks, leave out file=");
  }
  const machine = await Machine.create(created);
  const console: Uint8Array[] = [];
  const progress = new Progress();
  const hooks: RunHooks = {
    signal,
    onConsole(bytes) {
      progress.clear();
      if (options.json) console.push(bytes);
      else process.stdout.write(bytes);
    },
    onProgress: (now, instructions) =>
      progress.update(() => `${short(now)} cycles, ${short(instructions)} instructions`),
  };
  const { record: file, snapshotAt } = options;
  const recorded = file === undefined
    ? { result: await machine.run(hooks), capsule: undefined }
    : await record(machine, created, hooks, snapshotAt);
  const { result } = recorded;
  progress.clear();
  const places = machine.cpus();
  const code = exitCode(result);
  const died = typeof result.exit === "number" && result.exit !== 0;
  const report = code === EXIT.panic ? await postmortem(machine, signal) : [];
  if (died) report.push(...(await programDeath(machine)));
  const counters = options.counters || options.json ? machine.counters() : undefined;
  if (file !== undefined && recorded.capsule) await writeCapsule(file, recorded.capsule);
  const failed = (code === EXIT.failed || code === EXIT.panic) && !filed;
  const capsule = file ?? (failed
    ? await keepCapsule(await recordEnd(machine, created, result))
    : undefined);
  machine.close();
  const reproduce = `smpbox run ${reproduceWords(image, options)}`;
  if (options.json) {
    printJson({
      schema: "smpbox-run-1",
      image,
      machine: machine.preset.name,
      memory: options.memory,
      memoryNote: memoryNote(options.memory),
      seed: options.seed,
      exit: result.exit,
      reason: result.reason,
      cycles: result.cycles,
      instructions: result.instructions,
      stateHash: result.stateHash,
      hostSeconds: result.hostSeconds,
      mips: result.mips,
      workers: result.workers,
      cpus: typeof result.exit === "number" ? undefined : places,
      report: report.length ? report : undefined,
      counters,
      console: Buffer.concat(console).toString("utf8"),
      capsule,
      reproduce: code === EXIT.held ? undefined : reproduce,
    });
    return code;
  }
  if (counters) process.stdout.write(`${countersText(counters)}\n`);
  process.stderr.write(
    `exit ${result.exit}: ${result.cycles} cycles (${qualified(options.memory)})\n` +
      `${result.instructions} instructions, ${result.hostSeconds.toFixed(2)} s, ` +
      `${result.mips.toFixed(0)} MIPS, state ${result.stateHash.toString(16).padStart(16, "0")}\n`,
  );
  if (result.reason) process.stderr.write(`${result.reason}\n`);
  for (const line of report) process.stderr.write(`${line}\n`);
  if (typeof result.exit !== "number" && report.length === 0) {
    for (const { cpu, state, where } of places) {
      process.stderr.write(`  cpu${cpu} ${state} at RIP ${where}\n`);
    }
  }
  if (capsule) process.stderr.write(`reproduce: smpbox replay ${shellLine([capsule])}\n`);
  if (code !== EXIT.held) process.stderr.write(`reproduce: ${reproduce}\n`);
  return code;
}

/** What kind of cycles these are. */
function qualified(memory: MemoryModel): string {
  return ["in-order approximation", memoryNote(memory)].filter(Boolean).join("; ");
}

export function exitCode({ exit }: RunResult): number {
  switch (exit) {
    case "hang":
      return EXIT.failed;
    case "panic":
    case "unimplemented":
      return EXIT.panic;
    case "budget":
      return EXIT.budget;
    case "cancelled":
      return EXIT.interrupted;
    default:
      return exit === 0 ? EXIT.held : EXIT.failed;
  }
}

function reproduceWords(image: string, options: RunOptions): string {
  const words = [image, "--machine", options.machine, "--seed", `${options.seed}`];
  if (options.cpus !== undefined) words.push("--cpus", `${options.cpus}`);
  if (options.memory !== "tso") words.push("--memory", options.memory);
  if (options.append) words.push("--append", options.append);
  if (options.maxCycles) words.push("--max-cycles", `${options.maxCycles}`);
  if (options.window !== undefined) words.push("--window", `${options.window}`);
  for (const [field, value] of options.set ?? []) words.push("--set", `${field}=${value}`);
  words.push(...diskWords(options));
  return shellLine(words);
}
