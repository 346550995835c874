// A run that can be looked at anywhere: it is run once to its end, then again to each cycle that is
// asked for, from a snapshot near it. The machine is deterministic, so it is the same run; the end
// of a second run is not needed, as the state at a boundary is a function of options and cycle.
import { Records } from "../core/records.ts";
import {
  TRACE_ADDRESS, TRACE_BUS, TRACE_COMMIT, TRACE_DATA, TRACE_GRANT, TRACE_ISSUE, TRACE_LINE,
  TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_POINT, TRACE_REQUEST,
} from "../core/trace.ts";
import { TRACE_ALL_STORES } from "../../assembly/trace-kinds.ts";
import { windowOf } from "../machine/topology.ts";
import { advance, type Frame, frameOf } from "./frame.ts";
import { type CreateOptions, Machine, type RunResult } from "./machine.ts";
import type { RunHooks } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";

/** 32 bytes each, of the machine's memory. */
const RECORDS = 1 << 20;
const KINDS = [
  TRACE_POINT, TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOST, TRACE_REQUEST, TRACE_GRANT,
  TRACE_LOCKED, TRACE_BUS, TRACE_LINE, TRACE_ADDRESS, TRACE_DATA,
].reduce((kinds, kind) => kinds | (1 << kind), TRACE_ALL_STORES);
/** From a snapshot to anywhere before the next: some 10 ms. */
const GRID_CYCLES = 250_000n;
/** Some 400 kB each. */
const SNAPSHOTS_MAX = 32;

const gridBefore = (cycle: bigint) => cycle - (cycle % GRID_CYCLES);

export interface TravelHooks extends RunHooks {
  /** Looks at the machine at its end. */
  onEnd?: (machine: Machine, result: RunResult) => void;
  /** Where it is going to be looked at first, if that is known: a snapshot is taken before it. */
  first?: bigint;
}

export class Travel {
  readonly result: RunResult;
  readonly records: Records;
  readonly windowCycles: number;
  private readonly options: CreateOptions;
  private current: Machine;
  /** Has `current` ended? Then it cannot be run again. */
  private ended = false;
  private readonly snapshots: Snapshot[];
  private readonly closed = new AbortController();
  /** On the way elsewhere: until then the machine's memory cannot be given back. */
  private under?: Promise<void>;

  private constructor(
    options: CreateOptions, machine: Machine, result: RunResult, records: Records,
    snapshots: Snapshot[],
  ) {
    this.options = options;
    this.result = result;
    this.records = records;
    this.windowCycles = windowOf(machine.preset, options.windowCycles);
    this.current = machine;
    this.ended = true;
    this.snapshots = snapshots;
  }

  /**
   * Runs the machine to its end, where the travel begins. Of a long run only the last records are
   * kept; `traceFrom` and `traceTo` keep others.
   */
  static async open(options: CreateOptions, hooks: TravelHooks = {}): Promise<Travel> {
    const traced = { ...options, workers: 1, traceEvents: RECORDS, traceKinds: KINDS };
    const machine = await Machine.create(traced);
    const snapshots: Snapshot[] = [];
    try {
      const grid = gridBefore(hooks.first ?? 0n);
      let result = grid > 0n ? await machine.runTo(grid, hooks) : undefined;
      if (!result) {
        if (grid > 0n) snapshots.push(await machine.snapshot());
        result = await machine.run(hooks);
      }
      hooks.signal?.throwIfAborted();
      hooks.onEnd?.(machine, result);
      const again = { ...traced, machine: machine.preset, cpus: undefined, changes: undefined };
      const records = new Records(machine.view);
      return new Travel({ ...again, traceEvents: 0 }, machine, result, records, snapshots);
    } catch (error) {
      machine.close();
      throw error;
    }
  }

  /** The machine as it stands; another one after the next to(). */
  get machine(): Machine {
    return this.current;
  }

  /** Cycle at which it stands. */
  get now(): bigint {
    return this.current.view.now;
  }

  get atEnd(): boolean {
    return this.ended;
  }

  /**
   * Goes to the last window boundary at or before `cycle`; where the machine was idle and passed
   * over it, to the first one after. Cancelled it stands anywhere.
   */
  async to(cycle: bigint, hooks: RunHooks = {}): Promise<void> {
    await this.during(this.goTo(cycle, this.withClose(hooks)));
  }

  private async goTo(cycle: bigint, hooks: RunHooks): Promise<void> {
    if (cycle >= this.result.cycles) cycle = this.result.cycles;
    const window = BigInt(this.windowCycles);
    const boundary = cycle === this.result.cycles ? cycle : cycle - (cycle % window);
    if (boundary === this.now) return;
    if (this.ended || boundary < this.now || boundary - this.now > GRID_CYCLES) {
      await this.restore(boundary, hooks);
      if (hooks.signal?.aborted) return;
    }
    await this.run(boundary, hooks);
  }

  /** The next boundary; nothing at the end. */
  async step(): Promise<void> {
    if (!this.ended) await this.during(this.run(this.now + 1n, this.withClose({})));
  }

  /** The boundary before. */
  async back(): Promise<void> {
    const from = this.now;
    // An idle machine passes over boundaries: then the one before is farther.
    for (let cycles = BigInt(this.windowCycles); from > 0n && this.now >= from; cycles *= 2n) {
      await this.to(from > cycles ? from - cycles : 0n);
      if (cycles >= from) return;
    }
  }

  /** At `cycle`, which is not before the machine's and not behind the window that it begins. */
  frame(cycle: number, watched: Iterable<number>): Frame {
    const frame = frameOf(this.current.view, watched);
    return advance(frame, this.records, Math.max(cycle, frame.cycle), this.current.preset);
  }

  /** Ends what is under way, and lets go of the machine. */
  close(): void {
    this.closed.abort();
    if (!this.under) return this.current.close();
    const close = () => this.current.close();
    void this.under.then(close, close);
  }

  private withClose(hooks: RunHooks): RunHooks {
    const { signal } = this.closed;
    return { ...hooks, signal: hooks.signal ? AbortSignal.any([hooks.signal, signal]) : signal };
  }

  private async during(work: Promise<void>): Promise<void> {
    this.under = work;
    try {
      await work;
    } finally {
      this.under = undefined;
    }
  }

  private async run(cycle: bigint, hooks: RunHooks): Promise<void> {
    // A boundary of 0 means the end to a machine.
    if (cycle === 0n || this.ended) return;
    const last = cycle >= this.result.cycles;
    const ended = last
      ? await this.current.run(hooks)
      : await this.current.runTo(cycle, hooks);
    this.ended = ended !== undefined;
  }

  /** A machine at the nearest point of the grid before `boundary`. */
  private async restore(boundary: bigint, hooks: RunHooks): Promise<void> {
    const grid = gridBefore(boundary);
    const nearest = this.snapshots
      .filter(({ now }) => now <= boundary)
      .reduce<Snapshot | undefined>((a, b) => (a && a.now > b.now ? a : b), undefined);
    this.current.close();
    this.ended = true;
    this.current = await Machine.create(this.options, nearest);
    this.ended = false;
    if (grid <= this.now) return;
    await this.run(grid, hooks);
    if (this.ended) return;
    this.snapshots.push(await this.current.snapshot());
    if (this.snapshots.length > SNAPSHOTS_MAX) this.snapshots.shift();
  }
}
