// Direct I/O in the trace: requests (struct dio) and the labelled accesses to them, in the kernel's
// fs/dio/count.h (S, D, f) and refcount.h (W, E).
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const DIO = {
  S1: 32, S3: 33, S5: 34, S6: 35, D1: 36, f1: 37, f2: 38, f4: 39, Df: 40,
  W4: 41, W5: 42, W6: 43, W7: 44, W11: 45, E1: 46, E2: 47, E3: 48,
} as const;
export type DioStep = keyof typeof DIO;

export const DIO_KINDS = [TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);

const NAMES: ReadonlyMap<number, DioStep> = new Map(
  Object.entries(DIO).map(([name, id]) => [id, name as DioStep]),
);
/** W5 is a store to the task, not to the request. */
const ELSEWHERE: ReadonlySet<number> = new Set([DIO.W5]);

/** One request, from S1 to Df or to the end of the trace. */
export interface DioRequest {
  /** Of the line that submitter and completion share. */
  line: bigint;
  events: TraceEvent[];
  freed: boolean;
  /** Accesses to the line after it was freed, and before it was a request again. */
  late: TraceEvent[];
}

/** What a request's submitter does to it next. */
const SUBMITTERS: ReadonlySet<number> = new Set([DIO.S3, DIO.S5, DIO.W4, DIO.W6]);

export const stepOf = (event: TraceEvent): DioStep | undefined => NAMES.get(event.label);

/**
 * All requests whose beginning is in the trace, in the order of their beginnings. A label belongs
 * to the access after it: where an interrupt comes in between, the load of its gate has S1, and the
 * request begins without it; the submitter's next step says which one it is.
 */
export function dioRequests(events: readonly TraceEvent[]): DioRequest[] {
  const requests: DioRequest[] = [];
  const current = new Map<bigint, DioRequest>();
  const interrupted = new Map<number, bigint>();
  const begin = (line: bigint, first: TraceEvent[]) => {
    const request = { line, events: first, freed: false, late: [] };
    current.set(line, request);
    requests.push(request);
  };
  for (const event of events) {
    const { cpu, kind, label, time } = event;
    if (!NAMES.has(label) || ELSEWHERE.has(label)) continue;
    const line = event.phys & ~63n;
    if (label === DIO.S1 && kind === TRACE_ISSUE) {
      interrupted.delete(cpu);
      begin(line, [event]);
      continue;
    }
    if (label === DIO.S1 && kind === TRACE_LOAD) {
      interrupted.set(cpu, time);
      continue;
    }
    const request = current.get(line);
    const since = interrupted.get(cpu);
    if (since !== undefined && SUBMITTERS.has(label)) {
      interrupted.delete(cpu);
      // What seemed to come after the end of the one before is of this one, too.
      const own = request?.late.filter((one) => one.time > since) ?? [];
      if (request) request.late = request.late.filter((one) => one.time <= since);
      begin(line, [...own, event]);
      continue;
    }
    if (!request) continue;
    // What was stored before the end may become visible after it.
    if (request.freed && kind !== TRACE_COMMIT) request.late.push(event);
    else request.events.push(event);
    if (label === DIO.Df) request.freed = true;
  }
  return requests;
}

/** The last access of a step: its execution, or for a store when it became visible. */
export function access(
  { events }: DioRequest, step: DioStep, kind?: number,
): TraceEvent | undefined {
  const executed = (event: TraceEvent) => event.kind !== TRACE_COMMIT;
  return events.findLast(
    (event) => event.label === DIO[step] && (kind ? event.kind === kind : executed(event)),
  );
}

export const signed = (event: TraceEvent): bigint => BigInt.asIntN(64, event.value);
