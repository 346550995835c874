// A report on a failed run as a page that needs nothing else: sections, lists, tables, and the
// labelled steps drawn as a timeline.
import type { Report, Section } from "./case-report.ts";
import type { Step } from "./case-report-steps.ts";
import { signsOf, timeline } from "./case-report-timeline.ts";
import { valueOf } from "./crash/machine.ts";
import { legendHtml } from "./legend.ts";
import { escaped } from "./svg.ts";

const STYLE = "body{font:15px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;" +
  "padding:0 1rem;color:#222;background:#fff}pre,td,th{font:13px/1.4 ui-monospace,monospace}" +
  "pre{overflow-x:auto;background:#8881;padding:.6rem}table{border-collapse:collapse}" +
  "td,th{padding:.1rem .8rem .1rem 0;text-align:left;vertical-align:top}h2{font-size:1.05rem}" +
  ".legend{list-style:none;padding:0;font-size:.85rem;display:flex;flex-wrap:wrap;gap:0 1.2rem}" +
  ".figure{overflow-x:auto}text{font:11px system-ui,sans-serif;fill:currentColor}" +
  ".lane{stroke:#8884}.look{stroke:#d9480f66;stroke-dasharray:2 3;fill:#d9480f66}" +
  ".cpu{font-weight:600}.store{fill:#4269d0}.load{fill:#d9480f}.locked{fill:#2b8a3e}" +
  "@media(prefers-color-scheme:dark){body{color:#ddd;background:#151515}}";

/** `paragraphs`: what `smpbox why` says of the run. */
export function reportPage(report: Report, paragraphs: readonly string[], facts: string[]): string {
  const { id, title, what, sections } = report;
  return [
    "<!doctype html>", '<html lang="en">', '<head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(`${id}: ${title}`)}</title>`, `<style>${STYLE}</style></head>`, "<body>",
    `<h1>${escaped(`${id}: ${title}`)}</h1>`, `<p>${escaped(`${what}.`)}</p>`,
    `<p>${facts.map(escaped).join("<br>")}</p>`,
    ...(paragraphs.length ? ["<h2>why</h2>", ...paragraphsHtml(paragraphs)] : []),
    ...sections.flatMap(sectionHtml), "</body>", "</html>", "",
  ].join("\n");
}

/** Those that begin with a dash are items of a list. */
function paragraphsHtml(paragraphs: readonly string[]): string[] {
  const isItem = (text?: string) => text?.startsWith("- ") === true;
  return paragraphs.flatMap((text, i) => isItem(text) ? [
    ...(isItem(paragraphs[i - 1]) ? [] : ["<ul>"]), `<li>${escaped(text.slice(2))}</li>`,
    ...(isItem(paragraphs[i + 1]) ? [] : ["</ul>"]),
  ] : [`<p>${escaped(text)}</p>`]);
}

function sectionHtml({ title, lines, fields, steps, claims, after, legend }: Section): string[] {
  return [
    `<h2>${escaped(title)}</h2>`,
    ...(lines ? [`<pre>${escaped(lines.join("\n"))}</pre>`] : []),
    ...(fields ? ["<table>", ...fields.map(({ name, text }) =>
      `<tr><th scope="row">${escaped(name)}</th><td>${escaped(text)}</td></tr>`), "</table>"] : []),
    ...(steps?.length ? [`<div class="figure">${timeline(title, steps)}</div>`,
      legendHtml(signsOf(steps)), ...(legend ? [`<p>${escaped(legend)}</p>`] : []),
      ...table(steps)]
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
