// Lines that come: from the home agent into the shared cache at the start of the window of their
// grant, from there into the caches of a unit at the grant, and what they push out.
import { check } from "../check";
import { CLUSTER_EVICTIONS, CLUSTER_WRITEBACKS } from "../abi";
import {
  CAUSE_CODE, CAUSE_EVICTED, CAUSE_FILL, CAUSE_INCLUSION, CAUSE_SIBLING_WRITES, CAUSE_WRITTEN_BACK,
  LEVEL_PRIVATE, LEVEL_SHARED,
} from "../trace-kinds";
import { Line } from "./cache";
import { Cluster, coreAt, sharedOf, removePending, unitAt } from "./cluster";
import { Core } from "./core";
import { countCluster } from "./counters";
import {
  bitsOf, evictPrivate, fillCode, fillData, fillPrivate, isModified, loseCode, loseLine,
  privatePlace,
} from "./l1";
import { cancelLocalLosses, withdrawCode, withdrawGrants, withdrawLocal } from "./losses";
import { findPrivate } from "./private-cache";
import { post } from "./message";
import {
  MSHR_FREE, MSHR_GRANTED, MSHR_LIMIT, MSHR_WAITING, Mshr, findMshr, grantMshr,
} from "./mshr";
import { tracing } from "./params";
import { EXCLUSIVE, GETI, GETX, INVALID, MODIFIED, MSG_PUT, NEVER, SHARED } from "./protocol";
import { SharedLine, findShared, victimShared } from "./shared-cache";
import { traceLine } from "./trace";

/**
 * The home agent's answer: `line` comes to `core` at cycle `grant` in `state`. Known before its
 * window begins.
 */
export function grantFromHome(
  core: usize, line: u32, grant: u64, state: u8, source: u32,
): void {
  const found = findMshr(core, line);
  check(found != null);
  const m = changetype<Mshr>(changetype<usize>(found));
  check(m.status == MSHR_WAITING);
  m.home = 1;
  grantMshr(core, m, grant, state, source);
}

/**
 * At the start of a window: lines that the home agent grants within it enter the shared cache, in
 * the order of the slots; each is usable from its grant on (SharedLine.done).
 */
export function installGrants(cluster: Cluster, start: u64, end: u64): void {
  if (!cluster.pending) return;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    const core = coreAt(cluster, slot);
    if (Core.of(core).nextGrant >= end) continue;
    let left = Core.of(core).misses;
    for (let i: u32 = 0; left && i < MSHR_LIMIT; i++) {
      const m = Mshr.at(core, i);
      if (m.status == MSHR_FREE) continue;
      left--;
      if (m.status == MSHR_GRANTED && m.home == 1 && m.grant < end) {
        install(cluster, core, m, start);
      }
    }
  }
}

function install(cluster: Cluster, core: usize, m: Mshr, start: u64): void {
  const c = Core.of(core);
  // 2: in the shared cache; from here on a loss of the cluster comes after the grant.
  m.home = 2;
  removePending(cluster, m.line);
  let s: SharedLine;
  const shared = findShared(sharedOf(cluster), m.line);
  if (shared) {
    s = changetype<SharedLine>(changetype<usize>(shared));
  } else {
    s = victimShared(sharedOf(cluster), m.line, start);
    if (s.state != INVALID) evictShared(cluster, s, start);
    s.tag = m.line;
    s.presence = 0;
  }
  if (tracing && s.state != m.state) {
    traceLine(m.grant, coreAt(cluster, 0), LEVEL_SHARED, m.line, s.state, m.state, CAUSE_FILL);
  }
  s.pending = 0;
  s.state = m.state;
  s.owner = 0;
  s.hold = m.hold;
  s.done = m.grant;
  s.lru = m.time;
  if (m.kind == GETX) {
    for (let unit: u32 = 0; unit < cluster.units; unit++) {
      // Units that still shared the line lose it with the clusters that the home agent snooped.
      if (unit == c.unit) continue;
      loseLine(unitAt(cluster, unit), m.line, false, start, CAUSE_SIBLING_WRITES);
      withdrawGrants(cluster, unitAt(cluster, unit), m.line, false, start, NEVER);
    }
    loseCode(core, m.line, start, CAUSE_CODE);
    withdrawCode(cluster, core, m.line, start);
    s.presence = 0;
  }
  s.presence |= bitsOf(m.kind, c.unit);
  if (m.state >= EXCLUSIVE && m.kind != GETI) s.owner = <u8>(c.unit + 1);
}

/**
 * Inclusion: a line that leaves the shared cache leaves the L1s; the home agent is told before this
 * window's requests.
 */
export function evictShared(cluster: Cluster, s: SharedLine, start: u64): void {
  const line = s.tag;
  let dirty = s.state == MODIFIED;
  for (let unit: u32 = 0; unit < cluster.units; unit++) {
    const core = unitAt(cluster, unit);
    if (isModified(core, line)) dirty = true;
    loseLine(core, line, false, start, CAUSE_INCLUSION);
    withdrawGrants(cluster, core, line, false, start, NEVER);
  }
  cancelLocalLosses(cluster, line);
  if (tracing) {
    const cause = dirty ? CAUSE_WRITTEN_BACK : CAUSE_EVICTED;
    traceLine(start, coreAt(cluster, 0), LEVEL_SHARED, line, s.state, INVALID, cause);
  }
  s.state = INVALID;
  countCluster(cluster.id, CLUSTER_EVICTIONS);
  if (dirty) countCluster(cluster.id, CLUSTER_WRITEBACKS);
  post(start - 1, Core.of(coreAt(cluster, 0)).cpu, MSG_PUT, cluster.id, line, 0, <u64>dirty);
}

/** What `m` was granted arrives in the unit at cycle `time`. */
export function fillUnit(core: usize, m: Mshr, time: u64): void {
  if (Core.of(core).l2) fillLevel2(core, m, time);
  if (m.kind == GETI) fillCode(core, m.line, time);
  else fillData(core, m.line, m.state, time);
}

function fillLevel2(core: usize, m: Mshr, time: u64): void {
  // Code is shared, even where the cluster may own it.
  const state: u8 = m.kind == GETI ? SHARED : m.state;
  const found = findPrivate(core, m.line);
  if (found) {
    const l = changetype<Line>(changetype<usize>(found));
    // A sibling may have brought it in meanwhile, in a better state.
    if (tracing && l.state < state) {
      traceLine(time, core, LEVEL_PRIVATE, m.line, l.state, state, CAUSE_FILL);
    }
    if (l.state < state) l.state = state;
    if (l.lru < time) l.lru = time;
    return;
  }
  // What the L2 promised it still has: a line that leaves it takes its promises with it.
  check(!m.local);
  const place = privatePlace(core, m.line);
  if (place.state != INVALID) {
    withdrawLocal(core, place.tag, time);
    evictPrivate(core, place, time);
  }
  fillPrivate(core, place, m.line, state, time);
}
