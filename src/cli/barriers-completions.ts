// smpbox barriers 001 --machines: what a completion costs with each sufficient way to write it.
import { matrix } from "../cases/001-matrix.ts";
import { COMPLETERS } from "../cases/001-variants.ts";
import { BARRIER_IMAGE } from "../cases/barrier-programs.ts";
import { type Cost, costOf } from "../engine/barrier-cost.ts";
import { loadPreset, openImage } from "../engine/files.ts";
import { farthestPair, type Relation } from "../machine/topology.ts";
import { signed, wrapped } from "../report/barriers.ts";
import { chart, type Panel } from "../report/svg.ts";
import { type BarrierOptions, checkMachines, RUNS } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

/** Nobody waits, and the lines are in the L1 or another CPU wrote them; somebody may wait. */
const STATES = ["hot", "remote", "beside"] as const;
type State = (typeof STATES)[number];

interface Completion {
  machine: string;
  completer: string;
  safe: boolean;
  hot: Cost;
  remote: Cost;
  beside: Cost;
  /** What no other safe one is below, by the median. */
  cheapest: State[];
  /** The CPU that is measured without a waiter, and the one that writes the remote lines. */
  relation: Relation;
  cpus: [number, number];
}

/** What upstream put there: the others are compared with it. */
const UPSTREAM = "k7";

/** The completers that go with the wait of 2.6.24, and what one completion costs with each. */
export async function printCompletions(
  { machines = [], runs = RUNS, seed, seeds = 1, json, svg }: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  checkMachines(machines, 2);
  const pairs = machines.map((machine) =>
    ({ machine, ...farthestPair(loadPreset(machine))! }));
  const progress = new Progress();
  const completers = ["k0"];
  for await (const { layout, waiter, verdict, completer } of
    matrix(openImage(BARRIER_IMAGE), ["tso"], signal)) {
    progress.update(() => `${completer}: which are safe?`);
    if (layout === 24 && waiter === "a" && verdict === "safe") completers.push(completer);
  }
  const costs: Completion[] = [];
  for (const pair of pairs) {
    for (const completer of completers) {
      if (signal.aborted) break;
      const sample = { machine: pair.machine, runs, seed, seeds };
      const cost = await costsOf(completer, sample, pair.cpus);
      costs.push({ ...pair, completer, safe: completer !== "k0", cheapest: [], ...cost });
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

async function costsOf(
  completer: string, sample: Parameters<typeof costOf>[2], cpus: [number, number],
): Promise<Record<State, Cost>> {
  const image = openImage(BARRIER_IMAGE);
  const entries = `aio_complete_24_${completer}`;
  return {
    hot: await costOf(image, { entries }, sample, { alone: { lines: "hot", cpus } }),
    remote: await costOf(image, { entries }, sample, { alone: { lines: "remote", cpus } }),
    beside: await costOf(image, { entries: `${entries},aio_wait_a` }, sample, { of: 0 }),
  };
}

/** Of one machine. */
function markCheapest(costs: readonly Completion[]): void {
  const safe = costs.filter((cost) => cost.safe);
  for (const state of STATES) {
    const least = Math.min(...safe.map((cost) => cost[state].median ?? Infinity));
    for (const cost of safe) {
      if (cost[state].median === least) cost.cheapest.push(state);
    }
  }
}

const row = ([code, verdict, ...cells]: (string | number)[]) =>
  `${code}`.padEnd(5) + `${verdict}`.padEnd(7) +
  cells.map((cell, i) => `${cell}`.padStart(i % 3 ? 7 : 8)).join("").trimEnd();

/** What is broken, then by the cost with hot lines. */
function machineLines(costs: readonly Completion[]): string[] {
  const upstream = costs.find(({ completer }) => completer === UPSTREAM)!;
  const cells = (cost: Completion, state: State) => {
    const { median, p99 } = cost[state];
    const than = upstream[state].median;
    const mark = cost.cheapest.includes(state) ? "*" : "";
    const known = median !== undefined && than !== undefined;
    return [`${mark}${median ?? "-"}`, known ? signed(median - than) : "-", p99 ?? "-"];
  };
  const sorted = costs.toSorted((a, b) =>
    Number(a.safe) - Number(b.safe) || (a.hot.median ?? 0) - (b.hot.median ?? 0));
  const [{ machine, relation, cpus: [own, other] }] = costs;
  return [
    "", `${machine}; remote: CPU ${own}'s lines are CPU ${other}'s, ${relation}`,
    row(["", "", ...STATES.flatMap((state) => [state, "+", "p99"])]),
    ...sorted.map((cost) => row([
      cost.completer, cost.safe ? "safe" : "broken", ...STATES.flatMap((state) =>
        cells(cost, state)),
    ])),
  ];
}

function costLines(machines: string[], costs: readonly Completion[], runs: number): string[] {
  return [
    wrapped(`Cycles of one aio_complete(), median and p99 of ${runs} runs (in-order ` +
      "approximation). hot: nobody waits and its lines are in the L1; remote: another CPU wrote " +
      "them last; beside: while another CPU begins to wait. +: more than with the fence of " +
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
