// Case 000 in the trace: a request's way through aio_port_callback() and, meanwhile, aiorw().
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_POINT, type TraceEvent,
} from "../core/trace.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const LABEL = {
  "1.3": 15, "1.5": 9, "1.7 flags": 10, "1.7": 11, "2.4a": 12, "2.4b": 13, "2.5": 14,
  /** 2.4a loads the request's link. */
  link: 83,
} as const;
const LABELS: ReadonlySet<number> = new Set(Object.values(LABEL));

/** Ids of the points of the same file. */
export const POINT = { SLOW: 7, PINNED: 8 } as const;

/** The kinds of records that the account is made of. */
export const KINDS = [TRACE_POINT, TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);

/** A request is smaller than this, and aligned to it. */
const REQUEST_BYTES = 512n;

export function isRequestStep(kind: number, label: number): boolean {
  if (kind === TRACE_POINT) return label === POINT.SLOW || label === POINT.PINNED;
  return LABELS.has(label);
}

/** One wrong result, each moment undefined if the trace does not show it. */
export interface Story {
  /** Physical address of the request's iov_len. */
  length: bigint;
  /** The read of it that the result comes from. */
  read: TraceEvent;
  /** The read of b_flags that comes before that. */
  flags?: TraceEvent;
  /** Before it: the callback begins with the request (1.3), and puts it on the free list. */
  called?: TraceEvent;
  freed?: TraceEvent;
  /** In between the callback itself has zeroed the length (x5). */
  wiped?: TraceEvent;
  /** Taken from there by somebody, zeroed, given its new length; x6 does not zero it. */
  taken?: TraceEvent;
  zeroed?: TraceEvent;
  refilled?: TraceEvent;
  /** What happened on the reader's CPU between the free and the read. */
  meanwhile: TraceEvent[];
}

/** The last of storiesOf(). */
export function storyOf(events: readonly TraceEvent[], value: number): Story | undefined {
  for (const story of storiesOf(events, value)) return story;
  return undefined;
}

/**
 * Results of `value` bytes that were read from a request that was not its own any more, the last
 * one first.
 */
export function* storiesOf(events: readonly TraceEvent[], value: number): Generator<Story> {
  const wanted = BigInt.asUintN(64, BigInt(value));
  const reads = events.filter(
    (e) => e.kind === TRACE_LOAD && e.label === LABEL["1.7"] && e.value === wanted,
  );
  for (const read of reads.reverse()) {
    const story = storyOfRead(events, read);
    if (story) yield story;
  }
}

const is = (kind: number, label: number) => (e: TraceEvent) =>
  e.kind === kind && e.label === label;

/** Undefined where the result is right, or nothing shows why it is not. */
function storyOfRead(events: readonly TraceEvent[], read: TraceEvent): Story | undefined {
  const length = read.phys;
  const before = events.slice(0, events.indexOf(read));
  // aio_free is made to point at the request, by whichever CPU the reader was on.
  const freed = before.findLast((e) => is(TRACE_ISSUE, LABEL["1.5"])(e) && holds(e.value, length));
  const own = freed && events.findLast((e) => isLength(e, length) && e.time <= freed.time);
  // As long as the one that was freed: nobody can tell the difference.
  if (own && own.value === read.value && own.label === LABEL["2.5"]) return undefined;
  const wiped = own && own.value === read.value ? own : undefined;
  const since = before.filter(({ time }) => !freed || time >= freed.time);
  const zeroed = since.find((e) => is(TRACE_COMMIT, LABEL["2.4b"])(e) && e.phys === length);
  const taken = takenIn(since, length, zeroed, freed);
  const from = zeroed ?? taken;
  const refilled = from && events.find((e) => is(TRACE_COMMIT, LABEL["2.5"])(e) &&
    e.phys === length && e.time >= from.time);
  if (!zeroed && !wiped && !(refilled && refilled.time <= read.time)) return undefined;
  return {
    length, read, flags: before.findLast((e) => is(TRACE_LOAD, LABEL["1.7 flags"])(e) &&
      e.cpu === read.cpu && freed && holds(freed.value, e.phys)),
    freed, wiped, taken, zeroed, refilled,
    called: freed && before.findLast((e) => is(TRACE_ISSUE, LABEL["1.3"])(e) &&
      holds(freed.value, e.phys) && e.time <= freed.time),
    meanwhile: before.filter((e) => e.kind === TRACE_POINT && freed && e.cpu === freed.cpu &&
      e.time >= freed.time),
  };
}

const isLength = (e: TraceEvent, length: bigint) => e.phys === length &&
  (is(TRACE_ISSUE, LABEL["2.4b"])(e) || is(TRACE_ISSUE, LABEL["2.5"])(e));

/** By who has zeroed it; else by who has loaded its link. */
function takenIn(
  since: readonly TraceEvent[], length: bigint, zeroed?: TraceEvent, freed?: TraceEvent,
): TraceEvent | undefined {
  const isTaken = is(TRACE_ISSUE, LABEL["2.4a"]);
  if (zeroed) {
    return since.findLast((e) => isTaken(e) && e.cpu === zeroed.cpu && e.time <= zeroed.time);
  }
  // The link comes before the length; behind it is that of the next request.
  const link = freed && since.find((e) => is(TRACE_LOAD, LABEL.link)(e) &&
    holds(freed.value, e.phys) && e.phys < length);
  return link && since.find((e) => isTaken(e) && e.cpu === link.cpu && e.time >= link.time);
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
): "store buffer" | "interleaving" | "no race" | "not recorded" {
  const story = storyOf(events, value);
  if (!story) return "not recorded";
  if (story.wiped) return "no race";
  const before = events.slice(0, events.indexOf(story.read));
  const last = before.findLast((e) => isLength(e, story.length));
  if (!last) return "not recorded";
  return last.value === story.read.value ? "interleaving" : "store buffer";
}
