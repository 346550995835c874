// Case 004 in the trace: requests (struct kiocb), the wake function's accesses to them (Q), the
// tries (P), and what either side does with a request that is gone, or that the other one has.
import type { TraceEvent } from "../core/trace.ts";
import {
  asNow, type BrokenRule, brokenRules, goOn, type KickStep, type Life, newLife, stepOf,
} from "./004-life.ts";

/** Cycles around a try's decision (P7) within which a wake-up is near. */
const NEAR_CYCLES = 1000n;

/**
 * What was done with a request that was not there for it: by the wake function, with one that is
 * not, or no longer, the one it had woken (I004a), or that waits again (I004b); or by anybody,
 * against a rule.
 */
export interface Violation {
  kind: "use after free" | "kick of another request" | "queued again" | BrokenRule;
  event: TraceEvent;
  /** The wake function took the entry out; of a broken rule: for the last time, if it did. */
  taken?: TraceEvent;
  /** The request that it had woken, and the one that was there when it went on. */
  life: Life;
  now: Life;
  object: bigint;
}

export interface Kicks {
  /** The first ones. */
  violations: Violation[];
  /** Of all. */
  counts: Partial<Record<Violation["kind"], number>>;
  /** Times that a request had to wait, wake-ups, and those near the decision of a try. */
  tries: number;
  wakes: number;
  near: number;
}

/** One is told; more would only take memory. */
const VIOLATIONS_KEPT = 1000;

/** The wake-up that a CPU's wake function is at. */
interface Wake {
  object: bigint;
  life: Life;
  taken: TraceEvent;
}

/** What the trace says of a kernel: the bytes of a kiocb, of which a page holds as many as fit. */
export interface KickLayout {
  bytes: number;
  /** What a kernel address is above its physical one. */
  base: bigint;
}

/** Follows all requests through the records of one ring. */
export class KickReader {
  readonly found: Kicks = { violations: [], counts: {}, tries: 0, wakes: 0, near: 0 };
  readonly layout: KickLayout;
  private readonly lives = new Map<bigint, Life>();
  /** By CPU. */
  private readonly wakes = new Map<number, Wake>();
  /** Of each CPU: a completion that has not given up its reference. */
  private readonly completions = new Map<number, TraceEvent>();

  constructor(layout: KickLayout) {
    this.layout = layout;
  }

  /** The next record, by time. */
  take(event: TraceEvent): void {
    const step = stepOf(event);
    if (!step) return;
    if (step === "A3") {
      this.completions.set(event.cpu, event);
      return;
    }
    const { base, bytes } = this.layout;
    const page = event.phys & ~4095n;
    const object = page + ((event.phys - page) / BigInt(bytes)) * BigInt(bytes);
    let life = this.lives.get(object) ?? newLife(0);
    if (step === "K0") life = newLife(life.generation + 1, event);
    this.lives.set(object, life);
    followWake(this.found, this.wakes, { step, event, object, life }, base);
    // A completion's own put comes next on its CPU; others are those of submitter and worker.
    const completion = step === "P" ? this.completions.get(event.cpu) : undefined;
    if (step === "P") this.completions.delete(event.cpu);
    for (const kind of brokenRules(life, step, event, completion, base)) {
      const then = asNow(life);
      note(this.found, { kind, event, taken: life.woken, life: then, now: then, object });
    }
    goOn(life, step, event, completion, base);
  }
}

function note(found: Kicks, violation: Violation): void {
  const { kind } = violation;
  found.counts[kind] = (found.counts[kind] ?? 0) + 1;
  if (found.violations.length < VIOLATIONS_KEPT) found.violations.push(violation);
}

/** Of all records of one ring, oldest first. */
export function kicksIn(events: readonly TraceEvent[], bytes: number, base: bigint): Kicks {
  const reader = new KickReader({ bytes, base });
  for (const event of events) reader.take(event);
  return reader.found;
}

/** What a step is to the wake-ups that are under way. */
function followWake(
  found: Kicks, wakes: Map<number, Wake>,
  { step, event, object, life }: {
    step: KickStep; event: TraceEvent; object: bigint; life: Life;
  },
  base: bigint,
): void {
  const wake = wakes.get(event.cpu);
  if (step === "Q1") {
    found.wakes++;
    if (isNear(life, event)) found.near++;
    wakes.set(event.cpu, { object, life, taken: event });
  } else if (step === "P0" || step === "P3" || step === "P4") {
    wakes.delete(event.cpu);
  } else if (step === "P7") {
    found.tries++;
    wakes.delete(event.cpu);
    for (const [cpu, other] of wakes) {
      if (cpu !== event.cpu && other.object === object &&
        event.time - other.taken.time <= NEAR_CYCLES) found.near++;
    }
  } else if ((step === "Q3" || step === "Q4" || step === "Q6") && wake?.object === object) {
    const kind = misuseOf(wake, life, step, event, base);
    if (kind) {
      const [then, now] = [asNow(wake.life), asNow(life)];
      note(found, { kind, event, taken: wake.taken, life: then, now, object });
    }
    if (step === "Q6") wakes.delete(event.cpu);
  }
}

/** I004a and I004b: `life` is what is there when the wake function goes on. */
function misuseOf(
  wake: Wake, life: Life, step: KickStep, event: TraceEvent, base: bigint,
): Violation["kind"] | undefined {
  if (life !== wake.life) return "kick of another request";
  if (life.freed !== undefined) return "use after free";
  return step === "Q4" && event.value !== event.phys + base ? "queued again" : undefined;
}

function isNear({ decided }: Life, event: TraceEvent): boolean {
  return decided !== undefined && decided.cpu !== event.cpu &&
    event.time - decided.time <= NEAR_CYCLES;
}
