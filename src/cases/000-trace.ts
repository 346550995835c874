// Case 000 in the trace: a request's way through aio_port_callback() and, meanwhile, aiorw().
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_POINT, type TraceEvent,
} from "../core/trace.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const LABEL = {
  "1.5": 9, "1.7 flags": 10, "1.7": 11, "2.4a": 12, "2.4b": 13, "2.5": 14,
} as const;

/** Ids of the points of the same file. */
export const POINT = { SLOW: 7, PINNED: 8 } as const;

/** The kinds of records that the account is made of. */
export const KINDS = [TRACE_POINT, TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);

/** A request is smaller than this, and aligned to it. */
const REQUEST_BYTES = 512n;

export function isRequestStep(kind: number, label: number): boolean {
  if (kind === TRACE_POINT) return label === POINT.SLOW || label === POINT.PINNED;
  return label >= LABEL["1.5"] && label <= LABEL["2.5"];
}

/** One wrong result, each moment undefined if the trace does not show it. */
export interface Story {
  /** Physical address of the request's iov_len. */
  length: bigint;
  /** The read of it that the result comes from. */
  read: TraceEvent;
  /** Before it, on the reader's CPU: the request put on the free list. */
  freed?: TraceEvent;
  /** Taken from there by somebody, zeroed, given its new length. */
  taken?: TraceEvent;
  zeroed?: TraceEvent;
  refilled?: TraceEvent;
  /** What happened on the reader's CPU between the free and the read. */
  meanwhile: TraceEvent[];
}

/** The last result of `value` bytes that was read from a request which somebody had taken. */
export function storyOf(events: readonly TraceEvent[], value: number): Story | undefined {
  const wanted = BigInt.asUintN(64, BigInt(value));
  const reads = events.filter(
    (e) => e.kind === TRACE_LOAD && e.label === LABEL["1.7"] && e.value === wanted,
  );
  for (const read of reads.reverse()) {
    const story = storyOfRead(events, read);
    if (story.zeroed) return story;
  }
  return undefined;
}

function storyOfRead(events: readonly TraceEvent[], read: TraceEvent): Story {
  const length = read.phys;
  const of = (kind: number, label: number) => (e: TraceEvent) =>
    e.kind === kind && e.label === label;
  // aio_free is made to point at the request, by whichever CPU the reader was on.
  const isFree = (e: TraceEvent) => of(TRACE_ISSUE, LABEL["1.5"])(e) && holds(e.value, length);
  const before = events.slice(0, events.indexOf(read));
  const freed = before.findLast(isFree);
  const zeroed = events.find((e) => of(TRACE_COMMIT, LABEL["2.4b"])(e) && e.phys === length &&
    e.time <= read.time && (!freed || e.time >= freed.time));
  const taken = zeroed && events.findLast(
    (e) => of(TRACE_ISSUE, LABEL["2.4a"])(e) && e.cpu === zeroed.cpu && e.time <= zeroed.time,
  );
  return {
    length, read, freed, taken, zeroed,
    refilled: zeroed && events.find((e) => of(TRACE_COMMIT, LABEL["2.5"])(e) &&
      e.phys === length && e.time >= zeroed.time),
    meanwhile: before.filter((e) => e.kind === TRACE_POINT && e.cpu === freed?.cpu &&
      e.time >= freed.time),
  };
}

/** Is the physical address `phys` in the request at the kernel's address `request`? */
function holds(request: bigint, phys: bigint): boolean {
  // The kernel maps memory at one offset, a multiple of 1 GiB: the low bits agree.
  const distance = (phys - request) & 0x3fff_ffffn;
  return distance < REQUEST_BYTES;
}

/**
 * Store buffer or interleaving? The recorded order of instructions is executed again with immediate
 * drains: the read returns what the last store to the length before it stored. If that is what was
 * read in fact, no store buffer had a part in it.
 */
export function causeOf(
  events: readonly TraceEvent[], value: number,
): "store buffer" | "interleaving" | "not recorded" {
  const story = storyOf(events, value);
  if (!story) return "not recorded";
  const before = events.slice(0, events.indexOf(story.read));
  const last = before.findLast((e) => e.kind === TRACE_ISSUE && e.phys === story.length &&
    (e.label === LABEL["2.4b"] || e.label === LABEL["2.5"]));
  if (!last) return "not recorded";
  return last.value === story.read.value ? "interleaving" : "store buffer";
}
