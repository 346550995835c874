// smpbox trace SUBJECT -o FILE: a run, and what happened in it as a file for ui.perfetto.dev.
import { closeSync, openSync, writeSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { InputError } from "../index.ts";
import { numberOf } from "../machine/preset.ts";
import { buildTimeline, EVENTS } from "../report/timeline.ts";
import { perfettoFile } from "../report/trace-export.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";
import { parseCount, parseList, u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";
import { exitCode } from "./run.ts";
import { addSubjectOptions, createStopped, requireSame, type SubjectOptions } from "./stopped.ts";

interface TraceOptions extends SubjectOptions {
  output: string;
  events: string[];
  from: bigint;
  to: bigint;
  limit: number;
}

const LIMIT = 1 << 20;
const LIMIT_MAX = 1 << 24;

export function traceVerb(program: Command, act: Act): void {
  addSubjectOptions(program.command("trace"))
    .description("run, and write what happened for ui.perfetto.dev")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .requiredOption("-o, --output <file>", "the trace: a Perfetto protobuf file")
    .option("--events <list>", Object.keys(EVENTS).join(", "), parseEvents,
      ["stores", "lines", "bus", "marks"])
    .addOption(u64Option("--from <cycle>", "the first cycle to record", 0n))
    .addOption(u64Option("--to <cycle>", "record up to here, and stop; 0: to the end", 0n))
    .option("--limit <records>", "the last so many are kept", parseCount(1, LIMIT_MAX), LIMIT)
    .action((subject: string, options: TraceOptions) =>
      act((signal) => trace(subject, options, signal)),
    );
}

function parseEvents(text: string): string[] {
  const names = parseList(text);
  const wrong = names.find((name) => !(name in EVENTS));
  if (wrong === undefined) return names;
  throw new InvalidArgumentError(`${wrong} is none of ${Object.keys(EVENTS).join(", ")}.`);
}

async function trace(
  subject: string, options: TraceOptions, signal: AbortSignal,
): Promise<number> {
  const { from, to, maxCycles, output } = options;
  if (to !== 0n && to <= from) throw new InputError("--to must be above --from");
  const stopsAtEnd = to !== 0n && (maxCycles === 0n || to < maxCycles);
  // Before the run: a path that cannot be written is found at once.
  const file = openOutput(output);
  const { machine, image, seed, note, capsule } = await createStopped(subject, options, {
    ...(stopsAtEnd ? { maxCycles: to } : {}),
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
  if (capsule && !stopsAtEnd) requireSame(subject, capsule, result);
  const { view, preset } = machine;
  const title = [`${preset.name}, ${image}, seed ${seed}`, note].filter(Boolean).join(", ");
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
