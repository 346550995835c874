// smpbox barriers 001 --machines: what a completion costs with each sufficient way to write it.
import { type Cell, matrix } from "../cases/001-matrix.ts";
import { COMPLETERS } from "../cases/001-variants.ts";
import { BARRIER_IMAGE } from "../cases/barrier-programs.ts";
import { wilson } from "../cases/numbers.ts";
import {
  clockOf, type Cost, type CostOptions, costOf, type Sample,
} from "../engine/barrier-cost.ts";
import { loadPreset, openImage } from "../engine/files.ts";
import { farthestPair, type Relation } from "../machine/topology.ts";
import { rateText, signed, wrapped } from "../report/barriers.ts";
import { chart, type Panel } from "../report/svg.ts";
import { type BarrierOptions, checkMachines, RUNS } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

/** Nobody waits, and the lines are in the L1 or another CPU wrote them; somebody may wait. */
const STATES = ["hot", "remote", "beside"] as const;
type State = (typeof STATES)[number];
/** How two functions meet changes from run to run: no figure of it is sharp enough to be least. */
const SHARP = ["hot", "remote"] as const;

interface Completion {
  machine: string;
  completer: string;
  /** What exploring its cell of the matrix found. */
  safe: boolean;
  hot: Cost;
  remote: Cost;
  beside: Cost & { ci95: [number, number] };
  /** What no other safe one is below, by the median. */
  cheapest: (typeof SHARP)[number][];
  /** The CPU that is measured, and the one that writes the remote lines or waits. */
  relation: Relation;
  cpus: [number, number];
}

/** What upstream put there: the others are compared with it. */
const UPSTREAM = "k7";
/** What was there before. */
const UNFENCED = "k0";

/** The completers that go with the wait of 2.6.24, and what one completion costs with each. */
export async function printCompletions(
  { machines = [], runs = RUNS, seed, seeds = 1, json, svg }: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  checkMachines(machines, 2);
  const pairs = machines.map((machine) =>
    ({ machine, ...farthestPair(loadPreset(machine))! }));
  const progress = new Progress();
  const verdicts = await verdictsOf(progress, signal);
  const completers = [...verdicts.keys()].filter((name) =>
    name === UNFENCED || verdicts.get(name) === "safe");
  const costs: Completion[] = [];
  for (const pair of pairs) {
    const sample = { machine: pair.machine, runs, seed, seeds };
    const clocks = await clocksOf(sample, pair.cpus);
    for (const completer of completers) {
      if (signal.aborted) break;
      const cost = await costsOf(completer, sample, pair.cpus, clocks);
      const safe = verdicts.get(completer) === "safe";
      costs.push({ ...pair, completer, safe, cheapest: [], ...cost });
      progress.update(() =>
        `${costs.length} of ${pairs.length * completers.length} completions, on ${pair.machine}`);
    }
  }
  progress.clear();
  if (signal.aborted) return EXIT.interrupted;
  for (const machine of machines) markCheapest(costs.filter((cost) => cost.machine === machine));
  if (svg !== undefined) writeOutput("--svg", svg, costChart(machines, costs));
  if (json) printJson({ schema: "smpbox-barriers-cost-1", seed, seeds, runs, costs });
  else process.stdout.write(`${costLines(machines, costs, runs * seeds).join("\n")}\n`);
  return EXIT.held;
}

/** Of each completer with the wait of 2.6.24, by exploring. */
async function verdictsOf(
  progress: Progress, signal: AbortSignal,
): Promise<Map<string, Cell["verdict"]>> {
  const verdicts = new Map<string, Cell["verdict"]>();
  for await (const { layout, waiter, verdict, completer } of
    matrix(openImage(BARRIER_IMAGE), ["tso"], signal)) {
    if (layout !== 24) break; // it comes first, and no other is measured
    progress.update(() => `${completer}: which are safe?`);
    if (waiter === "a") verdicts.set(completer, verdict);
  }
  return verdicts;
}

/** What is run in each state. */
function askedOf(completer: string, cpus: [number, number]) {
  const entries = `aio_complete_24_${completer}`;
  const alone = (lines: "hot" | "remote"): [string, CostOptions] =>
    [entries, { alone: { lines, cpus } }];
  const beside: [string, CostOptions] = [`${entries},aio_wait_a`, { of: 0, cpus }];
  return { hot: alone("hot"), remote: alone("remote"), beside };
}

type Clocks = Record<State, number>;

/** All completers take as many arguments. */
async function clocksOf(sample: Sample, cpus: [number, number]): Promise<Clocks> {
  const image = openImage(BARRIER_IMAGE);
  const asked = askedOf(UPSTREAM, cpus);
  const clock = (state: State) =>
    clockOf(image, { entries: asked[state][0] }, sample, asked[state][1]);
  return {
    hot: await clock("hot"), remote: await clock("remote"), beside: await clock("beside"),
  };
}

async function costsOf(
  completer: string, sample: Sample, cpus: [number, number], clocks: Clocks,
): Promise<Pick<Completion, State>> {
  const image = openImage(BARRIER_IMAGE);
  const asked = askedOf(completer, cpus);
  const cost = (state: State) => costOf(
    image, { entries: asked[state][0] }, sample, { ...asked[state][1], clock: clocks[state] });
  const beside = await cost("beside");
  return {
    hot: await cost("hot"), remote: await cost("remote"),
    beside: { ...beside, ci95: wilson(beside.failures ?? 0, beside.runs) },
  };
}

/** Of one machine. */
function markCheapest(costs: readonly Completion[]): void {
  const safe = costs.filter((cost) => cost.safe);
  for (const state of SHARP) {
    const least = Math.min(...safe.map((cost) => cost[state].median ?? Infinity));
    for (const cost of safe) {
      if (cost[state].median === least) cost.cheapest.push(state);
    }
  }
}

const WIDTHS = [6, 5, 5, 7, 6, 6, 11, 6, 18];
const row = ([code, verdict, ...cells]: (string | number)[]) =>
  `${code}`.padEnd(4) + `${verdict}`.padEnd(6) +
  cells.map((cell, i) => `${cell}`.padStart(WIDTHS[i])).join("").trimEnd();

/** What is broken, then by the cost with hot lines. */
function machineLines(costs: readonly Completion[]): string[] {
  const upstream = costs.find(({ completer }) => completer === UPSTREAM)!;
  const cells = (cost: Completion, state: (typeof SHARP)[number]) => {
    const { median, p99 } = cost[state];
    const than = upstream[state].median;
    const mark = cost.cheapest.includes(state) ? "*" : "";
    const known = median !== undefined && than !== undefined;
    return [`${mark}${median ?? "-"}`, known ? signed(median - than) : "-", p99 ?? "-"];
  };
  const besideCells = ({ beside }: Completion) =>
    [beside.medianCi95?.join("-") ?? "-", beside.p99 ?? "-", rateText(beside)];
  const sorted = costs.toSorted((a, b) =>
    Number(a.safe) - Number(b.safe) || (a.hot.median ?? 0) - (b.hot.median ?? 0));
  const [{ machine, relation, cpus: [own, other], hot, remote, beside }] = costs;
  const clocks = [...new Set([hot, remote, beside].map(({ clock }) => clock))].join(", ");
  return [
    "", wrapped(`${machine}: measured on CPU ${own}; CPU ${other}, ${relation}, has written the ` +
      `remote lines, or waits beside. Taken off for the clock: ${clocks} cycles`),
    row(["", "", ...SHARP.flatMap((state) => [state, "+", "p99"]), "beside", "p99", "hangs"]),
    ...sorted.map((cost) => row([
      cost.completer, cost.safe ? "safe" : "broken",
      ...SHARP.flatMap((state) => cells(cost, state)), ...besideCells(cost),
    ])),
  ];
}

function costLines(machines: string[], costs: readonly Completion[], runs: number): string[] {
  return [
    wrapped(`Cycles of one aio_complete(), median and p99 of ${runs} runs (in-order ` +
      "approximation), without those of the clock: an empty function is measured in the same " +
      "way, and its median taken off. hot: nobody waits and its lines are in the L1; remote: " +
      "another CPU wrote them last; beside: while another CPU begins to wait, the 95 % interval " +
      "of the median, of runs in which the waiter is woken. +: more than with the fence of " +
      "upstream, k7; *: the cheapest that is safe"),
    ...machines.flatMap((machine) =>
      machineLines(costs.filter((cost) => cost.machine === machine))),
    "", ...[...new Set(costs.map(({ completer }) => completer))].map((name) =>
      wrapped(`${name.padEnd(4)}${COMPLETERS[name]}`)),
  ];
}

/** A panel for each machine. */
function costChart(machines: string[], costs: readonly Completion[]): string {
  const panels = machines.map((machine): Panel => {
    const own = costs.filter((cost) => cost.machine === machine);
    return {
      title: machine,
      x: { label: "completer", ticks: own.map(({ completer }, i) => [i, completer] as const) },
      y: { label: "cycles, median" },
      series: STATES.map((state) => ({
        name: state, joined: false,
        points: own.map((cost, i) => [i, cost[state].median ?? 0] as const),
        titles: own.map((cost) => {
          const { median, p99 } = cost[state];
          const verdict = cost.safe ? "safe" : "broken";
          return `${cost.completer}, ${state}: ${median} cycles, p99 ${p99}; ${verdict}`;
        }),
      })),
    };
  });
  return chart("Case 001: what a completion costs", panels, 2);
}
