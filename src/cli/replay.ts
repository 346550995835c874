// smpbox replay FILE.sbx: runs a capsule again; identical, or what differs first.
import type { Command } from "commander";
import { readCapsule } from "../engine/capsule-file.ts";
import { type Divergence, replay } from "../engine/replay.ts";
import { InputError, Machine } from "../index.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseWorkers } from "./options.ts";
import { Progress, short } from "./progress.ts";

interface ReplayOptions {
  workers: number | "auto";
  snapshot?: boolean;
  json?: boolean;
}

export function replayVerb(program: Command, act: Act): void {
  program
    .command("replay")
    .description("run a capsule again and compare: identical, or what differs first")
    .argument("<file>", "a capsule, written by run --record or at a failure")
    .option("--workers <n>", "host threads, or auto", parseWorkers, "auto")
    .option("--snapshot", "begin at the capsule's snapshot")
    .option("--json", "print one JSON document")
    .action((file: string, options: ReplayOptions) => act((signal) => run(file, options, signal)));
}

async function run(file: string, options: ReplayOptions, signal: AbortSignal): Promise<number> {
  const capsule = await readCapsule(file);
  if (options.snapshot && !capsule.snapshot) {
    throw new InputError(`${file}: has no snapshot, record it with --snapshot-at CYCLE`);
  }
  const progress = new Progress();
  const console: Uint8Array[] = [];
  const snapshot = options.snapshot ? capsule.snapshot : undefined;
  const machine = await Machine.create({ ...capsule.options, workers: options.workers }, snapshot);
  const from = machine.view.now;
  const { result, divergence, through } = await replay(machine, capsule, {
    signal,
    onConsole: (bytes) => console.push(bytes),
    onProgress: (now) => progress.update(() => `${short(now)} cycles`),
  });
  progress.clear();
  const where = divergence?.rip === undefined ? undefined : machine.describe(divergence.rip);
  machine.close();
  const { image, machine: preset, seed } = capsule.options;
  const code = divergence
    ? EXIT.diverged
    : result?.exit === "cancelled" ? EXIT.interrupted : EXIT.held;
  const lines = divergence ? describe(divergence, where) : [];
  if (options.json) {
    printJson({
      schema: "smpbox-replay-1",
      image: image.name,
      machine: preset.name,
      seed,
      identical: code === EXIT.held,
      from,
      through,
      divergence: divergence && { ...divergence, report: lines },
      exit: result?.exit,
      reason: result?.reason,
      cycles: result?.cycles ?? machine.view.now,
      instructions: result?.instructions,
      stateHash: result?.stateHash,
      console: Buffer.concat(console).toString("utf8"),
    });
    return code;
  }
  process.stdout.write(Buffer.concat(console));
  if (code === EXIT.interrupted) process.stderr.write("interrupted\n");
  if (through !== undefined) process.stdout.write(`identical through cycle ${through}\n`);
  if (divergence) process.stdout.write(`${lines.join("\n")}\n`);
  else if (result) {
    const reason = result.reason ? `: ${result.reason}` : "";
    process.stdout.write(`exit ${result.exit}${reason}\n`);
  }
  return code;
}

function describe({ after, before, what, cpu, line, rip }: Divergence, where?: string): string[] {
  const since = after === undefined ? "from the start" : `after cycle ${after}`;
  const out = [`DIVERGED ${since}, found at cycle ${before}: ${what}`];
  if (cpu) {
    const recorded = `0x${cpu.recordedRip.toString(16)}`;
    const both = rip === cpu.recordedRip ? "the same RIP" : `the recorded one at ${recorded}`;
    out.push(`  first CPU that differs: ${cpu.index}, at RIP ${where}, ${both}`);
  }
  if (line !== undefined) {
    out.push(`  first line that differs: physical address 0x${line.toString(16)}`);
  }
  if (!cpu && line === undefined && what.startsWith("the state")) {
    out.push("  no CPU and no line differs, or the capsule has no hashes of them: a device, a bus");
  }
  return out;
}
