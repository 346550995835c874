// The home agent: the point of coherence of the box. Serialises the transactions of each line,
// keeps exact presence of every cluster (the snoop filter), and models the occupancy of the front
// side buses. Every worker runs a replica over the same sorted list of requests and applies the
// results to its own clusters only.
//
// Deviation: a line granted in E counts as modified (the silent E -> M change is not on the bus),
// so its next reader pays for a HITM.
import { check } from "../check";
import {
  M_CLUSTER_BUS, M_CLUSTER_PACKAGE, M_LAT_DIE_LOAD, M_LAT_DIE_OWN, M_LAT_DIE_UPGRADE,
  M_LAT_SOCKET_LOAD, M_LAT_SOCKET_OWN, M_LAT_SOCKET_UPGRADE, M_SNOOP_STALL,
} from "../abi";
import { Message } from "./message";
import {
  busAddress, busData, holdCycles, latDram, nearestWindow, param, paramByte, ramBytes, windowCycles,
} from "./params";
import { EXCLUSIVE, MODIFIED, MSG_GETS, MSG_GETX, MSG_PUT, SHARED } from "./protocol";

/**
 * A line's entry.
 *
 *     0 | sharers u32: bit = cluster | 4 | owner u8: 1 + cluster | 5 | hold u8 | pad u16 |
 *     8 | done u64 | 16
 *
 * `done`: cycle of the last grant so far; a snoop of the winner is served no earlier than `hold`
 * cycles after it.
 */
@unmanaged
class Entry {
  sharers: u32;
  owner: u8;
  hold: u8;
  pad0: u16;
  done: u64;
  static readonly BYTES: usize = 16;
}

/** Buses of a machine. */
const BUS_LIMIT: u32 = 32;
/**
 * Per bus: first cycle at which its address and its data phase are free.
 *
 *     0 | address u64 | 8 | data u64 | 16
 */
const BUSES_BYTES: usize = <usize>BUS_LIMIT * 16;

let replica: usize = 0;

/** Bytes of one replica. */
export function homeBytes(): usize {
  return BUSES_BYTES + <usize>(ramBytes >> 6) * Entry.BYTES;
}

/** This worker's replica. */
export function openHome(base: usize): void {
  replica = base;
}

/** What a transaction came to: the host of homeTransact() reads it and tells the clusters. */
export let grantTime: u64 = 0;
export let grantState: u8 = 0;
/** Clusters that lose the line at lossTime, as a mask; to Shared or altogether. */
export let losers: u32 = 0;
export let lossTime: u64 = 0;
export let lossToShared: bool = false;

// @ts-ignore: decorator
@inline
function packageOf(cluster: u32): u32 {
  return paramByte(M_CLUSTER_PACKAGE, cluster);
}

// @ts-ignore: decorator
@inline
function busOf(cluster: u32): u32 {
  return paramByte(M_CLUSTER_BUS, cluster);
}

/** The row of latencies to a cluster in the same package, or in another. */
function remote(near: bool, die: i32, socket: i32): u64 {
  return param(near ? die : socket);
}

/** True when every cluster of `mask` is in the package of `cluster`. */
function allNear(mask: u32, cluster: u32): bool {
  for (let left = mask; left; left &= left - 1) {
    if (packageOf(ctz(left)) != packageOf(cluster)) return false;
  }
  return true;
}

/**
 * One GETS, GETX or PUT, in the global order. `boundary`: the end of the window in which it was
 * made, the first cycle at which its result is known. A GETS or GETX sets grantTime, grantState,
 * losers and lossTime.
 */
export function homeTransact(m: Message, boundary: u64): void {
  const e = changetype<Entry>(replica + BUSES_BYTES + <usize>m.line * Entry.BYTES);
  const cluster = m.destination;
  const bit: u32 = 1 << cluster;
  losers = 0;
  lossTime = 0;
  if (m.kind == MSG_PUT) {
    e.sharers &= ~bit;
    if (e.owner == <u8>(cluster + 1)) e.owner = 0;
    if (m.value) occupyData(busOf(cluster), m.time);
    return;
  }
  const others = e.sharers & ~bit;
  const owned = e.owner != 0 && e.owner != <u8>(cluster + 1);
  const near = allNear(others, cluster);
  let latency = latDram;
  let carriesData = true;
  if (m.kind == MSG_GETS) {
    if (owned) latency = remote(near, M_LAT_DIE_LOAD, M_LAT_SOCKET_LOAD);
  } else if (owned) {
    latency = remote(near, M_LAT_DIE_OWN, M_LAT_SOCKET_OWN);
  } else if (e.sharers) {
    // An upgrade, or a store to a line that others share: it commits at the snoop response, the
    // data is not waited for.
    latency = remote(near, M_LAT_DIE_UPGRADE, M_LAT_SOCKET_UPGRADE);
    carriesData = (e.sharers & bit) == 0;
  }
  const bus = arbitrate(cluster, others, m.time);
  // Reads of a line that nobody owns do not queue behind one another.
  const queues = owned || m.kind == MSG_GETX;
  const start = queues ? max(bus, e.done) : bus;
  let snoop = start + latency / 2;
  if (queues) snoop = max(snoop, e.done + <u64>e.hold);
  let grant = snoop + (latency - latency / 2);
  if (carriesData) {
    let delay = occupyData(busOf(cluster), bus);
    const source = owned ? busOf(e.owner - 1) : busOf(cluster);
    if (source != busOf(cluster)) delay = max(delay, occupyData(source, bus));
    grant += delay;
  }
  // The former owner has the line until its own reader has it, so nobody else reads it before.
  if (!queues) grant = max(grant, e.done);
  if (owned || (m.kind == MSG_GETX && others)) {
    // The boundary nearest to the snoop's arrival, known to every worker, and after the loser's own
    // grant.
    let at = max(nearestWindow(snoop), boundary);
    while (at <= e.done) at += windowCycles;
    losers = others;
    lossTime = at;
    lossToShared = m.kind == MSG_GETS;
    grant = max(grant, at);
  }
  grant = max(grant, boundary);
  grantTime = grant;
  if (m.kind == MSG_GETS) {
    const alone = others == 0;
    grantState = alone ? EXCLUSIVE : SHARED;
    e.sharers |= bit;
    // A later owner waits for every copy that is still on its way, or a stale one would arrive
    // after its store.
    e.done = max(e.done, grant);
    e.hold = <u8>holdCycles;
    e.owner = alone ? <u8>(cluster + 1) : 0;
  } else {
    grantState = MODIFIED;
    e.sharers = bit;
    e.owner = <u8>(cluster + 1);
    e.done = max(e.done, grant);
    e.hold = <u8>m.value;
  }
}

// @ts-ignore: decorator
@inline
function addressFree(bus: u32): usize {
  return replica + (<usize>bus << 4);
}

/**
 * The first cycle at which the address phase may begin on every bus that takes part; it is taken
 * there.
 */
function arbitrate(cluster: u32, others: u32, time: u64): u64 {
  const own = busOf(cluster);
  let start = max(time, load<u64>(addressFree(own)));
  let crossed = false;
  let buses: u32 = 1 << own;
  for (let left = others; left; left &= left - 1) {
    const bus = busOf(ctz(left));
    if ((buses >> bus) & 1) continue;
    buses |= 1 << bus;
    start = max(start, load<u64>(addressFree(bus)));
    crossed = true;
  }
  check(own < BUS_LIMIT);
  for (let left = buses; left; left &= left - 1) {
    const stall: u64 = crossed ? param(M_SNOOP_STALL) : 0;
    store<u64>(addressFree(ctz(left)), start + busAddress + stall);
  }
  return start;
}

/**
 * A data phase of a transaction that began at cycle `time`: the cycles that it waits for those of
 * earlier ones. A phase is charged when its transaction begins, wherever it then lies: that bounds
 * the bandwidth without letting a slow read of DRAM keep the bus from a hand-over before it.
 */
function occupyData(bus: u32, time: u64): u64 {
  const free = addressFree(bus) + 8;
  const begin = max(time, load<u64>(free));
  store<u64>(free, begin + busData);
  return begin - time;
}
