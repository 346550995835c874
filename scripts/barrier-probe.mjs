// How long a barrier between two threads of this host takes just now: both say which round they are
// in and spin until the other says the same, as the engine's workers do at the end of a window
// (assembly/machine/barrier.ts). An idle host takes some 0.2 us; one whose cores others use takes
// far more, for a thread that is not running answers late.
import { isMainThread, Worker, workerData } from "node:worker_threads";

/** Round of each side, a probe's number, and whether it is over: a line of the host apart. */
const [MAIN, PEER, PROBE, OVER] = [0, 32, 64, 96];
const PROBE_MS = 20;
const ROUNDS = 256;

if (!isMainThread) {
  const cells = workerData;
  for (let probe = 0; ; probe++) {
    Atomics.wait(cells, PROBE, probe);
    while (!Atomics.load(cells, OVER)) Atomics.store(cells, PEER, Atomics.load(cells, MAIN));
  }
}

export class BarrierProbe {
  cells = new Int32Array(new SharedArrayBuffer(512));
  worker = new Worker(new URL(import.meta.url), { workerData: this.cells });

  /** Microseconds of one barrier, the mean over PROBE_MS. */
  async measure() {
    const { cells } = this;
    Atomics.store(cells, OVER, 0);
    Atomics.add(cells, PROBE, 1);
    Atomics.notify(cells, PROBE);
    await this.together();
    const start = performance.now();
    const end = start + PROBE_MS;
    const first = Atomics.load(cells, MAIN);
    let round = first;
    let now = start;
    while (now < end) {
      for (let i = 0; i < ROUNDS && now < end; i++) {
        Atomics.store(cells, MAIN, ++round);
        for (let spins = 1; Atomics.load(cells, PEER) !== round; spins++) {
          if (spins % 1024 === 0 && (now = performance.now()) >= end) break;
        }
      }
      now = performance.now();
    }
    Atomics.store(cells, OVER, 1);
    return (1000 * (now - start)) / (round - first);
  }

  /** The peer takes part: a thread that begins late is no slow barrier. */
  async together() {
    const { cells } = this;
    const round = Atomics.add(cells, MAIN, 1) + 1;
    while (Atomics.load(cells, PEER) !== round) {
      await new Promise((resume) => setTimeout(resume, 1));
    }
  }

  close() {
    return this.worker.terminate();
  }
}
