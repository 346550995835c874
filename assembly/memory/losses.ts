// Losing lines: what a cluster's units give up at a boundary, to a sibling or to another cluster.
import { CLUSTER_DOWNGRADES, CLUSTER_INVALIDATIONS } from "../abi";
import { check } from "../check";
import {
  CAUSE_CLUSTER_READS, CAUSE_CLUSTER_WRITES, CAUSE_SIBLING_READS, CAUSE_SIBLING_WRITES,
  LEVEL_SHARED, TRACE_AGAIN,
} from "../trace-kinds";
import { Cluster, Loss, Request, addLoss, coreAt, enqueue, sharedOf, unitAt } from "./cluster";
import { NO_SLOT } from "./cache";
import { Core, nextThread } from "./core";
import { countCluster } from "./counters";
import { bitsOf, codeBit, dataBit, findCode, holdsData, loseLine } from "./l1";
import { MSHR_GRANTED, MSHR_WAITING, Mshr, findMshr, refreshNextGrant } from "./mshr";
import { tracing } from "./params";
import { GETI, GETX, INVALID, NEVER, SHARED } from "./protocol";
import { SharedLine, findShared } from "./shared-cache";
import { trace, traceLine } from "./trace";

/** No line has this number: RAM ends far below. */
export const NO_LINE: u32 = 0xffffffff;

/** The home agent takes the line away, or downgrades it, at the window boundary `time`. */
export function loseToHome(cluster: Cluster, time: u64, line: u32, toShared: bool): void {
  addLoss(cluster, time, line, toShared, 0, true);
}

/** At a boundary: the losses that are due take effect. */
export function applyLosses(cluster: Cluster, boundary: u64): void {
  if (cluster.nextLoss > boundary) return;
  let kept: u32 = 0;
  let next = NEVER;
  // Losses of one line are applied in the order in which they were decided; the list may shrink
  // under us, so the count is read anew each time.
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    if (loss.time <= boundary) {
      applyLoss(cluster, loss);
      continue;
    }
    if (loss.time < next) next = loss.time;
    if (kept != i) {
      memory.copy(changetype<usize>(Loss.at(cluster, kept)), changetype<usize>(loss), Loss.BYTES);
    }
    kept++;
  }
  cluster.losses = kept;
  cluster.nextLoss = next;
}

function applyLoss(cluster: Cluster, loss: Loss): void {
  const line = loss.line;
  const toShared = loss.toShared != 0;
  const before = cluster.requests;
  for (let unit: u32 = 0; unit < cluster.units; unit++) {
    if (loss.keep == <u8>(unit + 1)) continue;
    const core = unitAt(cluster, unit);
    loseLine(core, line, toShared, loss.time, causeOf(loss));
    withdrawGrants(cluster, core, line, toShared, loss.time, loss.home ? NEVER : loss.order);
  }
  if (!loss.home) return;
  keepTurns(cluster, before);
  countCluster(cluster.id, toShared ? CLUSTER_DOWNGRADES : CLUSTER_INVALIDATIONS);
  cancelLocalLosses(cluster, line);
  const shared = findShared(sharedOf(cluster), line);
  const state: u8 = toShared ? SHARED : INVALID;
  if (tracing) {
    // Recorded as it is counted: also where the cluster has dropped the line meanwhile.
    const before = shared ? changetype<SharedLine>(changetype<usize>(shared)).state : INVALID;
    const after = shared ? state : INVALID;
    traceLine(loss.time, coreAt(cluster, 0), LEVEL_SHARED, line, before, after, causeOf(loss));
  }
  if (!shared) return;
  const s = changetype<SharedLine>(changetype<usize>(shared));
  s.owner = 0;
  s.state = state;
  s.presence = toShared ? holders(cluster, line) : 0;
}

/** CAUSE_* */
function causeOf(loss: Loss): u32 {
  if (loss.home) return loss.toShared ? CAUSE_CLUSTER_READS : CAUSE_CLUSTER_WRITES;
  return loss.toShared ? CAUSE_SIBLING_READS : CAUSE_SIBLING_WRITES;
}

/**
 * The requests from `before` on, made void by one loss, are served in the order in which their
 * grants were to come. By slots alone, of many CPUs that want a line which another cluster keeps
 * taking away, those with the last slots would never have it.
 */
function keepTurns(cluster: Cluster, before: u32): void {
  for (let i = before; i < cluster.requests; i++) {
    const r = Request.at(cluster, i);
    const order = grantOrder(cluster, r);
    let turn: u32 = 1;
    for (let other = before; other < cluster.requests; other++) {
      turn += <u32>(grantOrder(cluster, Request.at(cluster, other)) < order);
    }
    r.turn = <u8>turn;
  }
}

function grantOrder(cluster: Cluster, r: Request): u64 {
  const found = findMshr(coreAt(cluster, r.slot), r.line);
  check(found != null);
  return changetype<Mshr>(changetype<usize>(found)).order;
}

/**
 * A line promised to threads of the unit of `core` by their own cluster for a cycle after the loss
 * is not to come: the requests are made again, at the time of the loss. Grants of the home agent,
 * and of siblings decided from `order` on, stay: they are of a later tenancy.
 */
export function withdrawGrants(
  cluster: Cluster, core: usize, line: u32, toShared: bool, time: u64, order: u64,
): void {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    withdrawGrant(cluster, t, line, toShared, time, order);
  }
}

function withdrawGrant(
  cluster: Cluster, core: usize, line: u32, toShared: bool, time: u64, order: u64,
): void {
  const found = findMshr(core, line);
  if (!found) return;
  const m = changetype<Mshr>(changetype<usize>(found));
  if (m.status != MSHR_GRANTED || (toShared && m.state == SHARED)) return;
  if (m.local) {
    // What the unit's own L2 promised is of the tenancy that ends; a shared copy it still has.
    if (toShared && m.kind != GETX) {
      m.state = SHARED;
      return;
    }
  } else if (m.home || m.order >= order) {
    return;
  }
  withdraw(cluster, core, m, time);
}

/** The grant is void; the request is made again, at cycle `time`. */
function withdraw(cluster: Cluster, core: usize, m: Mshr, time: u64): void {
  m.status = MSHR_WAITING;
  m.home = 0;
  m.local = 0;
  m.grant = NEVER;
  m.time = time;
  if (tracing) {
    trace(time, Core.of(core).cpu, TRACE_AGAIN, 0, 64, <u64>m.line << 6, m.kind);
  }
  refreshNextGrant(core);
  enqueue(cluster, m.line, m.kind, Core.of(core).slot, m.hold, time);
}

/** The private L2 drops the line at cycle `time`: what it promised the unit's threads is void. */
export function withdrawLocal(core: usize, line: u32, time: u64): void {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.status == MSHR_GRANTED && m.local) withdraw(Cluster.of(Core.of(t).cluster), t, m, time);
  }
}

/**
 * A thread of the unit is going to write the line: a sibling's fetch of it that is on its way would
 * arrive beside the written copy, or after it. It is made again, and waits for that copy.
 */
export function withdrawCode(cluster: Cluster, core: usize, line: u32, time: u64): void {
  if (!Core.of(core).sibling) return;
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.kind == GETI && m.status == MSHR_GRANTED) withdraw(cluster, t, m, time);
  }
}

/**
 * Hand-overs between siblings that were still to come are void once the cluster has lost the line.
 */
export function cancelLocalLosses(cluster: Cluster, line: u32): void {
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    // Marked, not removed: applyLosses() is walking the list. A loss that keeps everybody does
    // nothing.
    if (loss.line == line && !loss.home) loss.line = NO_LINE;
  }
}

/** Presence bits from what the units hold or were promised. */
function holders(cluster: Cluster, line: u32): u32 {
  let presence: u32 = 0;
  for (let unit: u32 = 0; unit < cluster.units; unit++) {
    const core = unitAt(cluster, unit);
    if (holdsData(core, line)) presence |= dataBit(unit);
    if (findCode(core, line) != NO_SLOT) presence |= codeBit(unit);
    for (let t = core; t; t = nextThread(t)) {
      const found = findMshr(t, line);
      if (!found) continue;
      const m = changetype<Mshr>(changetype<usize>(found));
      if (m.status == MSHR_GRANTED && !m.home) presence |= bitsOf(m.kind, unit);
    }
  }
  return presence;
}
