// The rate of failures over the seeds of a case.
import type { CaseRun, CaseSpec } from "../../cases/case.ts";
import { wilson } from "../../cases/numbers.ts";

export interface RatePoint {
  /** Place of the seed among those that are wanted, from 0 on. */
  at: number;
  /** Of the runs up to this seed that are there; 0 to 1, with its interval of 95 %. */
  rate: number;
  low: number;
  high: number;
}

/** A point where the run of a seed is there, at the place of that seed. */
export function ratePoints(specs: readonly CaseSpec[], runs: readonly CaseRun[]): RatePoint[] {
  let [failures, done] = [0, 0];
  return specs.flatMap(({ seed }, at) => {
    const run = runs.find((one) => one.spec.seed === seed);
    if (!run) return [];
    done++;
    if (run.failure) failures++;
    const [low, high] = wilson(failures, done);
    return [{ at, rate: failures / done, low, high }];
  });
}
