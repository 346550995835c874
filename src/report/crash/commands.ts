// The commands of smpbox crash by name, for the prompt, for scripts and for help.
import { InputError } from "../../machine/preset.ts";
import { backtrace } from "./backtrace.ts";
import { dis } from "./dis.ts";
import { files, mount } from "./files.ts";
import { irq } from "./interrupts.ts";
import { last } from "./last.ts";
import { cache, sb } from "./machine.ts";
import { print, rd, slab } from "./memory.ts";
import type { Session } from "./session.ts";
import { filterOf, splitAt } from "./pipes.ts";
import { struct } from "./struct.ts";
import { sym } from "./symbols.ts";
import { list, ps, runq, set, sys } from "./tasks.ts";
import { waitq } from "./wait-queue.ts";
import { why } from "./why.ts";

interface Command {
  usage: string;
  what: string;
  /** Fewest and most words. */
  words: [number, number];
  run(session: Session, words: string[], signal?: AbortSignal): string[] | Promise<string[]>;
}

/** A command was stopped by its signal; it has no answer. */
export class Interrupted extends Error {
  override name = "Interrupted";

  constructor() {
    super("interrupted");
  }
}

export const COMMANDS: Record<string, Command> = {
  sys: { usage: "sys", what: "the machine, the kernel, why it stopped", words: [0, 0], run: sys },
  ps: {
    usage: "ps [-UN|-IN|-RU] [PID|COMM]", what: "tasks, or some of them", words: [0, 32],
    run: ps,
  },
  bt: {
    usage: "bt [-f] [-l] [-a | PID|TASK]",
    what: "frames; -f: words, -l: lines, -a: all CPUs", words: [0, 4], run: bt,
  },
  set: {
    usage: "set [PID|TASK]", what: "the task of bt, files, why and $task",
    words: [0, 1], run: (session, [task]) => set(session, task),
  },
  waitq: {
    usage: "waitq ADDRESS|EXPRESSION", what: "who waits in a wait queue", words: [1, 32],
    run: (session, words) => waitq(session, words.join(" ")),
  },
  list: {
    usage: "list TYPE.MEMBER [-s T.M] -H ADDR",
    what: "structs of a list by its head; -s: members", words: [3, 5], run: list,
  },
  struct: {
    usage: "struct [-xo] TYPE[.M[,M]] [ADDR]",
    what: "in memory, or its layout; -x hex, -o offsets", words: [1, 6], run: struct,
  },
  px: {
    usage: "px EXPRESSION", what: "a C expression in hexadecimal", words: [1, 32],
    run: (session, words) => print(session, words.join(" "), 16),
  },
  pd: {
    usage: "pd EXPRESSION", what: "in decimal; $1 is the first result", words: [1, 32],
    run: (session, words) => print(session, words.join(" "), 10),
  },
  rd: {
    usage: "rd ADDRESS|SYMBOL [COUNT]", what: "words of memory", words: [1, 2],
    run: (session, [address, count]) => rd(session, address, count),
  },
  slab: {
    usage: "slab [TYPE]", what: "object caches; of one, its objects in use", words: [0, 2],
    run: (session, words) => slab(session, words.join(" ")),
  },
  files: {
    usage: "files [PID|TASK]", what: "open files of a process", words: [0, 1],
    run: (session, [task]) => files(session, task),
  },
  mount: { usage: "mount", what: "the file system and its journal", words: [0, 0], run: mount },
  runq: { usage: "runq", what: "the run queue of each CPU", words: [0, 0], run: runq },
  irq: { usage: "irq", what: "lines, handlers, what each CPU took", words: [0, 0], run: irq },
  dis: {
    usage: "dis ADDRESS|SYMBOL [COUNT]", what: "instructions", words: [1, 2],
    run: (session, [place, count]) => dis(session, place, count),
  },
  sym: {
    usage: "sym NAME|ADDRESS", what: "a symbol's address, or the symbol at one", words: [1, 1],
    run: (session, [name]) => sym(session, name),
  },
  sb: { usage: "sb", what: "the store buffer of each CPU", words: [0, 0], run: sb },
  cache: {
    usage: "cache ADDRESS|SYMBOL", what: "the state of a line in each cache", words: [1, 1],
    run: (session, [address]) => cache(session, address),
  },
  last: {
    usage: "last [-a] [COUNT]", words: [0, 2], run: last,
    what: "last labelled steps; -a: also the allocators'",
  },
  why: {
    usage: "why [--all] [PID|TASK]", what: "why it sleeps, or what overtook what",
    words: [0, 2], run: why,
  },
  help: {
    usage: "help [COMMAND]", what: "this list", words: [0, 1],
    run: (_, [name]) => help(name),
  },
};

const USAGE_WIDTH = 34;
/** In crash "*TYPE ADDRESS" is the same as "struct TYPE ADDRESS". */
export const POINTER_TO = /^\*\s*(?=\w)/;

function help(name?: string): string[] {
  if (name !== undefined) {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new InputError(`${name}: no such command; help lists them`);
    return [command.usage, `    ${command.what}`];
  }
  return [
    ...Object.values(COMMANDS).map(({ usage, what }) => `${usage.padEnd(USAGE_WIDTH)} ${what}`),
    `${"*TYPE[.M[,M]] ADDR".padEnd(USAGE_WIDTH)} the same as struct`,
    `${"COMMAND | grep [-ivc] TEXT".padEnd(USAGE_WIDTH)} ` +
      "those of its lines; also wc -l, head, tail",
    `${"history".padEnd(USAGE_WIDTH)} the lines of this session; also h`,
    `${"quit".padEnd(USAGE_WIDTH)} leave; also exit, q, Ctrl-D`,
  ];
}

const BT_OPTIONS = ["-f", "-l", "-a"];

async function bt(session: Session, words: string[]): Promise<string[]> {
  const [text, extra] = words.filter((word) => !BT_OPTIONS.includes(word));
  if (extra !== undefined || text?.startsWith("-")) {
    throw new InputError(`usage: ${COMMANDS.bt.usage}`);
  }
  const shown = { lines: words.includes("-l"), words: words.includes("-f") };
  if (!words.includes("-a")) return backtrace(session, session.task(text), shown);
  if (text) throw new InputError("bt -a: it is of all tasks that run; leave out the PID");
  const active = session.tasks.filter(({ runs }) => runs !== undefined)
    .sort((one, other) => one.runs! - other.runs!);
  return active.flatMap((task, i) => [...(i ? [""] : []), ...backtrace(session, task, shown)]);
}

/**
 * One line of input: a command with its words, and what its lines go through. Throws Interrupted
 * if `signal` came before its end.
 */
export async function execute(
  session: Session, line: string, signal?: AbortSignal,
): Promise<string[]> {
  const [first, ...pipes] = splitAt(line, "|");
  // What is wrong behind a | is said before the command has done its work.
  const filters = pipes.map(filterOf);
  const lines = await answer(session, first, signal);
  return filters.reduce((rest, filter) => filter(rest), lines);
}

async function answer(session: Session, line: string, signal?: AbortSignal): Promise<string[]> {
  const [name, ...words] = line.replace(POINTER_TO, "struct ").split(/\s+/);
  if (!name) return [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new InputError(`${name}: no such command; help lists them`);
  const [fewest, most] = command.words;
  if (words.length < fewest || words.length > most) {
    throw new InputError(`usage: ${command.usage}`);
  }
  try {
    const lines = await command.run(session, words, signal);
    if (!signal?.aborted) return lines;
  } catch (error) {
    // A run that was stopped in the middle is not the one that it repeats.
    if (!signal?.aborted) throw error;
  }
  throw new Interrupted();
}
