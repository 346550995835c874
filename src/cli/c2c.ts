// smpbox c2c IMAGE|FILE.sbx: the lines that CPUs take from each other, as perf c2c shows them, with
// exact counts.
import type { Command } from "commander";
import { C2C_OPTIONS, collect } from "../engine/c2c.ts";
import { c2cDocument, c2cOf, c2cText } from "../report/c2c.ts";
import { Names } from "../report/names.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { parseCount } from "./options.ts";
import { Progress, short } from "./progress.ts";
import { addStoppedOptions, createStopped, type StoppedOptions } from "./stopped.ts";

interface C2cOptions extends StoppedOptions {
  lines: number;
  json?: boolean;
}

const LINES_MAX = 100_000;

export function c2cVerb(program: Command, act: Act): void {
  addStoppedOptions(program.command("c2c"))
    .description("run, and show which lines CPUs take from each other")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .option("--lines <n>", "lines in the tables, most HITMs first", parseCount(1, LINES_MAX), 10)
    .option("--json", "print one JSON document, with all lines")
    .action((subject: string, options: C2cOptions) =>
      act((signal) => c2c(subject, options, signal)));
}

async function c2c(subject: string, options: C2cOptions, signal: AbortSignal): Promise<number> {
  const { machine, image, seed, note } = await createStopped(subject, options, C2C_OPTIONS);
  const progress = new Progress();
  const { lines, result } = await collect(machine, {
    signal,
    onProgress: (now) => progress.update(() => `${short(now)} cycles`),
  }, options.at);
  progress.clear();
  if (result?.exit === "cancelled") return EXIT.interrupted;
  const counters = machine.counters();
  const names = new Names(machine);
  const { preset, view } = machine;
  const report = c2cOf(lines, counters, preset, names);
  if (options.json) {
    printJson({
      schema: "smpbox-c2c-1", image, machine: preset.name, seed, memoryNote: note || undefined,
      cycles: view.now, instructions: view.instructions, exit: result?.exit,
      stateHash: machine.stateHash(), ...c2cDocument(report, names),
    });
  } else {
    const title = [`${image} on ${preset.name}`, `seed ${seed}`, `${view.now} cycles`, note];
    process.stdout.write(`${title.filter(Boolean).join(", ")}\n`);
    process.stdout.write(`${c2cText(report, names, options.lines)}\n`);
  }
  machine.close();
  return EXIT.held;
}
