// The engine: time advances in windows; inside a window the clusters run on their own, at its end
// everything that crossed a component boundary is exchanged, put into one order and decided by
// every worker alike. So which worker runs which cluster never shows in a result.
import { check } from "../check";
import {
  MACHINE_BASE, M_BUS_COUNTERS, M_CHECK, M_CLUSTERS, M_CPUS, M_CPU_CLUSTER, M_CREW_DIGEST,
  M_CREW_START, M_CREW_WINDOWS, M_DECODE_BASES, M_HOME_BASES, M_HUB_BASE, M_INSTRUCTIONS,
  M_MAX_CYCLES, M_NOW, M_STOP_REASON, M_STOP_REQUEST, M_TRACE_BASES, M_WORKERS, STOP_BUDGET,
  STOP_CANCELLED, STOP_EXIT, STOP_INTERNAL, STOP_QUIESCENT,
} from "../abi";
import { hubAccess, hubEoi, hubGranted, hubStopped, runHub } from "../device/hub";
import { adoptFetches, forgetDecoded, openDecode } from "../isa/fetch";
import { traceTransaction } from "../memory/bus-trace";
import { Cluster } from "../memory/cluster";
import { Core, coreOf } from "../memory/core";
import { openBusCounters } from "../memory/counters";
import {
  grantSource, grantState, grantTime, homeTransact, losers, lossTime, lossToShared, openHome,
} from "../memory/home";
import { deliver } from "../memory/inbox";
import { loseToHome } from "../memory/losses";
import { Message, openOutbox, outboxCount } from "../memory/message";
import { loadParameters, param, paramAt, paramByte, tracing, windowCycles } from "../memory/params";
import { MSG_EOI, MSG_GETS, MSG_GETX, MSG_IO, MSG_PUT, NEVER } from "../memory/protocol";
import { grantFromHome } from "../memory/refill";
import { openTrace } from "../memory/trace";
import { Progress, awaitPeers, crew, publish } from "./barrier";
import { runCluster } from "./cluster-window";
import { changeCrew, dismiss, join, wantedCrew } from "./crew";
import { COHERENT, coherence } from "./invariant";
import { collect, messageAt, outboxOf } from "./mailbox";

/** Windows between two reports of progress, and between two looks at what the host wants. */
const REPORT_WINDOWS: u32 = 256;
/** The worker that runs the I/O hub. */
const HUB_WORKER: u32 = 0;

let self: u32 = 0;
let digest: u64 = 0;
/** The I/O hub as the home agent sees it. */
let hubCluster: u32 = 0;

/** Components are dealt out in turn. */
// @ts-ignore: decorator
@inline
function mine(cluster: u32): bool {
  return cluster % crew == self;
}

/** Also for the I/O hub as a cluster. */
function runsHere(cluster: u32): bool {
  return cluster == hubCluster ? self == HUB_WORKER : mine(cluster);
}

// @ts-ignore: decorator
@inline
function clusterOfCpu(cpu: u32): u32 {
  return paramByte(M_CPU_CLUSTER, cpu);
}

/** Makes this instance worker `worker` of the machine. */
export function openWorker(worker: u32): void {
  loadParameters();
  self = worker;
  digest = 0;
  hubCluster = param(M_CLUSTERS);
  openHome(paramAt(M_HOME_BASES, worker));
  openTrace(paramAt(M_TRACE_BASES, worker));
  openBusCounters(paramAt(M_BUS_COUNTERS, worker));
  openDecode(paramAt(M_DECODE_BASES, worker));
}

/** The code of this worker's CPUs is decoded here from now on, anew: it may have changed. */
function adoptMine(): void {
  forgetDecoded();
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    if (mine(clusterOfCpu(cpu))) adoptFetches(coreOf(cpu));
  }
}

/**
 * Takes part whenever the crew needs it, until the machine stops; returns STOP_*, the same for
 * every worker.
 */
export function runWorker(worker: u32): u32 {
  openWorker(worker);
  let reason: u32 = 0;
  while (!reason) {
    if (!join(worker)) return load<u32>(MACHINE_BASE + M_STOP_REASON);
    reason = runWindows();
  }
  if (self == HUB_WORKER) dismiss();
  return reason;
}

/** Runs windows until the machine stops, or until this worker leaves the crew: 0. */
function runWindows(): u32 {
  const checking = param(M_WORKERS) == 1 && param(M_CHECK) != 0;
  const budget = load<u64>(MACHINE_BASE + M_MAX_CYCLES);
  let start = load<u64>(MACHINE_BASE + M_CREW_START);
  let windows = param(M_CREW_WINDOWS);
  digest = load<u64>(MACHINE_BASE + M_CREW_DIGEST);
  adoptMine();
  openOutbox(outboxOf(self, windows));
  // Nobody is behind. It is the second call that keeps the wait out of line: inlined into
  // this loop, V8 11.3's baseline compiler lost the value of `end` over an atomic.wait (Node 20).
  awaitPeers(self, windows);
  let reason: u32 = 0;
  while (!reason) {
    const end = start + windowCycles;
    runMine(start, end, windows);
    publish(self, ++windows);
    awaitPeers(self, windows);
    const count = collect(self, windows - 1);
    openOutbox(outboxOf(self, windows));
    let next = NEVER;
    for (let i: u32 = 0; i < count; i++) next = min(next, dispatch(messageAt(self, i), end));
    if (checking) check(coherence() == COHERENT);
    const last = windows - 1;
    reason = agree(last, next, end, budget);
    start = agreedStart;
    const workers = Progress.of(HUB_WORKER, last).crew;
    if (reason || workers == crew) continue;
    changeCrew(self, workers, windows, start, digest);
    if (self >= crew) return 0;
    windows += 2;
    adoptMine();
  }
  return reason;
}

/** First cycle of the next window in which anything happens. */
let agreedStart: u64 = 0;

/**
 * What all workers said of the window: the reason to stop, or 0; the same for all because they read
 * the same lines.
 */
function agree(parity: u32, next: u64, end: u64, budget: u64): u32 {
  let reason: u32 = 0;
  for (let w: u32 = 0; w < crew; w++) {
    const p = Progress.of(w, parity);
    check(p.digest == Progress.of(0, parity).digest);
    reason = first(reason, p.stop);
    next = min(next, p.next);
  }
  agreedStart = max(end, next - (next % windowCycles));
  if (!reason && next == NEVER) reason = settled() ? STOP_QUIESCENT : STOP_INTERNAL;
  let now = end;
  if (!reason && budget && agreedStart >= budget) {
    // The first boundary at or after the budget, also in the middle of windows that are skipped:
    // it must not matter whether the machine stopped somewhere before.
    reason = STOP_BUDGET;
    now = max(end, (budget + windowCycles - 1) / windowCycles * windowCycles);
  }
  if (self == HUB_WORKER) {
    store<u64>(MACHINE_BASE + M_NOW, now);
    if (reason || parity % REPORT_WINDOWS == 0) report(reason);
  }
  return reason;
}

/** Of two reasons to stop, 0 being none, the one that counts: the smaller. */
function first(a: u32, b: u32): u32 {
  if (!a || !b) return a | b;
  return min(a, b);
}

/**
 * Nothing is under way in any core. With nothing due either, anything else means that the engine
 * has lost an event: no verdict about the guest may rest on that.
 */
function settled(): bool {
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const c = Core.of(coreOf(cpu));
    if (c.sbCount || c.misses || c.stall || c.inboxCount) return false;
  }
  return true;
}

/** For the host: how far the machine is, exact once it has stopped. */
function report(reason: u32): void {
  let instructions: u64 = 0;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    instructions += Core.of(coreOf(cpu)).instructions;
  }
  store<u64>(MACHINE_BASE + M_INSTRUCTIONS, instructions);
  store<u32>(MACHINE_BASE + M_STOP_REASON, reason);
}

/** One window of this worker's clusters; fills its Progress. */
export function runMine(start: u64, end: u64, parity: u32): void {
  const p = Progress.of(self, parity);
  const clusters = param(M_CLUSTERS);
  let next = NEVER;
  let stop: u32 = 0;
  for (let id = self; id < clusters; id += crew) {
    const cluster = Cluster.of(id);
    if (cluster.nextEvent < end) stop = first(stop, runCluster(cluster, start, end));
    next = min(next, cluster.nextEvent);
  }
  if (self == HUB_WORKER) {
    const looking = parity % REPORT_WINDOWS == 0;
    next = min(next, runHub(param(M_HUB_BASE), end));
    if (hubStopped(param(M_HUB_BASE))) stop = STOP_EXIT;
    else if (looking && atomic.load<u32>(MACHINE_BASE + M_STOP_REQUEST)) stop = STOP_CANCELLED;
    p.crew = looking ? wantedCrew() : crew;
  }
  p.messages = outboxCount();
  p.stop = stop;
  p.next = next;
  p.digest = digest;
}

/**
 * One message at the end of a window, in the global order. Returns the earliest cycle at which it
 * has an effect.
 */
export function dispatch(m: Message, end: u64): u64 {
  const kind = <u32>m.kind;
  if (kind == MSG_GETS || kind == MSG_GETX) return transact(m, end);
  if (kind == MSG_PUT) {
    homeTransact(m, end);
    if (tracing && runsHere(m.destination)) traceTransaction(m);
    return NEVER;
  }
  if (kind == MSG_IO || kind == MSG_EOI) {
    check(m.time >= end);
    if (self == HUB_WORKER) {
      const hub = param(M_HUB_BASE);
      if (kind == MSG_EOI) hubEoi(hub, m.time, <u32>m.value);
      else hubAccess(hub, m.time, m.destination, m.line, m.aux, m.value);
    }
    return m.time;
  }
  const cpu = m.destination;
  if (mine(clusterOfCpu(cpu))) {
    check(m.time >= end);
    deliver(coreOf(cpu), m.time, kind, <u32>m.value);
    wakeCluster(clusterOfCpu(cpu), m.time);
  }
  return m.time;
}

function transact(m: Message, end: u64): u64 {
  homeTransact(m, end);
  if (tracing && runsHere(m.destination)) traceTransaction(m);
  digest = (digest ^ grantTime ^ (<u64>losers << 32)) * 0x9e3779b97f4a7c15 + lossTime;
  let first = grantTime;
  const cluster = m.destination;
  if (cluster == hubCluster) {
    if (self == HUB_WORKER) hubGranted(param(M_HUB_BASE), grantTime, m.line);
  } else if (mine(cluster)) {
    grantFromHome(coreOf(m.source), m.line, grantTime, grantState, grantSource);
    wakeCluster(cluster, grantTime);
  }
  for (let left = losers; left; left &= left - 1) {
    first = min(first, lossTime);
    const loser = ctz(left);
    // The hub has touched the line in the window of its grant, and keeps no copy.
    if (loser == hubCluster || !mine(loser)) continue;
    loseToHome(Cluster.of(loser), lossTime, m.line, lossToShared);
    wakeCluster(loser, lossTime);
  }
  return first;
}

function wakeCluster(id: u32, time: u64): void {
  const cluster = Cluster.of(id);
  if (time < cluster.nextEvent) cluster.nextEvent = time;
}
