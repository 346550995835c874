// A long search in the thread that asked for it: now and then the others get their turn, progress
// is told, and a signal ends it with what was found so far.
import { breathe } from "./breathe.ts";
import type { Exploration, Search } from "./exploration.ts";

export interface SearchHooks {
  signal?: AbortSignal;
  /** Machine states, or random runs, so far. */
  onProgress?(count: number): void;
}

export async function patiently(search: Search, hooks: SearchHooks = {}): Promise<Exploration> {
  let step = search.next(false);
  while (!step.done) {
    hooks.onProgress?.(step.value);
    await breathe();
    step = search.next(hooks.signal?.aborted ?? false);
  }
  return step.value;
}
