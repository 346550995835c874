// smpbox barriers 001 --machines: what a completion costs with each sufficient way to write it.
import { matrix } from "../cases/001-matrix.ts";
import { COMPLETERS } from "../cases/001-variants.ts";
import { BARRIER_IMAGE } from "../cases/barrier-programs.ts";
import { type Cost, costOf } from "../engine/barrier-cost.ts";
import { openImage } from "../engine/files.ts";
import { signed, wrapped } from "../report/barriers.ts";
import { type BarrierOptions, RUNS } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";

/** The completers that go with the wait of 2.6.24, and what one completion costs with each. */
export async function printCompletions(
  { machines = [], runs = RUNS, seed, seeds = 1, json }: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const image = openImage(BARRIER_IMAGE);
  const safe: string[] = [];
  for await (const { layout, waiter, verdict, completer } of matrix(image, ["tso"], signal)) {
    if (layout === 24 && waiter === "a" && verdict === "safe") safe.push(completer);
  }
  const costs: Completion[] = [];
  for (const machine of machines) {
    for (const completer of ["k0", ...safe]) {
      if (signal.aborted) return EXIT.interrupted;
      const complete = `aio_complete_24_${completer}`;
      const measure = (entries: string) =>
        costOf(image, { entries }, { machine, runs, seed, seeds }, { of: 0 });
      const idle = await measure(complete);
      const raced = await measure(`${complete},aio_wait_a`);
      costs.push({ machine, completer, safe: completer !== "k0", idle, raced });
    }
  }
  if (json) printJson({ schema: "smpbox-barriers-cost-1", seed, seeds, runs, costs });
  else process.stdout.write(`${costLines(costs, runs * seeds).join("\n")}\n`);
  return EXIT.held;
}

interface Completion {
  machine: string;
  completer: string;
  safe: boolean;
  /** Nobody waits; somebody may. */
  idle: Cost;
  raced: Cost;
}

/** Of each machine: what is broken, then by the cost where nobody waits. */
const bestFirst = (costs: readonly Completion[]) =>
  [...new Set(costs.map(({ machine }) => machine))].flatMap((machine) =>
    costs.filter((cost) => cost.machine === machine).toSorted((a, b) =>
      Number(a.safe) - Number(b.safe) || (a.idle.median ?? 0) - (b.idle.median ?? 0)));

/** What upstream put there: the others are compared with it. */
const UPSTREAM = "k7";

function costLines(costs: readonly Completion[], runs: number): string[] {
  const row = ([machine, code, verdict, ...cycles]: (string | number)[]) =>
    `${machine}`.padEnd(14) + `${code}`.padEnd(6) + `${verdict}`.padEnd(8) +
    cycles.map((word) => `${word}`.padStart(8)).join("");
  const cells = ({ machine }: Completion, cost: Cost, of: "idle" | "raced") => {
    const upstream = costs.find((other) =>
      other.machine === machine && other.completer === UPSTREAM)?.[of].median;
    const { median, p99 } = cost;
    const known = median !== undefined && upstream !== undefined;
    return [median ?? "-", known ? signed(median - upstream) : "-", p99 ?? "-"];
  };
  return [
    `Cycles of one aio_complete(), ${runs} runs of each (in-order approximation),`,
    "with nobody at the wait queue and beside a waiter on another CPU; +: more than",
    "with the fence of upstream, k7", "",
    row(["machine", "code", "", "alone", "+", "p99", "beside", "+", "p99"]),
    ...bestFirst(costs).map((cost) => row([
      cost.machine, cost.completer, cost.safe ? "safe" : "broken",
      ...cells(cost, cost.idle, "idle"), ...cells(cost, cost.raced, "raced"),
    ])),
    "", ...[...new Set(costs.map(({ completer }) => completer))].map((name) =>
      wrapped(`${name.padEnd(4)}${COMPLETERS[name]}`)),
  ];
}
