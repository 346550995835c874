// smpbox trace IMAGE -o FILE: a run, and what happened in it as a file for ui.perfetto.dev.
import { closeSync, openSync, writeSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { InputError, Machine } from "../index.ts";
import { numberOf } from "../machine/preset.ts";
import { memoryNote } from "../report/memory-model.ts";
import { buildTimeline, EVENTS } from "../report/timeline.ts";
import { perfettoFile } from "../report/trace-export.ts";
import { disksOf } from "./disk-options.ts";
import { EXIT } from "./exit.ts";
import { addMachineOptions, type MachineOptions } from "./machine-options.ts";
import type { Act } from "./main.ts";
import { parseCount, parseList, u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";
import { exitCode } from "./run.ts";

interface TraceOptions extends MachineOptions {
  output: string;
  events: string[];
  from: bigint;
  to: bigint;
  limit: number;
  machine: string;
}

const LIMIT = 1 << 20;
const LIMIT_MAX = 1 << 24;

export function traceVerb(program: Command, act: Act): void {
  addMachineOptions(program.command("trace"))
    .description("run an image and write what happened for ui.perfetto.dev")
    .argument("<image>", "bench, w001, ... or a path")
    .requiredOption("-o, --output <file>", "the trace: a Perfetto protobuf file")
    .option("--events <list>", Object.keys(EVENTS).join(", "), parseEvents,
      ["stores", "lines", "bus", "marks"])
    .addOption(u64Option("--from <cycle>", "the first cycle to record", 0n))
    .addOption(u64Option("--to <cycle>", "record up to here, and stop; 0: to the end", 0n))
    .option("--limit <records>", "the last so many are kept", parseCount(1, LIMIT_MAX), LIMIT)
    .option("--machine <name>", "preset or JSON file", "clovertown")
    .action((image: string, options: TraceOptions) =>
      act((signal) => trace(image, options, signal)),
    );
}

function parseEvents(text: string): string[] {
  const names = parseList(text);
  const wrong = names.find((name) => !(name in EVENTS));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`${wrong} is none of ${Object.keys(EVENTS).join(", ")}.`);
}

async function trace(image: string, options: TraceOptions, signal: AbortSignal): Promise<number> {
  const { from, to, maxCycles, output } = options;
  if (to !== 0n && to <= from) throw new InputError("--to must be above --from");
  const stopsAtEnd = to !== 0n && (maxCycles === 0n || to < maxCycles);
  // Before the run: a path that cannot be written is found at once.
  const file = openOutput(output);
  const machine = await Machine.create({
    ...options,
    image,
    ...disksOf(options.machine, options),
    changes: options.set,
    maxCycles: stopsAtEnd ? to : maxCycles,
    traceEvents: options.limit,
    traceKinds: options.events.reduce((bits, name) => bits | EVENTS[name], 0),
    traceFrom: from,
    traceTo: to,
  });
  const progress = new Progress();
  const result = await machine.run({
    signal,
    onConsole(bytes) {
      progress.clear();
      process.stderr.write(bytes);
    },
    onProgress: (now) => progress.update(() => `${short(now)} cycles`),
  });
  progress.clear();
  const { view, preset } = machine;
  const note = memoryNote(options.memory);
  const title = [`${preset.name}, ${image}, seed ${options.seed}`, note].filter(Boolean).join(", ");
  const events = view.trace();
  const lost = view.traceLost;
  const timeline = buildTimeline(events, preset, title, to !== 0n && to < view.now ? to : view.now);
  const megahertz = numberOf(preset, "megahertz");
  machine.close();
  const bytes = writeFile(file, perfettoFile(timeline, megahertz));
  const words = [`${output}: ${events.length} records, ${bytes} bytes`];
  if (lost > 0) words.push(`${lost} earlier ones are lost (--limit, or --from nearer to the end)`);
  if (note) words.push(note);
  process.stdout.write(`${words.join("; ")}\n`);
  process.stderr.write(`exit ${result.exit}: ${result.cycles} cycles (in-order approximation)\n`);
  return stopsAtEnd && result.exit === "budget" ? EXIT.held : exitCode(result);
}

function openOutput(path: string): number {
  try {
    return openSync(path, "w");
  } catch (error) {
    throw new InputError(`--output ${path}: ${(error as Error).message}`);
  }
}

/** Writes the pieces as they come; returns the bytes written. */
function writeFile(file: number, pieces: Iterable<Uint8Array>): number {
  let total = 0;
  for (const piece of pieces) {
    writeSync(file, piece);
    total += piece.length;
  }
  closeSync(file);
  return total;
}
