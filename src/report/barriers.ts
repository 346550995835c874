// Placements of barriers as text: which suffice, which of them are minimal, which do not although
// much is fenced.
import { wilson } from "../cases/numbers.ts";
import type { Cost } from "../engine/barrier-cost.ts";
import type { Trial } from "../engine/barriers.ts";
import { type Choice, isFull } from "../engine/lattice.ts";
import type { Kind, Placement } from "../machine/sites.ts";
import { wrap } from "./text.ts";

const COLUMNS = 80;
/** Sites where nothing is changed are not named. */
const UNCHANGED: readonly Kind[] = ["none", "plain"];

/** `wM1.wake=mfence`, or `none`: what --at takes. */
export function placementText(placement: Placement): string {
  const changed = [...placement].filter(([, kind]) => !UNCHANGED.includes(kind));
  return changed.map(([name, kind]) => `${name}=${kind}`).join(",") || "none";
}

/** What must stand where, full fences as one; each once. */
export function minimalTexts(trials: readonly Trial[], choices: readonly Choice[]): string[] {
  const stores = new Set(choices.filter(({ kinds }) => kinds.includes("plain")).map((c) => c.name));
  const texts = trials.filter(({ minimal }) => minimal).map(({ placement }) => {
    const parts = [...placement].flatMap(([name, kind]) => partText(name, kind, stores.has(name)));
    return parts.join(" and ") || "nothing";
  });
  return [...new Set(texts)];
}

function partText(name: string, kind: Kind, store: boolean): string[] {
  if (UNCHANGED.includes(kind)) return [];
  if (store) return [`the store ${name} by xchg`];
  return [`a ${isFull(kind) ? "full fence" : kind} at ${name}`];
}

export interface Asked {
  /** Without a store buffer the unfenced program is right. */
  order?: boolean;
  /** Some kinds were left out. */
  narrowed?: boolean;
  /** A wrong end is one at which somebody waits for ever, and nothing else. */
  endsOnly?: boolean;
}

/** One sentence or a few. */
export function surveySentence(
  trials: readonly Trial[], choices: readonly Choice[], { order, narrowed, endsOnly }: Asked,
): string {
  const undecided = trials.filter(({ verdict }) => verdict === "undecided");
  if (undecided.length) {
    return `${undecided.length} of ${trials.length} placements are undecided: ` +
      `${undecided[0].bound}. Nothing is proved about them.`;
  }
  const minimal = minimalTexts(trials, choices);
  if (!minimal.length) {
    const none = `No barrier ${narrowed ? "of these kinds" : "at these sites"} helps`;
    if (order === undefined) return `${none}.`;
    const missing = `a site is missing, or is in the wrong place${narrowed ? ", or a kind" : ""}`;
    return order ? `${none}; in program order it would be right: ${missing}.`
      : `${none}; it is broken under sequential consistency, too: not an ordering bug.`;
  }
  if (minimal[0] === "nothing") {
    return endsOnly
      ? "No barrier is needed: nobody sleeps or loops for ever. That is all that was asked; " +
        "--predicate says what must hold at the end."
      : "No barrier is needed: it is safe without.";
  }
  const full = new Set(trials.flatMap(({ placement }) => [...placement.values()].filter(isFull)));
  const kinds = [...full].join(", ").replace(/, (\w+)$/, " or $1");
  const fences = choices.some((choice) => choice.kinds.includes("none"));
  return `Needed, and enough: ${minimal.join("; or ")}.` +
    (fences ? ` (A full fence: ${kinds}.)` : "");
}

/** Minimal first, then what is safe, then the broken ones that have most. */
export function surveyTable(
  trials: readonly Trial[], choices: readonly Choice[], all: boolean,
): string[] {
  const safe = trials.filter(({ verdict }) => verdict === "safe");
  const other = trials.filter(({ verdict }) => verdict !== "safe").toReversed();
  const shownSafe = all ? safe.toSorted((a, b) => Number(b.minimal) - Number(a.minimal))
    : safe.filter(({ minimal }) => minimal);
  const shownOther = all ? other : other.slice(0, BROKEN_SHOWN);
  const { heads, legend } = headings(choices);
  const rows = [...shownSafe, ...shownOther].map((trial) => [
    trial.minimal ? "*" : "", ...trial.placement.values(), verdictOf(trial),
    trial.impliedBy ? "-" : `${trial.states}`,
  ]);
  const lines = columns([["", ...heads, "verdict", "states"], ...rows]);
  const notes = [
    shownSafe.length < safe.length && `${safe.length - shownSafe.length} more are safe`,
    ...(["broken", "undecided"] as const).map((verdict) => {
      const count = (of: readonly Trial[]) => of.filter((one) => one.verdict === verdict).length;
      const more = count(other) - count(shownOther);
      return more > 0 && `${more} more are ${verdict}`;
    }),
  ].filter((note) => note !== false);
  return [
    ...legend, ...lines,
    ...(notes.length ? ["", `${notes.join("; ")} (--all shows them).`] : []),
    ...impliedLines([...shownSafe, ...shownOther]),
    ...(safe.length ? ["", "*: minimal, nothing weaker is safe"] : []),
  ];
}

const BROKEN_SHOWN = 6;

/** What was explored in place of the others. */
function impliedLines(shown: readonly Trial[]): string[] {
  const texts = new Set(shown.flatMap(({ verdict, impliedBy }) =>
    (impliedBy ? [`${verdict}, implied: by ${placementText(impliedBy)}`] : [])));
  const lines = [...texts].map((text) => wrapped(text.replaceAll(/,(?=\S)/g, ", ")));
  return lines.length ? ["", ...lines.flatMap((line) => line.split("\n"))] : [];
}

function verdictOf({ verdict, impliedBy }: Trial): string {
  if (verdict === "safe") return impliedBy ? "safe, implied" : "safe, proved";
  return impliedBy ? `${verdict}, implied` : verdict;
}

/** Names of sites as column heads; letters and a legend where they are too wide. */
function headings(choices: readonly Choice[], others = 28): { heads: string[]; legend: string[] } {
  const names = choices.map(({ name }) => name);
  const width = names.reduce((sum, name) => sum + Math.max(name.length, 6) + 2, 0);
  if (width <= COLUMNS - others) return { heads: names, legend: [] };
  const heads = names.map((_, i) => String.fromCharCode(65 + i));
  return { heads, legend: [...names.map((name, i) => `${heads[i]}: ${name}`), ""] };
}

/** A placement on a machine. */
export interface Measured {
  placement: Placement;
  verdict: Trial["verdict"];
  minimal: boolean;
  cost: Cost;
}

/**
 * Cheapest first, `*` for the minimal ones; median and p99 are of the runs that `ended` well,
 * `over` is against the cheapest safe one.
 */
export function costTable(measured: readonly Measured[], choices: readonly Choice[]): string[] {
  const { heads, legend } = headings(choices, COST_COLUMNS);
  const last = (value: number | undefined) => value ?? Infinity;
  const sorted = measured.toSorted((a, b) =>
    last(a.cost.median) - last(b.cost.median) || last(a.cost.p99) - last(b.cost.p99));
  const cheapest = sorted.find(({ verdict }) => verdict === "safe")?.cost.median;
  const rows = sorted.map(({ placement, verdict, minimal, cost }) => {
    const { median, p99 } = cost;
    const over = cheapest === undefined || median === undefined ? "-" : signed(median - cheapest);
    return [
      minimal ? "*" : "", ...placement.values(), verdict, rateText(cost), `${cost.measured}`,
      `${median ?? "-"}`, over, `${p99 ?? "-"}`,
    ];
  });
  const head = ["", ...heads, "", "failures", "ended", "median", "over", "p99"];
  return [...legend, ...columns([head, ...rows])];
}

const COST_COLUMNS = 58;
export const signed = (value: number) => (value > 0 ? `+${value}` : `${value}`);

/** Failures and the 95 % interval of their rate; of none, its bound: `< 0.38 %`. */
export function rateText({ failures, runs }: Pick<Cost, "failures" | "runs">): string {
  if (failures === undefined) return "-";
  const [low, high] = wilson(failures, runs);
  if (!failures) return `< ${(high * 100).toPrecision(2)} %`;
  return `${failures} (${(low * 100).toFixed(1)}-${(high * 100).toFixed(1)} %)`;
}

/** Left, but for the last. */
function columns(rows: string[][]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => row.map((cell, i) =>
    (i === row.length - 1 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  "));
}

export const wrapped = (text: string) => wrap(text, COLUMNS);
