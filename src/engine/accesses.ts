// The accesses of a run as their CPUs made them: a store from the store buffer until it is visible,
// a load with what was in the buffer then. Of each place and CPU the last few are kept, which is
// where a machine that waits for ever got stuck. The machine runs in pieces that cannot fill the
// ring of the trace.
import * as abi from "../../assembly/abi.ts";
import {
  TRACE_ALL_LOADS, TRACE_ALL_STORES, TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LOAD,
  TRACE_LOCKED, TRACE_LOST,
} from "../../assembly/trace-kinds.ts";
import { TraceReader } from "../core/trace-reader.ts";
import { InputError } from "../machine/preset.ts";
import type { Machine, RunResult } from "./machine.ts";
import type { RunHooks } from "./session.ts";

const KINDS = [TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOST, TRACE_GRANT, TRACE_LOCKED];

/** With these the machine has to be made. */
export const ACCESS_OPTIONS = {
  history: 1,
  // One, so that all records of a CPU are in their order.
  workers: 1,
  traceEvents: 1 << 20,
  traceKinds: KINDS.reduce((bits, kind) => bits | (1 << kind), TRACE_ALL_LOADS | TRACE_ALL_STORES),
} as const;

/** An instruction that stores makes one record when it does, and one when that is visible. */
const RECORDS_CYCLE = 3;
/** Of one kind, place and CPU. */
const KEPT = 4;

/** How a line came to a CPU. Times are cycles, here and below. */
export interface Arrival {
  cpu: number;
  asked: number;
  came: number;
  /** Who had a copy, and until when. */
  losers: { cpu: number; time: number }[];
}

export interface Access {
  cpu: number;
  time: number;
  phys: number;
  size: number;
  /** Lower half of the instruction's address. */
  rip: number;
  /** As little-endian memory of `size` bytes; what a locked access found. */
  value: bigint;
  locked: boolean;
}

export interface Store extends Access {
  /** Undefined while it is in the store buffer. */
  visible?: number;
  /** How its line came while it was in the buffer. */
  arrival?: Arrival;
}

export interface Load extends Access {
  /** Stores of its CPU that were in the buffer, oldest first. */
  waiting: readonly Store[];
}

/** What one CPU did last at one place; oldest first. */
export interface Recent {
  cpu: number;
  loads: Load[];
  stores: Store[];
}

const NONE: readonly Store[] = [];

/** Eight bytes: accesses overlap if they have one of these in common, nearly. */
export const granuleOf = (phys: number) => phys >>> 3;

export class Accesses {
  /** By granule. */
  readonly places = new Map<number, Recent[]>();
  private readonly buffers: (readonly Store[])[] = [];
  /** Loads of each CPU that its oldest waiting store may have been overtaken by. */
  private readonly early: Load[][] = [];
  private readonly losers = new Map<number, { cpu: number; time: number }[]>();
  private readonly arrivals = new Map<number, Arrival>();
  private readonly onVisible: (store: Store, early: readonly Load[]) => void;

  /** `onVisible`: each store with the loads that its CPU made while it was in the buffer. */
  constructor(onVisible: (store: Store, early: readonly Load[]) => void = () => {}) {
    this.onVisible = onVisible;
  }

  /** A record of the trace; they come in the order of their times. */
  add(
    time: number, cpu: number, kind: number, size: number, phys: number, extra: number,
    value: bigint,
  ): void {
    switch (kind) {
      case TRACE_LOAD: return this.load(time, cpu, size, phys, extra, value);
      case TRACE_ISSUE: return this.issue(time, cpu, size, phys, extra, value);
      case TRACE_COMMIT: return this.commit(cpu, time, time - extra);
      case TRACE_LOCKED: {
        const access = { cpu, time, phys, size, rip: extra, value, locked: true };
        const own = this.recent(phys, cpu);
        keep(own.loads, { ...access, waiting: NONE });
        keep(own.stores, { ...access, visible: time });
        return;
      }
      case TRACE_LOST: {
        const had = this.losers.get(phys);
        if (had) had.push({ cpu, time });
        else this.losers.set(phys, [{ cpu, time }]);
        return;
      }
      case TRACE_GRANT: {
        const losers = this.losers.get(phys) ?? [];
        this.losers.delete(phys);
        this.arrivals.set(phys, { cpu, asked: time - extra, came: time, losers });
      }
    }
  }

  private load(
    time: number, cpu: number, size: number, phys: number, rip: number, value: bigint,
  ): void {
    const waiting = this.buffers[cpu] ?? NONE;
    const { loads } = this.recent(phys, cpu);
    const last = loads.length > 0 ? loads[loads.length - 1] : undefined;
    const same = last && last.rip === rip && last.phys === phys && last.value === value;
    // A loop that waits is one access, the last.
    if (same && waiting === NONE && last.waiting === NONE) {
      last.time = time;
      return;
    }
    const load = { cpu, time, phys, size, rip, value, locked: false, waiting };
    if (waiting !== NONE) (this.early[cpu] ??= []).push(load);
    keep(loads, load);
  }

  private issue(
    time: number, cpu: number, size: number, phys: number, rip: number, value: bigint,
  ): void {
    const store: Store = { cpu, time, phys, size, rip, value, locked: false, visible: undefined };
    const before = this.buffers[cpu] ?? NONE;
    this.buffers[cpu] = before === NONE ? [store] : [...before, store];
    keep(this.recent(phys, cpu).stores, store);
  }

  private commit(cpu: number, time: number, issued: number): void {
    const [store, ...rest] = this.buffers[cpu] ?? NONE;
    // The trace may begin when a store is already in the buffer.
    if (!store || store.time !== issued) return;
    this.buffers[cpu] = rest.length > 0 ? rest : NONE;
    store.visible = time;
    const arrival = this.arrivals.get((store.phys & ~63) >>> 0);
    if (arrival && arrival.cpu === cpu && arrival.came >= store.time) store.arrival = arrival;
    const early = this.early[cpu];
    if (!early?.length) return;
    this.onVisible(store, early);
    // The next one was issued later: what was loaded before that has overtaken nothing more.
    const next = rest.length > 0 ? rest[0].time : Infinity;
    if (early[early.length - 1].time < next) early.length = 0;
    else if (early[0].time < next) this.early[cpu] = early.filter((load) => load.time >= next);
  }

  private recent(phys: number, cpu: number): Recent {
    const granule = granuleOf(phys);
    let place = this.places.get(granule);
    if (!place) this.places.set(granule, (place = []));
    for (const one of place) if (one.cpu === cpu) return one;
    const own = { cpu, loads: [], stores: [] };
    place.push(own);
    return own;
  }
}

function keep<T extends Access>(list: T[], access: T): void {
  const last = list.length - 1;
  if (last >= 0 && list[last].rip === access.rip && list[last].value === access.value) {
    list[last] = access;
    return;
  }
  if (last === KEPT - 1) list.copyWithin(0, 1).pop();
  list.push(access);
}

/** The records of one piece, put in order without an object for each. */
class Batch {
  count = 0;
  private readonly times = new Float64Array(ACCESS_OPTIONS.traceEvents);
  private readonly keys = new Float64Array(ACCESS_OPTIONS.traceEvents);
  private readonly values = new BigUint64Array(ACCESS_OPTIONS.traceEvents);
  /** cpu, kind, size; phys, extra */
  private readonly small = new Uint16Array(ACCESS_OPTIONS.traceEvents * 3);
  private readonly words = new Uint32Array(ACCESS_OPTIONS.traceEvents * 2);

  put(
    time: number, cpu: number, kind: number, size: number, phys: number, extra: number,
    value: bigint,
  ): void {
    const i = this.count++;
    this.times[i] = time;
    this.values[i] = value;
    this.small[i * 3] = cpu;
    this.small[i * 3 + 1] = kind;
    this.small[i * 3 + 2] = size;
    this.words[i * 2] = phys;
    this.words[i * 2 + 1] = extra;
  }

  /** By time; those of equal times keep their order. */
  give(accesses: Accesses): void {
    const { count, keys, times, values, small, words } = this;
    let first = Infinity;
    for (let i = 0; i < count; i++) first = Math.min(first, times[i]);
    const scale = ACCESS_OPTIONS.traceEvents;
    for (let i = 0; i < count; i++) keys[i] = (times[i] - first) * scale + i;
    keys.subarray(0, count).sort();
    for (let k = 0; k < count; k++) {
      const i = keys[k] % scale;
      accesses.add(
        times[i], small[i * 3], small[i * 3 + 1], small[i * 3 + 2], words[i * 2], words[i * 2 + 1],
        values[i],
      );
    }
  }
}

/** Runs a machine made with ACCESS_OPTIONS to its end, or to cycle `until`; undefined there. */
export async function follow(
  machine: Machine, accesses: Accesses, hooks: RunHooks = {}, until = 0n,
): Promise<RunResult | undefined> {
  const reader = new TraceReader(machine.view);
  const batch = new Batch();
  const piece = BigInt(Math.floor(ACCESS_OPTIONS.traceEvents /
    (RECORDS_CYCLE * machine.view.cpus)));
  let result: RunResult | undefined;
  // Of a part of the run the ring holds all, most likely; else pieces that it holds for certain.
  const part = machine.view.u64(abi.M_TRACE_TO) !== 0n;
  const start = machine.view.u64(abi.M_TRACE_FROM);
  do {
    const { now } = machine.view;
    const next = (start > now ? start : now) + piece;
    if (part && !until) result = await machine.run(hooks);
    else result = await machine.runTo(until && until < next ? until : next, hooks);
    batch.count = 0;
    const lost = reader.take((time, cpu, kind, _label, size, phys, extra, value) =>
      batch.put(time, cpu, kind, size, phys, extra, value));
    if (lost > 0 && part) throw new InputError("--from, --to: too many accesses; less apart");
    if (lost > 0) throw new Error(`the trace lost ${lost} records: a bug of smpbox`);
    batch.give(accesses);
  } while (!result && !(until && machine.view.now >= until));
  return result;
}
