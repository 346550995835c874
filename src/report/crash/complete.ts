// What a begun line of smpbox crash may go on with: commands, then what each takes. In an
// expression that is a type behind "struct", a member behind -> or ., else a symbol.
import { bare, memberOf, type Type } from "../../machine/dwarf/types.ts";
import { InputError } from "../../machine/preset.ts";
import { aliasNames } from "./aliases.ts";
import { COMMANDS, POINTER_TO } from "./commands.ts";
import { valueOf } from "./expression.ts";
import { perCpuNames } from "./per-cpu.ts";
import { FILTERS } from "./pipes.ts";
import type { Session } from "./session.ts";

export const LEAVE = ["quit", "exit", "q"];
const OPTIONS: Record<string, string[]> = {
  ps: ["-UN", "-IN", "-RU"], bt: ["-f", "-l", "-a"], list: ["-H", "-s"], last: ["-a"],
  struct: ["-x", "-d", "-o"], why: ["--all"],
};
const OF_TASK = ["ps", "bt", "set", "files", "why"];
const OF_TYPE = ["struct", "slab", "list"];
const ALONE = ["sys", "mount", "runq", "irq", "sb", "last"];

/** The candidates, and the part of the line that they replace. */
export function complete(session: Session, line: string): [string[], string] {
  const part = line.slice(line.lastIndexOf("|") + 1).trimStart().replace(POINTER_TO, "struct ");
  const words = part.split(/\s+/);
  if (words.length === 1) {
    return matching(line.includes("|") ? FILTERS : [...Object.keys(COMMANDS), ...LEAVE], part, " ");
  }
  const [command] = words;
  const last = words.at(-1)!;
  if (line.includes("|")) return [[], last];
  if (command === "help") return matching(Object.keys(COMMANDS), last);
  const options = last.startsWith("-") ? OPTIONS[command] ?? [] : [];
  if (options.length) return matching(options, last, " ");
  if (ALONE.includes(command)) return [[], last];
  if (OF_TASK.includes(command)) {
    const tasks = session.tasks.filter(({ idle }) => !idle);
    const comms = command === "ps" ? tasks.map(({ comm }) => comm) : [];
    return matching([...comms, ...tasks.map(({ pid }) => `${pid}`)], last);
  }
  if (OF_TYPE.includes(command) && words.length === 2) {
    // Of several members the last one has been begun.
    const [type, begun] = splitLast(last, /[.,]/g);
    const known = type && typeOfPath(session, type);
    return known ? matching(membersOf(known), begun) : matching(typesOf(session), last);
  }
  return inExpression(session, part.slice(command.length));
}

function inExpression(session: Session, text: string): [string[], string] {
  const [, kind, type] = /\b(struct|union|enum)\s+(\w*)$/.exec(text) ?? [];
  if (kind) return matching(typesOf(session, kind), type);
  const [base, begun] = splitLast(text, /->|\./g);
  if (base && /^\w*$/.test(begun)) return matching(membersOf(typeOf(session, base)), begun);
  const [word] = /[\w$.]*$/.exec(text)!;
  const { kernel, program } = session.machine;
  const names = [
    ...session.history.map((_, i) => `$${i + 1}`), "$task", ...kernel.symbols.keys(),
    ...program.symbols.keys(), ...perCpuNames(session),
    ...typeNames(session).filter((name) => !name.includes(" ")),
  ];
  return matching(names, word);
}

/** The type of what stands before -> or . at the end of `text`, as far to the left as it goes. */
function typeOf(session: Session, text: string): Type | undefined {
  const operand = text.replace(/(->|\.)$/, "");
  for (let from = 0; from < operand.length; from++) {
    // Not in the middle of a word.
    if (/\w$/.test(operand.slice(0, from)) && /^\w/.test(operand.slice(from))) continue;
    try {
      const { type } = valueOf(operand.slice(from), session.scope);
      if (type) return type;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }
  return undefined;
}

/** Before and behind the last place where `mark` is; ["", text] if nowhere. */
function splitLast(text: string, mark: RegExp): [string, string] {
  const last = [...text.matchAll(mark)].at(-1);
  const at = last ? last.index + last[0].length : 0;
  return [text.slice(0, at), text.slice(at)];
}

function membersOf(type: Type | undefined): string[] {
  const here = type && bare(type);
  const whole = here?.kind === "pointer" && here.to ? bare(here.to) : here;
  if (whole?.kind !== "struct" && whole?.kind !== "union") return [];
  return whole.members.flatMap(({ name, type: of }) => name ? [name] : membersOf(of));
}

/** What "dio.refcount,bio_lock." stands in: the struct of its last member; of "dio." itself. */
function typeOfPath(session: Session, text: string): Type | undefined {
  const [name] = text.split(/[.,]/, 1);
  const type = session.typeNamed(name);
  const path = text.slice(name.length + 1).split(",").at(-1)!.replace(/\.$/, "");
  return type && path ? memberOf(type, path)?.type : type;
}

/** With those that this kernel calls otherwise. */
const typeNames = ({ guest: { types } }: Session) => [...types.names(), ...aliasNames(types)];

function typesOf(session: Session, kind?: string): string[] {
  const names = typeNames(session);
  return kind === undefined ? names.map((name) => name.replace(/^(struct|union|enum) /, ""))
    : names.flatMap((name) => name.startsWith(`${kind} `) ? [name.slice(kind.length + 1)] : []);
}

/** `behind` what is the only one. */
function matching(names: readonly string[], begun: string, behind = ""): [string[], string] {
  const found = [...new Set(names)].filter((name) => name.startsWith(begun)).sort();
  return [found.length === 1 ? [`${found[0]}${behind}`] : found, begun];
}
