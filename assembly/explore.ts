// The exported functions of the explore engine: the host puts code and data into RAM, says where
// each thread begins and what to look at, and asks for all final states (search), for many random
// runs (walk), or for one run again (replay).
import { openDecode } from "./isa/fetch";
import { resetLongMode } from "./isa/cpu";
import { allocate, openArena } from "./memory/arena";
import { Core } from "./memory/core";
import { openGranules } from "./memory/granule";
import { loadParameters } from "./memory/params";
import { copyState, cpuStateBytes, openLocals } from "./explore/local-state";
import { openObserved } from "./explore/outcome";
import { openStep } from "./explore/step";
import { openThreads, threadAt, threadCount } from "./explore/thread";

export { decodeBytes } from "./isa/fetch";
export {
  search, searchOn, configure, statesSeen, transitions, searches, endless, storesInLoop,
} from "./explore/search";
export { runsCut, runsDone, walk, walkOn } from "./explore/walk";
export { openReplay, replay, replayed, replayedLength } from "./explore/replay";
export { logLength } from "./memory/replay-log";
export { outcomes, outcomeCount } from "./explore/outcome";
export { stateCount } from "./explore/state";
export { localCount } from "./explore/local-state";
export { threadStateCount } from "./explore/thread-state";
export { share, sharedCount, sharedWord } from "./memory/granule";
export { instructions } from "./explore/step";

let arena: usize = 0;
let middle: usize = 0;
let end: usize = 0;

/** After the host wrote the machine block: `core` and `decoded` are zeroed memory. */
export function open(core: usize, decoded: usize, from: usize, states: usize, to: usize): void {
  loadParameters();
  openDecode(decoded);
  arena = from;
  middle = states;
  end = to;
}

/**
 * A new program in RAM. Returns where the host writes `observed` observations of 16 bytes
 * (explore/outcome.ts).
 */
export function begin(core: usize, threads: u32, observed: u32): usize {
  openArena(arena, middle, end);
  resetLongMode(core, 0, 0, 0);
  openStep(core);
  openThreads(threads);
  openLocals();
  for (let i: u32 = 0; i < threads; i++) threadAt(i).state = <u32>allocate(cpuStateBytes());
  return openObserved(observed);
}

/** After begin(), the threads and the predicate: what follows is forgotten between searches. */
export function ready(): void {
  openGranules(threadCount);
}

/** The core as thread `index` begins, all registers 0: the host sets them, then calls setThread. */
export function resetThread(core: usize, rip: u64, cr3: u64): void {
  resetLongMode(core, rip, 0, cr3);
  Core.of(core).cpu = 0;
}

/** Thread `index` begins as the core is now. */
export function setThread(
  core: usize, index: u32, observed: u32, stackLin: u64, stackHost: u32, stackBytes: u32,
): void {
  const t = threadAt(index);
  t.observed = observed;
  t.stackLin = stackLin;
  t.stackHost = stackHost;
  t.stackBytes = stackBytes;
  copyState(core, <usize>t.state, true);
}

/** The core as it is now, to begin a predicate with: the place that an observation names. */
export function keepCore(core: usize): usize {
  const at = allocate(cpuStateBytes());
  copyState(core, at, true);
  return at;
}

/** Zeroes; a shared array of the host does it byte by byte. */
export function clear(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}

/** `bytes` of memory for the host: a list of decisions, a log. */
export function room(bytes: usize): usize {
  return allocate(bytes);
}
