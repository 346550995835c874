// smpbox crash SUBJECT: a crash(8) session on a stopped machine, at a prompt or by -c.
import { createInterface } from "node:readline";
import type { Command } from "commander";
import { InputError } from "../index.ts";
import { execute } from "../report/crash/commands.ts";
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
  if (stopped.result?.exit === "cancelled") return EXIT.interrupted;
  const session = new Session(stopped);
  const code = options.command === undefined
    ? await prompt(session)
    : await script(session, splitAt(options.command, ";"));
  stopped.machine.close();
  return code;
}

/** The answer to one line; false when the line was wrong. */
async function answer(session: Session, line: string): Promise<boolean> {
  try {
    const lines = await execute(session, line);
    if (lines.length) process.stdout.write(`${lines.join("\n")}\n`);
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    process.stderr.write(`crash: ${error.message}\n`);
    return false;
  }
}

/** A line that is wrong costs itself only; the exit code tells of it. */
async function script(session: Session, lines: readonly string[]): Promise<number> {
  let code: number = EXIT.held;
  for (const line of lines.filter(Boolean)) {
    if (LEAVE.includes(line)) break;
    process.stdout.write(`crash> ${line}\n`);
    if (!(await answer(session, line))) code = EXIT.usage;
  }
  return code;
}

/** Lines of the terminal with history and completion, or of a pipe. */
async function prompt(session: Session): Promise<number> {
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: "crash> ",
    completer: (line: string) => complete(session, line),
  });
  // The newest first.
  let typed: string[] = [];
  terminal.on("history", (history: string[]) => (typed = [...history]));
  // The machine may have run for minutes: Ctrl-C drops the line, as in a shell, not the session.
  terminal.on("SIGINT", () => {
    terminal.write(null, { ctrl: true, name: "e" });
    terminal.write(null, { ctrl: true, name: "u" });
    process.stdout.write("^C\n");
    terminal.prompt();
  });
  if (process.stdin.isTTY) {
    process.stdout.write('"help" lists the commands, Tab completes, Ctrl-D leaves\n\n');
    await answer(session, "sys");
  }
  terminal.prompt();
  for await (const line of terminal) {
    const text = line.trim();
    if (LEAVE.includes(text)) break;
    if (HISTORY.includes(text)) {
      const rows = typed.toReversed().map((one, i) => `[${i + 1}] ${one}\n`);
      process.stdout.write(rows.join(""));
    } else await answer(session, line);
    terminal.prompt();
  }
  terminal.close();
  return EXIT.held;
}
