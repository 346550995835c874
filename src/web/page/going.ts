// Runs that are going: how far each of them is, of a list of runs that takes minutes.
import { type Signal, signal } from "@preact/signals";

export interface Going {
  /** Runs of the list. */
  of: number;
  /** Cycles of those that are going, by the place in the list, from 0 on. */
  cycles: ReadonlyMap<number, number>;
}

export const millions = (cycles: number) => (cycles / 1e6).toFixed(1);

export const goingOf = (of: number): Signal<Going> => signal({ of, cycles: new Map() });

/** `cycles` undefined: the run has ended. */
export function tell(going: Signal<Going>, index: number, cycles?: number): void {
  const next = new Map(going.value.cycles);
  if (cycles === undefined) next.delete(index);
  else next.set(index, cycles);
  going.value = { of: going.value.of, cycles: next };
}

/** "run 2 of 10: 34.1 million cycles", of each that is going. */
export function goingText({ of, cycles }: Going): string {
  return [...cycles].sort(([a], [b]) => a - b)
    .map(([index, now]) => `run ${index + 1} of ${of}: ${millions(now)} million cycles`)
    .join("; ");
}
