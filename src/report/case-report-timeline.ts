// The labelled steps of a report drawn as a timeline: of each CPU first what it executed, then its
// store buffer. A store is a bar from its issue until it is visible. What would hide each other,
// bars that overlap or names, lies in lanes below each other.
import type { Step } from "./case-report-steps.ts";
import type { Sign } from "./legend.ts";
import { escaped } from "./svg.ts";

/** Pixels: of the whole, before the first step, of a lane, and between two CPUs. */
const WIDTH = 1020;
const LEFT = 112;
const RIGHT = 40;
const LANE = 26;
const GAP = 14;
const TOP = 8;
/** A letter of a name at most; it decides only which lane a name needs. */
const LETTER = 6.4;
const SPACE = 8;

/** A step, or a store with both of its steps. */
interface Mark {
  step: Step;
  visible?: Step;
  shape: "bar" | "dot";
  from: number;
  to: number;
  text: string;
  /** Where its name begins, and which pixels are taken by both. */
  textAt: number;
  taken: [from: number, to: number];
}

/** Not every case records when a store became visible. */
const hasCommits = (steps: readonly Step[]) => steps.some(({ kind }) => kind === "commit");

/** What the drawing of these steps has, for its legend. */
export function signsOf(steps: readonly Step[]): Sign[] {
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
  const shown = signs.flatMap(([kind, sign]) =>
    steps.some((step) => step.kind === kind) ? [sign] : []);
  return steps.some(isLook) ? [...shown, { shape: "line", colour: "look",
    text: "when it was executed, beside what waited in store buffers then" }] : shown;
}

const isLook = ({ kind }: Step) => kind === "load" || kind === "locked";

/** The steps at their times; most of a request is waiting, so short gaps are widened. */
export function timeline(title: string, steps: readonly Step[]): string {
  const at = scaleOf(steps);
  const cpus = [...new Set(steps.map(({ cpu }) => cpu))].sort((a, b) => a - b);
  const marks = marksOf(steps, at);
  const body: string[] = [];
  let y = TOP;
  for (const cpu of cpus) {
    const own = marks.filter(({ step }) => step.cpu === cpu);
    const isStored = ({ step: { kind } }: Mark) =>
      kind === "commit" || (kind === "issue" && hasCommits(steps));
    const groups = [["", own.filter((mark) => !isStored(mark))],
      ["store buffer", own.filter(isStored)]] as const;
    body.push(`<text x="4" y="${y + LANE - 8}" class="cpu">cpu${cpu}</text>`);
    for (const [name, group] of groups) {
      const lanes = lanesOf(group);
      if (lanes.length && name) {
        body.push(`<text x="${LEFT - 8}" y="${y + LANE - 8}" text-anchor="end">${name}</text>`);
      }
      for (const lane of lanes) {
        body.push(`<path class="lane" d="M${LEFT},${y + LANE - 6}H${WIDTH - RIGHT}"/>`,
          ...lane.flatMap((mark) => drawn(mark, y + LANE - 6)));
        y += LANE;
      }
    }
    y += GAP;
  }
  const [first, last] = [steps[0].time, steps.at(-1)!.time];
  // Which stores were on their way when a CPU looked.
  const looks = steps.filter(isLook).map((step) =>
    `<path class="look" d="M${at(step.time)},${TOP}V${y - GAP}"/>`);
  const height = y + 12;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
      `width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    ...looks, ...body,
    `<text x="${LEFT}" y="${height - 4}">${first}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${height - 4}" text-anchor="end">` +
      `${last} cycles (not to scale)</text>`,
    "</svg>",
  ].join("");
}

function marksOf(steps: readonly Step[], at: (time: bigint) => number): Mark[] {
  const commits = commitsOf(steps);
  const shown = new Set(commits.values());
  return steps.filter((step) => !shown.has(step)).map((step): Mark => {
    const { kind, label, place, time } = step;
    const from = at(time);
    const name = `${label} ${place}`;
    if (kind !== "issue" || !hasCommits(steps)) {
      const text = kind === "commit" ? `${name} visible` : name;
      return { step, shape: "dot", from, to: from, ...placed(text, from - 4, from + 4) };
    }
    const visible = commits.get(step);
    const to = Math.max(from + 3, visible ? at(visible.time) : WIDTH - RIGHT);
    const text = visible ? `${name}: ${visible.time - time} cycles`
      : `${name}: not visible by ${steps.at(-1)!.time}`;
    return { step, visible, shape: "bar", from, to, ...placed(text, from, to + 4) };
  });
}

/** A name begins where its mark does, or further left, so that it is there to its end. */
function placed(text: string, from: number, to: number): Pick<Mark, "text" | "textAt" | "taken"> {
  const width = text.length * LETTER;
  const textAt = Math.max(0, Math.min(from, WIDTH - width));
  return { text, textAt, taken: [Math.min(from, textAt), Math.max(to, textAt + width) + SPACE] };
}

/** The commit of each store: those of one CPU to one place become visible in their order. */
function commitsOf(steps: readonly Step[]): Map<Step, Step> {
  const waiting = new Map<string, Step[]>();
  const found = new Map<Step, Step>();
  for (const step of steps) {
    const key = `${step.cpu} ${step.label} ${step.place}`;
    if (step.kind === "issue") waiting.set(key, [...waiting.get(key) ?? [], step]);
    const issue = step.kind === "commit" ? waiting.get(key)?.shift() : undefined;
    if (issue) found.set(issue, step);
  }
  return found;
}

/** Each mark in the first lane that is free there. */
function lanesOf(marks: readonly Mark[]): Mark[][] {
  const lanes: Mark[][] = [];
  for (const mark of [...marks].sort((a, b) => a.taken[0] - b.taken[0])) {
    const lane = lanes.find((one) => one.at(-1)!.taken[1] <= mark.taken[0]);
    if (lane) lane.push(mark);
    else lanes.push([mark]);
  }
  return lanes;
}

function drawn({ step, visible, shape, from, to, text, textAt }: Mark, y: number): string[] {
  const about = ({ label, kind, place, time, words }: Step) =>
    `<title>${escaped(`${label} ${kind} ${place} at ${time} ${words}`)}</title>`;
  const dot = (of: Step, x: number) => {
    const colour = isLook(of) ? of.kind : "store";
    return `<circle class="${colour}" cx="${x}" cy="${y}" r="4">${about(of)}</circle>`;
  };
  const name = `<text x="${textAt}" y="${y - 8}">${escaped(text)}</text>`;
  if (shape === "dot") return [dot(step, from), name];
  return [
    `<rect class="store" x="${from}" y="${y - 4}" width="${Math.round((to - from) * 10) / 10}" ` +
      `height="8" opacity="0.8">${about(step)}</rect>`,
    ...(visible ? [dot(visible, to)] : []), name,
  ];
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
    x += ((gaps[i] ?? 0) / total) * (WIDTH - LEFT - 2 * RIGHT);
  });
  return (time) => places.get(time)!;
}
