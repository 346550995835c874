// Case M in the trace: the labelled steps of workloads/user/wm*.h, how often the two sides were
// between their store and their look at the same time, and what kind of failure one is.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";
import type { Failure } from "./case.ts";

/** Ids of workloads/user/wm.h. */
export const STEP = {
  PUBLISH: 256, ASLEEP: 257, TASK: 258, ENLIST: 259, STATE: 260, CHECK: 261, RESET: 262, TAKE: 263,
  UNLINK: 264, REUSE: 265,
} as const;

/** The kinds of records that visits and causes come from. */
export const KINDS = [TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);

export function isModernStep(_kind: number, label: number): boolean {
  return label >= STEP.PUBLISH && label <= STEP.REUSE;
}

/** What a side's window begins with, store or lock, and what it looks at last. */
interface Side {
  opens: readonly number[];
  looks: readonly number[];
}

const PAIR: readonly [Side, Side] = [
  { opens: [STEP.TAKE, STEP.PUBLISH], looks: [STEP.ASLEEP, STEP.TASK] },
  { opens: [STEP.TAKE, STEP.ENLIST, STEP.STATE], looks: [STEP.CHECK] },
];
/** wM2: what the completer does with the entry, and the waiter without the lock. */
const WAITER: Side = { opens: [STEP.CHECK], looks: [STEP.REUSE] };
const ORDERS: Record<string, readonly [Side, Side]> = {
  "unlink-first": [{ opens: [STEP.UNLINK], looks: [STEP.TASK] }, WAITER],
  "wake-first": [{ opens: [STEP.TASK], looks: [STEP.UNLINK] }, WAITER],
};

/** Cycles from its first step to its last, or until its stores are visible. */
interface Span {
  start: bigint;
  end: bigint;
  /** Its first step, and whether its look was there. */
  first: number;
  looked: boolean;
}

/**
 * The windows of one CPU in order of time. A store that waits in the store buffer keeps its window
 * open. What has no look behind it is none, as wM7's resume() of another thread.
 */
function windowsOf(
  events: readonly TraceEvent[], cpu: number, { opens, looks }: Side,
): Span[] {
  const windows: Span[] = [];
  for (const { time, cpu: by, kind, label, extra } of events) {
    if (by !== cpu || !(opens.includes(label) || looks.includes(label))) continue;
    const last = windows.at(-1);
    if (kind === TRACE_COMMIT) {
      const issued = time - BigInt(extra);
      const span = windows.findLast(({ start }) => start <= issued);
      if (span && span.end < time) span.end = time;
    } else if (opens.includes(label) && (!last || last.looked || last.first === label)) {
      windows.push({ start: time, end: time, first: label, looked: false });
    } else if (last) {
      last.end = time > last.end ? time : last.end;
      last.looked ||= looks.includes(label);
    }
  }
  return windows.filter(({ looked }) => looked);
}

/**
 * How many windows of the publisher overlapped one of the sleeper, of those in the trace. A wake-up
 * can be lost in no other: each side has looked before it could see the other one's store, so each
 * began before the other one's store was visible.
 */
export function visitedBy(
  events: readonly TraceEvent[], [publisher, sleeper]: readonly [number, number], variant: string,
): number {
  const [one, other] = Object.hasOwn(ORDERS, variant) ? ORDERS[variant] : PAIR;
  const sleeps = windowsOf(events, sleeper, other);
  let next = 0;
  return windowsOf(events, publisher, one).filter(({ start, end }) => {
    while (next < sleeps.length && sleeps[next].end < start) next++;
    return next < sleeps.length && sleeps[next].start <= end;
  }).length;
}

const DECISIVE: ReadonlySet<number> = new Set([STEP.ASLEEP, STEP.TASK, STEP.CHECK]);

/**
 * The recorded order of instructions is executed again with immediate drains: a load then returns
 * what the last stores before it in that order stored. If one of the loads on which the failure
 * rests, each side's last ones, read anything else, it is one of the store buffer. Otherwise it is
 * an interleaving, which sequential consistency allows too.
 */
export function causeOf(
  events: readonly TraceEvent[], [publisher, sleeper]: readonly [number, number], variant: string,
): Failure["cause"] {
  const [one, other] = Object.hasOwn(ORDERS, variant) ? ORDERS[variant] : PAIR;
  const from = [[publisher, one], [sleeper, other]] as const;
  const starts = from.map(([cpu, side]) => windowsOf(events, cpu, side).at(-1)?.start);
  if (starts.some((start) => start === undefined)) return "not recorded";
  /** By address, a byte each; of a locked store it is not recorded, and it is visible at once. */
  const bytes = new Map<bigint, bigint>();
  for (const event of events) {
    const { kind, label, cpu, time, phys, size, value } = event;
    const places = Array.from({ length: size }, (_, i) => phys + BigInt(i));
    const byteOf = (place: bigint) => (value >> ((place - phys) * 8n)) & 0xffn;
    if (kind === TRACE_ISSUE) {
      for (const place of places) bytes.set(place, byteOf(place));
    } else if (kind === TRACE_LOCKED) {
      for (const place of places) bytes.delete(place);
    } else if (kind === TRACE_LOAD && DECISIVE.has(label)) {
      const side = cpu === publisher ? 0 : 1;
      const agrees = places.every((place) => [undefined, byteOf(place)].includes(bytes.get(place)));
      if (time >= starts[side]! && !agrees) return "store buffer";
    }
  }
  return "interleaving";
}
