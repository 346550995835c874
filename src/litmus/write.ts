// A test as the text of a .litmus file, laid out as herdtools7 does; and the hash over the same
// text by which herdtools7 recognises a test whatever its name and blanks are.
import {
  conditionText, locationsOf, locationText, propositionText, valueText,
} from "./condition.ts";
import { hex, md5 } from "./md5.ts";
import { printingRank, registerNamed } from "./registers.ts";
import type { Initial, LitmusTest, Location, Statement, Thread } from "./test.ts";

/** Text that parses to the same test. */
export function writeTest(test: LitmusTest): string {
  const { arch, name, title, fields } = test;
  const lines = [`${arch} ${name}`];
  if (title !== undefined) lines.push(`"${title}"`);
  for (const { key, value } of fields) lines.push(`${key}=${value}`);
  lines.push("{", ...test.initial.map((entry) => ` ${initialText(entry)};`), "}");
  const heads = test.threads.map(({ number }) => `P${number}`);
  lines.push(...table(test.threads.map((thread, i) => [heads[i], ...threadLines(thread)])));
  if (test.locations.length) {
    const names = test.locations.map((location) => `${bareText(location)};`);
    lines.push(`locations [${names.join("")}]`);
  }
  if (test.filter) lines.push(`filter (${propositionText(test.filter)})`);
  lines.push(conditionText(test.condition));
  return `${lines.join("\n")}\n`;
}

/** A column per thread, as wide as its widest line. */
function table(columns: string[][]): string[] {
  const widths = columns.map((column) => column.reduce((w, line) => Math.max(w, line.length), 0));
  const rows = columns.reduce((n, column) => Math.max(n, column.length), 0);
  return Array.from({ length: rows }, (_, row) => {
    const cells = columns.map((column, i) => ` ${(column[row] ?? "").padEnd(widths[i])} `);
    return `${cells.join("|")};`;
  });
}

function threadLines(thread: Thread, renamed?: Map<string, string>): string[] {
  return thread.statements.flatMap(({ labels, text, mnemonic }: Statement) => {
    const lines = labels.map((label) => `${renamed?.get(label) ?? label}:`);
    if (mnemonic === undefined) return lines;
    const target = renamed ? text.replace(/\S+$/, (word) => renamed.get(word) ?? word) : text;
    return [...lines, target];
  });
}

/** x and not [x]: in lists of locations and in initial states. */
function bareText(location: Location): string {
  if (location.kind === "memory" && location.index === undefined) return location.symbol;
  return locationText(location);
}

function initialText({ location, type, length, values }: Initial): string {
  const pointer = type?.pointer ?? false;
  const front = type ? `${type.name}${pointer ? "" : " "}` : "";
  if (length !== undefined) {
    const all = values.length ? `={${values.map(valueText).join(",")}}` : "";
    return type ? `${front}${bareText(location)}[${length}]${all}` : `${bareText(location)}${all}`;
  }
  return `${front}${bareText(location)}${values.length ? `=${valueText(values[0])}` : ""}`;
}

/**
 * herd7's Hash over initial state, code and observed locations, for a test in herdtools7's own
 * spelling; none for a test with arrays, of which herd7's canonical text is not known.
 */
export function hashOf(test: LitmusTest): string | undefined {
  if (test.initial.some(({ length }) => length !== undefined)) return undefined;
  const initial = [...test.initial].sort((a, b) => compareLocations(a.location, b.location));
  const observed = [...test.locations, ...locationsOf(test.condition.proposition)];
  const names = new Set(observed.sort(compareLocations).map(bareText));
  // Labels get new names in the order of the old ones.
  const labels = test.threads.flatMap(({ statements }) => statements.flatMap((s) => s.labels));
  const sorted = [...new Set(labels)].sort();
  const renamed = new Map(sorted.map((label, i) => [label, `L${`${i}`.padStart(2, "0")}`]));
  const rows = table(test.threads.map((thread) => threadLines(thread, renamed)));
  const code = rows.map((row) => `${row}\n`).join("");
  const parts = [initial.map(hashedInitial).join("; "), code, [...names].join("; ")];
  const digests = new Uint8Array(48);
  parts.forEach((part, i) => digests.set(md5(new TextEncoder().encode(part)), 16 * i));
  return hex(md5(digests));
}

function hashedInitial(entry: Initial): string {
  if (entry.values.length) return initialText(entry);
  return initialText({ ...entry, values: [{ kind: "number", value: 0n }] });
}


/** Registers by thread and herd7's order, then memory by name. */
function compareLocations(a: Location, b: Location): number {
  if (a.kind === "register" && b.kind === "register") {
    return a.thread - b.thread || rank(a.register) - rank(b.register);
  }
  if (a.kind === "memory" && b.kind === "memory") {
    if (a.symbol !== b.symbol) return a.symbol < b.symbol ? -1 : 1;
    return (a.index ?? -1) - (b.index ?? -1);
  }
  return a.kind === "register" ? -1 : 1;
}

const rank = (name: string) => printingRank(registerNamed(name)?.number ?? -1);
