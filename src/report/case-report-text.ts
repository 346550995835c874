// A report on a failed run as text for a terminal, and as a document for --json.
import type { Report, Section } from "./case-report.ts";
import type { Step } from "./case-report-steps.ts";
import { valueOf } from "./crash/machine.ts";
import { fold, wrap } from "./text.ts";

const WIDTH = 80;

export function reportLines({ id, title, what, sections }: Report): string[] {
  return [
    ...wrap(`${id}: ${title}`).split("\n"), ...wrap(`${what}.`).split("\n"),
    ...sections.flatMap((section) => ["", `-- ${section.title}`, ...sectionLines(section)]),
  ].flatMap((line) => fold(line));
}

function sectionLines(section: Section): string[] {
  const { lines = [], fields = [], steps = [], claims = [], after, legend } = section;
  const column = Math.max(0, ...fields.map(({ name }) => name.length));
  return [
    ...lines,
    ...fields.flatMap(({ name, text }) => fieldLines(name.padEnd(column), text)),
    ...steps.flatMap((step) => stepLines(step, steps[0].time)),
    ...(legend ? wrap(legend, WIDTH - 2).split("\n").map((line) => `  ${line}`) : []),
    ...(after === undefined ? [] : [`  then nothing more, for ${after} cycles, to the end`]),
    ...claims.map(({ text, holds }) => `  ${holds ? "so" : "NOT SHOWN"}: ${text}`),
  ];
}

function fieldLines(name: string, text: string): string[] {
  const [first, ...rest] = wrap(text, WIDTH - name.length - 5).split("\n");
  return [`  ${name} = ${first}`, ...rest.map((line) => `${" ".repeat(name.length + 5)}${line}`)];
}

/** What does not fit in a line goes to a second one: the place with its value stays whole. */
function stepLines(
  { time, cpu, label, kind, place, value, words }: Step, origin: bigint,
): string[] {
  const when = `+${time - origin}`.padStart(9);
  const head = `${when}  cpu${String(cpu).padEnd(3)} ${label.padEnd(4)} ${kind.padEnd(6)}`;
  const where = `${place} ${valueOf(kind, value)}`;
  const whole = [words, where].filter(Boolean).join(": ");
  if (head.length + 1 + whole.length <= WIDTH || !words) return [`${head} ${whole}`];
  const margin = Math.max(2, Math.min(head.length + 1, WIDTH - where.length));
  return [`${head} ${words}:`, `${" ".repeat(margin)}${where}`];
}
