// What a decision does to a state.
import { Entry } from "./buffer";
import { commit } from "./shared-state";
import { DRAIN, copyTuple, memoryOf, setMemory, setThread, threadOf } from "./state";
import { drain, move } from "./thread-state";

/** `to` := `from` after the decision; false when the search must begin again. */
export function decide(from: usize, decision: u32, to: usize): bool {
  copyTuple(to, from);
  const m = memoryOf(from);
  if (decision >= DRAIN) {
    const s = threadOf(from, decision - DRAIN);
    const after = drain(s);
    if (after == null) return false;
    setThread(to, decision - DRAIN, after);
    setMemory(to, commit(m, s.buffer!.head));
    return true;
  }
  const done = move(threadOf(from, decision), m);
  if (done == null) return false;
  setThread(to, decision, done.to);
  const edge = done.edge;
  if (edge.locked1) {
    let after = commit(m, changetype<Entry>(<usize>edge.locked1));
    if (edge.locked2) after = commit(after, changetype<Entry>(<usize>edge.locked2));
    setMemory(to, after);
  }
  return true;
}
