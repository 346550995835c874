// One run by its decisions, with a log of what every instruction did. A decision that is not
// possible is passed over, and when the list is at its end every thread goes on as under sequential
// consistency: one after the other, each store visible at once. So a list can be shortened, and
// what is left of it is what matters.
import { LOG_COMMIT } from "../abi";
import { allocate } from "../memory/arena";
import { fixShared, sharedWord } from "../memory/granule";
import { closeLog, logEvent, openLog } from "../memory/replay-log";
import { Buffer } from "./buffer";
import { apply, changesState, decide } from "./decide";
import { Outcome, recordOutcome } from "./outcome";
import {
  DRAIN, decisionsOf, firstTuple, memoryOf, setMemory, setThread, threadOf,
} from "./state";
import { initialShared } from "./shared-state";
import { firstLocal, repeatStep } from "./step";
import { threadCount } from "./thread";
import { appendAll, move, settle } from "./thread-state";

/** Decisions of a replay at most. */
export const REPLAY_MAX: u32 = 65536;

let current: usize = 0;
/** What was decided, the decisions behind the list's end too. */
export let replayed: usize = 0;
export let replayedLength: u32 = 0;
let logging: bool = false;

/** After a search or a walk of the same program. */
export function openReplay(): void {
  current = allocate(<usize>(threadCount + 1) << 2);
  replayed = allocate(REPLAY_MAX);
}

/**
 * The outcome of `count` decisions at `list`; null when there is none within the limit, or when the
 * run touches what a search that was cut short took for unshared. A log is kept in
 * [logFrom, logTo) if that is not empty.
 */
export function replay(list: usize, count: u32, logFrom: usize, logTo: usize): Outcome | null {
  fixShared(true);
  const outcome = run(list, count, logFrom, logTo);
  fixShared(false);
  return outcome;
}

function run(list: usize, count: u32, logFrom: usize, logTo: usize): Outcome | null {
  replayedLength = 0;
  logging = logTo > logFrom;
  if (logging) openLog(logFrom, logTo);
  if (!begin()) return null;
  let idle: u32 = 0;
  let at: u32 = 0;
  let thread: u32 = 0;
  while (replayedLength < REPLAY_MAX) {
    const all = decisionsOf(current) & ~idle;
    if (!all) {
      closeLog();
      return recordOutcome(current, null);
    }
    let decision: u32;
    if (at < count) {
      decision = load<u8>(list + at);
      at++;
      if (!((all >> decision) & 1)) continue;
      thread = decision % DRAIN;
    } else {
      while (!(all & ((<u32>1 | <u32>1 << DRAIN) << thread))) thread = (thread + 1) % threadCount;
      decision = (all >> (DRAIN + thread)) & 1 ? DRAIN + thread : thread;
    }
    if (!decide(current, decision)) break;
    if (!changesState(current, decision)) {
      idle |= <u32>1 << decision;
      continue;
    }
    idle = 0;
    if (logging) logDecision(decision);
    apply(current, decision);
    store<u8>(replayed + replayedLength, <u8>decision);
    replayedLength++;
  }
  closeLog();
  return null;
}

function begin(): bool {
  if (!logging) return firstTuple(current);
  for (let i: u32 = 0; i < threadCount; i++) {
    const local = firstLocal(i);
    if (local == null) return false;
    const s = settle(local, changetype<Buffer | null>(0), true);
    if (s == null) return false;
    setThread(current, i, s);
  }
  setMemory(current, initialShared());
  return true;
}

/** What the decision does to `current`, instruction by instruction. */
function logDecision(decision: u32): void {
  const m = memoryOf(current);
  if (decision >= DRAIN) {
    const s = threadOf(current, decision - DRAIN);
    const e = s.buffer!.head;
    const word = <u64>sharedWord(e.offset >> 3);
    logEvent(LOG_COMMIT, decision - DRAIN, (word << 3) + (e.offset & 7), e.size, e.value);
    settle(s.local, s.buffer!.rest, true);
    return;
  }
  const s = threadOf(current, decision);
  const step = move(s, m);
  if (step == null) return;
  // A load has one part: its second value tells the log where the first came from.
  repeatStep(s.local, step.v1, s.held ? 1 : step.v2);
  settle(step.edge.to, appendAll(s.buffer, step.edge), true);
}
