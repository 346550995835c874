// Case 003 in the trace: how submitter (W) and completion (E) of a request that is waited for met.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";
import type { Machine } from "../engine/machine.ts";
import type { Follower } from "../engine/pieces.ts";
import type { Wait } from "./003-numbers.ts";
import { access, DIO, DioReader, type DioRequest } from "./dio-trace.ts";
import { type Cause, causeByLoads } from "./immediate-drains.ts";
import { LateAccesses } from "./shadow.ts";

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

/**
 * Of a request whose submitter sleeps for ever: what its completion saw of it. The waiter's store
 * (W7) is the only one to its place that anybody else may not see; that of NULL comes before the
 * bio is submitted. The count is changed by locked instructions, or under bio_lock.
 */
export function causeOfHang({ request, looked, counted }: Meeting): Cause {
  if (!looked) return "not recorded";
  const asleep = request.states.findLast(({ kind }) => kind !== TRACE_COMMIT);
  if (looked.value === 0n) return causeByLoads(request.events, [looked, counted]);
  // It saw whom to wake, and the wake-up, whose load has no label, a task that was not asleep.
  return asleep && asleep.time < looked.time ? "store buffer" : "not recorded";
}

/**
 * Of a request that is looked at after it was freed: by the look at the count with which it was
 * freed. The order of its free and of the late access is that of the instructions.
 */
export function causeOfUse(request: DioRequest): Cause {
  const free = request.events.findLast(({ label }) => label === DIO.Df);
  const counted = request.events.findLast(({ label, cpu, kind }) => cpu === free?.cpu &&
    (label === DIO.W4 || label === DIO.W6 || label === DIO.E2) &&
    (kind === TRACE_LOAD || kind === TRACE_LOCKED));
  return causeByLoads(request.events, [counted]);
}

/** What many requests showed, of which few are kept. */
export class DioStory implements Follower {
  /** Requests that were waited for, and those where the two sides were near. */
  meetings = 0;
  near = 0;
  /** Accesses after free, and the first request that had one. */
  late = 0;
  firstUse?: DioRequest;
  /** By the allocators' labels, whatever the access is. */
  readonly shadow: LateAccesses;
  /** From when to when each one that was waited for is there as it was mapped. */
  readonly waits: Wait[] = [];
  private readonly reader = new DioReader((request) => this.begin(request));
  /** By their lines: those that have begun last. */
  private readonly begun = new Map<bigint, DioRequest>();

  constructor(machine: Machine) {
    this.shadow = new LateAccesses(machine, "struct dio");
  }

  take(events: readonly TraceEvent[]): void {
    for (const event of events) this.reader.take(event);
    this.shadow.take(events);
  }

  /** Of the requests that are not freed; adds up what is still in hand. */
  end(): Meeting[] {
    for (const line of [...this.begun.keys()]) this.count(line);
    return meetingsOf([...this.reader.current.values()].filter(({ freed }) => !freed));
  }

  private begin(request: DioRequest): void {
    this.count(request.line);
    this.begun.set(request.line, request);
  }

  /** The request of this line is over. */
  private count(line: bigint): void {
    const request = this.begun.get(line);
    if (!request) return;
    this.begun.delete(line);
    const [meeting] = meetingsOf([request]);
    if (meeting) {
      this.meetings++;
      if (isNear(meeting)) this.near++;
      const to = access(request, "Df")?.time;
      this.waits.push({ line, from: meeting.counted.time, to });
    }
    this.late += request.late.length;
    if (request.late.length > 0) this.firstUse ??= request;
  }
}
