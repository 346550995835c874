// The home agents: the points of coherence of the box. Each serialises the transactions of its
// lines, keeps exact presence of every cluster (the snoop filter), and models the occupancy of the
// buses or links. Every worker runs a replica of all over the same sorted list of requests and
// applies the results to its own clusters only. Where a machine has several, the 4 KiB pages of
// memory are dealt out to them in turn, as by a BIOS with node interleaving.
//
// Deviations: a line granted in E counts as modified (the silent E -> M change is not on the bus),
// so its next reader pays for a HITM; how far a hand-over between caches is does not depend on
// where the line's home is.
import { check } from "../check";
import {
  BUS_ADDRESS_CYCLES, BUS_DATA_CYCLES, BUS_SNOOPS, BUS_TRANSACTIONS, BUS_WAITED_CYCLES, HITM,
  M_CLUSTERS, M_CLUSTER_BUS, M_CLUSTER_PACKAGE, M_DISKS, M_HOME_BUS, M_HOME_PACKAGE,
  M_LAT_DIE_LOAD, M_LAT_DIE_OWN, M_LAT_DIE_UPGRADE, M_LAT_DMA_OWN, M_LAT_FAR_LOAD, M_LAT_FAR_OWN,
  M_LAT_FAR_UPGRADE, M_LAT_SOCKET_LOAD, M_LAT_SOCKET_OWN, M_LAT_SOCKET_UPGRADE, M_PACKAGE_FAR,
  M_SNOOP_STALL, SERVED_DIE, SERVED_DRAM, SERVED_DRAM_REMOTE, SERVED_FAR, SERVED_HOME,
  SERVED_SOCKET,
} from "../abi";
import { countBus } from "./counters";
import { Message } from "./message";
import {
  busAddress, busData, holdCycles, homes, latDram, latDramRemote, nearestWindow, param, paramAt,
  paramByte, ramBytes, windowCycles,
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
export class Entry {
  sharers: u32;
  owner: u8;
  hold: u8;
  pad0: u16;
  done: u64;
  static readonly BYTES: usize = 16;

  @inline static of(line: u32): Entry {
    return changetype<Entry>(replica + BUSES_BYTES + <usize>line * Entry.BYTES);
  }
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

/** The entry of a line in the replica at `base`: Entry.BYTES. */
export function homeEntry(base: usize, line: u32): usize {
  return base + BUSES_BYTES + <usize>line * Entry.BYTES;
}

/** This worker's replica. */
export function openHome(base: usize): void {
  replica = base;
}

/** What a transaction came to: the host of homeTransact() reads it and tells the clusters. */
export let grantTime: u64 = 0;
export let grantState: u8 = 0;
/** Where the line comes from: SERVED_*, and HITM if it was owned there. */
export let grantSource: u32 = 0;
/** Cycle at which the transaction took the address bus. */
export let busTime: u64 = 0;
/** Buses with an address phase of the transaction, and with a data phase, as masks. */
export let addressBuses: u32 = 0;
export let dataBuses: u32 = 0;
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
export function busOf(cluster: u32): u32 {
  return paramByte(M_CLUSTER_BUS, cluster);
}

/** How far a cluster is: the rows of latencies. */
const SAME_PACKAGE: u32 = 0;
const OTHER_PACKAGE: u32 = 1;
const TWO_HOPS: u32 = 2;

/** The latency of a row by the distance. */
function remote(distance: u32, die: i32, socket: i32, far: i32): u64 {
  return param(distance == SAME_PACKAGE ? die : distance == OTHER_PACKAGE ? socket : far);
}

function upgrade(distance: u32): u64 {
  return remote(distance, M_LAT_DIE_UPGRADE, M_LAT_SOCKET_UPGRADE, M_LAT_FAR_UPGRADE);
}

/**
 * The upgrade of a line that no other cluster has: the home agent knows it when the nearest peers
 * would have answered. A machine without any has one kind of transaction, that with its DRAM.
 */
function aloneUpgrade(): u64 {
  const die = param(M_LAT_DIE_UPGRADE);
  if (die) return die;
  const socket = param(M_LAT_SOCKET_UPGRADE);
  return socket ? socket : latDram;
}

/** SERVED_* of a cache at that distance. */
function servedAt(distance: u32): u32 {
  if (distance == SAME_PACKAGE) return SERVED_DIE;
  return distance == OTHER_PACKAGE ? SERVED_SOCKET : SERVED_FAR;
}

/** The largest distance of a cluster of `mask` from `cluster`. */
function farthest(mask: u32, cluster: u32): u32 {
  const own = packageOf(cluster);
  const far = paramAt(M_PACKAGE_FAR, own);
  let distance = SAME_PACKAGE;
  for (let left = mask; left; left &= left - 1) {
    const other = packageOf(ctz(left));
    if (other == own) continue;
    distance = max(distance, (far >> other) & 1 ? TWO_HOPS : OTHER_PACKAGE);
  }
  return distance;
}

/** The I/O hub among the sharers; 0: nothing in this machine does DMA. */
// @ts-ignore: decorator
@inline
function hubBit(): u32 {
  return param(M_DISKS) ? 1 << param(M_CLUSTERS) : 0;
}

/** The home agent of a line. */
// @ts-ignore: decorator
@inline
function homeOf(line: u32): u32 {
  return (line >>> 6) % homes;
}

function dramLatency(line: u32, cluster: u32): u64 {
  if (homes == 1) return latDram;
  const local = paramByte(M_HOME_PACKAGE, homeOf(line)) == packageOf(cluster);
  return local ? latDram : latDramRemote;
}

/**
 * The bus of the line's memory, which a transaction of `cluster` occupies beside its own. The only
 * home agent of a machine is on every bus.
 */
function homeBus(line: u32, cluster: u32): u32 {
  return homes == 1 ? busOf(cluster) : paramByte(M_HOME_BUS, homeOf(line));
}

/**
 * One GETS, GETX or PUT, in the global order. `boundary`: the end of the window in which it was
 * made, the first cycle at which its result is known. A GETS or GETX sets grantTime, grantState,
 * losers and lossTime.
 */
export function homeTransact(m: Message, boundary: u64): void {
  const e = Entry.of(m.line);
  const cluster = m.destination;
  const bit: u32 = 1 << cluster;
  losers = 0;
  lossTime = 0;
  addressBuses = 0;
  dataBuses = 0;
  if (m.kind == MSG_PUT) {
    e.sharers &= ~bit;
    if (e.owner == <u8>(cluster + 1)) e.owner = 0;
    if (m.value) transfer(busOf(cluster), homeBus(m.line, cluster), m.time);
    return;
  }
  const others = e.sharers & ~bit;
  const owned = e.owner != 0 && e.owner != <u8>(cluster + 1);
  const distance = farthest(others, cluster);
  let latency = dramLatency(m.line, cluster);
  let source = latency == latDram ? SERVED_DRAM : SERVED_DRAM_REMOTE;
  const peer = servedAt(distance);
  let carriesData = true;
  const hub = hubBit();
  if (hub && (bit == hub || others == hub)) {
    // The I/O hub reads as DRAM does, whoever has the line, and takes it over at a rate of its own;
    // what it has is on its way back to DRAM.
    if (m.kind == MSG_GETX) latency = param(M_LAT_DMA_OWN);
  } else if (m.kind == MSG_GETS) {
    if (owned) {
      latency = remote(distance, M_LAT_DIE_LOAD, M_LAT_SOCKET_LOAD, M_LAT_FAR_LOAD);
      source = peer | HITM;
    }
  } else if (owned) {
    latency = remote(distance, M_LAT_DIE_OWN, M_LAT_SOCKET_OWN, M_LAT_FAR_OWN);
    source = peer | HITM;
  } else if (e.sharers & bit) {
    // An upgrade: it commits at the snoop response, and no data is waited for.
    latency = others ? upgrade(distance) : aloneUpgrade();
    source = others ? peer : SERVED_HOME;
    carriesData = false;
  } else if (others) {
    // The data comes from DRAM, the snoop response from those who share it.
    latency = max(latency, upgrade(distance));
  }
  const dramBus = homeBus(m.line, cluster);
  const bus = arbitrate(cluster, others, dramBus, m.time);
  busTime = bus;
  // Reads of a line that nobody owns do not queue behind one another.
  const queues = owned || m.kind == MSG_GETX;
  const start = queues ? max(bus, e.done) : bus;
  let snoop = start + latency / 2;
  if (queues) snoop = max(snoop, e.done + <u64>e.hold);
  let grant = snoop + (latency - latency / 2);
  if (carriesData) grant += transfer(busOf(cluster), owned ? busOf(e.owner - 1) : dramBus, bus);
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
  grantSource = source;
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

/** End of the latest address phase of a bus; behind it that of the latest data phase. */
// @ts-ignore: decorator
@inline
export function addressFree(bus: u32): usize {
  return replica + (<usize>bus << 4);
}

/**
 * The first cycle at which the address phase may begin on every bus that takes part; it is taken
 * there.
 */
function arbitrate(cluster: u32, others: u32, dramBus: u32, time: u64): u64 {
  const own = busOf(cluster);
  let start = max(time, load<u64>(addressFree(own)));
  let crossed = dramBus != own;
  let buses: u32 = (1 << own) | (1 << dramBus);
  if (crossed) start = max(start, load<u64>(addressFree(dramBus)));
  for (let left = others; left; left &= left - 1) {
    const bus = busOf(ctz(left));
    if ((buses >> bus) & 1) continue;
    buses |= 1 << bus;
    start = max(start, load<u64>(addressFree(bus)));
    crossed = true;
  }
  check(own < BUS_LIMIT);
  addressBuses = buses;
  countBus(own, BUS_WAITED_CYCLES, start - time);
  for (let left = buses; left; left &= left - 1) {
    const stall: u64 = crossed ? param(M_SNOOP_STALL) : 0;
    store<u64>(addressFree(ctz(left)), start + busAddress + stall);
    countBus(ctz(left), BUS_ADDRESS_CYCLES, busAddress + stall);
    countBus(ctz(left), ctz(left) == own ? BUS_TRANSACTIONS : BUS_SNOOPS, 1);
  }
  return start;
}

/** A line moves between two buses, or on one: the cycles that it waits for them. */
function transfer(to: u32, from: u32, time: u64): u64 {
  const delay = occupyData(to, time);
  return from == to ? delay : max(delay, occupyData(from, time));
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
  dataBuses |= 1 << bus;
  countBus(bus, BUS_DATA_CYCLES, busData);
  return begin - time;
}
