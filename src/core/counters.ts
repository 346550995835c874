// The counters of a stopped machine (assembly/memory/counters.ts) as an object: exact counts, by
// CPU, cluster and bus. All are far below 2^53, so they are plain numbers.
import * as abi from "../../assembly/abi.ts";
import type { MachineView } from "./view.ts";

/** Where an access was served, by SERVED_* of abi.ts. */
export const SOURCES = [
  "l1", "buffer", "l2", "llc", "sibling", "die", "socket", "far", "dram", "dramRemote", "home",
] as const;
export type SourceName = (typeof SOURCES)[number];

/** Why a CPU did not execute, by WAIT_* of abi.ts. */
export const WAITS = [
  "other", "load", "fetch", "full", "fenceDrain", "lock", "partial", "io", "lockDrain", "sc",
  "selfModified", "halted", "parked", "serialDrain", "entryDrain", "slice",
] as const;
export type WaitName = (typeof WAITS)[number];

/** Accesses by where they were served; `hitm`: of those, lines that somebody else owned. */
export type Served = Record<SourceName, number> & { total: number; hitm: Record<Place, number> };
/** Local: inside the package. */
export type Place = "local" | "remote";

export interface CpuCounters {
  cpu: number;
  instructions: number;
  /** Cycles of the CPU's clock, `executing` and those in which it waited for something. */
  cycles: { total: number; executing: number } & Record<WaitName, number>;
  loads: Served;
  stores: Served;
  locked: Served;
  /** Ownership asked for of lines that the CPU held in S. */
  upgrades: number;
  interrupts: number;
  storeBuffer: {
    /** [n]: stores that had n - 1 others with them when they entered. */
    occupancy: number[];
    /** Cycles from issue to commit. [n]: stores that took 2^(n-1) to 2^n - 1; [0]: none. */
    residence: number[];
    residenceSum: number;
    residenceMax: number;
  };
}

export interface ClusterCounters {
  cluster: number;
  evictions: number;
  writebacks: number;
  invalidations: number;
  downgrades: number;
  handovers: number;
}

export interface BusCounters {
  bus: number;
  transactions: number;
  snoops: number;
  addressCycles: number;
  dataCycles: number;
  waitedCycles: number;
}

export interface Counters {
  /** Cycles since reset. */
  cycles: number;
  cpus: CpuCounters[];
  clusters: ClusterCounters[];
  buses: BusCounters[];
}

const OCCUPANCIES = 64;
const RESIDENCES = 32;

export function readCounters(view: MachineView): Counters {
  const count = (offset: number) => view.u32(offset);
  const memory = new DataView(view.memory.buffer);
  const buses = view.u32(abi.M_BUS_COUNTERS);
  const clusters = view.u32(abi.M_CLUSTER_COUNTERS);
  return {
    cycles: Number(view.now),
    cpus: range(view.cpus, (cpu) => readCpu(memory, view.u32(abi.M_CORES + cpu * 4), cpu)),
    clusters: range(count(abi.M_CLUSTERS), (cluster) => {
      const at = cells(memory, clusters + cluster * abi.CLUSTER_COUNTERS_BYTES);
      return {
        cluster,
        evictions: at(abi.CLUSTER_EVICTIONS),
        writebacks: at(abi.CLUSTER_WRITEBACKS),
        invalidations: at(abi.CLUSTER_INVALIDATIONS),
        downgrades: at(abi.CLUSTER_DOWNGRADES),
        handovers: at(abi.CLUSTER_HANDOVERS),
      };
    }),
    buses: range(count(abi.M_BUSES), (bus) => {
      const at = cells(memory, buses + bus * abi.BUS_COUNTERS_BYTES);
      return {
        bus,
        transactions: at(abi.BUS_TRANSACTIONS),
        snoops: at(abi.BUS_SNOOPS),
        addressCycles: at(abi.BUS_ADDRESS_CYCLES),
        dataCycles: at(abi.BUS_DATA_CYCLES),
        waitedCycles: at(abi.BUS_WAITED_CYCLES),
      };
    }),
  };
}

function readCpu(memory: DataView, core: number, cpu: number): CpuCounters {
  const field = cells(memory, core);
  const at = cells(memory, core + abi.CORE_COUNTERS);
  const total = field(abi.CORE_CLOCK);
  const waits = WAITS.map((name, i) => [name, at(abi.CC_WAITS + i * 8)] as const);
  const waited = waits.reduce((sum, [, cycles]) => sum + cycles, 0);
  const loads = servedFrom((i) => at(abi.CC_LOADS + i * 8));
  const hits = field(abi.CORE_LOAD_HITS);
  const committed = field(abi.CORE_STORES) - memory.getUint32(core + abi.CORE_SB_COUNT, true);
  const stores = servedFrom((i) => at(abi.CC_STORES + i * 8));
  return {
    cpu,
    instructions: field(abi.CORE_INSTRUCTIONS),
    cycles: {
      total,
      executing: total - waited,
      ...(Object.fromEntries(waits) as Record<WaitName, number>),
    },
    loads: { ...loads, l1: loads.l1 + hits, total: loads.total + hits },
    stores: { ...stores, l1: committed - stores.total, total: committed },
    locked: servedFrom((i) => at(abi.CC_LOCKED + i * 8)),
    upgrades: at(abi.CC_UPGRADES),
    interrupts: at(abi.CC_INTERRUPTS),
    storeBuffer: {
      occupancy: withoutTail(range(OCCUPANCIES, (i) => at(abi.CC_OCCUPANCY + i * 8))),
      residence: withoutTail(range(RESIDENCES, (i) => at(abi.CC_RESIDENCE + i * 8))),
      residenceSum: at(abi.CC_RESIDENCE_SUM),
      residenceMax: at(abi.CC_RESIDENCE_MAX),
    },
  };
}

const LOCAL_SOURCES = [abi.SERVED_SIBLING, abi.SERVED_DIE];

/** A table by source: SERVED_*, and again with HITM. */
export function servedFrom(cell: (index: number) => number): Served {
  const counts = SOURCES.map((name, i) => [name, cell(i) + cell(i + abi.HITM)] as const);
  const owned = SOURCES.map((_, i) => cell(i + abi.HITM));
  const local = LOCAL_SOURCES.reduce((sum, i) => sum + owned[i], 0);
  return {
    total: counts.reduce((sum, [, value]) => sum + value, 0),
    ...(Object.fromEntries(counts) as Record<SourceName, number>),
    hitm: { local, remote: owned.reduce((sum, value) => sum + value, 0) - local },
  };
}

/** Reads a u64 at an offset from `base`. */
function cells(memory: DataView, base: number): (offset: number) => number {
  return (offset) => Number(memory.getBigUint64(base + offset, true));
}

function range<T>(count: number, item: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => item(index));
}

/** Without the zeros at the end. */
function withoutTail(values: number[]): number[] {
  return values.slice(0, values.findLastIndex((value) => value > 0) + 1);
}
