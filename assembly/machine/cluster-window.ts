// One window of a cluster: its cores take turns, quantum by quantum, in the order of their slots. A
// core that is the only one with anything to do needs no quanta: nobody is there to see in which
// order things happen.
import {
  CORE_LIMIT_MASK, ENGINE_STRESS, RUN_HALTED, RUN_PARKED, RUN_RUNNING, RUN_SHUTDOWN,
  RUN_UNIMPLEMENTED, STOP_SHUTDOWN, STOP_UNIMPLEMENTED,
} from "../abi";
import { lapicAccept, lapicDeadline, lapicFire, lapicPending } from "../device/lapic";
import { Cpu, IF } from "../isa/cpu";
import { execute } from "../isa/execute";
import { serveRequests } from "../memory/agent";
import { Cluster, coreAt } from "../memory/cluster";
import { Core, IO_ANSWERED } from "../memory/core";
import { Letter, nextLetter, takeLetter } from "../memory/inbox";
import { applyLosses } from "../memory/losses";
import { quanta, sequential, windowCycles } from "../memory/params";
import { MSG_IPI } from "../memory/protocol";
import { installGrants } from "../memory/refill";
import { advance, nextHeadEvent } from "../memory/store-buffer";
import { lookAtMailbox } from "./parking";
import { stress } from "./stress";

/**
 * Runs a cluster from `start` to `end`. Returns the STOP_* that one of its cores asks for, or 0.
 */
export function runCluster(cluster: Cluster, start: u64, end: u64): u32 {
  applyLosses(cluster, start);
  installGrants(cluster, start, end);
  let active: u32 = 0;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    if (nextStep(coreAt(cluster, slot)) < end) active |= 1 << slot;
  }
  // Nothing of a sibling may be under way either: it would come true in the middle of the window.
  const alone = popcnt(active) == 1 && !cluster.requests && cluster.nextLoss >= end;
  if (alone) runAlone(cluster, coreAt(cluster, ctz(active)), start, end);
  else if (active || cluster.requests) runTogether(cluster, start, end);
  let next = cluster.nextLoss;
  let stop: u32 = 0;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    const core = coreAt(cluster, slot);
    next = min(next, nextStep(core));
    const run = Core.of(core).run;
    if (run == RUN_SHUTDOWN) stop = STOP_SHUTDOWN;
    else if (run == RUN_UNIMPLEMENTED && !stop) stop = STOP_UNIMPLEMENTED;
  }
  cluster.nextEvent = next;
  return stop;
}

function runTogether(cluster: Cluster, start: u64, end: u64): void {
  let from = start;
  for (let i: u64 = 1; i <= quanta; i++) {
    if (i > 1) applyLosses(cluster, from);
    const to = start + (i * windowCycles) / quanta;
    for (let slot: u32 = 0; slot < cluster.cores; slot++) {
      // Asked anew in each quantum: a core that slept may have been served at the last boundary.
      const core = coreAt(cluster, slot);
      if (nextStep(core) >= to) continue;
      Core.of(core).until = to;
      while (step(core, from, to)) {}
      advance(core, to - 1);
    }
    serveRequests(cluster, to, false);
    from = to;
  }
}

function runAlone(cluster: Cluster, core: usize, start: u64, end: u64): void {
  Core.of(core).until = end;
  for (;;) {
    const more = step(core, start, end);
    if (!more) advance(core, end - 1);
    if (cluster.requests) {
      serveRequests(cluster, end, true);
      applyLosses(cluster, end - 1);
    } else if (!more) {
      return;
    }
    // What was served now may arrive in this window still.
    if (!more && min(nextArrival(core), nextHeadEvent(core)) >= end) return;
  }
}

/** A core can execute now. */
// @ts-ignore: decorator
@inline
function runnable(c: Core): bool {
  // Sequential consistency: an instruction begins only when every earlier store is visible.
  if (c.run != RUN_RUNNING || c.stall) return false;
  return !c.sbCount || !(sequential || c.selfModified);
}

/** What comes to a core from outside: a line, an interrupt or an answer, its timer. */
// @ts-ignore: decorator
@inline
function nextArrival(core: usize): u64 {
  return min(min(Core.of(core).nextGrant, nextLetter(core)), lapicDeadline(core));
}

/** The next cycle at which the core does anything at all. */
function nextStep(core: usize): u64 {
  const c = Core.of(core);
  if (c.run == RUN_PARKED && c.recheck) return 0;
  // A long instruction may keep the core busy for windows, in which its lines and stores still come
  // and go.
  const event = min(nextArrival(core), nextHeadEvent(core));
  return runnable(c) ? min(c.clock, event) : event;
}

/**
 * Takes the core one step on: instructions up to the next arrival, or the next thing that happens
 * to it. `to`: the end of its quantum; an instruction may end after it. False = nothing is left to
 * do before.
 */
function step(core: usize, from: u64, to: u64): bool {
  const c = Core.of(core);
  if (runnable(c)) {
    if (c.clock >= to) return false;
    const arrival = nextArrival(core);
    if (arrival <= c.clock) {
      settle(core, c.clock);
      return true;
    }
    store<u64>(core, sequential ? 0 : ~0, CORE_LIMIT_MASK);
    if (ENGINE == ENGINE_STRESS) stress(core, min(to, arrival));
    else execute(core, min(to, arrival));
    return true;
  }
  if (c.run == RUN_HALTED && wakes(core)) {
    c.run = RUN_RUNNING;
    return true;
  }
  if (c.run == RUN_PARKED && c.recheck && !c.stall) {
    c.clock = max(c.clock, from);
    lookAtMailbox(core);
    return true;
  }
  const event = min(nextArrival(core), nextHeadEvent(core));
  if (event >= to) return false;
  settle(core, event);
  if (c.clock < event) c.clock = event;
  c.stall = 0;
  if (c.run == RUN_PARKED) c.recheck = 1;
  return true;
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
