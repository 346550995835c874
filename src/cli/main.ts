#!/usr/bin/env node
// The command smpbox. Verbs are in files of their own, together in program.ts; what they have in
// common is here: exit codes, errors, Ctrl-C.
import { type Command, CommanderError } from "commander";
import { InputError, Machine } from "../index.ts";
import { wrap } from "../report/text.ts";
import { EXIT } from "./exit.ts";
import { programOf } from "./program.ts";

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

  const act: Act = async (work) => {
    process.exitCode = await work(interrupt.signal);
  };
  try {
    const program = programOf(act);
    await program.parseAsync(meantBy(program, process.argv.slice(2)), { from: "user" });
  } catch (error) {
    process.exitCode = exitCodeOf(error, interrupt.signal.aborted);
  } finally {
    await Machine.shutdown();
  }
}

/** Of `smpbox foo --help` and `smpbox help foo` only the verb, so that it is said to be unknown. */
function meantBy(program: Command, words: string[]): string[] {
  const verb = words[0] === "help" ? words[1] : words[0];
  const isKnown = program.commands.some((command) => command.name() === verb);
  return verb === undefined || verb.startsWith("-") || isKnown ? words : [verb];
}

function exitCodeOf(error: unknown, interrupted: boolean): number {
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? EXIT.held : EXIT.usage; // --help and --version end here too
  }
  if (error instanceof InputError) {
    const line = `smpbox: ${error.message}`;
    console.error(process.stderr.isTTY ? wrap(line) : line);
    return EXIT.usage;
  }
  // What was stopped in the middle is not what its caller expects.
  if (interrupted) {
    console.error("smpbox: interrupted");
    return EXIT.interrupted;
  }
  console.error(`smpbox: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  return EXIT.failed;
}

await main();
