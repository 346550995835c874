// Were the two sides of case 001 near each other? A round can only hang if the reaper, having
// queued itself, reads ring.tail (2) while the completer's store to it (A3) is on its way. A run
// without a hang says something only if there were such rounds.
import { TRACE_POINT, type TraceEvent } from "../core/trace.ts";
import { isRead, isStore, LABEL, POINT, residenceOf } from "./001-trace.ts";
import { median } from "./numbers.ts";

/** Of include/w001-stats.h. */
export const HISTOGRAM = { bins: 384, low: -8192, step: 64 } as const;
/** Cycles around the way of A3 that count as near. */
const NEAR_CYCLES = 100;

/** Times of one event, each of a step of the one or the other side. */
interface Meeting {
  /** The submitter's and the reaper's system calls. */
  submitted?: number;
  called: number;
  /** A3 is issued. */
  stored: number;
  /** Step 2 of a reaper that has queued itself; undefined when it found the event at once. */
  read?: number;
}

/** The last events of the trace, matched from its end: one call of the reaper for each A3. */
function meetingsOf(events: readonly TraceEvent[], [submitter, reaper]: readonly [number, number]) {
  const stores: Array<{ stored: number; submitted?: number }> = [];
  const calls: Array<{ called: number; read?: number }> = [];
  let submitted: number | undefined;
  let queued = false;
  for (const event of events) {
    const time = Number(event.time);
    const point = event.kind === TRACE_POINT ? event.label : 0;
    if (isStore(event, LABEL.A3)) {
      stores.push({ stored: time, submitted });
      submitted = undefined;
    } else if (event.cpu === submitter && point === POINT.ROUND) {
      submitted = time;
    } else if (event.cpu === reaper && point === POINT.REAP) {
      calls.push({ called: time });
      queued = false;
    } else if (event.cpu === reaper && isStore(event, LABEL["1g"])) {
      queued = true;
    } else if (event.cpu === reaper && isRead(event, LABEL["2"]) && queued) {
      const call = calls.at(-1);
      if (call) call.read ??= time;
      queued = false;
    }
  }
  const count = Math.min(stores.length, calls.length);
  const first = { stores: stores.length - count, calls: calls.length - count };
  return Array.from({ length: count }, (_, i): Meeting => ({
    ...stores[first.stores + i],
    ...calls[first.calls + i],
  }));
}

/**
 * Rounds in which step 2 fell, or would have fallen, near the way of A3 to its commit: all of them
 * if the run counted its phases and its completions follow its submissions, else those in the
 * trace.
 */
export function visitedBy(
  events: readonly TraceEvent[],
  pair: readonly [number, number],
  histogram: readonly number[] | undefined,
): number | undefined {
  const meetings = meetingsOf(events, pair);
  const queued = meetings.filter((m) => m.read !== undefined);
  const reach = median(queued.map((m) => m.read! - m.called));
  if (reach === undefined) return undefined;
  const near = NEAR_CYCLES + (median(residenceOf(events as TraceEvent[])) ?? 0);
  const delay = median(
    meetings.flatMap((m) => (m.submitted === undefined ? [] : [m.stored - m.submitted])),
  );
  if (!histogram || delay === undefined) {
    const isNear = (m: Meeting) => {
      const distance = m.called + reach - m.stored;
      return distance >= -NEAR_CYCLES && distance <= near;
    };
    return meetings.filter(isNear).length;
  }
  // A call this long after the submission reads at the moment of A3's issue.
  const meeting = delay - reach;
  return histogram.reduce((sum, count, bin) => {
    const from = HISTOGRAM.low + bin * HISTOGRAM.step;
    const bounded = bin > 0 && bin < HISTOGRAM.bins - 1; // those hold what lies beyond
    const overlaps =
      bounded && from + HISTOGRAM.step > meeting - NEAR_CYCLES && from <= meeting + near;
    return overlaps ? sum + count : sum;
  }, 0);
}
