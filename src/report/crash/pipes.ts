// What stands behind a command's | : grep, wc -l, head and tail, so that a session needs no shell.
// A | in parentheses or quotes is none: it is C's, or part of what is looked for.
import { InputError } from "../../machine/preset.ts";

const LINES_DEFAULT = 10;
export const FILTERS = ["grep", "wc -l", "head", "tail"];

/** `line` at each `mark` that is outside of quotes; a | also of parentheses. */
export function splitAt(line: string, mark: ";" | "|"): string[] {
  const parts = [""];
  let quote = "";
  let depth = 0;
  for (let i = 0; i < line.length; i++) {
    const sign = line[i];
    if (sign === "\\" && quote) {
      parts[parts.length - 1] += sign + (line[++i] ?? "");
      continue;
    }
    if (quote) quote = sign === quote ? "" : quote;
    else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === "(" && mark === "|") depth++;
    else if (sign === ")") depth = Math.max(0, depth - 1);
    else if (sign === mark && depth === 0) {
      parts.push("");
      continue;
    }
    parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim());
}

/** Words as a shell has them: quotes keep spaces, and go. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
}

export type Filter = (lines: readonly string[]) => string[];

/** "grep -iv TEXT", "wc -l", "head -N", "tail -n N". */
export function filterOf(text: string): Filter {
  const [name, ...words] = wordsOf(text);
  switch (name) {
    case "grep": return grep(words);
    case "wc":
      if (words.length === 1 && words[0] === "-l") return (lines) => [`${lines.length}`];
      throw new InputError("usage: ... | wc -l");
    case "head": case "tail": {
      const count = countOf(name, words);
      return (lines) => name === "head" ? lines.slice(0, count)
        : lines.slice(Math.max(0, lines.length - count));
    }
    default:
      throw new InputError(`| ${text}: grep, wc -l, head and tail are what a pipe leads to`);
  }
}

function countOf(name: string, words: readonly string[]): number {
  if (words.length === 0) return LINES_DEFAULT;
  const count = /^-(?:n ?)?(\d+)$/.exec(words.join(" "))?.[1];
  if (count === undefined) throw new InputError(`usage: ... | ${name} [-N]`);
  return Number(count);
}

function grep(words: readonly string[]): Filter {
  const isFlag = (word: string) => /^-[ivc]+$/.test(word);
  const flags = words.filter(isFlag).join("");
  const [pattern, ...more] = words.filter((word) => !isFlag(word));
  if (pattern === undefined || more.length) throw new InputError("usage: ... | grep [-ivc] TEXT");
  const wanted = expressionOf(pattern, flags.includes("i"));
  return (lines) => {
    const found = lines.filter((line) => wanted.test(line) !== flags.includes("v"));
    return flags.includes("c") ? [`${found.length}`] : found;
  };
}

/** POSIX's basic regular expressions: + ? | ( ) { } mean themselves, unless with a backslash. */
function expressionOf(pattern: string, ignoresCase: boolean): RegExp {
  const text = pattern.replace(/\\?[+?|(){}]/g, (sign) =>
    sign.length === 1 ? `\\${sign}` : sign[1]);
  try {
    return new RegExp(text, ignoresCase ? "i" : "");
  } catch {
    throw new InputError(`grep ${pattern}: no regular expression`);
  }
}
