// Case 001 as a matrix: every way to write aio_complete() with every way to wait, as compiled
// functions (workloads/explore/aio.c), under each memory model. A cell is proved safe, or has a run
// in which the waiter sleeps for ever.
import { breathe } from "../engine/breathe.ts";
import { type Answer, askWith } from "../engine/explore-image.ts";
import type { ImageFile } from "../machine/image.ts";

export interface Cell {
  layout: 24 | 9;
  memory: "tso" | "sc";
  /** k0 to k13 and a to j: 001-variants.ts says what they are. */
  completer: string;
  waiter: string;
  verdict: "hang" | "safe";
  states: number;
  seconds: number;
  /** A short run that hangs, and what shows it. */
  schedule?: string;
  entries: string;
}

const COMPLETERS = 14;
const WAITERS = "abcdefghij";
/** k13 releases ctx_lock before it looks, which is layout 9. */
const LAYOUT_9_ONLY = 13;

/** 270 cells for each memory model. */
export async function* matrix(
  image: ImageFile, memories: readonly Cell["memory"][] = ["tso", "sc"], signal?: AbortSignal,
): AsyncGenerator<Cell> {
  const ask = askWith();
  for (const layout of [24, 9] as const) {
    for (let k = 0; k < COMPLETERS; k++) {
      if (k === LAYOUT_9_ONLY && layout !== 9) continue;
      for (let r = 0; r < WAITERS.length; r++) {
        const entries = `aio_wait_${WAITERS[r]},aio_complete_${layout}_k${k}`;
        for (const memory of memories) {
          await breathe();
          if (signal?.aborted) return;
          const begun = performance.now();
          const answer = await ask(image, { entries, model: memory });
          const seconds = (performance.now() - begun) / 1000;
          const cell = { layout, memory, completer: `k${k}`, waiter: WAITERS[r], entries, seconds };
          yield { ...cell, ...verdictOf(answer, entries) };
        }
      }
    }
  }
}

function verdictOf({ failure, exploration }: Answer, entries: string) {
  const { machineStates: states, bound } = exploration;
  if (failure?.verdict === "stuck") {
    return { verdict: "hang" as const, states, schedule: failure.schedule };
  }
  if (!bound && (!failure || failure.verdict === "right")) {
    return { verdict: "safe" as const, states };
  }
  throw new Error(`${entries} neither hangs nor ends: ${bound ?? failure?.verdict}`);
}
