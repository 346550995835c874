// The moments of a lost wake-up, found in the trace of its round.
import { LABEL } from "./001-trace.ts";
import type { Failure } from "./case.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_REQUEST, type TraceEvent,
} from "../core/trace.ts";

/** The moments that decide, each undefined if the trace does not show it. */
export interface LostWakeup {
  submitter: number;
  reaper: number;
  bRead?: TraceEvent;
  tailIssue?: TraceEvent;
  tailRequest?: TraceEvent;
  copyLost?: TraceEvent;
  tailCommit?: TraceEvent;
  queueIssue?: TraceEvent;
  queueCommit?: TraceEvent;
  fence?: TraceEvent;
  tailRead?: TraceEvent;
}

export function findLostWakeup(failure: Failure, submitter: number, reaper: number): LostWakeup {
  const { events, ringLine } = failure;
  const last = (cpu: number, kind: number, label: number) =>
    events.findLast((e) => e.cpu === cpu && e.kind === kind && e.label === label);
  const tailIssue = last(submitter, TRACE_ISSUE, LABEL.A3);
  const after = (event: TraceEvent) => tailIssue !== undefined && event.time >= tailIssue.time;
  return {
    submitter,
    reaper,
    bRead: last(submitter, TRACE_LOAD, LABEL.B),
    tailIssue,
    tailRequest: events.find(
      (e) => e.cpu === submitter && e.kind === TRACE_REQUEST && onLine(e, ringLine) && after(e),
    ),
    copyLost: events.find(
      (e) => e.cpu === reaper && isInvalidation(e) && onLine(e, ringLine) && after(e),
    ),
    tailCommit: last(submitter, TRACE_COMMIT, LABEL.A3),
    queueIssue: last(reaper, TRACE_ISSUE, LABEL["1e"]),
    queueCommit: last(reaper, TRACE_COMMIT, LABEL["1e"]),
    fence: last(reaper, TRACE_LOCKED, LABEL["1g"]),
    tailRead: last(reaper, TRACE_LOAD, LABEL["2"]),
  };
}

/** Value 1 would be a downgrade to Shared: the copy stays readable. */
function isInvalidation(event: TraceEvent): boolean {
  return event.kind === TRACE_LOST && event.value === 0n;
}

function onLine(event: TraceEvent, line: bigint | undefined): boolean {
  return (event.phys & ~63n) === line;
}

/** Did A3 overtake nothing but B, and was B too early for 1e and step 2 too early for A3? */
export function isStoreBuffering(story: LostWakeup): boolean {
  const { bRead, tailIssue, tailCommit, queueCommit, tailRead } = story;
  if (!bRead || !tailIssue || !tailCommit || !queueCommit || !tailRead) return false;
  return (
    tailIssue.time < bRead.time &&
    bRead.time < tailCommit.time &&
    bRead.time < queueCommit.time &&
    tailRead.time < tailCommit.time
  );
}
