// A cluster: the units (physical cores) that share a last-level cache, that cache, and the lists of
// what is under way in it. What is done with them: agent.ts (the CPUs' requests), losses.ts (lines
// that go), refill.ts (lines that come from the home agent).
import { check } from "../check";
import { M_CLUSTER_BASES, M_THREAD_LIMIT, M_UNIT_LIMIT } from "../abi";
import { paramAt } from "./params";
import { sharedCacheBytes } from "./shared-cache";

const REQUEST_LIMIT: u32 = 768;
const LOSS_LIMIT: u32 = 1024;
const PENDING_LIMIT: u32 = 768;

/**
 *     0 | id, cores, requests, losses, pending, units u32 | 24 | nextLoss u64 | 32 | nextEvent,
 *     decisions u64 | 48 | core bases u32[32] | 176 | bases of first threads u32[16] | 240
 *
 * A CPU has a slot, a physical core a unit number: the directory and the losses speak of units, the
 * requests and their order of slots. Siblings have neighbouring slots.
 */
@unmanaged
export class Cluster {
  id: u32;
  cores: u32;
  requests: u32;
  losses: u32;
  pending: u32;
  units: u32;
  /** Cycle of the earliest loss in the list, or NEVER. */
  nextLoss: u64;
  /** No core of the cluster has anything to do before this cycle. */
  nextEvent: u64;
  /** Requests served so far. */
  decisions: u64;

  @inline static of(id: u32): Cluster {
    return changetype<Cluster>(<usize>paramAt(M_CLUSTER_BASES, id));
  }
}

const CORES_AT: usize = 48;
const UNITS_AT: usize = CORES_AT + <usize>(M_UNIT_LIMIT * M_THREAD_LIMIT) * 4;
const REQUESTS_AT: usize = 256;
const LOSSES_AT: usize = REQUESTS_AT + <usize>REQUEST_LIMIT * 16;
const PENDING_AT: usize = LOSSES_AT + <usize>LOSS_LIMIT * 24;
const L2_AT: usize = PENDING_AT + <usize>PENDING_LIMIT * 4;

/** Bytes of a cluster block with its shared cache. */
export function clusterBytes(): usize {
  return L2_AT + sharedCacheBytes();
}

/**
 * A request of a core that waits for the next boundary.
 *
 *     0 | time u64 | 8 | line u32 | 12 | kind, slot, hold, turn u8 | 16
 *
 * Several of one cycle are served in the order of `turn`, then of the slots.
 */
@unmanaged
export class Request {
  time: u64;
  line: u32;
  kind: u8;
  slot: u8;
  hold: u8;
  /** Of requests whose grants a loss has made void: the order in which they were to come. */
  turn: u8;

  @inline static at(cluster: Cluster, index: u32): Request {
    return changetype<Request>(changetype<usize>(cluster) + REQUESTS_AT + (<usize>index << 4));
  }
}

/**
 * A loss that takes effect at cycle `time`.
 *
 *     0 | time u64 | 8 | line u32 | 12 | toShared, keep, home u8 | 16 | order u64 | 24
 */
@unmanaged
export class Loss {
  time: u64;
  line: u32;
  toShared: u8;
  /** 1 + the unit that does not lose, 0: all lose. */
  keep: u8;
  /** 1: the whole cluster loses the line to another one. */
  home: u8;
  pad0: u8;
  /**
   * Cluster.decisions when it was decided: grants of siblings decided later are of a later tenancy.
   */
  order: u64;
  static readonly BYTES: usize = 24;

  @inline static at(cluster: Cluster, index: u32): Loss {
    return changetype<Loss>(changetype<usize>(cluster) + LOSSES_AT + <usize>index * Loss.BYTES);
  }
}

// @ts-ignore: decorator
@inline
export function coreAt(cluster: Cluster, slot: u32): usize {
  return load<u32>(changetype<usize>(cluster) + CORES_AT + (<usize>slot << 2));
}

/** The first thread of a unit. */
// @ts-ignore: decorator
@inline
export function unitAt(cluster: Cluster, unit: u32): usize {
  return load<u32>(changetype<usize>(cluster) + UNITS_AT + (<usize>unit << 2));
}

/** Adds a CPU in the next slot, at setup; `first`: it is the first thread of the next unit. */
export function addCore(cluster: Cluster, core: usize, first: bool): void {
  check(cluster.cores < <u32>(M_UNIT_LIMIT * M_THREAD_LIMIT));
  store<u32>(changetype<usize>(cluster) + CORES_AT + (<usize>cluster.cores << 2), <u32>core);
  cluster.cores++;
  if (!first) return;
  check(cluster.units < <u32>M_UNIT_LIMIT);
  store<u32>(changetype<usize>(cluster) + UNITS_AT + (<usize>cluster.units << 2), <u32>core);
  cluster.units++;
}

/** The shared cache's array. */
// @ts-ignore: decorator
@inline
export function sharedOf(cluster: Cluster): usize {
  return changetype<usize>(cluster) + L2_AT;
}

/** Adds a request for the next boundary. */
export function enqueue(
  cluster: Cluster, line: u32, kind: u8, slot: u32, hold: u8, time: u64,
): void {
  check(cluster.requests < REQUEST_LIMIT);
  const r = Request.at(cluster, cluster.requests++);
  r.time = time;
  r.line = line;
  r.kind = kind;
  r.slot = <u8>slot;
  r.hold = hold;
  r.turn = 0;
}

/** Adds a loss for the boundary `time`; `keep`: 1 + the unit that does not lose, or 0. */
export function addLoss(
  cluster: Cluster, time: u64, line: u32, toShared: bool, keep: u32, home: bool,
): void {
  check(cluster.losses < LOSS_LIMIT);
  const loss = Loss.at(cluster, cluster.losses++);
  loss.time = time;
  loss.line = line;
  loss.toShared = <u8>toShared;
  loss.keep = <u8>keep;
  loss.home = <u8>home;
  loss.order = cluster.decisions;
  if (time < cluster.nextLoss) cluster.nextLoss = time;
}

/** A loss of the line is decided and still to come. */
export function hasLoss(cluster: Cluster, line: u32): bool {
  for (let i: u32 = 0; i < cluster.losses; i++) {
    if (Loss.at(cluster, i).line == line) return true;
  }
  return false;
}

/** ... by which this unit's copy goes. */
export function losesLine(cluster: Cluster, line: u32, unit: u32): bool {
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    if (loss.line == line && !loss.toShared && loss.keep != <u8>(unit + 1)) return true;
  }
  return false;
}

// @ts-ignore: decorator
@inline
function pendingAt(cluster: Cluster, index: u32): usize {
  return changetype<usize>(cluster) + PENDING_AT + (<usize>index << 2);
}

/** The `index`-th line for which a request is at the home agent. */
export function pendingLine(cluster: Cluster, index: u32): u32 {
  return load<u32>(pendingAt(cluster, index));
}

/** A request for the line is at the home agent. */
export function isPending(cluster: Cluster, line: u32): bool {
  for (let i: u32 = 0; i < cluster.pending; i++) {
    if (load<u32>(pendingAt(cluster, i)) == line) return true;
  }
  return false;
}

export function addPending(cluster: Cluster, line: u32): void {
  check(cluster.pending < PENDING_LIMIT);
  store<u32>(pendingAt(cluster, cluster.pending++), line);
}

export function removePending(cluster: Cluster, line: u32): void {
  for (let i: u32 = 0; i < cluster.pending; i++) {
    if (load<u32>(pendingAt(cluster, i)) != line) continue;
    cluster.pending--;
    store<u32>(pendingAt(cluster, i), load<u32>(pendingAt(cluster, cluster.pending)));
    return;
  }
  check(false);
}
