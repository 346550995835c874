// Case 004: the life of one request (struct kiocb) in the trace, from K0 on, and what must hold in
// it whoever tries, wakes or ends the request: the rules I004c and I004d. What a rule compares is
// stored under ctx_lock or the queue's lock, so the times of the records are the order of the
// steps. Of a trace that begins in the middle only what both its steps show is said.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";
import { AIO } from "./aio-labels.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const KICK = {
  Q1: 64, Q3: 65, Q4: 66, Q6: 67, P0: 68, P3: 69, P4: 70, P7: 71, Kf: 73, Kw: 74, Kd: 75,
  /** The request begins. A completion: the ring's tail, and the request's count. */
  K0: AIO.K0, A3: AIO.A3, P: AIO.P,
} as const;
export type KickStep = keyof typeof KICK;
export const KICK_KINDS = [TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);

const NAMES: ReadonlyMap<number, KickStep> = new Map(
  Object.entries(KICK).map(([name, id]) => [id, name as KickStep]),
);
/** An access of a step, or a store of one that becomes visible. */
export const isOfKick = ({ label }: TraceEvent): boolean => NAMES.has(label);
/** As it is executed. */
export const stepOf = (event: TraceEvent): KickStep | undefined =>
  event.kind === TRACE_COMMIT ? undefined : NAMES.get(event.label);

/** One request, from K0 on; of its steps the last ones. */
export interface Life {
  /** How many there have been in the same place. */
  generation: number;
  born?: TraceEvent;
  /** A try begins, one decides, the event is in the ring, the request is freed. */
  tried?: TraceEvent;
  decided?: TraceEvent;
  completed?: TraceEvent;
  freed?: TraceEvent;
  /**
   * A wake-up has taken ki_wait out, ki_wait is put into a queue, the request is put on run_list.
   */
  woken?: TraceEvent;
  queued?: TraceEvent;
  appended?: TraceEvent;
  /** `tried` is neither decided nor completed; ki_wait is where `queued` has put it. */
  trying: boolean;
  waiting: boolean;
  /** Stores to ki_users by which references were given up. */
  puts: TraceEvent[];
}

/** What no request may see, by invariant. */
export type BrokenRule =
  /** I004c. */
  | "two tries" | "try in a queue" | "try after its end" | "queued after its end"
  | "completed again"
  /** I004d. */
  | "count below 0" | "count after 0";
/** The rules by which I004d, and not I004c, is broken. */
export const COUNT_RULES: readonly BrokenRule[] = ["count below 0", "count after 0"];

export const newLife = (generation: number, born?: TraceEvent): Life =>
  ({ generation, born, trying: false, waiting: false, puts: [] });

/** It goes on. */
export const asNow = (life: Life): Life => ({ ...life, puts: [...life.puts] });

/** ki_users after a put; undefined if it was not stored, but decremented in place. */
export const usersOf = ({ kind, value }: TraceEvent): bigint | undefined =>
  kind === TRACE_ISSUE ? BigInt.asIntN(32, value) : undefined;

/**
 * The rules that `step` breaks, which `life` has not seen yet. `completion` is the store to the
 * ring's tail that comes before the put of a completion; `base` is what a kernel address is above
 * its physical one.
 */
export function brokenRules(
  life: Life, step: KickStep, event: TraceEvent, completion: TraceEvent | undefined, base: bigint,
): BrokenRule[] {
  if (step === "P0") {
    // Until Kd its own entry may be out of the queue already: only of the next try it is asked.
    if (life.completed) return ["try after its end"];
    if (life.trying) return ["two tries"];
    return life.waiting ? ["try in a queue"] : [];
  }
  if (step === "Q6") return appends(event, base) && life.completed ? ["queued after its end"] : [];
  if (step !== "P") return [];
  const broken: BrokenRule[] = completion && life.completed ? ["completed again"] : [];
  const users = usersOf(event);
  if (users !== undefined && users < 0n) return [...broken, "count below 0"];
  return life.puts.some((put) => usersOf(put) === 0n) ? [...broken, "count after 0"] : broken;
}

/** Q6 finds ki_run_list empty, and the request goes on run_list. */
const appends = (event: TraceEvent, base: bigint) => event.value === event.phys + base;

/** The request after `step`, which is not K0. */
export function goOn(
  life: Life, step: KickStep, event: TraceEvent, completion: TraceEvent | undefined, base: bigint,
): void {
  if (step === "P0") [life.tried, life.trying] = [event, true];
  else if (step === "P7") [life.decided, life.trying] = [event, false];
  else if (step === "Kw") [life.queued, life.waiting] = [event, true];
  else if (step === "Q1") [life.woken, life.waiting] = [event, false];
  else if (step === "Kd") life.waiting = false;
  else if (step === "Kf") life.freed = event;
  else if (step === "Q6" && appends(event, base)) life.appended = event;
  else if (step === "P") {
    life.puts.push(event);
    if (completion) [life.completed, life.trying] = [life.completed ?? completion, false];
  }
}
