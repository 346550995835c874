// Placements of barriers as a chart: what each costs on a machine against how often it fails, and
// the front of those that none beats in both.
import { wilson } from "../cases/numbers.ts";
import { type Measured, placementText } from "./barriers.ts";
import { chart, type Panel, type Series } from "./svg.ts";

interface Place {
  cycles: number;
  /** Percent of the runs. */
  risk: number;
  title: string;
  verdict: Measured["verdict"];
}

const FRONT = "front";
const COLUMNS = 2;
const VERDICTS = [
  ["broken", "broken"], ["undecided", "undecided"], ["safe, proved", "safe"],
] as const;

/**
 * All at the upper 95 % bound of their rate, so that who failed once is not below who never did;
 * it is 0 of what is proved safe, and 100 % where nobody would see a failure.
 */
function placeOf({ placement, verdict, cost }: Measured): Place[] {
  const { median, p99, failures, runs } = cost;
  if (median === undefined) return [];
  const bound = failures === undefined ? 1 : wilson(failures, runs)[1];
  const risk = verdict === "safe" ? 0 : 100 * bound;
  const seen = failures === undefined ? "" : `, ${failures} of ${runs} runs failed`;
  const title = `${placementText(placement)}: ${verdict}, ${median} cycles, p99 ${p99}${seen}`;
  return [{ cycles: median, risk, title, verdict }];
}

/** By cost; each fails less often than all that are cheaper. */
export function frontOf<T extends Pick<Place, "cycles" | "risk">>(places: readonly T[]): T[] {
  const front: T[] = [];
  for (const place of places.toSorted((a, b) => a.cycles - b.cycles || a.risk - b.risk)) {
    if (!front.length || place.risk < front.at(-1)!.risk) front.push(place);
  }
  return front;
}

/** A panel for each machine. */
export function placementChart(
  what: string, costs: readonly (readonly [string, readonly Measured[]])[],
): string {
  const panels = costs.map(([machine, measured]): Panel => {
    const places = measured.flatMap(placeOf);
    const series = (name: string, list: readonly Place[], joined: boolean): Series => ({
      name, joined,
      points: list.map(({ cycles, risk }) => [cycles, risk] as const),
      titles: list.map(({ title }) => title),
    });
    const low = Math.min(...places.map(({ cycles }) => cycles));
    const high = Math.max(...places.map(({ cycles }) => cycles));
    return {
      title: machine,
      x: { label: "cycles of all functions together, median", ticks: ticksBetween(low, high) },
      y: { label: "runs that fail, %: upper 95 % bound, 0 if proved safe" },
      series: [
        series(FRONT, frontOf(places), true),
        ...VERDICTS.map(([name, wanted]) =>
          series(name, places.filter(({ verdict }) => verdict === wanted), false)),
      ],
    };
  });
  return chart(`Barriers ${what}`, panels, COLUMNS);
}

/** Five round numbers around the values: costs differ by little, far from 0. */
function ticksBetween(low: number, high: number): [number, string][] {
  if (low > high) return [[0, "0"], [1, "1"]]; // nothing was measured
  const step = Math.max(1, Math.ceil((high - low) / 4 / 10) * 10);
  const from = Math.floor(low / step) * step;
  const count = Math.ceil((high - from) / step) || 1;
  return Array.from({ length: count + 1 }, (_, i) => [from + i * step, `${from + i * step}`]);
}
