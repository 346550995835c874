// A machine that runs to its end by pieces, with its trace read after each: the records of a run of
// any length are seen, all of them, in a ring that holds those of one piece.
import * as abi from "../../assembly/abi.ts";
import type { TraceEvent } from "../core/trace.ts";
import { TraceReader } from "../core/trace-reader.ts";
import type { Machine, RunResult } from "./machine.ts";
import type { RunHooks } from "./session.ts";

/** Reads the trace of a run while the machine goes on. */
export interface Follower {
  /** The next records of the run, by time; the machine stands at a window boundary. */
  take(events: readonly TraceEvent[]): void;
}

const FIRST_CYCLES = 500_000;
const CYCLES_MIN = 10_000;
/** After a time without records, before they come fast. */
const CYCLES_MAX = 20_000_000;
/** A piece is to fill this part of the ring: one that is busier by as much is still held. */
const PART = 8;
/** A piece is at most this much longer than the one before. */
const GROWTH = 2;

/** To the end; `lost` records came too many for the ring in one piece, and were not seen. */
export async function runInPieces(
  machine: Machine, follower: Follower, hooks: RunHooks = {}, cyclesMax = CYCLES_MAX,
): Promise<{ result: RunResult; lost: number }> {
  const reader = new TraceReader(machine.view);
  const places = machine.view.u32(abi.M_TRACE_EVENTS);
  let cycles = Math.min(FIRST_CYCLES, cyclesMax);
  let lost = 0;
  for (;;) {
    const result = await machine.runTo(machine.view.now + BigInt(Math.floor(cycles)), hooks);
    const events: TraceEvent[] = [];
    lost += reader.take((time, cpu, kind, label, size, phys, extra, value) =>
      events.push({
        time: BigInt(time), cpu, kind, label, size, phys: BigInt(phys >>> 0), extra, value,
      }));
    // A piece ends between two windows, and no record of one has a time of the next. A sort is
    // stable: records of equal times keep their order.
    events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
    follower.take(events);
    if (result) return { result, lost };
    const filled = places / PART / Math.max(1, events.length);
    cycles = Math.max(CYCLES_MIN, Math.min(cyclesMax, cycles * Math.min(GROWTH, filled)));
  }
}
