// The barrier between workers, and the line by which each tells the others where it is. A worker
// waits for every peer at the end of a window; it spins long before it sleeps (a futex sleep costs
// more than many windows), and a sleep has a timeout, so a wake-up that is lost costs a delay and
// never a hang.
//
// Why publishing before looking for sleepers is safe: both are sequentially consistent, so either
// the peer's check after registering as a sleeper sees the new count, or the publisher sees the
// sleeper and notifies it.
import { MACHINE_BASE, M_HOST_CORES, M_PROGRESS } from "../abi";
import { param } from "../memory/params";

/** Workers that take part, the first ones: crew.ts. */
export let crew: u32 = 1;

export function setCrew(workers: u32): void {
  crew = workers;
}

/**
 * What a worker says of the window it finished. There are two, for even and odd windows, because a
 * worker may finish the next window while a peer still reads.
 *
 *     0 | messages u32 | 4 | stop u32 | 8 | next u64 | 16 | digest u64 | 24 | crew u32 | 28
 */
@unmanaged
export class Progress {
  /** Messages in the outbox. */
  messages: u32;
  /** STOP_* that this worker asks for, 0 for none. */
  stop: u32;
  /** Earliest cycle at which one of the worker's components has something to do. */
  next: u64;
  /**
   * Of the results that this worker's home replica gave so far: equal in all, or the run is worth
   * nothing.
   */
  digest: u64;
  /** Of worker 0: how many workers shall run the next window. */
  crew: u32;

  @inline static of(worker: u32, parity: u32): Progress {
    return changetype<Progress>(lineOf(worker) + 64 + ((<usize>parity & 1) << 5));
  }
}

/**
 * A worker's 128 bytes:
 *
 *     0 | windows finished u32 | 4 | sleepers u32 | 64 | Progress even | 96 | Progress odd | 128
 */
// @ts-ignore: decorator
@inline
function lineOf(worker: u32): usize {
  return <usize>(MACHINE_BASE + M_PROGRESS) + (<usize>worker << 7);
}

/**
 * Spins before a sleep. On an idle host a peer is rarely later than a few hundred; a peer that the
 * host has descheduled is late by milliseconds, and then spinning only keeps the processor from it.
 * So a wait that ends in a sleep halves the limit, and one that ends well doubles it.
 */
const SPINS_MAX: u32 = 200000;
const SPINS_MIN: u32 = 1000;
/** With more workers than host cores a spinning worker keeps the one it waits for from running. */
const SPINS_OVERCOMMITTED: u32 = 64;
const SLEEP_NS: i64 = 1000000;

let spinLimit: u32 = SPINS_MAX;

/**
 * Publishes that `worker` finished `windows` windows; its Progress is valid for peers from here on.
 */
export function publish(worker: u32, windows: u32): void {
  if (crew == 1) return;
  const line = lineOf(worker);
  atomic.store<u32>(line, windows);
  if (atomic.load<u32>(line, 4)) atomic.notify(line, -1);
}

/** Waits until every peer has finished `windows` windows. */
export function awaitPeers(worker: u32, windows: u32): void {
  const spins = crew > param(M_HOST_CORES) ? SPINS_OVERCOMMITTED : spinLimit;
  let slept = false;
  for (let peer: u32 = 0; peer < crew; peer++) {
    if (peer == worker) continue;
    const line = lineOf(peer);
    let spin: u32 = 0;
    // Counts wrap; a peer is never more than one window ahead, so the difference tells.
    for (;;) {
      const seen = atomic.load<u32>(line);
      if (<i32>(seen - windows) >= 0) break;
      if (++spin < spins) continue;
      atomic.add<u32>(line, 1, 4);
      sleep(line, seen);
      atomic.sub<u32>(line, 1, 4);
      slept = true;
    }
  }
  spinLimit = slept ? max(spinLimit / 2, SPINS_MIN) : min(spinLimit * 2, SPINS_MAX);
}

/** Until the word at `at` is no longer `seen`, or for a while. */
export function sleep(at: usize, seen: u32): void {
  atomic.wait<i32>(at, <i32>seen, SLEEP_NS);
}

/** The count of windows finished of a worker that was away. */
export function catchUp(worker: u32, windows: u32): void {
  atomic.store<u32>(lineOf(worker), windows);
}
