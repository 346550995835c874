// The machine block's parameters as this instance's globals: read once by loadParameters(), never
// written after. They are constants of a run, not state; every worker's instance holds the same
// values.
import {
  MACHINE_BASE, M_BUS_ADDRESS, M_BUS_DATA, M_COST_FORWARD, M_COST_L1, M_COST_LOCK,
  M_COST_LOCK_SIBLING, M_COUNTERS, M_CPUS, M_CPU_APIC, M_HISTORY, M_HOLD, M_HOMES, M_L1_SETS,
  M_L1_WAYS, M_L2_SETS, M_L2_WAYS, M_L3_SETS, M_L3_WAYS, M_LAT_DRAM, M_LAT_DRAM_REMOTE, M_LAT_L2,
  M_LAT_L3, M_LAT_SIBLING_LOAD, M_LAT_SIBLING_OWN, M_LAT_SIBLING_UPGRADE, M_MEMORY_MODEL,
  M_QUANTUM_CYCLES, M_RAM_BASE, M_RAM_BYTES, M_RETIRE_DELAY, M_RFO_PREFETCH, M_SB_ENTRIES, M_SEED,
  M_SLICE_CYCLES, M_SLICE_RUNNING, M_TRACE, M_WINDOW_CYCLES, MEMORY_SC, MEMORY_TSO_ADV,
} from "../abi";
import { TRACE_ALL_LOADS, TRACE_ALL_STORES, TRACE_SERVED } from "../trace-kinds";

export let ramBase: usize = 0;
export let ramBytes: u64 = 0;
export let windowCycles: u64 = 0;
/** Quanta in a window; the i-th ends at floor(i * windowCycles / quanta). */
export let quanta: u64 = 1;
/** From the issue of a store to the first cycle at which it may leave the buffer. */
export let retireDelay: u64 = 0;
/** Stores behind the head of the buffer that ask for ownership ahead of their turn. */
export let rfoPrefetch: u32 = 0;
export let sbEntries: u32 = 0;
export let sequential: bool = false;
export let adversarial: bool = false;
export let seed: u64 = 0;
/** CPUs that share the host's: so many execute at a time, for sliceCycles (0: all do, always). */
export let sliceCycles: u64 = 0;
export let sliceRunning: u32 = 1;
/** Slices until all have had their turn. */
export let sliceTurns: u64 = 1;
/** Some kind of event is recorded; beyond labelled accesses, all loads or all stores. */
export let tracing: bool = false;
/** Instructions to remember of each CPU, 0 for none. */
export let history: u64 = 0;
/** TRACE_SERVED is recorded. */
export let tracingServed: bool = false;
export let tracingLoads: bool = false;
export let tracingStores: bool = false;
/** Core.sbMask of an empty buffer: all ones send even a load that hits to the port. */
export let emptyMask: u64 = 0;
export let countingStores: bool = false;
export let l1Sets: u32 = 0;
export let l1Ways: u32 = 0;
/** Private L2 of a unit; 0 sets: it has none. */
export let l2Sets: u32 = 0;
export let l2Ways: u32 = 0;
/** Shared cache of a cluster: its L3, or its L2 if the machine has no L3. */
export let sharedSets: u32 = 0;
export let sharedWays: u32 = 0;
export let costL1: u64 = 0;
export let costForward: u64 = 0;
export let costLock: u64 = 0;
export let costLockSibling: u64 = 0;
export let holdCycles: u32 = 0;
/** Hit in the private L2, in the shared cache. */
export let latL2: u64 = 0;
export let latShared: u64 = 0;
export let latSiblingLoad: u64 = 0;
export let latSiblingUpgrade: u64 = 0;
export let latSiblingOwn: u64 = 0;
export let latDram: u64 = 0;
export let latDramRemote: u64 = 0;
/** Home agents, at least one. */
export let homes: u32 = 1;
export let busAddress: u64 = 0;
export let busData: u64 = 0;

/** A u32 of the machine block. */
// @ts-ignore: decorator
@inline
export function param(offset: i32): u32 {
  return load<u32>(<usize>(MACHINE_BASE + offset));
}

/** The `index`-th u32 of a table of the machine block. */
// @ts-ignore: decorator
@inline
export function paramAt(table: i32, index: u32): u32 {
  return load<u32>(<usize>(MACHINE_BASE + table) + (<usize>index << 2));
}

/** The `index`-th byte of a table of the machine block. */
// @ts-ignore: decorator
@inline
export function paramByte(table: i32, index: u32): u32 {
  return load<u8>(<usize>(MACHINE_BASE + table) + <usize>index);
}

/** APIC ID of a CPU: its package, core and thread, in fields of bits (SDM Vol. 3A 10.9.1). */
// @ts-ignore: decorator
@inline
export function apicId(cpu: u32): u32 {
  return paramByte(M_CPU_APIC, cpu);
}

/** Call once per instance, after the host wrote the machine block. */
export function loadParameters(): void {
  ramBase = param(M_RAM_BASE);
  ramBytes = param(M_RAM_BYTES);
  windowCycles = param(M_WINDOW_CYCLES);
  const quantum = <u64>param(M_QUANTUM_CYCLES);
  quanta = (windowCycles + quantum - 1) / quantum;
  rfoPrefetch = param(M_RFO_PREFETCH);
  sbEntries = param(M_SB_ENTRIES);
  sequential = param(M_MEMORY_MODEL) == MEMORY_SC;
  adversarial = param(M_MEMORY_MODEL) == MEMORY_TSO_ADV;
  retireDelay = sequential ? 0 : param(M_RETIRE_DELAY);
  sliceRunning = max(param(M_SLICE_RUNNING), 1);
  sliceCycles = param(M_SLICE_RUNNING) < param(M_CPUS) ? param(M_SLICE_CYCLES) : 0;
  sliceTurns = (param(M_CPUS) + sliceRunning - 1) / sliceRunning;
  seed = load<u64>(<usize>(MACHINE_BASE + M_SEED));
  tracing = param(M_TRACE) != 0;
  history = param(M_HISTORY);
  tracingServed = ((param(M_TRACE) >> TRACE_SERVED) & 1) != 0;
  tracingLoads = (param(M_TRACE) & TRACE_ALL_LOADS) != 0;
  tracingStores = (param(M_TRACE) & TRACE_ALL_STORES) != 0;
  emptyMask = tracingLoads ? ~0 : 0;
  countingStores = param(M_COUNTERS) != 0;
  l1Sets = param(M_L1_SETS);
  l1Ways = param(M_L1_WAYS);
  const l3 = param(M_L3_SETS) != 0;
  l2Sets = l3 ? param(M_L2_SETS) : 0;
  l2Ways = l3 ? param(M_L2_WAYS) : 0;
  sharedSets = param(l3 ? M_L3_SETS : M_L2_SETS);
  sharedWays = param(l3 ? M_L3_WAYS : M_L2_WAYS);
  costL1 = param(M_COST_L1);
  costForward = param(M_COST_FORWARD);
  costLock = param(M_COST_LOCK);
  costLockSibling = param(M_COST_LOCK_SIBLING);
  holdCycles = param(M_HOLD);
  latL2 = param(M_LAT_L2);
  latShared = param(l3 ? M_LAT_L3 : M_LAT_L2);
  latSiblingLoad = param(M_LAT_SIBLING_LOAD);
  latSiblingUpgrade = param(M_LAT_SIBLING_UPGRADE);
  latSiblingOwn = param(M_LAT_SIBLING_OWN);
  latDram = param(M_LAT_DRAM);
  latDramRemote = param(M_LAT_DRAM_REMOTE);
  homes = max<u32>(param(M_HOMES), 1);
  busAddress = param(M_BUS_ADDRESS);
  busData = param(M_BUS_DATA);
}

/** The boundary between quanta nearest to `time`. */
export function nearestQuantum(time: u64): u64 {
  const start = time - (time % windowCycles);
  const index = ((time - start) * quanta * 2 + windowCycles) / (windowCycles * 2);
  return start + (index * windowCycles) / quanta;
}

/** The first boundary between quanta after `time`. */
export function nextQuantum(time: u64): u64 {
  const start = time - (time % windowCycles);
  let index = ((time - start) * quanta) / windowCycles;
  let boundary = start + (index * windowCycles) / quanta;
  while (boundary <= time) {
    index++;
    boundary = start + (index * windowCycles) / quanta;
  }
  return boundary;
}

/** The boundary between windows nearest to `time`. */
export function nearestWindow(time: u64): u64 {
  const shifted = time + windowCycles / 2;
  return shifted - (shifted % windowCycles);
}
