// What the protocol promises at every window boundary, over the whole machine: single writer or
// multiple readers, inclusion, filters that name only what the unit holds, and an exact directory.
// A test asks after any number of windows; the engine itself asks after each one while M_CHECK is
// set.
import { CORE_FILTER, CORE_L1D, CORE_L1I, M_CLUSTERS, M_CPUS } from "../abi";
import { Line, NO_SLOT } from "../memory/cache";
import { Cluster, hasLoss, sharedOf, unitAt } from "../memory/cluster";
import { Core, coreOf, nextThread } from "../memory/core";
import { FETCH_ENTRIES, FetchEntry } from "../memory/fetch-filter";
import { FILTER_ENTRIES, Filter } from "../memory/filter";
import { codeBit, dataBit, findCode, findData, holdsData } from "../memory/l1";
import { MSHR_GRANTED, Mshr, findMshr } from "../memory/mshr";
import {
  l1Sets, l1Ways, l2Sets, l2Ways, param, ramBase, sharedSets, sharedWays,
} from "../memory/params";
import { findPrivate } from "../memory/private-cache";
import { EXCLUSIVE, GETI, INVALID } from "../memory/protocol";
import { SharedLine, findShared } from "../memory/shared-cache";

/** Which promise is broken. */
export const COHERENT: u32 = 0;
export const NOT_INCLUDED: u32 = 1; // a unit's line is missing in the shared cache
export const NOT_PRESENT: u32 = 2; // the directory does not know of a unit's line
export const CLUSTER_LACKS_RIGHT: u32 = 3; // a unit owns what its cluster only shares
export const TWO_WRITERS: u32 = 4; // an owned line has another copy in the cluster
export const CLUSTERS_CONFLICT: u32 = 5; // a line is owned by one cluster and held by another
export const NOT_IN_L2: u32 = 6; // an L1D line is missing in the private L2, or owned there less
export const FILTER_STALE: u32 = 7; // a thread's filter names a line that its unit does not hold
export const DIRECTORY_STALE: u32 = 8; // the directory names a unit without copy and request
export const OWNER_STALE: u32 = 9; // ... an owner that neither owns nor is going to

/** The directories are looked through only when they are as small as those of a test. */
const EXACT_LINES: u32 = 4096;

/** COHERENT, or the first broken promise | line << 8. */
export function coherence(): u64 {
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    const cluster = Cluster.of(id);
    for (let unit: u32 = 0; unit < cluster.units; unit++) {
      const broken = checkUnit(cluster, unitAt(cluster, unit));
      if (broken) return broken;
    }
    const broken = sharedSets * sharedWays <= EXACT_LINES ? checkDirectory(cluster) : COHERENT;
    if (broken) return broken;
  }
  return COHERENT;
}

function checkUnit(cluster: Cluster, core: usize): u64 {
  for (let slot: u32 = 0; slot < l1Sets * l1Ways; slot++) {
    const data = Line.at(core + CORE_L1D, slot);
    const code = Line.at(core + CORE_L1I, slot);
    let broken = data.state != INVALID ? checkLine(cluster, core, data, false) : COHERENT;
    if (!broken && data.state != INVALID && l2Sets) broken = checkLevel2(core, data);
    if (broken) return report(data.tag, broken);
    broken = code.state != INVALID ? checkLine(cluster, core, code, true) : COHERENT;
    if (broken) return report(code.tag, broken);
  }
  for (let slot: u32 = 0; slot < l2Sets * l2Ways; slot++) {
    const line = Line.at(<usize>Core.of(core).l2, slot);
    const broken = line.state != INVALID ? checkLine(cluster, core, line, false) : COHERENT;
    if (broken) return report(line.tag, broken);
  }
  for (let t = core; t; t = nextThread(t)) {
    const broken = checkFilters(t);
    if (broken) return broken;
  }
  return COHERENT;
}

function report(line: u32, broken: u32): u64 {
  return broken ? ((<u64>line) << 8) | broken : COHERENT;
}

/** A line of a unit against the rest of the machine. */
function checkLine(cluster: Cluster, core: usize, line: Line, code: bool): u32 {
  const c = Core.of(core);
  const tag = line.tag;
  const found = findShared(sharedOf(cluster), tag);
  if (!found) return NOT_INCLUDED;
  const shared = changetype<SharedLine>(changetype<usize>(found));
  if (line.state >= EXCLUSIVE) {
    if (shared.state < EXCLUSIVE) return CLUSTER_LACKS_RIGHT;
    for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
      const other = coreOf(cpu);
      if (Core.of(other).thread) continue;
      if (other != core && (holdsData(other, tag) || findData(other, tag) != NO_SLOT)) {
        return TWO_WRITERS;
      }
      if (findCode(other, tag) != NO_SLOT) return TWO_WRITERS;
    }
  }
  // A hand-over that is decided but not yet due has already moved the presence bits.
  const bit = code ? codeBit(c.unit) : dataBit(c.unit);
  if (!(shared.presence & bit) && !hasLoss(cluster, tag)) return NOT_PRESENT;
  if (shared.state < EXCLUSIVE) return COHERENT;
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    if (id != c.cluster && findShared(sharedOf(Cluster.of(id)), tag)) return CLUSTERS_CONFLICT;
  }
  return COHERENT;
}

function checkLevel2(core: usize, data: Line): u32 {
  const found = findPrivate(core, data.tag);
  if (!found) return NOT_IN_L2;
  const owned = changetype<Line>(changetype<usize>(found)).state >= EXCLUSIVE;
  return data.state >= EXCLUSIVE && !owned ? NOT_IN_L2 : COHERENT;
}

/** What a thread reads or executes without asking the port is in its unit's L1s. */
function checkFilters(core: usize): u64 {
  for (let i: u32 = 0; i < FILTER_ENTRIES; i++) {
    const e = changetype<Filter>(core + CORE_FILTER + (<usize>i << 4));
    // Linear addresses are multiples of a line; an empty entry is odd, or was never used.
    if (e.tag & 63 || !e.delta) continue;
    const line = <u32>(<usize>(<u32>e.tag + e.delta) - ramBase) >>> 6;
    if (findData(core, line) == NO_SLOT) return report(line, FILTER_STALE);
  }
  for (let i: u32 = 0; i < FETCH_ENTRIES; i++) {
    const e = FetchEntry.at(core, i);
    if (e.tag & 62 || !e.tag) continue;
    if (findCode(core, e.physLine) == NO_SLOT) return report(e.physLine, FILTER_STALE);
  }
  return COHERENT;
}

/** Every bit of the directory speaks of a copy, or of a request that may bring one. */
function checkDirectory(cluster: Cluster): u64 {
  for (let slot: u32 = 0; slot < sharedSets * sharedWays; slot++) {
    const s = SharedLine.at(sharedOf(cluster), slot);
    if (s.state == INVALID || hasLoss(cluster, s.tag)) continue;
    for (let unit: u32 = 0; unit < cluster.units; unit++) {
      const core = unitAt(cluster, unit);
      const asked = asks(core, s.tag);
      if (s.presence & dataBit(unit) && !holdsData(core, s.tag) && !asked) {
        return report(s.tag, DIRECTORY_STALE);
      }
      if (s.presence & codeBit(unit) && findCode(core, s.tag) == NO_SLOT && !asked) {
        return report(s.tag, DIRECTORY_STALE);
      }
      if (s.owner == <u8>(unit + 1) && !owns(core, s.tag)) return report(s.tag, OWNER_STALE);
    }
  }
  return COHERENT;
}

/** A thread of the unit has a request for the line. */
function asks(core: usize, line: u32): bool {
  for (let t = core; t; t = nextThread(t)) if (findMshr(t, line)) return true;
  return false;
}

/** The unit has the line in E or M, or was promised it so. */
function owns(core: usize, line: u32): bool {
  const slot = findData(core, line);
  if (slot != NO_SLOT && Line.at(core + CORE_L1D, slot).state >= EXCLUSIVE) return true;
  if (l2Sets) {
    const found = findPrivate(core, line);
    if (found && changetype<Line>(changetype<usize>(found)).state >= EXCLUSIVE) return true;
  }
  for (let t = core; t; t = nextThread(t)) {
    const found = findMshr(t, line);
    if (!found) continue;
    const m = changetype<Mshr>(changetype<usize>(found));
    if (m.status == MSHR_GRANTED && m.kind != GETI && m.state >= EXCLUSIVE) return true;
  }
  return false;
}
