// Counters: what the caches, store buffers and buses did. They decide nothing and are outside the
// state hash. The host reads them by the offsets of abi.ts once the machine has stopped. What
// stores did is counted only while M_COUNTERS is set: it takes some per cent of the speed.
//
// A load is counted when it binds, a store when it commits, by where its line came from; an access
// over two lines is two. What an instruction did before it had to wait, it does again.
import {
  BUS_COUNTERS_BYTES, CC_COMMITS, CC_FIRST_COMMIT, CC_INTERRUPTS, CC_LOADS,
  CC_LOCKED, CC_OCCUPANCY, CC_RESIDENCE, CC_RESIDENCE_MAX, CC_RESIDENCE_SUM, CC_STORES,
  CC_UPGRADES, CC_WAITS, CLUSTER_COUNTERS_BYTES, CORE_COUNTERS, M_CLUSTER_COUNTERS,
} from "../abi";
import { check } from "../check";
import { ACCESS_LOAD, ACCESS_LOCKED, ACCESS_STORE, TRACE_SERVED } from "../trace-kinds";
import { Core } from "./core";
import { ripNow } from "./history";
import { param, tracingServed } from "./params";
import { trace } from "./trace";

// @ts-ignore: decorator
@inline
function increase(at: usize, by: u64): void {
  store<u64>(at, load<u64>(at) + by);
}

// @ts-ignore: decorator
@inline
function cellOf(core: usize, table: i32, index: u32): usize {
  return core + CORE_COUNTERS + <usize>table + (<usize>index << 3);
}

/** A load bound; `source` is where its line came from: SERVED_* and perhaps HITM. */
// @ts-ignore: decorator
@inline
export function countLoad(core: usize, source: u32, phys: u64, size: u32): void {
  increase(cellOf(core, CC_LOADS, source), 1);
  if (tracingServed) traceServed(core, Core.of(core).clock, ACCESS_LOAD, source, phys, size);
}

/** A locked access found its line owned. */
export function countLocked(core: usize, source: u32, phys: u64): void {
  increase(cellOf(core, CC_LOCKED, source), 1);
  if (tracingServed) traceServed(core, Core.of(core).clock, ACCESS_LOCKED, source, phys, 0);
}

/** What a counter has counted, for the one who wants to know of which line and instruction. */
function traceServed(
  core: usize, time: u64, access: u32, source: u32, phys: u64, size: u32,
): void {
  const rip = access == ACCESS_STORE ? 0 : <u64><u32>ripNow(core);
  trace(time, Core.of(core).cpu, TRACE_SERVED, access, source, phys, size, rip);
}

/** Ownership of a line was asked for that this core holds in S. */
export function countUpgrade(core: usize): void {
  increase(cellOf(core, CC_UPGRADES, 0), 1);
}

export function countInterrupt(core: usize): void {
  increase(cellOf(core, CC_INTERRUPTS, 0), 1);
}

/** The core waited for `cycles` because of WAIT_*. */
export function countWait(core: usize, cause: u32, cycles: u64): void {
  increase(cellOf(core, CC_WAITS, cause), cycles);
}

/** Times of commits that are kept: no more stores than that are in a buffer together. */
const COMMITS: u32 = 64;
/** Cells of CC_RESIDENCE. */
const RESIDENCES: u32 = 32;

/**
 * The `ordinal`-th store of the core, issued at `issue`, commits at `time`. How many shared the
 * buffer with it when it came is known now only, because buffers are drained lazily: those that
 * committed after its issue.
 */
export function countCommit(
  core: usize, ordinal: u64, issue: u64, time: u64, source: u32, phys: u32, size: u32,
): void {
  if (tracingServed) traceServed(core, time, ACCESS_STORE, source, phys, size);
  // Those of the L1 are all the others.
  if (source) increase(cellOf(core, CC_STORES, source), 1);
  const residence = time - issue;
  increase(cellOf(core, CC_RESIDENCE_SUM, 0), residence);
  const bits = <u32>(64 - clz(residence));
  increase(cellOf(core, CC_RESIDENCE, min<u32>(bits, RESIDENCES - 1)), 1);
  const most = cellOf(core, CC_RESIDENCE_MAX, 0);
  if (residence > load<u64>(most)) store<u64>(most, residence);
  let first = load<u64>(cellOf(core, CC_FIRST_COMMIT, 0));
  if (first < ordinal && load<u64>(commitAt(core, first)) <= issue) {
    do first++;
    while (first < ordinal && load<u64>(commitAt(core, first)) <= issue);
    store<u64>(cellOf(core, CC_FIRST_COMMIT, 0), first);
  }
  store<u64>(commitAt(core, ordinal), time);
  // Itself included
  const together = <u32>(ordinal - first) + 1;
  check(together < COMMITS);
  increase(cellOf(core, CC_OCCUPANCY, together), 1);
}

// @ts-ignore: decorator
@inline
function commitAt(core: usize, ordinal: u64): usize {
  return cellOf(core, CC_COMMITS, <u32>ordinal & (COMMITS - 1));
}

/** An event of a cluster: CLUSTER_*. */
export function countCluster(cluster: u32, event: i32): void {
  const base = <usize>param(M_CLUSTER_COUNTERS) + <usize>cluster * CLUSTER_COUNTERS_BYTES;
  increase(base + <usize>event, 1);
}

let buses: usize = 0;

/** Bus counters of this worker: every one counts them all, as it runs a replica of the homes. */
export function openBusCounters(base: usize): void {
  buses = base;
}

/** BUS_* of a bus. */
export function countBus(bus: u32, event: i32, by: u64): void {
  increase(buses + <usize>bus * BUS_COUNTERS_BYTES + <usize>event, by);
}
