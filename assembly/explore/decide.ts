// What a decision does to a state: it changes one thread, and the memory.
import { Entry } from "./buffer";
import { Shared, commit } from "./shared-state";
import { DRAIN, memoryOf, setMemory, setThread, threadOf } from "./state";
import { ThreadState, drain, move } from "./thread-state";

/** The thread and the memory after the decision. */
export let threadAfter: ThreadState = changetype<ThreadState>(0);
export let memoryAfter: Shared = changetype<Shared>(0);

// @ts-ignore: decorator
@inline
export function threadOfDecision(decision: u32): u32 {
  return decision & (DRAIN - 1);
}

/** False when the search must begin again. */
export function decide(tuple: usize, decision: u32): bool {
  const m = memoryOf(tuple);
  const s = threadOf(tuple, threadOfDecision(decision));
  if (decision >= DRAIN) {
    const after = drain(s);
    if (after == null) return false;
    threadAfter = after;
    memoryAfter = commit(m, s.buffer!.head);
    return true;
  }
  const done = move(s, m);
  if (done == null) return false;
  threadAfter = done.to;
  memoryAfter = m;
  const edge = done.edge;
  if (edge.locked1) {
    memoryAfter = commit(m, changetype<Entry>(<usize>edge.locked1));
    if (edge.locked2) memoryAfter = commit(memoryAfter, changetype<Entry>(<usize>edge.locked2));
  }
  return true;
}

/** Does it change anything? */
// @ts-ignore: decorator
@inline
export function changesState(tuple: usize, decision: u32): bool {
  return threadOf(tuple, threadOfDecision(decision)) != threadAfter ||
    memoryOf(tuple) != memoryAfter;
}

/** In place. */
export function apply(tuple: usize, decision: u32): void {
  setThread(tuple, threadOfDecision(decision), threadAfter);
  setMemory(tuple, memoryAfter);
}
