// smpbox crash SUBJECT: a crash(8) session on a stopped machine, at a prompt or by -c.
import { createInterface } from "node:readline";
import { setImmediate } from "node:timers/promises";
import type { Command } from "commander";
import { InputError } from "../index.ts";
import { execute, Interrupted } from "../report/crash/commands.ts";
import { complete, LEAVE } from "../report/crash/complete.ts";
import { splitAt } from "../report/crash/pipes.ts";
import { Session } from "../report/crash/session.ts";
import { EXIT } from "./exit.ts";
import type { Act } from "./main.ts";
import { addStoppedOptions, openStopped, type StoppedOptions } from "./stopped.ts";

interface CrashOptions extends StoppedOptions {
  command?: string;
}

/** Enough for the last labelled steps. */
const TRACE_EVENTS = 1 << 14;
const HISTORY = ["history", "h"];
/** Between them Ctrl-C is looked for. */
const LINES_AT_ONCE = 200;

export function crashVerb(program: Command, act: Act): void {
  addStoppedOptions(program.command("crash"))
    .description("run to the end, and look at the machine as with crash(8)")
    .argument("<subject>", "a bundled image, a path, a capsule FILE.sbx, or a case")
    .option("-c, --command <lines>", 'commands, as in "bt; ps -UN", instead of a prompt')
    .action((subject: string, options: CrashOptions) =>
      act((signal) => crash(subject, options, signal)));
}

async function crash(subject: string, options: CrashOptions, signal: AbortSignal): Promise<number> {
  const stopped = await openStopped(subject, options, signal, {
    traceEvents: TRACE_EVENTS, counters: true,
  });
  if (stopped.result?.exit === "cancelled") {
    process.stderr.write("interrupted: the machine has not come to where it is to be looked at\n");
    return EXIT.interrupted;
  }
  const session = new Session(stopped);
  const code = options.command === undefined
    ? await prompt(session, signal)
    : await script(session, splitAt(options.command, ";"), signal);
  stopped.machine.close();
  return code;
}

/** The answer to one line; false when the line was wrong. Stops where `signal` says so. */
async function answer(session: Session, line: string, signal: AbortSignal): Promise<boolean> {
  try {
    const lines = await execute(session, line, signal);
    for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
      await keysRead();
      if (signal.aborted) break;
      process.stdout.write(`${lines.slice(at, at + LINES_AT_ONCE).join("\n")}\n`);
    }
    return true;
  } catch (error) {
    if (error instanceof Interrupted) return true;
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(`crash: ${error.message}\n`);
    return false;
  }
}

/** Ctrl-C that was typed while this thread had no time for it has been seen afterwards. */
async function keysRead(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/** A line that is wrong costs itself only; the exit code tells of it. */
async function script(
  session: Session, lines: readonly string[], signal: AbortSignal,
): Promise<number> {
  let code: number = EXIT.held;
  for (const line of lines.filter(Boolean)) {
    if (LEAVE.includes(line)) break;
    process.stdout.write(`crash> ${line}\n`);
    if (!(await answer(session, line, signal))) code = EXIT.usage;
    if (signal.aborted) return EXIT.interrupted;
  }
  return code;
}

/** Lines of the terminal with history and completion, or of a pipe. */
async function prompt(session: Session, signal: AbortSignal): Promise<number> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: "crash> ",
    completer: (line: string) => complete(session, line),
  });
  // The newest first.
  let typed: string[] = [];
  terminal.on("history", (history: string[]) => (typed = [...history]));
  let command: AbortController | undefined;
  // The machine may have run for minutes: Ctrl-C stops the command, or drops the line, as in a
  // shell, not the session.
  terminal.on("SIGINT", () => {
    if (command) {
      command.abort();
      process.stdout.write("^C\n");
      return;
    }
    terminal.write(null, { ctrl: true, name: "e" });
    terminal.write(null, { ctrl: true, name: "u" });
    process.stdout.write("^C\n");
    terminal.prompt();
  });
  // A signal that the terminal did not make ends the session.
  signal.addEventListener("abort", () => terminal.close());
  const told = async (line: string) => {
    command = new AbortController();
    await answer(session, line, AbortSignal.any([signal, command.signal]));
    command = undefined;
  };
  if (process.stdin.isTTY) {
    process.stdout.write('"help" lists the commands, Tab completes, Ctrl-D leaves\n\n');
    await told("sys");
  }
  terminal.prompt();
  for await (const line of terminal) {
    const text = line.trim();
    if (LEAVE.includes(text)) break;
    if (HISTORY.includes(text)) {
      const rows = typed.toReversed().map((one, i) => `[${i + 1}] ${one}\n`);
      process.stdout.write(rows.join(""));
    } else await told(line);
    if (signal.aborted) break;
    terminal.prompt();
  }
  terminal.close();
  return signal.aborted ? EXIT.interrupted : EXIT.held;
}
