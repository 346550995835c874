// The report on the first run of a case that failed: made from that run, once more; printed, and
// written to a file whose name says as what.
import { type Case, type CaseRun, imageOf } from "../cases/case.ts";
import { optionsOf } from "../cases/runner.ts";
import { InputError, Machine } from "../index.ts";
import { reportPage } from "../report/case-report-html.ts";
import { reportLines } from "../report/case-report-text.ts";
import { causeText } from "../report/cause.ts";
import { failedSubject, type Report, reportOf } from "../report/case-report.ts";
import { Session } from "../report/crash/session.ts";
import type { Explanation } from "../report/why/explanation.ts";
import { RunDiffers, whyAgain, whyLines } from "../report/why/why.ts";
import { foldCommand, wrap } from "../report/text.ts";
import { openCase, OPENS, reproduceCase } from "./case-spec.ts";
import { jsonText } from "./json.ts";
import { writeOutput } from "./output-file.ts";

export interface CaseReport {
  report: Report;
  found: Explanation[];
  facts: string[];
}

const FORMATS = [".html", ".json", ".txt"];
const REPRODUCE = "reproduce: ";
/** Around the steps that the report tells. */
const MARGIN_CYCLES = 100_000n;

export function checkReportName(file: string): void {
  if (FORMATS.some((format) => file.endsWith(format))) return;
  throw new InputError(`--report ${file}: name a file that ends in ${FORMATS.join(", ")}`);
}

/** Undefined for a case without a plan for one. */
export async function makeReport(
  definition: Case, { spec, failure, result }: CaseRun, signal: AbortSignal,
): Promise<CaseReport | undefined> {
  if (!definition.report || !failure) return undefined;
  const options = { ...await optionsOf(definition, spec), counters: true };
  const machine = await Machine.create(options);
  try {
    const again = await machine.run({ signal });
    if (signal.aborted) return undefined;
    if (again.stateHash !== result.stateHash) {
      throw new Error("the run came out different the second time: a bug of smpbox");
    }
    const image = imageOf(definition, spec.workload);
    const subject = { machine, result: again, image, seed: spec.seed, note: "" };
    const session = new Session(failedSubject(subject, failure));
    const events = machine.view.trace();
    const report = await reportOf(definition.report, session, failure, events, signal);
    if (signal.aborted) return undefined;
    const found = again.exit === "hang" ? await explain(report, machine, signal) : [];
    const facts = [
      `case ${definition.id}, variant ${spec.variant}, workload ${spec.workload}, memory ` +
        `${spec.memory}, machine ${machine.preset.name}, seed ${spec.seed}`,
      `invariant ${failure.invariant}`, causeText(definition, spec, failure),
      `${REPRODUCE}${reproduceCase(definition, spec)}`, `${OPENS}${openCase(definition, spec)}`,
    ];
    return { report, found, facts };
  } finally {
    machine.close();
  }
}

/** Of a machine that hangs: why, from all accesses around the steps of the report. */
async function explain(
  { sections }: Report, machine: Machine, signal: AbortSignal,
): Promise<Explanation[]> {
  const times = sections.flatMap(({ steps = [] }) => steps.map(({ time }) => time));
  if (times.length === 0) return [];
  const first = times.reduce((a, b) => (a < b ? a : b));
  const last = times.reduce((a, b) => (a > b ? a : b));
  const window = {
    traceFrom: first > MARGIN_CYCLES ? first - MARGIN_CYCLES : 0n, traceTo: last + MARGIN_CYCLES,
  };
  try {
    const found = await whyAgain(machine, true, { signal }, window);
    return found.filter(({ kind }) => kind === "lost wake-up");
  } catch (error) {
    if (!(error instanceof RunDiffers)) throw error;
    if (signal.aborted) return []; // it is not the same run because it was stopped
    process.stderr.write(`why: ${error.message}\n`);
    return [];
  }
}

export function caseReportLines({ report, found }: CaseReport): string[] {
  const why = found.length ? ["", "-- why", ...whyLines(found, 1, "smpbox why tells them")] : [];
  return [...reportLines(report), ...why];
}

/** For --json. */
export function caseReportDocument({ report, found, facts }: CaseReport) {
  return {
    schema: "smpbox-report-1", ...report, facts,
    why: found.map(({ kind, cause, needsBuffer, task, title, paragraphs }) =>
      ({ kind, cause, needsBuffer, task, title, text: paragraphs })),
  };
}

const factLines = (fact: string) =>
  [REPRODUCE, OPENS].some((head) => fact.startsWith(head)) ? foldCommand(fact) : wrap(fact);

export function writeReport(file: string, made: CaseReport): void {
  const { report, found, facts } = made;
  const why = found.slice(0, 1).flatMap(({ title, paragraphs }) => [title, ...paragraphs]);
  const text = file.endsWith(".html") ? reportPage(report, why, facts)
    : file.endsWith(".json") ? jsonText(caseReportDocument(made))
      : `${[...facts.map(factLines), "", ...caseReportLines(made)].join("\n")}\n`;
  writeOutput("--report", file, text);
}
