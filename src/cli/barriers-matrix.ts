// smpbox barriers CASE --matrix: every way to write one side with every way to write the other.
import { type Cell, matrix } from "../cases/001-matrix.ts";
import { BARRIER_IMAGE } from "../cases/barrier-programs.ts";
import { type PairCell, pairMatrix, PAIRS } from "../cases/pair-matrix.ts";
import { openImage } from "../engine/files.ts";
import { InputError } from "../index.ts";
import type { BarrierOptions } from "./barriers-survey.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { shellLine } from "./options.ts";
import { Progress } from "./progress.ts";

export function printMatrix(
  id: string, options: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  if (id === "001") return printCells(options, signal);
  if (Object.hasOwn(PAIRS, id)) return printPairs(id, options, signal);
  throw new InputError(`--matrix: ${id} has none; 001, 003 and M have one`);
}

/** All that a matrix yields, with the seconds that it took; undefined: interrupted. */
async function collected<T>(
  cells: AsyncGenerator<T>, signal: AbortSignal,
): Promise<{ cells: T[]; seconds: number } | undefined> {
  const begun = performance.now();
  const progress = new Progress();
  const list: T[] = [];
  for await (const cell of cells) {
    list.push(cell);
    progress.update(() => `${list.length} cells`);
  }
  progress.clear();
  if (signal.aborted) return undefined;
  return { cells: list, seconds: (performance.now() - begun) / 1000 };
}

async function printCells({ json, all }: BarrierOptions, signal: AbortSignal): Promise<number> {
  const found = await collected(matrix(openImage(BARRIER_IMAGE), undefined, signal), signal);
  if (!found) return EXIT.interrupted;
  const { cells, seconds } = found;
  if (json) printJson({ schema: "smpbox-barriers-matrix-1", cells: documentOf(cells), seconds });
  else process.stdout.write(`${linesOf(cells, seconds, all ?? false).join("\n")}\n`);
  return EXIT.held;
}

async function printPairs(
  id: string, { json }: BarrierOptions, signal: AbortSignal,
): Promise<number> {
  const found = await collected(pairMatrix(openImage(BARRIER_IMAGE), PAIRS[id], signal), signal);
  if (!found) return EXIT.interrupted;
  const { cells, seconds } = found;
  const documents = cells.map(({ alive, schedule, late, ...cell }) => ({
    ...cell,
    reproduce: schedule && pairLine(cell, schedule),
    reproduceLate: late && pairLine(cell, late, alive),
  }));
  if (json) {
    printJson({ schema: "smpbox-barriers-pairs-1", case: id, cells: documents, seconds });
  } else {
    process.stdout.write(`${pairLines(id, cells, seconds).join("\n")}\n`);
  }
  return EXIT.held;
}

const pairLine = (
  { entries, memory }: Pick<PairCell, "entries" | "memory">, schedule: string, alive?: string,
) => shellLine([
  "smpbox", "explore", BARRIER_IMAGE, "--entry", entries,
  ...(alive === undefined ? [] : ["--predicate", alive]),
  ...(memory === "tso" ? [] : ["--model", memory]), "--replay", schedule,
]);

/** A row for each pair: what it does in program order, what on x86-TSO. */
function pairLines(id: string, cells: readonly PairCell[], seconds: number): string[] {
  const text = ({ verdict, useAfterFree }: PairCell) =>
    (useAfterFree && verdict === "hang" ? "hang, late" : useAfterFree ? "late" : verdict);
  const row = (words: string[]) => `${words[0].padEnd(15)}${words[1].padEnd(18)}` +
    `${words[2].padEnd(22)}${words[3].padEnd(12)}${words[4].padEnd(12)}` +
    `${words[5].padStart(7)}${words[6].padStart(6)}`;
  const rows = cells.filter(({ memory }) => memory === "tso").map((cell) => {
    const inOrder = cells.find(({ entries, memory }) =>
      entries === cell.entries && memory === "sc")!;
    return row([cell.id, ...cell.sides, text(inOrder), text(cell), `${cell.states}`,
      millis(cell.seconds)]);
  });
  const states = cells.reduce((sum, cell) => sum + cell.states, 0);
  const first = cells.find(({ schedule }) => schedule);
  return [
    `Case ${id}: every interleaving of each pair. hang: somebody may sleep for ever; late:`,
    "something may be touched that was freed; safe: proved that neither happens", "",
    row(["", "one side", "the other", "in order", "x86-TSO", "states", "ms"]), ...rows, "",
    `${cells.length} explorations, ${states} machine states, ${seconds.toFixed(1)} s`,
    ...(first ? [`first: ${pairLine(first, first.schedule!)}`] : []),
  ];
}

const millis = (seconds: number) => (1000 * seconds).toFixed(1);

const reproduce = ({ entries, memory, schedule }: Cell) => shellLine([
  "smpbox", "explore", BARRIER_IMAGE, "--entry", entries,
  ...(memory === "tso" ? [] : ["--model", memory]), ...(schedule ? ["--replay", schedule] : []),
]);

const documentOf = (cells: readonly Cell[]) =>
  cells.map((cell) => ({ ...cell, reproduce: cell.schedule && reproduce(cell) }));

function linesOf(cells: readonly Cell[], seconds: number, all: boolean): string[] {
  const lines = [
    "Case 001: aio_complete() k0 to k13 with every way to wait, a to j, every interleaving",
    "H: the waiter may sleep for ever; .: proved that it does not",
  ];
  for (const layout of [24, 9] as const) {
    const where = layout === 24 ? "with ctx_lock held" : "behind its release";
    lines.push("", `layout ${layout}: the look at the queue ${where}`,
      "     x86-TSO     seq. consistency    states    ms");
    const own = cells.filter((cell) => cell.layout === layout);
    for (const completer of new Set(own.map((cell) => cell.completer))) {
      const row = own.filter((cell) => cell.completer === completer);
      const letters = (memory: Cell["memory"]) => row.filter((cell) => cell.memory === memory)
        .map(({ verdict }) => (verdict === "hang" ? "H" : ".")).join("");
      const states = row.reduce((sum, cell) => sum + cell.states, 0);
      const spent = row.reduce((sum, cell) => sum + cell.seconds, 0);
      lines.push(`${completer.padEnd(5)}${letters("tso")}  ${letters("sc").padEnd(18)}` +
        `${states}`.padStart(8) + millis(spent).padStart(6));
      if (all) lines.push(...row.map(cellLine));
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

const cellLine = ({ memory, waiter, verdict, states, seconds }: Cell) =>
  `     ${waiter} ${memory.padEnd(5)}${verdict.padEnd(24)}` + `${states}`.padStart(8) +
  millis(seconds).padStart(6);
