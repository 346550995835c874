// Case 004 in the trace: requests (struct kiocb), the wake function's accesses to them (Q), the
// tries (P), and what either side does with a request that is gone.
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, type TraceEvent,
} from "../core/trace.ts";

/** Ids of workloads/include/smpbox-labels.h. */
export const KICK = {
  Q1: 64, Q3: 65, Q4: 66, Q6: 67, P0: 68, P3: 69, P4: 70, P7: 71, K0: 72, Kf: 73,
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

/** What the wake function did with a request that was not, or no longer, the one it had woken. */
export interface Violation {
  kind: "use after free" | "kick of another request" | "queued again";
  event: TraceEvent;
  /** When the wake function took the entry out, and when the request was freed. */
  taken: bigint;
  freed?: bigint;
  object: bigint;
}

interface Life {
  generation: number;
  freed?: bigint;
  decided?: { time: bigint; cpu: number };
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
  const wakes = new Map<number, { object: bigint; generation: number; taken: bigint }>();
  const found: Kicks = { violations: [], tries: 0, wakes: 0, near: 0 };
  const objectOf = (phys: bigint) => {
    const page = phys & ~4095n;
    return page + ((phys - page) / BigInt(bytes)) * BigInt(bytes);
  };
  for (const event of events) {
    const step = stepOf(event);
    if (!step) continue;
    const object = objectOf(event.phys);
    const life = lives.get(object) ?? { generation: 0 };
    lives.set(object, life);
    const wake = wakes.get(event.cpu);
    if (step === "K0") {
      life.generation++;
      life.freed = undefined;
      life.decided = undefined;
    } else if (step === "Kf") {
      life.freed = event.time;
    } else if (step === "Q1") {
      found.wakes++;
      if (isNear(life, event)) found.near++;
      wakes.set(event.cpu, { object, generation: life.generation, taken: event.time });
    } else if (step === "P7") {
      found.tries++;
      wakes.delete(event.cpu);
      life.decided = { time: event.time, cpu: event.cpu };
      for (const [cpu, other] of wakes) {
        if (cpu !== event.cpu && other.object === object &&
          event.time - other.taken <= NEAR_CYCLES) found.near++;
      }
    } else if (step === "P0" || step === "P3" || step === "P4") {
      wakes.delete(event.cpu);
    } else if (wake && wake.object === object) {
      const violation = (kind: Violation["kind"]) =>
        found.violations.push({ kind, event, taken: wake.taken, freed: life.freed, object });
      if (life.generation !== wake.generation) violation("kick of another request");
      else if (life.freed !== undefined) violation("use after free");
      else if (step === "Q4" && event.value !== event.phys + base) violation("queued again");
      if (step === "Q6") wakes.delete(event.cpu);
    }
  }
  return found;
}

function isNear({ decided }: Life, event: TraceEvent): boolean {
  return decided !== undefined && decided.cpu !== event.cpu &&
    event.time - decided.time <= NEAR_CYCLES;
}
