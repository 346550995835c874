#!/usr/bin/env node
// The command smpbox. Verbs are in files of their own; what they have in common is here: exit
// codes, errors, Ctrl-C.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { packageRoot } from "../core/root.ts";
import { InputError, Machine } from "../index.ts";
import { barriersVerb } from "./barriers.ts";
import { caseVerb } from "./case.ts";
import { cflagsVerb } from "./cflags.ts";
import { compareVerb } from "./compare.ts";
import { doctorVerb } from "./doctor.ts";
import { EXIT } from "./exit.ts";
import { exploreVerb } from "./explore.ts";
import { litmusVerb } from "./litmus.ts";
import { machinesVerb } from "./machines.ts";
import { replayVerb } from "./replay.ts";
import { runVerb } from "./run.ts";
import { traceVerb } from "./trace.ts";
import { validateVerb } from "./validate.ts";

/** A verb's action: gets the signal that Ctrl-C aborts, returns the exit code. */
export type Act = (work: (signal: AbortSignal) => Promise<number> | number) => Promise<void>;

async function main(): Promise<void> {
  const interrupt = new AbortController();
  process.on("SIGINT", () => {
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort();
  });
  // A reader that has gone away, as in `smpbox machines | head -1`, is not an error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? EXIT.held : EXIT.failed);
  });

  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8"));
  const program = new Command("smpbox")
    .description("a deterministic, cycle-accounted emulator of multi-socket x86-64 machines")
    .version(version)
    .exitOverride()
    .showHelpAfterError("(smpbox --help lists the verbs and their options)");
  const act: Act = async (work) => {
    process.exitCode = await work(interrupt.signal);
  };
  const verbs = [
    runVerb, litmusVerb, exploreVerb, barriersVerb, caseVerb, compareVerb, traceVerb, replayVerb,
    validateVerb, machinesVerb, doctorVerb, cflagsVerb,
  ];
  for (const verb of verbs) verb(program, act);
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  } finally {
    await Machine.shutdown();
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.held : EXIT.usage; // --help and --version end here too
  }
  if (error instanceof InputError) {
    console.error(`smpbox: ${error.message}`);
    return EXIT.usage;
  }
  console.error(`smpbox: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  return EXIT.failed;
}

await main();
