// Case 002: the report on a stopped machine (aio-cases 9, R002): what was submitted and answered,
// and for the first requests that went wrong the steps of submitter and completion in their order.
import { TRACE_COMMIT, TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import { type Outcome, OUTCOMES, outcomeOf } from "./002-outcome.ts";
import { DIO, type DioRequest, signed, stepOf } from "./dio-trace.ts";

const REQUESTS_SHOWN = 2;

const STEPS: Record<string, string> = {
  S1: "begins: result",
  S3: "adds what is under way: result",
  S5: "less than the size? result",
  S6: "returns result",
  D1: "a bio has failed: stores",
  f1: "is the last one: result",
  f2: "io_error",
  f4: "is it the size? result",
  Df: "frees the request",
};

export function accountOf(
  requests: readonly DioRequest[],
  numbers: { submitted: number; events: number; eio: number; full: number; active: number },
): string {
  const { submitted, events, full, eio, active } = numbers;
  const wrong = requests.filter((request) => {
    const outcome = outcomeOf(request);
    return outcome !== undefined && outcome !== "reported";
  });
  const first = new Map<Outcome, DioRequest>();
  for (const request of wrong) {
    const outcome = outcomeOf(request)!;
    if (!first.has(outcome)) first.set(outcome, request);
  }
  return [
    `submitted ${submitted}, events ${events} (${full} full, ${eio} -EIO), still active ${active}`,
    ...[...first].slice(0, REQUESTS_SHOWN)
      .flatMap(([outcome, request]) => storyOf(outcome, request)),
  ].join("\n");
}

function storyOf(outcome: Outcome, { line, events }: DioRequest): string[] {
  const origin = events[0].time;
  const rows = events.filter((event) => isTold(event, events)).map((event) => {
    const when = `${event.time - origin}`.padStart(8);
    const step = stepOf(event)!;
    const visible = event.kind === TRACE_COMMIT ? " (visible)" : "";
    const value = event.label === DIO.Df ? "" : ` ${signed(event)}`;
    return `${when}  cpu${event.cpu}  ${step.padEnd(2)}  ${STEPS[step] ?? ""}${value}${visible}`;
  });
  return [`request at ${line.toString(16)}, of ${OUTCOMES[outcome]}, in cycles from S1:`, ...rows];
}

/** A store is told when it is issued, and again when it becomes visible after something else. */
function isTold(event: TraceEvent, events: readonly TraceEvent[]): boolean {
  if (event.kind !== TRACE_COMMIT) return true;
  const before = events[events.indexOf(event) - 1];
  return !(before?.label === event.label && before.kind === TRACE_ISSUE);
}
