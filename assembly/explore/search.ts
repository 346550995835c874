// Every interleaving, depth first. A state that was seen is not entered again, which ends loops
// too: a thread that spins comes back to the same state until another thread's store is visible.
// Strongly connected components are found on the way (Tarjan): one that has no way out is an
// endless loop of all its threads.
import { arenaFull, arenaRewind, statesNext, statesRewind } from "../memory/arena";
import {
  REFUSED_CODE, conflict, granulesEnd, refused, resetGranules, tooManyWords,
} from "../memory/granule";
import { openPort } from "../memory/explore-port";
import { countOf, openBuffers } from "./buffer";
import { changesState, decide, memoryAfter, threadAfter, threadOfDecision } from "./decide";
import { openLocals } from "./local-state";
import { openOutcomes, recordOutcome } from "./outcome";
import { reduce } from "./reduce";
import { openShared } from "./shared-state";
import { forgetGrowth, grown, openSites } from "./site";
import {
  COMPONENT, LEAVES, MOVED, OPEN, State, candidate, decisionsOf, findState, firstTuple, known,
  openStates, resetCandidate, setCandidate, stateCount, sumCandidate, threadOf, tupleOf,
} from "./state";
import { resetInstructions } from "./step";
import { threadCount } from "./thread";
import { bufferFull, openThreadStates } from "./thread-state";

// How a search ended
export const COMPLETE: u32 = 0;
/** The limit of states was reached. */
export const STATES_LIMIT: u32 = 1;
/** There is no memory left. */
export const MEMORY_LIMIT: u32 = 2;
/** Too many words are shared, or written by one thread. */
export const WORDS_LIMIT: u32 = 3;
/** Every state was seen, but a full store buffer made some steps wait. */
export const BUFFER_LIMIT: u32 = 4;
/** Code is written. */
export const CODE_LIMIT: u32 = 5;
/** A thread runs too long without an access that others could see. */
export const STEP_LIMIT: u32 = 6;
/** So far; the host may look round, and goes on with searchOn() or walkOn(). */
export const PAUSED: u32 = 9;
// Internal
const AGAIN_SHARED: u32 = 7;
const AGAIN_LEARNT: u32 = 8;

/** States after which a search that has learnt something is begun again at once. */
const PATIENCE: u32 = 4096;

let statesMax: u32 = 0;
let reducing: bool = false;
let entries: u32 = 0;
let model: u32 = 0;
let statesBase: usize = 0;
/** States and steps of all searches, those that were begun again too. */
export let statesSeen: u64 = 0;
export let transitions: u64 = 0;
export let searches: u32 = 0;
/** A state of a loop that all threads are caught in; null without one. */
export let endless: State | null = null;
/**
 * In a loop that need not end stores go into a store buffer. In any other loop the buffers are as
 * they are, so that a fence put into it waits for nothing: it takes no way out of the loop away.
 */
export let storesInLoop: bool = false;
let component: State | null = null;
/** Top of the search's stack, while it pauses; null before the first state. */
let top: State | null = null;

export function configure(limit: u32, withReduction: bool, bufferEntries: u32, kind: u32): void {
  statesMax = limit;
  reducing = withReduction;
  entries = bufferEntries;
  model = kind;
  statesBase = statesNext();
  statesSeen = transitions = 0;
  searches = 0;
  resetInstructions();
}

/** Forget what was learnt but for which words are shared. */
export function resetLearnt(): void {
  arenaRewind(granulesEnd);
  resetGranules(threadCount);
  openPort();
  openLocals();
  openSites();
  openBuffers();
  openShared();
  openThreadStates(entries, model);
}

/**
 * All reachable final states are among the outcomes, unless the result names a limit. Pauses when
 * it has seen `slice` new states.
 */
export function search(slice: u32): u32 {
  resetLearnt();
  beginAgain();
  return searchOn(slice);
}

function beginAgain(): void {
  statesRewind(statesBase);
  openStates();
  openOutcomes();
  forgetGrowth();
  searches++;
  endless = null;
  storesInLoop = false;
  component = null;
  top = null;
}

/** After a pause. */
export function searchOn(slice: u32): u32 {
  const pause = statesSeen + stateCount + slice;
  for (;;) {
    const result = explore(pause);
    if (result == PAUSED) return PAUSED;
    statesSeen += stateCount;
    if (result == AGAIN_SHARED) {
      const limit = limitMet();
      if (limit) return limit;
      resetLearnt();
    } else if (result != AGAIN_LEARNT) {
      return result == COMPLETE && bufferFull ? BUFFER_LIMIT : result;
    }
    beginAgain();
  }
  return COMPLETE;
}

/** Why a search that has to begin again never ends; 0: it may. */
export function limitMet(): u32 {
  if (refused) return refused == REFUSED_CODE ? CODE_LIMIT : STEP_LIMIT;
  return tooManyWords ? WORDS_LIMIT : 0;
}

function failure(): u32 {
  return conflict ? AGAIN_SHARED : MEMORY_LIMIT;
}

/** Put a new state on the stack. */
function enter(s: State, parent: State | null, via: u32): void {
  const all = decisionsOf(tupleOf(s));
  s.parent = parent;
  s.via = <u8>via;
  s.low = s.order;
  s.flags = OPEN | COMPONENT;
  s.todo = reducing ? reduce(tupleOf(s), all) : all;
  s.rest = all & ~s.todo;
  s.below = component;
  component = s;
}

function enterFirst(): u32 {
  if (arenaFull() || !firstTuple(candidate)) return failure();
  sumCandidate();
  const first = findState();
  if (first == null) return MEMORY_LIMIT;
  enter(first, null, 0);
  top = first;
  return COMPLETE;
}

/** Until there are `pause` states, those of the searches before it too. */
function explore(pause: u64): u32 {
  if (top == null) {
    const failed = enterFirst();
    if (failed) return failed;
  }
  let s: State = top!;
  const stop = pause - min(pause, statesSeen);
  for (;;) {
    if (!s.todo && s.rest && !(s.flags & MOVED)) {
      // Only steps that change nothing: another thread must go first.
      s.todo = s.rest;
      s.rest = 0;
    }
    if (!s.todo) {
      const parent = s.parent;
      leave(s);
      if (parent == null) break;
      join(parent, s);
      resetCandidate(threadOfDecision(s.via), parent);
      s = parent;
      continue;
    }
    const decision = ctz(s.todo);
    s.todo &= s.todo - 1;
    transitions++;
    if (!decide(tupleOf(s), decision)) return failure();
    if (!changesState(tupleOf(s), decision)) continue;
    s.flags |= MOVED;
    setCandidate(threadOfDecision(decision), threadAfter, memoryAfter);
    const next = findState();
    if (next == null) return MEMORY_LIMIT;
    if (known) {
      revisit(s, next);
      resetCandidate(threadOfDecision(decision), s);
      continue;
    }
    enter(next, s, decision);
    s = next;
    if (grown && reducing && stateCount > PATIENCE) return AGAIN_LEARNT;
    if (stateCount >= statesMax) return STATES_LIMIT;
    if (stateCount >= stop) {
      top = s;
      return PAUSED;
    }
  }
  return grown && reducing ? AGAIN_LEARNT : COMPLETE;
}

/** A step leads to a state that was seen before. */
function revisit(s: State, next: State): void {
  if (next.flags & OPEN && s.rest) {
    // A cycle, on which the left-out decisions might be left out for ever.
    s.todo |= s.rest;
    s.rest = 0;
  }
  if (next.flags & COMPONENT) s.low = min(s.low, next.order);
  else s.flags |= LEAVES;
}

/** Everything behind `s` was seen. */
function leave(s: State): void {
  s.flags &= ~OPEN;
  if (!(s.flags & MOVED)) {
    recordOutcome(tupleOf(s), s);
    s.flags |= LEAVES;
  }
  if (s.low != s.order) return;
  let leaves = false;
  for (;;) {
    const top = component!;
    component = top.below;
    top.flags &= ~COMPONENT;
    if (top.flags & LEAVES) leaves = true;
    if (top == s) break;
    if (!sameCounts(tupleOf(top), tupleOf(s))) storesInLoop = true;
  }
  if (!leaves) endless = s;
}

/** As many stores wait in each buffer. */
function sameCounts(a: usize, b: usize): bool {
  for (let i: u32 = 0; i < threadCount; i++) {
    if (countOf(threadOf(a, i).buffer) != countOf(threadOf(b, i).buffer)) return false;
  }
  return true;
}

/** `s` was left, to go on with the state that it was reached from. */
function join(parent: State, s: State): void {
  if (s.flags & COMPONENT) parent.low = min(parent.low, s.low);
  else parent.flags |= LEAVES;
}
