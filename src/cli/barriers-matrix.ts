// smpbox barriers 001: --matrix, its cells; --machines, what a completion costs there.
import { type Cell, matrix, MATRIX_IMAGE } from "../cases/001-matrix.ts";
import { type Cost, costOf } from "../engine/barrier-cost.ts";
import { openImage } from "../engine/files.ts";
import { InputError } from "../index.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { shellLine } from "./options.ts";
import { Progress } from "./progress.ts";

export async function printMatrix(
  id: string, json: boolean | undefined, signal: AbortSignal,
): Promise<number> {
  if (id !== "001") throw new InputError(`--matrix: ${id} has none; only case 001 has one`);
  const begun = performance.now();
  const progress = new Progress();
  const cells: Cell[] = [];
  for await (const cell of matrix(openImage(MATRIX_IMAGE), undefined, signal)) {
    cells.push(cell);
    progress.update(() => `${cells.length} cells`);
  }
  progress.clear();
  if (signal.aborted) return EXIT.interrupted;
  const seconds = (performance.now() - begun) / 1000;
  if (json) printJson({ schema: "smpbox-barriers-matrix-1", cells: documentOf(cells), seconds });
  else process.stdout.write(`${linesOf(cells, seconds).join("\n")}\n`);
  return EXIT.held;
}

/** The completers that go with the wait of 2.6.24, and what one completion costs with each. */
export async function printCompletions(
  id: string, machines: readonly string[], runs: number, seed: bigint,
  json: boolean | undefined, signal: AbortSignal,
): Promise<number> {
  if (id !== "001") throw new InputError(`${id}: name an image with --entry, or 001`);
  const image = openImage(MATRIX_IMAGE);
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

const reproduce = ({ entries, memory, schedule }: Cell) => shellLine([
  "smpbox", "explore", MATRIX_IMAGE, "--entry", entries,
  ...(memory === "tso" ? [] : ["--model", memory]), ...(schedule ? ["--replay", schedule] : []),
]);

const documentOf = (cells: readonly Cell[]) =>
  cells.map((cell) => ({ ...cell, reproduce: cell.schedule && reproduce(cell) }));

function linesOf(cells: readonly Cell[], seconds: number): string[] {
  const lines = [
    "Case 001: aio_complete() k0 to k13 with every way to wait, a to j, every interleaving",
    "H: the waiter may sleep for ever; .: proved that it does not",
  ];
  for (const layout of [24, 9] as const) {
    const where = layout === 24 ? "with ctx_lock held" : "behind its release";
    lines.push("", `layout ${layout}: the look at the queue ${where}`,
      "     x86-TSO     seq. consistency    states");
    const own = cells.filter((cell) => cell.layout === layout);
    for (const completer of new Set(own.map((cell) => cell.completer))) {
      const row = own.filter((cell) => cell.completer === completer);
      const letters = (memory: Cell["memory"]) => row.filter((cell) => cell.memory === memory)
        .map(({ verdict }) => (verdict === "hang" ? "H" : ".")).join("");
      const states = row.reduce((sum, cell) => sum + cell.states, 0);
      lines.push(`${completer.padEnd(5)}${letters("tso")}  ${letters("sc").padEnd(18)}` +
        `${states}`.padStart(8));
    }
  }
  const count = (memory: Cell["memory"], verdict: Cell["verdict"]) =>
    cells.filter((cell) => cell.memory === memory && cell.verdict === verdict).length;
  const states = cells.reduce((sum, cell) => sum + cell.states, 0);
  const first = cells.find(({ schedule }) => schedule);
  return [
    ...lines, "",
    `x86-TSO: ${count("tso", "hang")} hang, ${count("tso", "safe")} safe; sequential ` +
      `consistency: ${count("sc", "hang")} hang, ${count("sc", "safe")} safe`,
    `${cells.length} explorations, ${states} machine states, ${seconds.toFixed(1)} s`,
    ...(first ? [`first: ${reproduce(first)}`] : []),
  ];
}
