// How many of a machine's worker threads take part, found out while it runs. Two workers are nearly
// twice as fast as one where the work is private and the host idle; where CPUs hand lines to and
// fro, or others use the host, they are slower, because each waits for the other in every window.
// Which it is no rule tells beforehand, so the choice tries the neighbouring number now and then
// and keeps what was faster. No result of the machine depends on it.

/** After a change: threads wake up, code is decoded anew. */
const SETTLE_MS = 40;
/** One measurement of a rate. */
const SLICE_MS = 120;
/** Without a sign of life for so long, the rate counts as zero. */
const SILENCE_MS = 400;
/** The other number must be so much better. */
const MARGIN = 1.05;
/** Between two trials: the longer the same choice has held. */
const REST_MS = 1000;
const REST_MAX_MS = 16_000;

export class WorkerChoice {
  private readonly most: number;
  private best: number;
  /** What takes part now; differs from `best` during a trial. */
  private current: number;
  private down = true;
  private rest = REST_MS;
  private restUntil = 0;
  private settledAt = 0;
  private sample?: { ms: number; instructions: bigint };
  /** Of `best`, before the trial. */
  private bestRate?: number;

  /** At most `most` workers, `first` of them to begin with. */
  constructor(most: number, first: number) {
    this.most = most;
    this.best = this.current = first;
  }

  get workers(): number {
    return this.current;
  }

  /** A machine begins to run: what was measured of another one says nothing of it. */
  begin(ms: number): number {
    this.current = this.best;
    this.bestRate = undefined;
    this.wait(ms);
    this.restUntil = ms;
    return this.current;
  }

  /**
   * At `ms` of the host's time the machine had executed `instructions`; returns how many workers
   * shall take part from now on.
   */
  look(ms: number, instructions: bigint): number {
    if (this.most === 1 || ms < this.settledAt || ms < this.restUntil) return this.current;
    if (!this.sample) {
      this.sample = { ms, instructions };
      return this.current;
    }
    const passed = ms - this.sample.ms;
    const done = instructions - this.sample.instructions;
    if (passed < (done > 0n ? SLICE_MS : SILENCE_MS)) return this.current;
    const rate = Number(done) / passed;
    if (this.bestRate === undefined) this.tryOther(rate, ms);
    else this.decide(rate, ms);
    return this.current;
  }

  private tryOther(rate: number, ms: number): void {
    this.bestRate = rate;
    if (this.best === 1) this.down = false;
    if (this.best === this.most) this.down = true;
    const other = this.down ? Math.floor(this.best / 2) : this.best * 2;
    this.current = Math.min(Math.max(other, 1), this.most);
    this.wait(ms);
  }

  private decide(rate: number, ms: number): void {
    const better = rate > (this.bestRate ?? 0) * MARGIN;
    if (better) this.best = this.current;
    else this.down = !this.down;
    this.rest = better ? REST_MS : Math.min(this.rest * 2, REST_MAX_MS);
    this.current = this.best;
    this.bestRate = undefined;
    this.restUntil = ms + this.rest;
    this.wait(ms);
  }

  private wait(ms: number): void {
    this.settledAt = ms + SETTLE_MS;
    this.sample = undefined;
  }
}
