// Case 004 in the trace: requests (struct kiocb), the wake function's accesses to them (Q), the
// tries (P), and what either side does with a request that is gone.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const KICK = {
  Q1: 64, Q3: 65, Q4: 66, Q6: 67, P0: 68, P3: 69, P4: 70, P7: 71, K0: 72, Kf: 73,
  /** A completion: the ring's tail, and the request's count. */
  A3: 3, P: 4,
} as const;
export type KickStep = keyof typeof KICK;
export const KICK_KINDS = [TRACE_LOAD, TRACE_ISSUE, TRACE_LOCKED]
  .reduce((kinds, kind) => kinds | (1 << kind), 0);
/** Cycles around a try's decision (P7) within which a wake-up is near. */
const NEAR_CYCLES = 1000n;

const NAMES: ReadonlyMap<number, KickStep> = new Map(
  Object.entries(KICK).map(([name, id]) => [id, name as KickStep]),
);
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
  /** Stores to ki_users by which references were given up. */
  puts: TraceEvent[];
}

/** What the wake function did with a request that was not, or no longer, the one it had woken. */
export interface Violation {
  kind: "use after free" | "kick of another request" | "queued again";
  event: TraceEvent;
  /** The wake function took the entry out. */
  taken: TraceEvent;
  /** The request that it had woken, and the one that was there when it went on. */
  life: Life;
  now: Life;
  object: bigint;
}

export interface Kicks {
  violations: Violation[];
  /** Times that a request had to wait, wake-ups, and those near the decision of a try. */
  tries: number;
  wakes: number;
  near: number;
}

/**
 * `bytes` is the size of a kiocb, of which a page holds as many as fit; `base` is what a kernel
 * address is above its physical one.
 */
export function kicksIn(events: readonly TraceEvent[], bytes: number, base: bigint): Kicks {
  const lives = new Map<bigint, Life>();
  /** Of each CPU: the wake-up that its wake function is at. */
  const wakes = new Map<number, { object: bigint; life: Life; taken: TraceEvent }>();
  /** Of each CPU: a completion that has not given up its reference. */
  const completions = new Map<number, TraceEvent>();
  const found: Kicks = { violations: [], tries: 0, wakes: 0, near: 0 };
  const objectOf = (phys: bigint) => {
    const page = phys & ~4095n;
    return page + ((phys - page) / BigInt(bytes)) * BigInt(bytes);
  };
  for (const event of events) {
    const step = stepOf(event);
    if (!step) continue;
    if (step === "A3") {
      completions.set(event.cpu, event);
      continue;
    }
    const object = objectOf(event.phys);
    let life = lives.get(object) ?? { generation: 0, puts: [] };
    if (step === "K0") life = { generation: life.generation + 1, born: event, puts: [] };
    lives.set(object, life);
    const wake = wakes.get(event.cpu);
    if (step === "P") {
      life.puts.push(event);
      // The completion's own comes next on its CPU; the others are those of submitter and worker.
      life.completed ??= completions.get(event.cpu);
      completions.delete(event.cpu);
    } else if (step === "Kf") {
      life.freed = event;
    } else if (step === "Q1") {
      found.wakes++;
      if (isNear(life, event)) found.near++;
      wakes.set(event.cpu, { object, life, taken: event });
    } else if (step === "P7") {
      found.tries++;
      wakes.delete(event.cpu);
      life.decided = event;
      for (const [cpu, other] of wakes) {
        if (cpu !== event.cpu && other.object === object &&
          event.time - other.taken.time <= NEAR_CYCLES) found.near++;
      }
    } else if (step === "P0" || step === "P3" || step === "P4") {
      if (step === "P0") life.tried = event;
      wakes.delete(event.cpu);
    } else if (wake && wake.object === object) {
      const violation = (kind: Violation["kind"]) => found.violations.push({
        kind, event, taken: wake.taken, life: asNow(wake.life), now: asNow(life), object,
      });
      if (life !== wake.life) violation("kick of another request");
      else if (life.freed !== undefined) violation("use after free");
      else if (step === "Q4" && event.value !== event.phys + base) violation("queued again");
      if (step === "Q6") wakes.delete(event.cpu);
    }
  }
  return found;
}

/** It goes on. */
const asNow = (life: Life): Life => ({ ...life, puts: [...life.puts] });

function isNear({ decided }: Life, event: TraceEvent): boolean {
  return decided !== undefined && decided.cpu !== event.cpu &&
    event.time - decided.time <= NEAR_CYCLES;
}
