// Case 003 in the trace: how submitter (W) and completion (E) of a request that is waited for met.
import { TRACE_COMMIT, TRACE_ISSUE, type TraceEvent } from "../core/trace.ts";
import { access, DIO, type DioRequest } from "./dio-trace.ts";

/** Cycles between W6 and E2 within which the two are near; the window has some 200. */
export const NEAR_CYCLES = 3000n;

export interface Meeting {
  request: DioRequest;
  /** The last look at the count, by W6 or, where that was enough, by W4. */
  counted: TraceEvent;
  published?: TraceEvent;
  visible?: TraceEvent;
  looked?: TraceEvent;
  dropped?: TraceEvent;
}

/** Of each request whose submitter looked whether there was something to wait for. */
export function meetingsOf(requests: readonly DioRequest[]): Meeting[] {
  return requests.flatMap((request) => {
    const first = (step: "W6" | "W4" | "E2") =>
      request.events.find(({ label, kind }) => label === DIO[step] && kind !== TRACE_COMMIT);
    const counted = first("W6") ?? first("W4");
    if (!counted) return [];
    return [{
      request,
      counted,
      published: access(request, "W7", TRACE_ISSUE),
      visible: access(request, "W7", TRACE_COMMIT),
      looked: access(request, "E1") ?? access(request, "E3"),
      dropped: first("E2"),
    }];
  });
}

const distance = (a: bigint, b: bigint) => (a > b ? a - b : b - a);

/** Near enough that another order of the two was possible; on one CPU it never is. */
export function isNear({ counted, dropped }: Meeting): boolean {
  if (!dropped || dropped.cpu === counted.cpu) return false;
  return distance(dropped.time, counted.time) <= NEAR_CYCLES;
}

/** Was the waiter published, but not yet visible, when the completion looked for it? */
export function isStoreBuffering({ published, visible, looked }: Meeting): boolean {
  if (!published || !looked || published.time > looked.time) return false;
  return !visible || visible.time > looked.time;
}

/** Looks at a request that its other side has freed. */
export function usesAfterFree(requests: readonly DioRequest[]): TraceEvent[] {
  return requests.flatMap(({ late }) => late);
}
