// Who touches which line: every access of a run by line, place in the line and instruction, with
// where it was served. It is made of the same calls that make the counters, so its sums are theirs;
// nothing is sampled. The machine runs in pieces that cannot fill the ring of the trace.
import * as abi from "../../assembly/abi.ts";
import {
  ACCESS_LOAD, ACCESS_LOCKED, ACCESS_STORE, TRACE_ALL_LOADS, TRACE_ALL_STORES, TRACE_GRANT,
  TRACE_ISSUE, TRACE_LOCKED, TRACE_SERVED,
} from "../../assembly/trace-kinds.ts";
import { TraceReader } from "../core/trace-reader.ts";
import type { Machine, RunResult } from "./machine.ts";
import type { RunHooks } from "./session.ts";

/** With these the machine has to be made. */
export const C2C_OPTIONS = {
  counters: true,
  history: 1,
  // One, so that all records of a CPU are in their order.
  workers: 1,
  traceEvents: 1 << 21,
  traceKinds: (1 << TRACE_ISSUE) | (1 << TRACE_GRANT) | (1 << TRACE_SERVED) |
    (1 << TRACE_LOCKED) | TRACE_ALL_LOADS | TRACE_ALL_STORES,
} as const;

/**
 * An instruction makes no more records in a cycle: a store is issued, granted and counted, a locked
 * access granted, counted and performed.
 */
const RECORDS_CYCLE = 4;

export const LINE_BYTES = 64;

export const ACCESSES = ["loads", "stores", "locked"] as const;
export type Access = (typeof ACCESSES)[number];

/** One instruction at one place of one line, with accesses of one width. */
export interface Cell {
  offset: number;
  /** At least 1; those of an access that are in this line. */
  bytes: number;
  /** Lower half of the instruction's address; 0: unknown. */
  rip: number;
  access: Access;
  /** By source: SERVED_*, and + HITM. */
  sources: Uint32Array;
  /** By source: cycles from the request for the line to its arrival; 0 where none was needed. */
  waited: Float64Array;
  /** Accesses by CPU. */
  cpus: Map<number, number>;
  /** HITMs by CPU. */
  hitms: Map<number, number>;
  /** By CPU: HITMs of a datum that no other CPU has changed, by the place in the line that was. */
  falseHitms: Map<number, Map<number, number>>;
}

export interface LineUse {
  phys: number;
  cells: Map<number, Cell>;
  hitms: number;
}

/**
 * Of one line: when each of its bytes was written last, and when each CPU last accessed each of
 * them, in writes to the line. A HITM for a datum that another CPU has written since this
 * one last accessed it moves that datum (true sharing); any other moves the line for a neighbour
 * (false sharing; Dubois et al., "The Detection and Elimination of Useless Misses in
 * Multiprocessors"). Records of CPUs that run one after the other in a slice are not in the order
 * of their times; but a line changes hands between slices, and so it does in the trace.
 */
class Line implements LineUse {
  readonly phys: number;
  readonly cells = new Map<number, Cell>();
  hitms = 0;
  private writes = 0;
  /** Of the last write. */
  private last = 0;
  private writer?: number;
  private readonly written = new Uint32Array(LINE_BYTES);
  private readonly seen: Uint32Array[] = [];

  constructor(phys: number) {
    this.phys = phys;
  }

  cellOf(offset: number, bytes: number, access: Access, rip: number): Cell {
    const place = (bytes * LINE_BYTES + offset) * ACCESSES.length + ACCESSES.indexOf(access);
    const key = place * 2 ** 32 + rip;
    let cell = this.cells.get(key);
    if (!cell) {
      cell = {
        offset, bytes, rip, access,
        sources: new Uint32Array(abi.SOURCE_LIMIT), waited: new Float64Array(abi.SOURCE_LIMIT),
        cpus: new Map(), hitms: new Map(), falseHitms: new Map(),
      };
      this.cells.set(key, cell);
    }
    return cell;
  }

  /**
   * Where another CPU wrote the line last, if none has written these bytes since `cpu` last
   * accessed them: for the sake of that place they move. Undefined too for a line that another
   * cache has exclusive without a write.
   */
  neighbourOf(cpu: number, offset: number, bytes: number): number | undefined {
    const seen = this.seen[cpu];
    for (let i = offset; i < Math.min(offset + bytes, LINE_BYTES); i++) {
      if (this.written[i] > (seen?.[i] ?? 0)) return undefined;
    }
    return this.writer !== undefined && this.writer !== cpu ? this.last : undefined;
  }

  note(cpu: number, offset: number, bytes: number, writes: boolean): void {
    if (writes) {
      this.writes++;
      this.last = offset;
      this.writer = cpu;
    }
    const seen = (this.seen[cpu] ??= new Uint32Array(LINE_BYTES));
    for (let i = offset; i < Math.min(offset + bytes, LINE_BYTES); i++) {
      seen[i] = this.writes;
      if (writes) this.written[i] = this.writes;
    }
  }
}

/** A TRACE_SERVED of a locked access, whose width its TRACE_LOCKED has, which comes next. */
interface Held {
  cpu: number;
  source: number;
  phys: number;
  rip: number;
}

export class Collector {
  readonly lines = new Map<number, Line>();
  private held: Held[] = [];
  private readonly issued: number[][] = [];
  /** By CPU and line: the last grant, from where and after how many cycles. */
  private readonly granted: Map<number, { source: number; cycles: number }>[] = [];

  /** A record of the trace. */
  add(
    cpu: number, kind: number, label: number, size: number, phys: number, extra: number,
    bytes: number,
  ): void {
    if (kind === TRACE_LOCKED) {
      this.settle(phys, size);
      return;
    }
    const locked = kind === TRACE_SERVED && label === ACCESS_LOCKED;
    // Of an access over two lines both are held.
    if (!locked || this.held[0]?.cpu !== cpu) this.settle();
    if (locked) {
      this.held.push({ cpu, source: size, phys, rip: extra });
    } else if (kind === TRACE_ISSUE) {
      (this.issued[cpu] ??= []).push(extra);
    } else if (kind === TRACE_GRANT) {
      (this.granted[cpu] ??= new Map()).set(phys & ~63, { source: size, cycles: extra });
    } else if (kind === TRACE_SERVED) {
      // Stores commit in the order in which they were issued.
      const rip = label === ACCESS_STORE ? (this.issued[cpu]?.shift() ?? 0) : extra;
      this.count(cpu, label, size, phys, rip, bytes);
    }
  }

  /** After the last record. */
  end(): void {
    this.settle();
  }

  /**
   * Counts the locked accesses that are held: of `size` bytes from `phys` on. Without them it took
   * a line and nothing of it, as before it asks for the other one of two.
   */
  private settle(phys?: number, size = 0): void {
    if (this.held.length === 0) return;
    for (const held of this.held) {
      let bytes = 1;
      if (phys !== undefined) {
        const head = Math.min(size, LINE_BYTES - (phys & 63));
        bytes = (held.phys & ~63) === (phys & ~63) ? head : size - head;
      }
      this.count(held.cpu, ACCESS_LOCKED, held.source, held.phys, held.rip, Math.max(1, bytes));
    }
    this.held = [];
  }

  private count(
    cpu: number, label: number, source: number, phys: number, rip: number, bytes: number,
  ): void {
    const at = phys & ~63;
    let line = this.lines.get(at);
    if (!line) this.lines.set(at, (line = new Line(at >>> 0)));
    const offset = phys & 63;
    const cell = line.cellOf(offset, bytes, accessOf(label), rip);
    cell.sources[source]++;
    // What the core itself had it did not ask for.
    if (source > abi.SERVED_BUFFER) cell.waited[source] += this.waitOf(cpu, at, source);
    increase(cell.cpus, cpu);
    if (source >= abi.HITM) {
      line.hitms++;
      increase(cell.hitms, cpu);
      const neighbour = line.neighbourOf(cpu, offset, bytes);
      if (neighbour !== undefined) {
        let own = cell.falseHitms.get(cpu);
        if (!own) cell.falseHitms.set(cpu, (own = new Map()));
        increase(own, neighbour);
      }
    }
    // A load from the CPU's own store buffer has seen nothing of the line.
    if (source !== abi.SERVED_BUFFER) line.note(cpu, offset, bytes, label !== ACCESS_LOAD);
  }

  /** A load that is done again, since its instruction has to wait for more, is counted again. */
  private waitOf(cpu: number, line: number, source: number): number {
    const grant = this.granted[cpu]?.get(line);
    if (grant?.source !== source) throw new Error("an access without its grant: a bug of smpbox");
    return grant.cycles;
  }
}

function increase(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function accessOf(label: number): Access {
  if (label === ACCESS_LOAD) return "loads";
  return label === ACCESS_LOCKED ? "locked" : "stores";
}

/** Runs a machine made with C2C_OPTIONS to its end, or to cycle `until`; undefined there. */
export async function collect(
  machine: Machine, hooks: RunHooks = {}, until = 0n,
): Promise<{ lines: Map<number, LineUse>; result?: RunResult }> {
  const reader = new TraceReader(machine.view);
  const collector = new Collector();
  const cycles = C2C_OPTIONS.traceEvents / (RECORDS_CYCLE * machine.view.cpus);
  const piece = BigInt(Math.floor(cycles));
  let result: RunResult | undefined;
  do {
    const next = machine.view.now + piece;
    result = await machine.runTo(until && until < next ? until : next, hooks);
    const lost = reader.take((_time, cpu, kind, label, size, phys, extra, value) =>
      collector.add(cpu, kind, label, size, phys, extra, Number(value)));
    if (lost > 0) throw new Error(`the trace lost ${lost} records: a bug of smpbox`);
  } while (!result && !(until && machine.view.now >= until));
  collector.end();
  return { lines: collector.lines, result };
}
