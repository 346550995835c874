// smpbox barriers --cost: what each kind of barrier costs behind stores that wait.
import { type Barrier, type FenceCost, fenceCosts, type Lines } from "../cases/fence-cost.ts";
import { loadPreset } from "../engine/files.ts";
import { InputError } from "../index.ts";
import { BARRIERS } from "../machine/sites.ts";
import { pairsByRelation } from "../machine/topology.ts";
import { wrapped } from "../report/barriers.ts";
import { chart, type Panel } from "../report/svg.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

const SAMPLES = 101;
/** fences.c has room for so many. */
const SAMPLES_MAX = 1000;
const PENDING = [1, 4, 16];
const LINES: readonly Lines[] = ["hit", "shared", "remote"];

export async function printCost(
  machine: string,
  { runs: samples = SAMPLES, seed, json, svg }:
    { runs?: number; seed: bigint; json?: boolean; svg?: string },
  signal: AbortSignal,
): Promise<number> {
  if (samples > SAMPLES_MAX) {
    throw new InputError(`--runs ${samples}: with --cost at most ${SAMPLES_MAX}`);
  }
  const preset = loadPreset(machine);
  const progress = new Progress();
  const count = pairsByRelation(preset).size * BARRIERS.length;
  const onDone = (done: number) => progress.update(() => `${done} of ${count} runs`);
  const costs = await fenceCosts(preset, { samples, seed, signal, onDone });
  progress.clear();
  if (signal.aborted) return EXIT.interrupted;
  if (svg !== undefined) writeOutput("--svg", svg, costChart(preset.name, costs));
  if (json) printJson({ schema: "smpbox-barriers-fences-1", machine, seed, samples, costs });
  else process.stdout.write(`${costLines(preset.name, samples, costs).join("\n")}\n`);
  return EXIT.held;
}

function costLines(machine: string, samples: number, costs: readonly FenceCost[]): string[] {
  const title = `${machine}: cycles from the first store to behind the barrier, median of ` +
    `${samples} (in-order approximation), with 0, 1, 4 or 16 stores in the buffer to lines that ` +
    "this CPU owns (hit), that both CPUs share, or that the other one wrote (remote)";
  const lines = [wrapped(title)];
  const row = (words: readonly (string | number)[]) => `${words[0]}`.padEnd(8) +
    words.slice(1).map((word) => `${word}`.padStart(7)).join("");
  for (const relation of new Set(costs.map((cost) => cost.relation))) {
    const own = costs.filter((cost) => cost.relation === relation);
    lines.push(
      "", `CPUs ${own[0].cpus.join(" and ")}, ${relation}`,
      row(["", "", ...LINES.flatMap((kind) => [kind, "", ""])]).trimEnd(),
      row(["", 0, ...LINES.flatMap(() => PENDING)]),
    );
    for (const barrier of BARRIERS) {
      const medianAt = (kind: Lines, pending: number) => own.find((cost) =>
        cost.barrier === barrier && cost.lines === kind && cost.pending === pending)!.median;
      lines.push(row([
        barrier, medianAt("hit", 0),
        ...LINES.flatMap((kind) => PENDING.map((pending) => medianAt(kind, pending))),
      ]));
    }
  }
  return lines;
}

/** A row of panels for each relation, a panel for each state of the lines. */
function costChart(machine: string, costs: readonly FenceCost[]): string {
  const ticks = [0, ...PENDING].map((pending, i) => [i, `${pending}`] as const);
  const panels = [...new Set(costs.map((cost) => cost.relation))].flatMap((relation) =>
    LINES.map((kind): Panel => {
      const own = costs.filter((cost) => cost.relation === relation && cost.lines === kind);
      const points = (barrier: Barrier) => own.filter((cost) => cost.barrier === barrier);
      return {
        title: `${relation}, lines ${kind}`,
        x: { label: "stores in the buffer", ticks },
        y: { label: "cycles" },
        series: BARRIERS.map((barrier) => ({
          name: barrier,
          points: points(barrier).map(({ median }, i) => [i, median] as const),
          titles: points(barrier).map(({ median, p99, pending }) =>
            `${barrier} behind ${pending} stores: ${median} cycles, p99 ${p99}`),
        })),
      };
    }));
  return chart(`Barriers on ${machine}`, panels, LINES.length);
}
