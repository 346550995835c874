// The agent of a cluster: serves its CPUs' requests from the shared cache, moves lines between its
// units, and asks the home agent for the rest. Requests that touch a sibling are served at the
// boundary between two quanta, in the order (time, slot); a loss takes effect at a boundary and the
// winner's grant never before it, so inside a quantum no two cores of the cluster touch the same
// line with one of them writing.
import { CLUSTER_HANDOVERS, HITM, SERVED_L2, SERVED_LLC, SERVED_SIBLING } from "../abi";
import { check } from "../check";
import {
  CAUSE_CODE, CAUSE_SERVED, LEVEL_SHARED, TRACE_HANDOVER, TRACE_REQUEST,
} from "../trace-kinds";
import { NO_SLOT } from "./cache";
import {
  Cluster, Request, addLoss, addPending, coreAt, enqueue, isPending, losesLine, sharedOf,
} from "./cluster";
import { Line } from "./cache";
import { Core, nextThread } from "./core";
import { bitsOf, codeBit, dataBit, findData, loseCode, loseLine } from "./l1";
import { withdrawCode, withdrawGrants } from "./losses";
import { countCluster, countUpgrade } from "./counters";
import { post } from "./message";
import {
  FROM_SHARED, FROM_SIBLING_LOAD, FROM_SIBLING_UPGRADE, OTHERS_NONE, OTHERS_OWNER, OTHERS_SHARED,
  granted, servedFrom, siblingsKeep, snoops, transition,
} from "./mesi";
import { MSHR_GRANTED, Mshr, allocateMshr, findMshr, grantMshr } from "./mshr";
import {
  latL2, latShared, latSiblingLoad, latSiblingOwn, latSiblingUpgrade, nearestQuantum, nextQuantum,
  tracing,
} from "./params";
import { findPrivate } from "./private-cache";
import { EXCLUSIVE, GETI, GETX, MODIFIED, MSG_GETS, MSG_GETX, SHARED } from "./protocol";
import { SharedLine, findShared } from "./shared-cache";
import { trace, traceLine } from "./trace";

/**
 * A core asks for a line at cycle `time`: it is served at once when the unit's own L2 has it, or
 * the shared cache may give it and no other unit has a say; at the next boundary otherwise. At most
 * one request a line and core.
 */
export function ask(core: usize, line: u32, kind: u8, hold: u8, time: u64): void {
  const c = Core.of(core);
  const cluster = Cluster.of(c.cluster);
  const m = allocateMshr(core, line, kind, hold, time);
  const upgrade = kind == GETX && findData(core, line) != NO_SLOT;
  if (upgrade) countUpgrade(core);
  if (tracing) trace(time, c.cpu, TRACE_REQUEST, 0, 64, <u64>line << 6, kind, <u64>upgrade);
  const shared = findShared(sharedOf(cluster), line);
  if (shared) {
    const s = changetype<SharedLine>(changetype<usize>(shared));
    if (c.l2 && serveFromPrivate(core, c, s, m)) return;
    const quiet = !s.pending && mayServe(s, kind) && time >= s.done;
    if (quiet && !snoops(transition(kind, othersOf(s, c.unit)))) {
      serve(cluster, core, s, m, 0, false);
      return;
    }
  }
  enqueue(cluster, line, kind, c.slot, hold, time);
}

/** The unit's own L2 serves the request if it has the line and may: nobody else is asked. */
function serveFromPrivate(core: usize, c: Core, s: SharedLine, m: Mshr): bool {
  const found = findPrivate(core, m.line);
  if (!found) return false;
  const l = changetype<Line>(changetype<usize>(found));
  let state = l.state;
  if (m.kind == GETX) {
    if (state < EXCLUSIVE) return false;
    state = MODIFIED;
  } else if (m.kind == GETI) {
    // Owned, or about to be by a sibling, even if the directory has passed it on by then: the agent
    // downgrades it.
    if (state != SHARED || s.owner == <u8>(c.unit + 1) || promisedOwned(core, m.line)) return false;
    // The directory has given the copy away already, and may have promised the unit a new one: what
    // it says is not of this copy.
    if (losesLine(Cluster.of(c.cluster), m.line, c.unit)) return false;
    s.presence |= codeBit(c.unit);
  }
  if (l.lru < m.time) l.lru = m.time;
  m.local = 1;
  m.order = 0;
  grantMshr(core, m, m.time + latL2, state, SERVED_L2);
  return true;
}

/** A thread of the unit is going to own the line: the grant is on its way. */
function promisedOwned(core: usize, line: u32): bool {
  if (!Core.of(core).sibling) return false;
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.status == MSHR_GRANTED && m.state >= EXCLUSIVE) return true;
  }
  return false;
}

/** The cluster's own rights suffice for `kind`. */
// @ts-ignore: decorator
@inline
function mayServe(s: SharedLine, kind: u8): bool {
  return kind != GETX || s.state >= EXCLUSIVE;
}

/** What the other units of the cluster hold. */
function othersOf(s: SharedLine, unit: u32): u32 {
  if (s.owner && s.owner != <u8>(unit + 1)) return OTHERS_OWNER;
  return s.presence & ~(dataBit(unit) | codeBit(unit)) ? OTHERS_SHARED : OTHERS_NONE;
}

function latencyFrom(source: u8): u64 {
  if (source == FROM_SHARED) return latShared;
  if (source == FROM_SIBLING_LOAD) return latSiblingLoad;
  if (source == FROM_SIBLING_UPGRADE) return latSiblingUpgrade;
  return latSiblingOwn;
}

/** SERVED_* of a row of latencies. */
function sourceOf(from: u8): u32 {
  if (from == FROM_SHARED) return SERVED_LLC;
  if (from == FROM_SIBLING_UPGRADE) return SERVED_SIBLING;
  return SERVED_SIBLING | HITM;
}

/**
 * Serves a request inside the cluster. `boundary`: the end of the quantum; 0 when no sibling has a
 * say.
 */
function serve(
  cluster: Cluster, core: usize, s: SharedLine, m: Mshr, boundary: u64, alone: bool,
): void {
  const c = Core.of(core);
  const row = transition(m.kind, othersOf(s, c.unit));
  const latency = latencyFrom(servedFrom(row));
  const snooped = snoops(row);
  // A request to a line that is being handed over, or still on its way to the cluster, starts when
  // that is done.
  const start = max(m.time, s.done);
  let snoop = start + latency / 2;
  if (snooped) snoop = max(snoop, s.done + <u64>s.hold);
  let grant = snoop + (latency - latency / 2);
  if (!alone) grant = max(grant, boundary);
  if (snooped) {
    let lossAt = snoop;
    if (!alone || snoop >= boundary) {
      lossAt = max(nearestQuantum(snoop), boundary);
      while (lossAt <= s.done) lossAt = nextQuantum(lossAt);
    }
    grant = max(grant, lossAt);
    addLoss(cluster, lossAt, m.line, siblingsKeep(row) == SHARED, c.unit + 1, false);
    countCluster(cluster.id, CLUSTER_HANDOVERS);
    if (tracing) trace(start, c.cpu, TRACE_HANDOVER, 0, 64, <u64>m.line << 6, grant);
  }
  const before = s.state;
  let state = granted(row);
  if (m.kind == GETX) {
    // The unit's own code copy goes too: a line is either code or being written.
    loseCode(core, m.line, m.time, CAUSE_CODE);
    withdrawCode(cluster, core, m.line, m.time);
    s.presence = dataBit(c.unit);
    s.owner = <u8>(c.unit + 1);
    s.state = MODIFIED;
  } else {
    if (snooped) {
      s.owner = 0;
      s.state = MODIFIED;
    }
    if (m.kind == GETI) {
      if (s.owner) {
        loseLine(core, m.line, true, m.time, CAUSE_CODE);
        withdrawGrants(cluster, core, m.line, true, m.time, 0);
        s.owner = 0;
        s.state = MODIFIED;
      }
      s.presence |= bitsOf(GETI, c.unit);
      state = SHARED;
    } else {
      if (state == EXCLUSIVE && (s.state == SHARED || s.presence)) state = SHARED;
      if (state == EXCLUSIVE) s.owner = <u8>(c.unit + 1);
      s.presence |= dataBit(c.unit);
    }
  }
  if (tracing && s.state != before) {
    traceLine(m.time, coreAt(cluster, 0), LEVEL_SHARED, m.line, before, s.state, CAUSE_SERVED);
  }
  if (snooped || state >= EXCLUSIVE) {
    s.done = grant;
    s.hold = m.hold;
  }
  s.lru = max(s.lru, m.time);
  m.order = cluster.decisions++;
  grantMshr(core, m, grant, state, sourceOf(servedFrom(row)));
}

/**
 * At a boundary: serves the requests of the quantum that ends, in the order of (time, turn, slot).
 * `alone`: of the only core that does anything before `boundary`; its siblings lose lines at any
 * cycle then.
 */
export function serveRequests(cluster: Cluster, boundary: u64, alone: bool): void {
  if (!cluster.requests) return;
  sortRequests(cluster);
  let kept: u32 = 0;
  // Read anew: serving one request may withdraw what a sibling was promised, which asks again.
  for (let i: u32 = 0; i < cluster.requests; i++) {
    const r = Request.at(cluster, i);
    const core = coreAt(cluster, r.slot);
    const shared = findShared(sharedOf(cluster), r.line);
    if (isPending(cluster, r.line) || (shared && awaitsSibling(core, shared, r.kind, boundary))) {
      if (kept != i) {
        memory.copy(changetype<usize>(Request.at(cluster, kept)), changetype<usize>(r), 16);
      }
      kept++;
      continue;
    }
    const found = findMshr(core, r.line);
    check(found != null);
    const m = changetype<Mshr>(changetype<usize>(found));
    if (shared && mayServe(changetype<SharedLine>(changetype<usize>(shared)), r.kind)) {
      serve(cluster, core, changetype<SharedLine>(changetype<usize>(shared)), m, boundary, alone);
      continue;
    }
    if (shared) changetype<SharedLine>(changetype<usize>(shared)).pending = 1;
    addPending(cluster, r.line);
    const kind = r.kind == GETX ? MSG_GETX : MSG_GETS;
    post(r.time, Core.of(core).cpu, kind, cluster.id, r.line, r.kind, r.hold);
  }
  cluster.requests = kept;
}

/**
 * A fetch of a line that is still on its way to the unit's other thread, to be written: it is
 * served once that copy is there and can be downgraded.
 */
function awaitsSibling(core: usize, s: SharedLine, kind: u8, boundary: u64): bool {
  return kind == GETI && s.owner == <u8>(Core.of(core).unit + 1) && s.done >= boundary;
}

function sortRequests(cluster: Cluster): void {
  for (let i: u32 = 1; i < cluster.requests; i++) {
    const r = Request.at(cluster, i);
    const low = load<u64>(changetype<usize>(r));
    const high = load<u64>(changetype<usize>(r), 8);
    const slot = r.slot;
    const turn = r.turn;
    let j = i;
    while (j > 0) {
      const p = Request.at(cluster, j - 1);
      if (p.time < low) break;
      if (p.time == low && (p.turn < turn || (p.turn == turn && p.slot <= slot))) break;
      memory.copy(changetype<usize>(Request.at(cluster, j)), changetype<usize>(p), 16);
      j--;
    }
    store<u64>(changetype<usize>(Request.at(cluster, j)), low);
    store<u64>(changetype<usize>(Request.at(cluster, j)), high, 8);
  }
}
