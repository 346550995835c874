// Case 001 in the trace: the labelled steps of aio_complete() and read_events().
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_REQUEST, type TraceEvent,
} from "../core/trace.ts";

import { AIO } from "./aio-labels.ts";
import type { Failure } from "./case.ts";

const { A1, A2, A3, P } = AIO;
/** Ids of workloads/include/smpbox-labels.h. */
export const LABEL = { A1, A2, A3, P, B: 5, "1e": 6, "1g": 7, "2": 8 } as const;

/** Ids of the points of the same file. */
export const POINT = { ROUND: 3, REAP: 6 } as const;

/** Cycles before the last A1 that belong to the explanation. */
const STORY_CYCLES = 4000n;
/** A step 2 this far from an invalidation has nothing to do with it. */
const SLACK_CYCLES_MAX = 1000n;

/** The records that the analysis needs: labelled accesses, and lines asked for and lost. */
export function isStep(kind: number, label: number): boolean {
  return label !== 0 || kind === TRACE_LOST || kind === TRACE_REQUEST;
}

/** The step as it is executed: a store into the store buffer, or a locked access. */
export function isStore(event: TraceEvent, label: number): boolean {
  const { kind } = event;
  return event.label === label && (kind === TRACE_ISSUE || kind === TRACE_LOCKED);
}

/** A plain load or a locked one. */
export function isRead(event: TraceEvent, label: number): boolean {
  const { kind } = event;
  return event.label === label && (kind === TRACE_LOAD || kind === TRACE_LOCKED);
}

export function lineOf(phys: bigint): bigint {
  return phys & ~63n;
}

export function lastRound(events: TraceEvent[]): TraceEvent[] {
  const isA1 = (event: TraceEvent) => event.kind === TRACE_ISSUE && event.label === LABEL.A1;
  const start = events.findLast(isA1)?.time ?? 0n;
  return events.filter((event) => event.time >= start - STORY_CYCLES);
}

/** A3 from issue to commit, each time that the trace holds both. */
export function residenceOf(events: TraceEvent[]): number[] {
  const issued = new Map<number, bigint>();
  const cycles: number[] = [];
  for (const event of events) {
    if (event.label !== LABEL.A3) continue;
    if (event.kind === TRACE_ISSUE) issued.set(event.cpu, event.time);
    const start = issued.get(event.cpu);
    if (event.kind === TRACE_COMMIT && start !== undefined) {
      cycles.push(Number(event.time - start));
      issued.delete(event.cpu);
    }
  }
  return cycles;
}

/** The invalidation of the reaper's copy by one A3, if B of that round found nobody waiting. */
interface Round {
  tailLine: bigint;
  invalidation?: bigint;
  bEmpty: boolean;
}

/**
 * Over all rounds in which B found nobody waiting: the smallest distance from the invalidation of
 * the reaper's copy of ring.tail to the step 2 that follows its 1g. Negative: that read was
 * earlier, and the round hangs.
 */
export function slackOf(
  events: TraceEvent[],
  [submitter, reaper]: [number, number],
  kernelBase: bigint,
): number | undefined {
  const rounds: Round[] = [];
  const reads: bigint[] = [];
  let queued = false;
  for (const event of events) {
    const round = rounds.at(-1);
    if (event.cpu === submitter) {
      if (event.kind === TRACE_ISSUE && event.label === LABEL.A3) {
        rounds.push({ tailLine: lineOf(event.phys), bEmpty: false });
      } else if (event.kind === TRACE_LOAD && event.label === LABEL.B && round) {
        // An empty list points at itself, and `next` is its first field.
        round.bEmpty = event.value === event.phys + kernelBase;
      }
    } else if (event.cpu === reaper) {
      if (isStore(event, LABEL["1g"])) queued = true;
      if (isRead(event, LABEL["2"]) && queued) {
        reads.push(event.time);
        queued = false;
      }
      const lost = event.kind === TRACE_LOST && event.value === 0n;
      if (lost && lineOf(event.phys) === round?.tailLine) round.invalidation ??= event.time;
    }
  }
  const empty = rounds.filter((round) => round.bEmpty && round.invalidation !== undefined);
  return smallestSlack(empty.map((round) => round.invalidation!), reads);
}

/** Both lists ascend. */
function smallestSlack(invalidations: bigint[], reads: bigint[]): number | undefined {
  let smallest: bigint | undefined;
  let next = 0;
  for (const time of invalidations) {
    while (next < reads.length && reads[next] < time) next++;
    for (const read of [reads[next - 1], reads[next]]) {
      if (read === undefined) continue;
      const slack = read - time;
      if (slack > SLACK_CYCLES_MAX || slack < -SLACK_CYCLES_MAX) continue;
      if (smallest === undefined || slack < smallest) smallest = slack;
    }
  }
  return smallest === undefined ? undefined : Number(smallest);
}

/** For the report: the last completion and the last look at the ring, and what they tell. */
export function endOf(
  events: readonly TraceEvent[], now: bigint, megahertz: number,
): Pick<Failure, "moments" | "facts"> {
  const completed = events.findLast((event) => isStore(event, LABEL.A3));
  const looked = events.findLast((event) => isRead(event, LABEL["2"]));
  // The completion's own: the submitter gives up another one later.
  const put = completed && events.find((event) => isStore(event, LABEL.P) &&
    event.cpu === completed.cpu && event.time >= completed.time);
  const facts: Record<string, string> = {};
  if (looked) {
    const cycles = now - looked.time;
    facts["asleep since"] = `it looked at ${looked.time}: ${cycles} cycles, ` +
      `${(Number(cycles) / megahertz / 1e6).toFixed(6)} s of virtual time, to the end`;
  }
  if (completed) facts["completed (A3)"] = `by cpu${completed.cpu} at ${completed.time}`;
  if (put) facts.ki_users = `${put.value + 1n} before the completion, ${put.value} after it`;
  return { moments: { completed }, facts };
}
