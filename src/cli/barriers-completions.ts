// smpbox barriers 001 --machines: what a completion costs with each sufficient way to write it.
import { matrix } from "../cases/001-matrix.ts";
import { BARRIER_IMAGE } from "../cases/barrier-programs.ts";
import { type Cost, costOf } from "../engine/barrier-cost.ts";
import { openImage } from "../engine/files.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";

/** The completers that go with the wait of 2.6.24, and what one completion costs with each. */
export async function printCompletions(
  machines: readonly string[], runs: number, seed: bigint, json: boolean | undefined,
  signal: AbortSignal,
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
      const complete = `aio_complete(${completer.slice(1)},1)`;
      const measure = (entries: string) =>
        costOf(image, { entries }, machine, runs, seed, { of: 0 });
      const idle = await measure(complete);
      const raced = await measure(`${complete},aio_wait(0)`);
      costs.push({ machine, completer, safe: completer !== "k0", idle, raced });
    }
  }
  if (json) printJson({ schema: "smpbox-barriers-cost-1", seed, runs, costs });
  else process.stdout.write(`${costLines(costs, runs).join("\n")}\n`);
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

function costLines(costs: readonly Completion[], runs: number): string[] {
  const row = (words: (string | number)[]) => `${words[0]}`.padEnd(14) +
    `${words[1]}`.padEnd(6) + `${words[2]}`.padEnd(8) +
    words.slice(3).map((word) => `${word}`.padStart(12)).join("");
  return [
    `Cycles of one aio_complete(), ${runs} runs of each (in-order approximation),`,
    "with nobody at the wait queue and beside aio_wait() on another CPU", "",
    row(["machine", "code", "", "alone", "p99", "beside", "p99"]),
    ...costs.map(({ machine, completer, safe, idle, raced }) => row([
      machine, completer, safe ? "safe" : "broken",
      ...[idle.median, idle.p99, raced.median, raced.p99].map((cycles) => cycles ?? "-"),
    ])),
  ];
}
