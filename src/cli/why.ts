// smpbox why SUBJECT: the run with its accesses in the trace, and from them why a task was not
// woken, or which load overtook which store.
import type { Command } from "commander";
import type { Access } from "../engine/accesses.ts";
import type { RunHooks } from "../engine/session.ts";
import { Names } from "../report/names.ts";
import { leftAt, STORE_OPTIONS, whyAsleep } from "../report/why/asleep.ts";
import { accessesOf } from "../report/why/story.ts";
import type { Explanation } from "../report/why/explanation.ts";
import { why, WHY_OPTIONS, whyLines } from "../report/why/why.ts";
import { rightLines, rightWaitsOf } from "../report/why/waits.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import type { Act } from "./main.ts";
import { u64Option } from "./options.ts";
import { Progress, short } from "./progress.ts";
import { addStoppedOptions, createStopped, type Stopped, type StoppedOptions } from "./stopped.ts";

interface WhyOptions extends StoppedOptions {
  from: bigint;
  to: bigint;
  whole?: boolean;
  all?: boolean;
  json?: boolean;
}

const SHOWN = 3;
const PARTLY = "Recorded where these tasks went to sleep; --whole records all of the run.";

export function whyVerb(program: Command, act: Act): void {
  addStoppedOptions(program.command("why"))
    .description("run, and say why a task was not woken or a load overtook a store")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .addOption(u64Option("--from <cycle>", "look at accesses from this cycle on: faster", 0n))
    .addOption(u64Option("--to <cycle>", "and up to this one; 0: to the end", 0n))
    .option("--whole", "record the whole run, not only where tasks that hang went to sleep: slow")
    .option("--all", `not only the first ${SHOWN}; and who waits rightly, for other tasks`)
    .option("--json", "print one JSON document, with all")
    .action((subject: string, options: WhyOptions) =>
      act((signal) => explain(subject, options, signal)));
}

interface Explained extends Stopped {
  found: Explanation[];
  /** Is it known of the sleepers only? */
  partly: boolean;
}

/** A run that hangs is recorded around its sleepers only, if that explains it: much less. */
async function explainSleep(
  subject: string, options: WhyOptions, hooks: RunHooks,
): Promise<Explained | undefined> {
  const stopped = await createStopped(subject, options, STORE_OPTIONS);
  const { result, left } = await leftAt(stopped.machine, hooks);
  const found = result.exit === "hang" ? await whyAsleep(stopped.machine, left, hooks) : [];
  if (found.length || result.exit === "cancelled") {
    return { ...stopped, result, found, partly: true };
  }
  stopped.machine.close();
  return undefined;
}

async function explainAll(
  subject: string, options: WhyOptions, hooks: RunHooks,
): Promise<Explained> {
  const stopped = await createStopped(subject, options, {
    ...WHY_OPTIONS, traceFrom: options.from, traceTo: options.to,
  });
  return { ...stopped, ...await why(stopped.machine, hooks, options.at), partly: false };
}

async function explain(subject: string, options: WhyOptions, signal: AbortSignal): Promise<number> {
  const progress = new Progress();
  const hooks = {
    signal,
    onProgress: (now: bigint) => progress.update(() => `${short(now)} cycles`),
  };
  const whole = options.whole || options.from || options.to || options.at;
  const { machine, image, seed, note, found, partly, result } =
    (whole ? undefined : await explainSleep(subject, options, hooks)) ??
    await explainAll(subject, options, hooks);
  progress.clear();
  if (signal.aborted) return EXIT.interrupted;
  const { preset, view } = machine;
  const waiting = rightWaitsOf(machine);
  if (options.json) {
    const names = new Names(machine);
    printJson({
      schema: "smpbox-why-1", image, machine: preset.name, seed, memoryNote: note || undefined,
      cycles: view.now, instructions: view.instructions, exit: result?.exit,
      stateHash: machine.stateHash(), recorded: partly ? "sleepers" : "all",
      found: found.map((one) => documentOf(one, names)), waitRightly: waiting,
    });
  } else {
    const end = result ? `exit ${result.exit}` : "stopped";
    const title = [`${image} on ${preset.name}`, `seed ${seed}`, `${end} at ${view.now}`, note];
    process.stdout.write(`${title.filter(Boolean).join(", ")} (in-order approximation)\n\n`);
    const parts = [
      whyLines(found, options.all ? Infinity : SHOWN, undefined, result?.exit === "hang"),
      partly ? [PARTLY] : [],
      rightLines(waiting, options.all ?? false),
    ].filter((lines) => lines.length);
    process.stdout.write(`${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`);
  }
  machine.close();
  return EXIT.held;
}

function documentOf({ crossing, paragraphs, ...rest }: Explanation, names: Names) {
  const accesses = (crossing ? accessesOf(crossing) : [])
    .map((access) => accessDocument(access, names));
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
