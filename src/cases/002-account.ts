// Case 002: the account of a stopped machine, and the facts of its report R002: what was submitted
// and answered, and for the first requests that went wrong the steps of both sides in their order.
import { TRACE_COMMIT, TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import { type Outcome, OUTCOMES, outcomeOf } from "./002-outcome.ts";
import type { Failure, OtherFailure } from "./case.ts";
import { access, DIO, type DioRequest, signed, stepOf } from "./dio-trace.ts";
import type { LateAccess } from "./shadow.ts";

const REQUESTS_SHOWN = 2;

interface Numbers {
  submitted: number;
  events: number;
  eio: number;
  full: number;
  active: number;
  /** In a ring, or taken by an io_getevents that has not returned. */
  unread?: number;
}

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

const isWrong = (request: DioRequest) => (outcomeOf(request) ?? "reported") !== "reported";

export function accountOf(requests: readonly DioRequest[], numbers: Numbers): string {
  const { submitted, events, full, eio, active } = numbers;
  const wrong = requests.filter(isWrong);
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

/** Of the first request that went wrong, for the report: what it is, when, and how it went. */
export function detailsOf(
  requests: readonly DioRequest[], { submitted, events, full, eio, active, unread = 0 }: Numbers,
): Pick<Failure, "object" | "moments" | "facts" | "others"> {
  const request = requests.find(isWrong);
  const moments = request && {
    begun: access(request, "S1"), added: access(request, "S3", TRACE_ISSUE),
    decided: access(request, "S5"), returned: access(request, "S6"),
    failed: access(request, "D1"), ended: access(request, "f4"),
  };
  const facts: Record<string, string> = {
    submitted: `${submitted}`, "events seen": `${events}, ${full} full, ${eio} -EIO`,
    "events not yet seen": `${unread}`, "still active": `${active}`,
    "gone without an event": `${submitted - events - unread - active}`,
  };
  if (!request || !moments) return { facts };
  facts["this one"] = `of ${OUTCOMES[outcomeOf(request)!]}`;
  facts["freed (Df)"] = request.freed ? "yes: what is there at the end may be another one" : "no";
  const { begun, returned, failed, ended } = moments;
  if (returned) facts["the caller was told (S6)"] = `${signed(returned)} at ${returned.time}`;
  if (failed) facts["a bio failed (D1)"] = whenFailed(request, failed);
  if (ended) facts["the completion found (f4)"] = `${signed(ended)} at ${ended.time}`;
  return { object: begun?.phys, moments, facts, others: othersOf(requests) };
}

/** An access to what was free, for the report. */
export const lateFact = ({ type, object, event, freed }: LateAccess): string =>
  `${type} at ${object.toString(16)}: freed by cpu${freed.cpu} at ${freed.time}, used by ` +
  `cpu${event.cpu} at ${event.time}`;

/** Its error, when it came, and that from the steps of the submitter on. */
function whenFailed(request: DioRequest, failed: TraceEvent): string {
  const steps = [access(request, "S3", TRACE_ISSUE), access(request, "S5"), access(request, "S6")];
  const when = steps.map((event, i) => {
    const name = ["S3", "S5", "S6"][i];
    if (!event) return `no ${name} in the trace`;
    return `${name} ${event.time < failed.time ? "+" : "-"}${distance(event, failed)}`;
  });
  // Of a locked access the trace has what it found.
  const error = failed.kind === TRACE_ISSUE ? `${signed(failed)}` : "an error";
  return `${error} at ${failed.time}: ${when.join(", ")}`;
}

/** Of all requests that went wrong each bio that failed. */
function othersOf(requests: readonly DioRequest[]): OtherFailure[] {
  return requests.filter(isWrong).flatMap((request) => {
    const { events, freed } = request;
    const returned = access(request, "S6");
    const told = returned ? `the caller was told ${signed(returned)} (S6)`
      : "what the caller was told (S6) is not in the trace";
    return events.filter(({ label, kind }) => label === DIO.D1 && kind !== TRACE_COMMIT)
      .map((event) => ({
        object: events[0].phys, event, freed,
        what: `${whenFailed(request, event)}; ${told}; of ${OUTCOMES[outcomeOf(request)!]}`,
      }));
  }).sort((a, b) => Number(a.event.time - b.event.time));
}

const distance = (a: TraceEvent, b: TraceEvent) =>
  a.time < b.time ? b.time - a.time : a.time - b.time;

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
