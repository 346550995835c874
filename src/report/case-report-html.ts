// A report on a failed run as a page that needs nothing else: sections, tables, and the labelled
// steps drawn as a timeline, a lane for each CPU. A store is a bar from its issue into the store
// buffer until it is visible.
import type { Report, Section } from "./case-report.ts";
import type { Step } from "./case-report-steps.ts";
import { valueOf } from "./crash/machine.ts";
import { legendHtml, type Sign } from "./legend.ts";
import { escaped } from "./svg.ts";

const STYLE = "body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;" +
  "padding:0 1rem;color:#222;background:#fff}pre,td,th{font:13px/1.4 ui-monospace,monospace}" +
  "pre{overflow-x:auto;background:#8881;padding:.6rem}table{border-collapse:collapse}" +
  "td,th{padding:.1rem .8rem .1rem 0;text-align:left;vertical-align:top}h2{font-size:1.05rem}" +
  ".legend{list-style:none;padding:0;font-size:.85rem;display:flex;flex-wrap:wrap;gap:0 1.2rem}" +
  ".figure{overflow-x:auto}text{font:11px system-ui,sans-serif;fill:currentColor}" +
  ".lane{stroke:#8886}.store{fill:#4269d0}.load{fill:#d9480f}.locked{fill:#2b8a3e}" +
  "@media(prefers-color-scheme:dark){body{color:#ddd;background:#151515}}";
const WIDTH = 960;
const LEFT = 60;
const LANE = 64;
/** Of the names above the marks, so that they do not hide each other. */
const ROWS = 3;

/** `paragraphs`: what `smpbox why` says of the run. */
export function reportPage(report: Report, paragraphs: readonly string[], facts: string[]): string {
  const { id, title, what, sections } = report;
  return [
    "<!doctype html>", '<html lang="en">', '<head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(`${id}: ${title}`)}</title>`, `<style>${STYLE}</style></head>`, "<body>",
    `<h1>${escaped(`${id}: ${title}`)}</h1>`, `<p>${escaped(`${what}.`)}</p>`,
    `<p>${facts.map(escaped).join("<br>")}</p>`,
    ...(paragraphs.length ? ["<h2>why</h2>", ...paragraphs.map((text) =>
      `<p>${escaped(text)}</p>`)] : []),
    ...sections.flatMap(sectionHtml), "</body>", "</html>", "",
  ].join("\n");
}

function sectionHtml({ title, lines, fields, steps, claims, after }: Section): string[] {
  return [
    `<h2>${escaped(title)}</h2>`,
    ...(lines ? [`<pre>${escaped(lines.join("\n"))}</pre>`] : []),
    ...(fields ? ["<table>", ...fields.map(({ name, text }) =>
      `<tr><th scope="row">${escaped(name)}</th><td>${escaped(text)}</td></tr>`), "</table>"] : []),
    ...(steps?.length ? [`<div class="figure">${timeline(title, steps)}</div>`,
      legendHtml(signsOf(steps)), ...table(steps)]
      : []),
    ...(after === undefined ? [] : [`<p>Then nothing more, for ${after} cycles, to the end.</p>`]),
    ...(claims ?? []).map(({ text, holds }) =>
      `<p>${holds ? "So" : "Not shown"}: ${escaped(text)}</p>`),
  ];
}

function table(steps: readonly Step[]): string[] {
  const head = ["cycle", "CPU", "step", "", "place", "value", ""];
  return [
    "<table>", `<tr>${head.map((text) => `<th>${text}</th>`).join("")}</tr>`,
    ...steps.map(({ time, cpu, label, kind, place, value, words }) => {
      const cells = [`${time}`, `${cpu}`, label, kind, place, valueOf(kind, value), words];
      return `<tr>${cells.map((text) => `<td>${escaped(text)}</td>`).join("")}</tr>`;
    }),
    "</table>",
  ];
}

/** Not every case records when a store became visible. */
const hasCommits = (steps: readonly Step[]) => steps.some(({ kind }) => kind === "commit");

function signsOf(steps: readonly Step[]): Sign[] {
  const [bar, dot] = ["bar", "dot"] as const;
  const signs: [kind: string, sign: Sign][] = [
    ...(hasCommits(steps) ? [
      ["issue", { shape: bar, colour: "store",
        text: "a store in the store buffer, until it is visible or to the edge" }],
      ["commit", { shape: dot, colour: "store", text: "a store becomes visible" }],
    ] satisfies [string, Sign][] : [
      ["issue", { shape: dot, colour: "store",
        text: "a store; when it became visible is not recorded" }],
    ] satisfies [string, Sign][]),
    ["load", { shape: dot, colour: "load", text: "a load" }],
    ["locked", { shape: dot, colour: "locked", text: "a locked access" }],
  ];
  return signs.flatMap(([kind, sign]) =>
    steps.some((step) => step.kind === kind) ? [sign] : []);
}

/** The steps at their times; most of a request is waiting, so short gaps are widened. */
export function timeline(title: string, steps: readonly Step[]): string {
  const cpus = [...new Set(steps.map(({ cpu }) => cpu))].sort((a, b) => a - b);
  const at = scaleOf(steps);
  const height = cpus.length * LANE + 40;
  const commits = hasCommits(steps);
  const y = (cpu: number) => 24 + cpus.indexOf(cpu) * LANE + LANE - 18;
  const shapes = steps.flatMap((step, i) => {
    const { cpu, time, label, kind, place, words } = step;
    const about = `<title>${escaped(`${label} ${kind} ${place} at ${time} ${words}`)}</title>`;
    const name = `<text x="${at(time)}" y="${y(cpu) - 12 - (i % ROWS) * 12}">` +
      `${escaped(kind === "commit" ? `${label} visible` : label)}</text>`;
    if (kind === "issue" && commits) {
      const end = steps.find((other, k) => k > i && other.kind === "commit" &&
        other.cpu === cpu && other.label === label);
      const width = Math.max(3, end ? at(end.time) - at(time) : WIDTH - at(time));
      return [`<rect class="store" x="${at(time)}" y="${y(cpu) - 4}" width="${width}" height="8" ` +
        `opacity="0.8">${about}</rect>`, name];
    }
    const shape = kind === "load" ? "load" : kind === "locked" ? "locked" : "store";
    return [`<circle class="${shape}" cx="${at(time)}" cy="${y(cpu)}" r="4">${about}</circle>`,
      name];
  });
  const [first, last] = [steps[0].time, steps.at(-1)!.time];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH + 60} ${height}" ` +
      `width="${WIDTH + 60}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    ...cpus.flatMap((cpu) => [
      `<path class="lane" d="M${LEFT},${y(cpu)}H${WIDTH}"/>`,
      `<text x="4" y="${y(cpu) + 4}">cpu${cpu}</text>`,
    ]),
    ...shapes,
    `<text x="${LEFT}" y="${height - 4}">${first}</text>`,
    `<text x="${WIDTH}" y="${height - 4}" text-anchor="end">${last} cycles (not to scale)</text>`,
    "</svg>",
  ].join("");
}

/** Equal parts for the order of the steps, and the rest by the square roots of the gaps. */
function scaleOf(steps: readonly Step[]): (time: bigint) => number {
  const times = [...new Set(steps.map(({ time }) => time))].sort((a, b) => (a < b ? -1 : 1));
  const gaps = times.slice(1).map((time, i) => 4 + Math.sqrt(Number(time - times[i])));
  const total = gaps.reduce((sum, gap) => sum + gap, 0) || 1;
  const places = new Map<bigint, number>();
  let x = LEFT;
  times.forEach((time, i) => {
    places.set(time, Math.round(x * 10) / 10);
    x += ((gaps[i] ?? 0) / total) * (WIDTH - LEFT - 40);
  });
  return (time) => places.get(time)!;
}
