// How much the explore engine does between two pauses. A state, or a random run, may cost a
// microsecond or a hundred thousand times as much: so the clock says it, and Ctrl-C is answered
// soon either way. Where a search pauses does not change what it finds.
const PAUSE_MS = 50;
const FIRST = 1;
const GROWTH_MAX = 8;
const SLICE_MAX = 1 << 20;

export class Pace {
  #slice = FIRST;

  /** Runs `work` on the next slice. */
  run(work: (slice: number) => number): number {
    const begun = performance.now();
    const result = work(this.#slice);
    const factor = Math.min(PAUSE_MS / (performance.now() - begun), GROWTH_MAX);
    this.#slice = Math.max(1, Math.min(Math.floor(this.#slice * factor), SLICE_MAX));
    return result;
  }
}
