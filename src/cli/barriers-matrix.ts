// smpbox barriers 001 --matrix: the cells, as letters or as JSON.
import { type Cell, matrix, MATRIX_IMAGE } from "../cases/001-matrix.ts";
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
