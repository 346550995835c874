// One window of a cluster: its units take turns, quantum by quantum, in their order; the threads of
// one take turns by the instruction (unit-quantum.ts). A CPU that is the only one with anything to
// do needs no quanta: nobody is there to see in which order things happen.
import {
  RUN_SHUTDOWN, RUN_UNIMPLEMENTED, STOP_SHUTDOWN, STOP_UNIMPLEMENTED,
} from "../abi";
import { serveRequests } from "../memory/agent";
import { Cluster, coreAt, unitAt } from "../memory/cluster";
import { Core } from "../memory/core";
import { applyLosses } from "../memory/losses";
import { quanta, windowCycles } from "../memory/params";
import { installGrants } from "../memory/refill";
import { advance } from "../memory/store-buffer";
import { acts, nextStep, nextTurn, runnable, step } from "./step";
import { runUnit } from "./unit-quantum";

/**
 * Runs a cluster from `start` to `end`. Returns the STOP_* that one of its cores asks for, or 0.
 */
export function runCluster(cluster: Cluster, start: u64, end: u64): u32 {
  applyLosses(cluster, start);
  installGrants(cluster, start, end);
  let active: u32 = 0;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    if (acts(coreAt(cluster, slot), end)) active |= 1 << slot;
  }
  // Nothing of a sibling may be under way either: it would come true in the middle of the window.
  const alone = popcnt(active) == 1 && !cluster.requests && cluster.nextLoss >= end;
  if (alone) runAlone(cluster, coreAt(cluster, ctz(active)), start, end);
  else if (active || cluster.requests) runTogether(cluster, start, end);
  let next = cluster.nextLoss;
  let stop: u32 = 0;
  for (let slot: u32 = 0; slot < cluster.cores; slot++) {
    const core = coreAt(cluster, slot);
    const c = Core.of(core);
    // In the next window: whatever else it does there comes no earlier than that window.
    const goesOn = runnable(c) && c.clock < end + windowCycles;
    next = min(next, goesOn ? c.clock : nextStep(core));
    const run = c.run;
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
    const to = start + <u64>((<u32>i * <u32>windowCycles) / <u32>quanta);
    for (let unit: u32 = 0; unit < cluster.units; unit++) {
      // Asked anew in each quantum: a core that slept may have been served at the last boundary.
      const core = unitAt(cluster, unit);
      if (Core.of(core).sibling) {
        runUnit(core, from, to);
        continue;
      }
      if (!acts(core, to)) continue;
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
    // What was served now may arrive in this window still. A message and the timer wait for the end
    // of a long instruction: with a request that is kept, this loop would wait for them for ever.
    if (!more && nextTurn(core) >= end) return;
  }
}
