// A report on a failed run as text for a terminal, and as a document for --json.
import type { Report, Section, Step } from "./case-report.ts";
import { wrap } from "./text.ts";

const WIDTH = 80;

export function reportLines({ id, title, what, sections }: Report): string[] {
  return [
    ...wrap(`${id}: ${title}`).split("\n"), ...wrap(`${what}.`).split("\n"),
    ...sections.flatMap((section) => ["", `-- ${section.title}`, ...sectionLines(section)]),
  ];
}

function sectionLines(section: Section): string[] {
  const { lines = [], fields = [], steps = [], claims = [], after } = section;
  const column = Math.max(0, ...fields.map(({ name }) => name.length));
  return [
    ...lines,
    ...fields.map(({ name, text }) => `  ${name.padEnd(column)} = ${text}`),
    ...steps.map((step) => stepLine(step, steps[0].time)),
    ...(after === undefined ? [] : [`  then nothing more, for ${after} cycles, to the end`]),
    ...claims.map(({ text, holds }) => `  ${holds ? "so" : "NOT SHOWN"}: ${text}`),
  ];
}

function stepLine({ time, cpu, label, kind, place, value, words }: Step, origin: bigint): string {
  const when = `+${time - origin}`.padStart(9);
  const what = [words, `${place} = 0x${value.toString(16)}`].filter(Boolean).join(": ");
  return `${when}  cpu${String(cpu).padEnd(3)} ${label.padEnd(4)} ${kind.padEnd(6)} ${what}`
    .slice(0, WIDTH);
}
