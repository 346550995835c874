// The engine: time advances in windows; inside a window the clusters run on their own, at its end everything that
// crossed a component boundary is exchanged, put into one order and decided by every worker alike. So which worker
// runs which cluster never shows in a result.
import { check } from "../check";
import {
  CORE_LIMIT_MASK, ENGINE_STRESS, MACHINE_BASE, M_CHECK, M_CLUSTERS, M_CPU_CLUSTER, M_DECODE_BASES, M_HOME_BASES, M_HUB_BASE,
  M_INSTRUCTIONS, M_LAT_UNCACHED, M_MAX_CYCLES, M_NOW, M_STOP_REASON, M_STOP_REQUEST, M_TRACE_BASES, M_WORKERS,
  RUN_HALTED, RUN_PARKED, RUN_RUNNING, RUN_SHUTDOWN, RUN_UNIMPLEMENTED, STOP_BUDGET, STOP_CANCELLED, STOP_EXIT,
  STOP_QUIESCENT, STOP_SHUTDOWN, STOP_UNIMPLEMENTED,
} from "../abi";
import { hubRead, hubStopped, hubWrite } from "../device/hub";
import { lapicAccept, lapicDeadline, lapicFire, lapicPending } from "../device/lapic";
import { Cpu, IF } from "../isa/cpu";
import { execute } from "../isa/execute";
import { openDecode } from "../isa/fetch";
import { serveRequests } from "../memory/agent";
import { Cluster, coreAt } from "../memory/cluster";
import { Core, IO_ANSWERED, coreOf } from "../memory/core";
import {
  grantState, grantTime, homeTransact, losers, lossTime, lossToShared, openHome,
} from "../memory/home";
import { applyLosses, loseToHome } from "../memory/losses";
import { Letter, deliver, nextLetter, takeLetter } from "../memory/inbox";
import { Message, openOutbox, outboxCount, post } from "../memory/message";
import { loadParameters, param, paramAt, paramByte, quanta, sequential, windowCycles } from "../memory/params";
import { MSG_GETS, MSG_GETX, MSG_IO, MSG_IO_REPLY, MSG_IPI, MSG_PUT, NEVER } from "../memory/protocol";
import { grantFromHome, installGrants } from "../memory/refill";
import { advance, nextHeadEvent } from "../memory/store-buffer";
import { openTrace } from "../memory/trace";
import { Progress, awaitPeers, publish } from "./barrier";
import { COHERENT, coherence } from "./invariant";
import { collect, messageAt, outboxOf } from "./mailbox";
import { stress } from "./stress";
import { lookAtMailbox } from "./parking";

/** Source number of the I/O hub's messages: after every CPU. */
const HUB_SOURCE: u32 = 0x100;
/** The worker that runs the I/O hub. */
const HUB_WORKER: u32 = 0;

let self: u32 = 0;
let workers: u32 = 1;
let digest: u64 = 0;

/** Components are dealt out in turn. */
// @ts-ignore: decorator
@inline
function mine(cluster: u32): bool {
  return cluster % workers == self;
}

// @ts-ignore: decorator
@inline
function clusterOfCpu(cpu: u32): u32 {
  return paramByte(M_CPU_CLUSTER, cpu);
}

/** Runs this worker's components until the machine stops; returns STOP_*, the same for every worker. */
export function runWorker(worker: u32): u32 {
  loadParameters();
  self = worker;
  workers = param(M_WORKERS);
  digest = 0;
  openHome(paramAt(M_HOME_BASES, worker));
  openTrace(paramAt(M_TRACE_BASES, worker));
  openDecode(paramAt(M_DECODE_BASES, worker));
  const checking = workers == 1 && param(M_CHECK) != 0;
  const budget = load<u64>(MACHINE_BASE + M_MAX_CYCLES);
  let start = load<u64>(MACHINE_BASE + M_NOW);
  let windows: u32 = 0;
  openOutbox(outboxOf(self, windows));
  let reason: u32 = 0;
  while (!reason) {
    const end = start + windowCycles;
    runMine(start, end, windows);
    publish(self, ++windows);
    awaitPeers(self, windows);
    const count = collect(self, windows - 1);
    // Answers of the hub belong to the window that begins.
    openOutbox(outboxOf(self, windows));
    let next = NEVER;
    for (let i: u32 = 0; i < count; i++) next = min(next, dispatch(messageAt(self, i), end));
    if (checking) check(coherence() == COHERENT);
    reason = agree(windows - 1, next, end, budget);
    next = min(next, agreedNext);
    start = max(end, next - (next % windowCycles));
  }
  return reason;
}

let agreedNext: u64 = 0;

/** What all workers said of the window: the reason to stop, or 0; the same for all because they read the same lines. */
function agree(parity: u32, next: u64, end: u64, budget: u64): u32 {
  let reason: u32 = 0;
  let instructions: u64 = 0;
  agreedNext = NEVER;
  for (let w: u32 = 0; w < workers; w++) {
    const p = Progress.of(w, parity);
    check(p.digest == Progress.of(0, parity).digest);
    if (p.stop && (!reason || p.stop < reason)) reason = p.stop;
    agreedNext = min(agreedNext, p.next);
    instructions += p.instructions;
  }
  if (!reason && min(next, agreedNext) == NEVER) reason = STOP_QUIESCENT;
  if (!reason && budget && end >= budget) reason = STOP_BUDGET;
  if (self == HUB_WORKER) {
    store<u64>(MACHINE_BASE + M_NOW, end);
    store<u64>(MACHINE_BASE + M_INSTRUCTIONS, instructions);
    if (reason) store<u32>(MACHINE_BASE + M_STOP_REASON, reason);
  }
  return reason;
}

/** One window of this worker's clusters; fills its Progress. */
function runMine(start: u64, end: u64, parity: u32): void {
  const p = Progress.of(self, parity);
  const clusters = param(M_CLUSTERS);
  let next = NEVER;
  let instructions: u64 = 0;
  let stop: u32 = 0;
  for (let id = self; id < clusters; id += workers) {
    const cluster = Cluster.of(id);
    if (cluster.nextEvent < end) runCluster(cluster, start, end);
    next = min(next, cluster.nextEvent);
    for (let slot: u32 = 0; slot < cluster.cores; slot++) {
      const c = Core.of(coreAt(cluster, slot));
      instructions += c.instructions;
      if (c.run == RUN_SHUTDOWN) stop = STOP_SHUTDOWN;
      else if (c.run == RUN_UNIMPLEMENTED) stop = STOP_UNIMPLEMENTED;
    }
  }
  if (self == HUB_WORKER) {
    if (hubStopped(param(M_HUB_BASE))) stop = STOP_EXIT;
    else if (atomic.load<u32>(MACHINE_BASE + M_STOP_REQUEST)) stop = STOP_CANCELLED;
  }
  p.messages = outboxCount();
  p.stop = stop;
  p.next = next;
  p.instructions = instructions;
  p.digest = digest;
}

/** One message at the end of a window, in the global order. Returns the earliest cycle at which it has an effect. */
function dispatch(m: Message, end: u64): u64 {
  const kind = <u32>m.kind;
  if (kind == MSG_GETS || kind == MSG_GETX) return transact(m, end);
  if (kind == MSG_PUT) {
    homeTransact(m, end);
    return NEVER;
  }
  if (kind == MSG_IO) {
    if (self == HUB_WORKER) answerIo(m);
    // The answer is exchanged at the end of the next window: that window is not skipped.
    return end;
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
  digest = (digest ^ grantTime ^ (<u64>losers << 32)) * 0x9e3779b97f4a7c15 + lossTime;
  let first = grantTime;
  const cluster = m.destination;
  if (mine(cluster)) {
    grantFromHome(coreOf(m.source), m.line, grantTime, grantState);
    wakeCluster(cluster, grantTime);
  }
  for (let left = losers; left; left &= left - 1) {
    first = min(first, lossTime);
    const loser = ctz(left);
    if (!mine(loser)) continue;
    loseToHome(Cluster.of(loser), lossTime, m.line, lossToShared);
    wakeCluster(loser, lossTime);
  }
  return first;
}

function wakeCluster(id: u32, time: u64): void {
  const cluster = Cluster.of(id);
  if (time < cluster.nextEvent) cluster.nextEvent = time;
}

/** A port access reaches the hub half-way; the answer leaves at once and takes the other half. */
function answerIo(m: Message): void {
  const hub = param(M_HUB_BASE);
  const size = m.aux & 0xff;
  let value: u32 = 0;
  if (m.aux >> 8) hubWrite(hub, m.line, size, <u32>m.value);
  else value = hubRead(hub, m.line, size);
  post(m.time + <u64>(param(M_LAT_UNCACHED) / 2), HUB_SOURCE, MSG_IO_REPLY, m.destination, 0, 0, value);
}

/** One window of a cluster, quantum by quantum; its cores take turns in the order of their slots. */
function runCluster(cluster: Cluster, start: u64, end: u64): void {
  let from = start;
  for (let i: u64 = 1; i <= quanta; i++) {
    applyLosses(cluster, from);
    if (i == 1) installGrants(cluster, start, end);
    const to = start + (i * windowCycles) / quanta;
    for (let slot: u32 = 0; slot < cluster.cores; slot++) runCore(coreAt(cluster, slot), from, to);
    serveRequests(cluster, to);
    from = to;
  }
  let next = cluster.nextLoss;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) next = min(next, nextStep(coreAt(cluster, slot)));
  cluster.nextEvent = next;
}

/** A core can execute now. */
// @ts-ignore: decorator
@inline
function runnable(c: Core): bool {
  // Sequential consistency: an instruction begins only when every earlier store is visible.
  return c.run == RUN_RUNNING && !c.stall && !(sequential && c.sbCount);
}

/** What comes to a core from outside: a line, an interrupt or an answer, its timer. */
function nextArrival(core: usize): u64 {
  return min(min(Core.of(core).nextGrant, nextLetter(core)), lapicDeadline(core));
}

/** The next cycle at which the core does anything at all. */
function nextStep(core: usize): u64 {
  const c = Core.of(core);
  if (runnable(c)) return c.clock;
  if (c.run == RUN_PARKED && c.recheck) return 0;
  return min(nextArrival(core), nextHeadEvent(core));
}

/** Runs a core from `from` up to `to`, the end of the quantum. An instruction may end after it. */
function runCore(core: usize, from: u64, to: u64): void {
  const c = Core.of(core);
  c.until = to;
  for (;;) {
    if (runnable(c)) {
      if (c.clock >= to) break;
      const arrival = nextArrival(core);
      if (arrival <= c.clock) {
        settle(core, c.clock);
        continue;
      }
      store<u64>(core, sequential ? 0 : ~0, CORE_LIMIT_MASK);
      if (ENGINE == ENGINE_STRESS) stress(core, min(to, arrival));
      else execute(core, min(to, arrival));
      continue;
    }
    if (c.run == RUN_HALTED && wakes(core)) {
      c.run = RUN_RUNNING;
      continue;
    }
    if (c.run == RUN_PARKED && c.recheck && !c.stall) {
      c.clock = max(c.clock, from);
      lookAtMailbox(core);
      continue;
    }
    const event = min(nextArrival(core), nextHeadEvent(core));
    if (event >= to) break;
    settle(core, event);
    if (c.clock < event) c.clock = event;
    c.stall = 0;
    if (c.run == RUN_PARKED) c.recheck = 1;
  }
  advance(core, to - 1);
}

/** An interrupt ends the HLT. */
function wakes(core: usize): bool {
  return lapicPending(core) >= 0 && (Cpu.of(core).rflags & IF) != 0;
}

/** Everything that reaches the core up to and including cycle `time`. */
function settle(core: usize, time: u64): void {
  const c = Core.of(core);
  advance(core, time);
  while (nextLetter(core) <= time) {
    const letter = Letter.at(core, 0);
    if (letter.kind == MSG_IPI) {
      lapicAccept(core, letter.value);
    } else {
      c.ioValue = letter.value;
      c.ioState = IO_ANSWERED;
    }
    takeLetter(core);
  }
  if (lapicDeadline(core) <= time) lapicFire(core);
}
