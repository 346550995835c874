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
  /** How many are asked for, where the case knows it. */
  bytes?: bigint;
  /** Accesses to the line after it was freed, and before it was a request again. */
  late: TraceEvent[];
  /** Stores to the state of the submitter's task (W5), while it was at this request. */
  states: TraceEvent[];
}

export const stepOf = (event: TraceEvent): DioStep | undefined => NAMES.get(event.label);

/** Requests whose beginning is in the trace, in the order of their beginnings. */
export class DioReader {
  private readonly onBegin: (request: DioRequest) => void;
  /** By their lines. */
  readonly current = new Map<bigint, DioRequest>();
  /** By CPU: the one that its submitter was at last. */
  private readonly submitted = new Map<number, DioRequest>();

  constructor(onBegin: (request: DioRequest) => void = () => undefined) {
    this.onBegin = onBegin;
  }

  /** The next record, by time. */
  take(event: TraceEvent): void {
    if (!NAMES.has(event.label)) return;
    if (ELSEWHERE.has(event.label)) {
      this.submitted.get(event.cpu)?.states.push(event);
      return;
    }
    const line = event.phys & ~63n;
    if (event.label === DIO.S1 && event.kind === TRACE_ISSUE) {
      const request = { line, events: [event], freed: false, late: [], states: [] };
      this.current.set(line, request);
      this.submitted.set(event.cpu, request);
      this.onBegin(request);
      return;
    }
    const request = this.current.get(line);
    if (!request) return;
    if (event.label === DIO.W4) this.submitted.set(event.cpu, request);
    // What was stored before the end may become visible after it.
    if (request.freed && event.kind !== TRACE_COMMIT) request.late.push(event);
    else request.events.push(event);
    if (event.label === DIO.Df) request.freed = true;
  }
}

/** All of them. */
export function dioRequests(events: readonly TraceEvent[]): DioRequest[] {
  const requests: DioRequest[] = [];
  const reader = new DioReader((request) => requests.push(request));
  for (const event of events) reader.take(event);
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
