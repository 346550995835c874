// smpbox case 001 --sweep: how often it hangs against the numbers of the machine and against the
// contested lines, as a table and, with --svg, as a chart.
import { type Axis, axesOf, onsetOf, type Point, pointOf, rateOf, specsAt } from
  "../cases/001-sweep.ts";
import type { Case } from "../cases/case.ts";
import { runAll } from "../cases/runner.ts";
import { InputError } from "../index.ts";
import { chart, type Panel } from "../report/svg.ts";
import { wrap } from "../report/text.ts";
import type { MachineOptions } from "./case.ts";
import { pairsFor } from "./case-spec.ts";
import { presetsOf } from "./case-machines.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

/** Some minutes of processor time. */
const SEEDS = 3;
const ROUNDS = 4000;
/** Of the chart: its heading has to fit above them. */
const COLUMNS = 3;

export async function sweep(
  definition: Case, options: MachineOptions, plain: boolean, signal: AbortSignal,
): Promise<number> {
  if (definition.id !== "001") throw new InputError("--sweep is there for case 001");
  const [{ preset }] = presetsOf([options.machine], options.set);
  const pairs = options.pair === undefined
    ? definition.pairs(preset) : pairsFor(definition, preset, options);
  const { machine, memory, window: windowCycles } = options;
  const { buggy, workload } = definition;
  const variant = definition.variantOf(options.variant ?? buggy, workload);
  const seeds = plain ? SEEDS : options.seeds;
  const rounds = options.rounds ?? ROUNDS;
  const axes = pairs.map((pair) => axesOf(preset, pair, variant));
  const total = axes.flat().reduce((sum, axis) => sum + axis.steps.length, 0);
  const progress = new Progress();
  const points: Point[] = [];
  for (const [i, pair] of pairs.entries()) {
    for (const axis of axes[i]) {
      for (const step of axis.steps) {
        progress.update(() => `${points.length} of ${total} values`);
        const base = { machine, memory, variant, workload, pair, rounds, windowCycles };
        const specs = specsAt(base, options.seed, seeds, step, options.set);
        const runs = await runAll(definition, specs, { jobs: options.workers, signal });
        if (signal.aborted) return EXIT.interrupted;
        points.push(pointOf(axis, step.value, runs));
      }
    }
  }
  progress.clear();
  const what = [...(variant === buggy ? [] : [variant]), ...(memory === "tso" ? [] : [memory])];
  const lines = axes[0].some(({ id }) => id === "contested") ? " and contested lines" : "";
  const title = `${["case 001", ...what].join(" ")} on ${preset.name}: hangs against the ` +
    `machine's numbers${lines}, ${seeds} runs of ${rounds} rounds a value`;
  if (options.svg !== undefined) writeOutput("--svg", options.svg, svgOf(title, axes[0], points));
  const onset = pairs.map((pair) => ({
    pair, ...onsetOf(points.filter((p) => p.axis === "ownership" && p.pair === pair)),
  }));
  if (options.json) {
    printJson({
      schema: "smpbox-sweep-1", machine: preset.name, variant, memory, seeds, rounds, points, onset,
    });
  } else {
    const out = [wrap(title), ...tables(axes[0], points), ...verdict(points)];
    process.stdout.write(`${out.join("\n")}\n`);
  }
  return points.some(({ broken }) => broken > 0) ? EXIT.failed : EXIT.held;
}

/** A table for each axis: values down, relations across; * what the machine has. */
function tables(axes: readonly Axis[], points: readonly Point[]): string[] {
  return axes.flatMap((axis) => {
    const own = points.filter((point) => point.axis === axis.id);
    const relations = [...new Set(own.map(({ relation }) => relation))];
    const values = [...new Set(own.map(({ value }) => value))].sort((a, b) => a - b);
    const cell = (point?: Point) => {
      if (!point) return "".padStart(20);
      const mark = point.frozen ? "*" : " ";
      const rate = rateOf(point).toFixed(2).padStart(9);
      return `${point.hangs}/${point.runs} ${rate}${mark}`.padStart(20);
    };
    return [
      "", wrap(`${axis.what}, ${axis.unit} (${axis.field})`),
      `${"".padEnd(8)}${relations.map((relation) => `${relation} `.padStart(20)).join("")}`,
      ...values.map((value) => `${`${value}`.padStart(8)}` + relations.map((relation) =>
        cell(own.find((p) => p.value === value && p.relation === relation))).join("").trimEnd()),
      ...(axis.note === undefined ? [] : [wrap(axis.note)]),
    ];
  }).concat("", "hung/all runs, hangs for each 1000 rounds; * as the machine, or the code, is");
}

function verdict(points: readonly Point[]): string[] {
  const ownership = points.filter(({ axis }) => axis === "ownership");
  const relations = [...new Set(ownership.map(({ relation }) => relation))];
  return relations.map((relation) => {
    const own = ownership.filter((point) => point.relation === relation);
    const { without, with: first } = onsetOf(own);
    const frozen = own.find((point) => point.frozen)!;
    const begins = first === undefined ? `do not hang up to ${without} cycles`
      : without === undefined ? `hang from ${first} cycles on, the least tried`
        : `hang from ${first} cycles on, and not at ${without}`;
    return wrap(`Pairs with ${relation} ${begins}; this machine's take ${frozen.value}.`);
  });
}

function svgOf(title: string, axes: readonly Axis[], points: readonly Point[]): string {
  const panels = axes.map((axis): Panel => {
    const own = points.filter((point) => point.axis === axis.id);
    const relations = [...new Set(own.map(({ relation }) => relation))];
    return {
      title: axis.what,
      x: { label: `${axis.field.split(",")[0]}, ${axis.unit}`, ticks: ticksOf(own) },
      y: { label: "hangs per 1000 rounds" },
      series: relations.map((relation) => {
        const line = own.filter((point) => point.relation === relation);
        return {
          name: relation,
          points: line.map((point) => [point.value, rateOf(point)] as const),
          titles: line.map(({ value, hangs, runs, frozen }) =>
            `${relation}, ${value}${frozen ? " (the machine's)" : ""}: ${hangs} of ${runs} runs`),
        };
      }),
    };
  });
  return chart(title, panels, COLUMNS);
}

/** Some five of the values. */
function ticksOf(points: readonly Point[]): [number, string][] {
  const values = [...new Set(points.map(({ value }) => value))].sort((a, b) => a - b);
  const span = values.at(-1)! - values[0];
  const ticks: number[] = [];
  for (const value of values) {
    const far = ticks.length === 0 || value - ticks.at(-1)! >= span / 8;
    if (far) ticks.push(value);
  }
  if (ticks.at(-1) !== values.at(-1)) ticks[ticks.length - 1] = values.at(-1)!;
  return ticks.map((value) => [value, `${value}`]);
}
