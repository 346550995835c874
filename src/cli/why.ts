// smpbox why SUBJECT: the run with all of its accesses in the trace, and from them why a task was
// not woken, or which load overtook which store.
import type { Command } from "commander";
import type { Access } from "../engine/accesses.ts";
import { Names } from "../report/names.ts";
import { accessesOf } from "../report/why/story.ts";
import { type Explanation, why, WHY_OPTIONS, whyLines } from "../report/why/why.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";
import { addStoppedOptions, createStopped, type StoppedOptions } from "./stopped.ts";

interface WhyOptions extends StoppedOptions {
  from: bigint;
  to: bigint;
  all?: boolean;
  json?: boolean;
}

const SHOWN = 3;

export function whyVerb(program: Command, act: Act): void {
  addStoppedOptions(program.command("why"))
    .description("run, and say why a task was not woken or a load overtook a store")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .addOption(u64Option("--from <cycle>", "look at accesses from this cycle on: faster", 0n))
    .addOption(u64Option("--to <cycle>", "and up to this one; 0: to the end", 0n))
    .option("--all", `not only the first ${SHOWN}`)
    .option("--json", "print one JSON document, with all")
    .action((subject: string, options: WhyOptions) =>
      act((signal) => explain(subject, options, signal)));
}

async function explain(subject: string, options: WhyOptions, signal: AbortSignal): Promise<number> {
  const { machine, image, seed, note } = await createStopped(subject, options, {
    ...WHY_OPTIONS, traceFrom: options.from, traceTo: options.to,
  });
  const progress = new Progress();
  const { found, result } = await why(machine, {
    signal,
    onProgress: (now) => progress.update(() => `${short(now)} cycles`),
  }, options.at);
  progress.clear();
  if (result?.exit === "cancelled") return EXIT.interrupted;
  const { preset, view } = machine;
  if (options.json) {
    const names = new Names(machine);
    printJson({
      schema: "smpbox-why-1", image, machine: preset.name, seed, memoryNote: note || undefined,
      cycles: view.now, instructions: view.instructions, exit: result?.exit,
      stateHash: machine.stateHash(), found: found.map((one) => documentOf(one, names)),
    });
  } else {
    const end = result ? `exit ${result.exit}` : "stopped";
    const title = [`${image} on ${preset.name}`, `seed ${seed}`, `${end} at ${view.now}`, note];
    process.stdout.write(`${title.filter(Boolean).join(", ")} (in-order approximation)\n\n`);
    process.stdout.write(`${whyLines(found, options.all ? Infinity : SHOWN).join("\n")}\n`);
  }
  machine.close();
  return EXIT.held;
}

function documentOf({ crossing, paragraphs, ...rest }: Explanation, names: Names) {
  const accesses = accessesOf(crossing).map((access) => accessDocument(access, names));
  return { ...rest, text: paragraphs, accesses };
}

function accessDocument(access: Access & { visible?: number; waiting?: unknown }, names: Names) {
  const { cpu, time, visible, phys, size, value, rip, locked, waiting } = access;
  const { symbol, source } = names.instruction(rip);
  return {
    kind: waiting ? "load" : "store", locked, cpu, time, visible, place: names.data(phys),
    phys: BigInt(phys), size, value, symbol, source,
  };
}
