// A machine at the end of a window as a short string of bytes, and back. Two machines with the same
// string have the same future, so the strings of all reachable ones are a finite set:
//   - times are relative to the window that comes next, and one so far back that it can no longer
//     win a max() is just long ago;
//   - orders of decisions are ranks;
//   - values are not told: nothing in the engine depends on one;
//   - of a cache in which every line fits, neither places nor ages are told;
//   - clusters side by side on one bus of one package may change places (`symmetric`).
// What only speeds a look-up is left out: filters, Core.sbSlot, masks. A test compares a machine
// that goes on with one that is made anew from its string before every window.
import { check } from "../../check";
import { M_BUSES, M_CLUSTER_BUS, M_CLUSTER_PACKAGE, M_CLUSTERS } from "../../abi";
import {
  Cluster, Loss, Request, addLoss, addPending, coreAt, enqueue, isPending, sharedOf,
} from "../../memory/cluster";
import { Core } from "../../memory/core";
import { Entry, addressFree } from "../../memory/home";
import { NO_LINE } from "../../memory/losses";
import { MSHR_FREE, MSHR_GRANTED, Mshr } from "../../memory/mshr";
import { sharedSets, sharedWays, param, paramByte } from "../../memory/params";
import { INVALID, NEVER } from "../../memory/protocol";
import { SharedLine, findShared } from "../../memory/shared-cache";
import { codecAt, openCodec, put, putTime, take, takeTime } from "./codec";
import { putCore, takeCore, takeRam } from "./core-state";
import { RANKS_BYTES, addRank, openRanks, rankCount, rankOf } from "./ranks";
import { LINE_LIMIT } from "./shadow";

/** A loss that was cancelled is still in the list, and in Cluster.nextLoss. */
const CANCELLED: u32 = 255;
const CLUSTER_LIMIT: u32 = 8;
const STRING_LIMIT: usize = 512;
export const STATE_BYTES: usize = 4096;
export const SCRATCH_BYTES: usize =
  RANKS_BYTES + 8 * <usize>LINE_LIMIT + <usize>CLUSTER_LIMIT * (STRING_LIMIT + 8);

let ranks: usize = 0;
let tokens: usize = 0;
let strings: usize = 0;
let lines: u32 = 0;
let symmetric: bool = false;

export function openState(scratch: usize, lineCount: u32, mayPermute: bool): void {
  ranks = scratch;
  tokens = ranks + RANKS_BYTES;
  strings = tokens + 8 * <usize>LINE_LIMIT;
  lines = lineCount;
  symmetric = mayPermute;
  check(lines <= LINE_LIMIT && param(M_CLUSTERS) <= CLUSTER_LIMIT);
  check(sharedSets == 1 && sharedWays >= lines);
}

// A cluster's string: 0 | length u32 | 4 | id u32 | 8 | bytes
// @ts-ignore: decorator
@inline
function stringAt(index: u32): usize {
  return strings + <usize>index * (STRING_LIMIT + 8);
}

/** Writes the machine to `at`; the next window begins at cycle `now`. Returns the length. */
export function putState(at: usize, now: u64): u32 {
  const clusters = param(M_CLUSTERS);
  const since = oldest(now);
  for (let id: u32 = 0; id < clusters; id++) {
    const string = stringAt(id);
    openCodec(string + 8, now);
    putCluster(Cluster.of(id), now, since);
    store<u32>(string, <u32>(codecAt() - string - 8));
    check(codecAt() - string <= STRING_LIMIT);
  }
  let to = at;
  for (let id: u32 = 0; id < clusters; id++) {
    const string = stringAt(symmetric ? smallest(id, clusters) : id);
    memory.copy(to, string + 8, load<u32>(string));
    to += load<u32>(string);
  }
  openCodec(to, now);
  for (let line: u32 = 0; line < lines; line++) {
    const e = Entry.of(line);
    const over = e.done + e.hold <= since;
    putTime(over ? 0 : e.done, 1);
    put(over ? 0 : e.hold);
  }
  for (let bus: u32 = 0; bus < param(M_BUSES); bus++) {
    putTime(load<u64>(addressFree(bus)), since);
    putTime(load<u64>(addressFree(bus) + 8), since);
  }
  return <u32>(codecAt() - at);
}

/** The latest cycle such that nothing to come asks for an earlier one. */
function oldest(now: u64): u64 {
  let time = now - 1;
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    const cluster = Cluster.of(id);
    for (let i: u32 = 0; i < cluster.requests; i++) {
      time = min(time, Request.at(cluster, i).time);
    }
  }
  return time;
}

/**
 * Selection sort: brings the smallest string of those from `id` on that may stand at place `id`
 * there.
 */
function smallest(id: u32, clusters: u32): u32 {
  let best = id;
  for (let i = id + 1; i < clusters && alike(id, i); i++) {
    if (compare(stringAt(i), stringAt(best)) < 0) best = i;
  }
  if (best != id) {
    // Past the last string there is room for one more.
    const bytes = STRING_LIMIT + 8;
    const spare = stringAt(CLUSTER_LIMIT - 1);
    check(clusters < CLUSTER_LIMIT);
    memory.copy(spare, stringAt(id), bytes);
    memory.copy(stringAt(id), stringAt(best), bytes);
    memory.copy(stringAt(best), spare, bytes);
  }
  return id;
}

function alike(a: u32, b: u32): bool {
  return paramByte(M_CLUSTER_PACKAGE, a) == paramByte(M_CLUSTER_PACKAGE, b) &&
    paramByte(M_CLUSTER_BUS, a) == paramByte(M_CLUSTER_BUS, b) &&
    Cluster.of(a).cores == Cluster.of(b).cores;
}

function compare(a: usize, b: usize): i32 {
  const lengths = <i32>load<u32>(a) - <i32>load<u32>(b);
  return lengths ? lengths : memory.compare(a + 8, b + 8, load<u32>(a));
}

function putCluster(cluster: Cluster, now: u64, since: u64): void {
  openRanks(ranks);
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    const core = coreAt(cluster, slot);
    let left = Core.of(core).misses;
    for (let i: u32 = 0; left; i++) {
      const m = Mshr.at(core, i);
      if (m.status == MSHR_FREE) continue;
      left--;
      if (m.status == MSHR_GRANTED && !m.home) addRank(m.order);
    }
  }
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    if (!loss.home && loss.line != NO_LINE) addRank(loss.order);
  }
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    putCore(coreAt(cluster, slot), lines, now);
  }
  put(rankCount());
  putTime(cluster.nextEvent, now);
  put(cluster.requests);
  for (let i: u32 = 0; i < cluster.requests; i++) {
    const r = Request.at(cluster, i);
    put(r.line | (<u32>r.kind << 4));
    put(r.slot);
    put(r.hold);
    put(r.turn);
    putTime(r.time, 0);
  }
  put(cluster.losses);
  for (let i: u32 = 0; i < cluster.losses; i++) {
    const loss = Loss.at(cluster, i);
    const cancelled = loss.line == NO_LINE;
    putTime(loss.time, 0);
    put(cancelled ? CANCELLED : loss.line | (<u32>loss.toShared << 4) | (<u32>loss.home << 5));
    put(loss.keep);
    put(cancelled || loss.home ? 0 : rankOf(loss.order));
  }
  for (let line: u32 = 0; line < lines; line++) putShared(cluster, line, since);
}

/** What the shared cache and the home agent know of the cluster and a line. */
function putShared(cluster: Cluster, line: u32, since: u64): void {
  const e = Entry.of(line);
  const sharer = (e.sharers >> cluster.id) & 1;
  const owner = <u32>(e.owner == <u8>(cluster.id + 1));
  const pending = <u32>isPending(cluster, line);
  const found = findShared(sharedOf(cluster), line);
  const state = found ? changetype<SharedLine>(changetype<usize>(found)).state : INVALID;
  put(sharer | (owner << 1) | (pending << 2) | (<u32>state << 3));
  if (!found) return;
  const s = changetype<SharedLine>(changetype<usize>(found));
  const over = s.done + s.hold <= since;
  put(s.owner | (<u32>s.pending << 7));
  put(s.presence & 0xff);
  put((s.presence >>> 16) & 0xff);
  putTime(over ? 0 : s.done, 1);
  put(over ? 0 : s.hold);
}

/** Makes the machine what putState() wrote to `at`, its next window beginning at cycle `now`. */
export function takeState(at: usize, now: u64): void {
  openCodec(at, now);
  takeRam(lines, tokens);
  for (let line: u32 = 0; line < lines; line++) {
    const e = Entry.of(line);
    e.sharers = 0;
    e.owner = 0;
  }
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) takeCluster(Cluster.of(id), now);
  for (let line: u32 = 0; line < lines; line++) {
    const e = Entry.of(line);
    e.done = takeTime();
    e.hold = <u8>take();
  }
  for (let bus: u32 = 0; bus < param(M_BUSES); bus++) {
    store<u64>(addressFree(bus), takeTime());
    store<u64>(addressFree(bus) + 8, takeTime());
  }
}

function takeCluster(cluster: Cluster, now: u64): void {
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    takeCore(coreAt(cluster, slot), lines, now, tokens);
  }
  cluster.decisions = take();
  cluster.nextEvent = takeTime();
  cluster.requests = 0;
  for (let left = take(); left; left--) {
    const flags = take();
    const slot = take();
    const hold = <u8>take();
    const turn = <u8>take();
    enqueue(cluster, flags & 15, <u8>(flags >>> 4), slot, hold, takeTime());
    Request.at(cluster, cluster.requests - 1).turn = turn;
  }
  cluster.losses = 0;
  cluster.nextLoss = NEVER;
  for (let left = take(); left; left--) {
    const time = takeTime();
    const flags = take();
    const keep = take();
    const cancelled = flags == CANCELLED;
    addLoss(
      cluster, time, cancelled ? NO_LINE : flags & 15, (flags & 16) != 0, keep,
      !cancelled && flags >>> 5 != 0,
    );
    Loss.at(cluster, cluster.losses - 1).order = take();
  }
  cluster.pending = 0;
  for (let line: u32 = 0; line < lines; line++) takeShared(cluster, line);
}

function takeShared(cluster: Cluster, line: u32): void {
  const flags = take();
  const e = Entry.of(line);
  e.sharers |= (flags & 1) << cluster.id;
  if (flags & 2) e.owner = <u8>(cluster.id + 1);
  if (flags & 4) addPending(cluster, line);
  const s = SharedLine.at(sharedOf(cluster), line);
  s.tag = line;
  s.state = <u8>(flags >>> 3);
  if (s.state == INVALID) return;
  const owner = take();
  s.owner = <u8>(owner & 127);
  s.pending = <u8>(owner >>> 7);
  s.presence = take();
  s.presence |= take() << 16;
  s.done = takeTime();
  s.hold = <u8>take();
}
