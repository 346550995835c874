// The commands of smpbox crash by name, for the prompt, for scripts and for help.
import { InputError } from "../../machine/preset.ts";
import { backtrace } from "./backtrace.ts";
import { irq } from "./interrupts.ts";
import { cache, last, sb } from "./machine.ts";
import { dis, print, rd, slab, struct } from "./memory.ts";
import type { Session } from "./session.ts";
import { whyAgain, whyLines } from "../why/why.ts";
import { files, list, ps, runq, sys, waitq } from "./tasks.ts";

interface Command {
  usage: string;
  what: string;
  /** Fewest and most words. */
  words: [number, number];
  run(session: Session, words: string[]): string[] | Promise<string[]>;
}

export const COMMANDS: Record<string, Command> = {
  sys: { usage: "sys", what: "the machine, the kernel, why it stopped", words: [0, 0], run: sys },
  ps: {
    usage: "ps [-UN|-IN|-RU]", what: "tasks, those in one state only", words: [0, 1],
    run: (session, [filter]) => ps(session, filter),
  },
  bt: {
    usage: "bt [-f] [PID|TASK]", what: "frames of a task; -f: and the stack",
    words: [0, 2],
    run: (session, words) => {
      const rest = words.filter((one) => one !== "-f");
      return backtrace(session, session.task(rest[0]), rest.length < words.length);
    },
  },
  waitq: {
    usage: "waitq ADDRESS|SYMBOL", what: "who waits in a wait queue", words: [1, 1],
    run: (session, [address]) => waitq(session, address),
  },
  list: {
    usage: "list TYPE.MEMBER -H ADDRESS", what: "the structs of a list by its head",
    words: [3, 3], run: list,
  },
  struct: {
    usage: "struct TYPE[.MEMBER] [ADDRESS]", what: "a struct in memory, or its layout",
    words: [1, 3], run: struct,
  },
  px: {
    usage: "px EXPRESSION", what: "a variable or field, hexadecimal", words: [1, 32],
    run: (session, words) => print(session, words.join(" "), 16),
  },
  pd: {
    usage: "pd EXPRESSION", what: "a variable or field, decimal", words: [1, 32],
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
  runq: { usage: "runq", what: "the run queue of each CPU", words: [0, 0], run: runq },
  irq: { usage: "irq", what: "lines, handlers, what each CPU took", words: [0, 0], run: irq },
  dis: {
    usage: "dis ADDRESS|SYMBOL [COUNT]", what: "instructions", words: [1, 2],
    run: (session, [place, count]) => dis(session, place, count),
  },
  sb: { usage: "sb", what: "the store buffer of each CPU", words: [0, 0], run: sb },
  cache: {
    usage: "cache ADDRESS|SYMBOL", what: "the state of a line in each cache", words: [1, 1],
    run: (session, [address]) => cache(session, address),
  },
  last: {
    usage: "last [COUNT]", what: "the last labelled steps of all CPUs", words: [0, 1],
    run: (session, [count]) => last(session, count),
  },
  why: {
    usage: "why [PID|TASK]", what: "why it sleeps, or what overtook what",
    words: [0, 1], run: (session, [task]) => why(session, task),
  },
  help: {
    usage: "help [COMMAND]", what: "this list", words: [0, 1],
    run: (_, [name]) => help(name),
  },
};

function help(name?: string): string[] {
  if (name !== undefined) {
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new InputError(`${name}: no such command; help lists them`);
    return [command.usage, `    ${command.what}`];
  }
  return [
    ...Object.values(COMMANDS).map(({ usage, what }) => `${usage.padEnd(32)} ${what}`),
    "quit                             leave; also exit, q, Ctrl-D",
  ];
}

/** Of one task, or of all that there is. */
async function why(session: Session, task?: string): Promise<string[]> {
  const wanted = task === undefined ? undefined : session.task(task).pid;
  const found = await whyAgain(session.machine, session.subject.result !== undefined);
  return whyLines(found.filter((one) => wanted === undefined || one.task?.pid === wanted), SHOWN);
}

const SHOWN = 3;

/** One line of input: a command with its words. */
export async function execute(session: Session, line: string): Promise<string[]> {
  const [name, ...words] = line.trim().split(/\s+/);
  if (!name) return [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new InputError(`${name}: no such command; help lists them`);
  const [fewest, most] = command.words;
  if (words.length < fewest || words.length > most) {
    throw new InputError(`usage: ${command.usage}`);
  }
  return command.run(session, words);
}

/** What a begun line may go on with: commands, then types or symbols. */
export function complete(session: Session, line: string): [string[], string] {
  const words = line.split(/\s+/);
  const begun = words.at(-1)!;
  const candidates = words.length === 1
    ? Object.keys(COMMANDS)
    : ["struct", "slab"].includes(words[0])
      ? session.guest.types.names().map((name) => name.replace(/^(struct|union|enum) /, ""))
      : [...session.machine.kernel.symbols.keys()];
  return [candidates.filter((name) => name.startsWith(begun)).sort(), begun];
}
