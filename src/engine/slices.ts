// A run in slices, for a host whose threads share no memory: it runs where it is asked for, and
// between two slices the page is drawn and a signal is heard. A slice ends at a window boundary,
// so the machine's states are those of a run in one piece.
import type { Outcome } from "./session.ts";

/** How long a slice should take. */
const SLICE_MS = 40;
const SLICE_CYCLES_MIN = 20_000n;

/**
 * Calls `leg` with the cycle up to which the next slice goes, 0 for the run's own end, until the
 * machine has stopped or is at `until`. `end` is the cycle that ends it in any case, 0 for none.
 */
export async function inSlices(
  leg: (until: bigint) => Promise<Outcome>, now: () => bigint, until: bigint, end: bigint,
): Promise<Outcome> {
  const target = until || end;
  for (let cycles = SLICE_CYCLES_MIN;;) {
    const next = now() + cycles;
    const last = target !== 0n && next >= target;
    const started = performance.now();
    const outcome = await leg(last ? until : next);
    if (last || outcome.stop !== "running") return outcome;
    const took = performance.now() - started;
    if (took < SLICE_MS / 2) cycles *= 2n;
    else if (took > SLICE_MS * 2 && cycles > SLICE_CYCLES_MIN) cycles /= 2n;
    await new Promise((resolve) => setTimeout(resolve));
  }
}
