// The crew: the first of the machine's workers, those that take part; the others sleep. The host
// says how many it wants (M_WANTED) and may change its mind while the machine runs, because no
// result depends on who runs which cluster. Worker 0 always takes part.
//
// Between two windows with different crews the barrier is passed twice. Behind the first time every
// cluster is at rest: dispatch() of a peer still wrote into its clusters before. Worker 0 then says
// what a worker that joins must know; behind the second time the new crew begins. Twice, because
// outboxes and Progress records alternate. Who joins copies the home agents' replica of worker 0,
// which next writes to it behind a barrier that needs the new peer.
import {
  CREW_DISMISSED, MACHINE_BASE, M_CREW, M_CREW_DIGEST, M_CREW_START, M_CREW_WINDOWS, M_HOME_BASES,
  M_NOW, M_WANTED, M_WORKERS,
} from "../abi";
import { homeBytes } from "../memory/home";
import { param, paramAt } from "../memory/params";
import { awaitPeers, catchUp, crew, publish, setCrew, sleep } from "./barrier";

const CREW_AT: usize = <usize>(MACHINE_BASE + M_CREW);

/** Before any worker starts: all begin, with the window at M_NOW. */
export function musterAll(): void {
  store<u32>(MACHINE_BASE + M_WANTED, param(M_WORKERS));
  tellCrew(param(M_WORKERS), 0, load<u64>(MACHINE_BASE + M_NOW), 0);
}

function tellCrew(workers: u32, windows: u32, start: u64, digest: u64): void {
  store<u32>(MACHINE_BASE + M_CREW_WINDOWS, windows);
  store<u64>(MACHINE_BASE + M_CREW_START, start);
  store<u64>(MACHINE_BASE + M_CREW_DIGEST, digest);
  atomic.store<u32>(CREW_AT, workers);
  atomic.notify(CREW_AT, -1);
}

/** The crew that the host wants now. */
export function wantedCrew(): u32 {
  return max<u32>(min(atomic.load<u32>(MACHINE_BASE + M_WANTED), param(M_WORKERS)), 1);
}

/** Waits until `worker` takes part; false: it is not needed any more. */
export function join(worker: u32): bool {
  for (;;) {
    const workers = atomic.load<u32>(CREW_AT);
    if (workers == CREW_DISMISSED) return false;
    if (worker < workers) break;
    sleep(CREW_AT, workers);
  }
  setCrew(load<u32>(CREW_AT));
  if (worker) memory.copy(paramAt(M_HOME_BASES, worker), paramAt(M_HOME_BASES, 0), homeBytes());
  return true;
}

/** The crew becomes `workers` after `windows` windows: all its workers call this alike. */
export function changeCrew(
  worker: u32, workers: u32, windows: u32, start: u64, digest: u64,
): void {
  publish(worker, windows + 1);
  awaitPeers(worker, windows + 1);
  if (worker == 0) {
    for (let w = crew; w < workers; w++) catchUp(w, windows + 2);
    // A worker that was alone published nothing.
    if (crew == 1) catchUp(0, windows + 2);
    tellCrew(workers, windows + 2, start, digest);
  }
  publish(worker, windows + 2);
  awaitPeers(worker, windows + 2);
  setCrew(workers);
}

/** The machine has stopped. */
export function dismiss(): void {
  atomic.store<u32>(CREW_AT, CREW_DISMISSED);
  atomic.notify(CREW_AT, -1);
}
