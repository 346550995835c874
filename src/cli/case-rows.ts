// smpbox case --rows: the acceptance test, expected against measured.
import { findRows } from "../cases/index.ts";
import { runSetups, type SetupResult } from "../cases/rows.ts";
import { type JUnitCase, junitText } from "../report/junit.ts";
import { wrap } from "../report/text.ts";
import type { CaseOptions } from "./case.ts";
import { reproduceCase } from "./case-spec.ts";
import { EXIT } from "./exit.ts";
import { printJson } from "./json.ts";
import { writeOutput } from "./output-file.ts";
import { Progress } from "./progress.ts";

const MINUTE_MS = 60_000;
const WHY_COLUMNS = 66;

export async function runRows(
  id: string | undefined, options: CaseOptions, signal: AbortSignal,
): Promise<number> {
  const rows = findRows(options.rows!, id);
  const definitionOf = (id: string) => rows.find(({ row }) => row.id === id)!.definition;
  const titles = new Map(rows.map(({ row }) => [row.id, row.what]));
  const progress = new Progress();
  let done = 0;
  const results = await runSetups(rows, {
    size: options.short ? "short" : "full",
    jobs: options.workers,
    signal,
    deadline: options.budget === undefined ? undefined
      : performance.now() + options.budget * MINUTE_MS,
    onResult(result) {
      progress.clear();
      if (!options.json) printResult(result, titles);
      progress.update(() => `${++done} setups`);
    },
  });
  progress.clear();
  const missed = results.filter(({ outcome }) => outcome === "missed");
  const open = results.filter(({ outcome }) => outcome === "open");
  const known = results.filter(({ outcome }) => outcome === "known");
  const unreached = results.filter(({ outcome }) => outcome === "not reached");
  if (options.json) {
    printJson({
      schema: "smpbox-rows-1",
      rows: results.map((result) => ({
        ...result,
        against: undefined,
        reproduce: result.against && reproduceCase(definitionOf(result.row), result.against),
      })),
    });
  } else {
    const held = results.filter(({ outcome }) => outcome === "holds").length;
    process.stdout.write(
      `${held} of ${results.length} hold, ${missed.length} missed, ${known.length} known not to, ` +
        `${open.length} open, ${unreached.length} not reached\n`,
    );
    for (const { row, against } of missed) {
      if (against) {
        process.stdout.write(`reproduce: ${reproduceCase(definitionOf(row), against)}\n`);
      }
    }
  }
  if (options.junit !== undefined) {
    writeOutput("--junit", options.junit, junitText("smpbox case --rows", results.map(caseOf)));
  }
  if (signal.aborted) return EXIT.interrupted;
  if (missed.length > 0) return EXIT.failed;
  return unreached.length > 0 ? EXIT.budget : EXIT.held;
}

const OUTCOMES = {
  "holds": "held", "missed": "failed", "known": "skipped", "open": "skipped",
  "not reached": "skipped",
} as const;

function caseOf({ row, what, outcome, expected, measured, why }: SetupResult): JUnitCase {
  const said = `expected ${expected}; measured ${measured}${why === undefined ? "" : `; ${why}`}`;
  const message = outcome === "not reached" ? outcome : said;
  return { group: row, name: what, outcome: OUTCOMES[outcome], message };
}

/** Each row's title once, then a setup a line. */
function printResult(result: SetupResult, titles: Map<string, string>): void {
  const title = titles.get(result.row);
  if (title !== undefined) process.stdout.write(`${wrap(`${result.row}: ${title}`)}\n`);
  titles.delete(result.row);
  const { what, pairs, expected, measured, outcome, why } = result;
  const list = pairs.map((pair) => pair.join(",")).join(" ");
  const where = pairs.length > 3 ? `${pairs.length} pairs` : list;
  process.stdout.write(
    `  ${outcome.padEnd(11)} ${what} (${where})\n` +
      `              expected ${expected}; measured ${measured}\n`,
  );
  if (why !== undefined) {
    const lines = wrap(why, WHY_COLUMNS).split("\n");
    process.stdout.write(lines.map((line) => `              ${line}\n`).join(""));
  }
}
