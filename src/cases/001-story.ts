// The moments of a lost wake-up, found in the trace of its round.
import { isRead, isStore, LABEL } from "./001-trace.ts";
import type { Failure } from "./case.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOCKED, TRACE_LOST, TRACE_REQUEST, type TraceEvent,
} from "../core/trace.ts";

/**
 * The moments that decide, each undefined if the trace does not show it. What is stored by a locked
 * access is issued and visible at the same moment.
 */
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
  stateIssue?: TraceEvent;
  stateCommit?: TraceEvent;
  /** 1g, where the state is stored by a locked access. */
  fence?: TraceEvent;
  tailRead?: TraceEvent;
}

export function findLostWakeup(failure: Failure, submitter: number, reaper: number): LostWakeup {
  const { events, ringLine } = failure;
  const last = (cpu: number, is: (event: TraceEvent) => boolean) =>
    events.findLast((e) => e.cpu === cpu && is(e));
  const stored = (cpu: number, label: number) => last(cpu, (e) => isStore(e, label));
  const seen = ({ kind }: TraceEvent) => kind === TRACE_COMMIT || kind === TRACE_LOCKED;
  const visible = (cpu: number, label: number) => last(cpu, (e) => e.label === label && seen(e));
  const tailIssue = stored(submitter, LABEL.A3);
  // A locked access is recorded when it has its line: it asked for it after A1.
  const asks = tailIssue?.kind === TRACE_LOCKED
    ? last(submitter, (e) => e.kind === TRACE_ISSUE && e.label === LABEL.A1) : tailIssue;
  const after = (event: TraceEvent) => asks !== undefined && event.time >= asks.time;
  return {
    submitter,
    reaper,
    bRead: last(submitter, (e) => isRead(e, LABEL.B)),
    tailIssue,
    tailRequest: events.find(
      (e) => e.cpu === submitter && e.kind === TRACE_REQUEST && onLine(e, ringLine) && after(e),
    ),
    copyLost: events.find(
      (e) => e.cpu === reaper && isInvalidation(e) && onLine(e, ringLine) && after(e),
    ),
    tailCommit: visible(submitter, LABEL.A3),
    queueIssue: stored(reaper, LABEL["1e"]),
    queueCommit: visible(reaper, LABEL["1e"]),
    stateIssue: stored(reaper, LABEL["1g"]),
    stateCommit: visible(reaper, LABEL["1g"]),
    fence: last(reaper, (e) => e.kind === TRACE_LOCKED && e.label === LABEL["1g"]),
    tailRead: last(reaper, (e) => isRead(e, LABEL["2"])),
  };
}

/** Value 1 would be a downgrade to Shared: the copy stays readable. */
function isInvalidation(event: TraceEvent): boolean {
  return event.kind === TRACE_LOST && event.value === 0n;
}

function onLine(event: TraceEvent, line: bigint | undefined): boolean {
  return (event.phys & ~63n) === line;
}

/** Did B see the reaper's entry in the list? Then the state that the waker reads decides. */
export function sawEntry({ bRead, queueIssue }: LostWakeup): boolean {
  return bRead !== undefined && bRead.value === queueIssue?.value;
}

/** Stores that were in their CPU's store buffer when a younger load of it was executed. */
export interface Late {
  /** A3 at B. */
  tail: boolean;
  /** 1e at step 2, of a reaper that B did not see. */
  entry: boolean;
  /** 1g at step 2, of a reaper that B saw, but not yet asleep. */
  state: boolean;
}

/**
 * Which stores were late; undefined if steps are missing, or if B or step 2 was not too early for
 * what the other side stored.
 */
export function lateStores(story: LostWakeup): Late | undefined {
  const { bRead, tailIssue, tailCommit, queueIssue, queueCommit, tailRead } = story;
  if (!bRead || !tailIssue || !tailCommit || !queueCommit || !tailRead) return undefined;
  if (tailRead.time >= tailCommit.time) return undefined;
  const waits = (issue: TraceEvent | undefined, look: TraceEvent, commit: TraceEvent) =>
    issue !== undefined && issue.time < look.time && look.time < commit.time;
  if (sawEntry(story)) {
    const { stateIssue, stateCommit } = story;
    if (!stateCommit || bRead.time >= stateCommit.time) return undefined;
    return { tail: false, entry: false, state: waits(stateIssue, tailRead, stateCommit) };
  }
  if (bRead.time >= queueCommit.time) return undefined;
  return {
    tail: waits(tailIssue, bRead, tailCommit),
    entry: waits(queueIssue, tailRead, queueCommit),
    state: false,
  };
}

/** Did both sides look too early for the other's store, and was one of these stores late? */
export function isStoreBuffering(story: LostWakeup): boolean {
  const late = lateStores(story);
  return late !== undefined && (late.tail || late.entry || late.state);
}
