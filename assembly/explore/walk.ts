// Random runs, for programs with more interleavings than anyone can see. Two ways to choose: at
// random, each run with its own reluctance to drain, because bugs hide behind stores that stay in
// their buffers for long; or by priorities that change at a few random steps, which finds a bug of
// depth d with a known probability (Burckhardt et al., "A Randomized Scheduler with Probabilistic
// Guarantees of Finding Bugs"): there steps and drains of a thread are processes of their own.
// A run depends on the seed and its number only. Its decisions, a byte each, are its schedule.
import { allocate, arenaFull } from "../memory/arena";
import { conflict } from "../memory/granule";
import { draw } from "../random";
import { apply, changesState, decide, memoryAfter } from "./decide";
import { Outcome, openOutcomes, recordOutcome } from "./outcome";
import { COMPLETE, MEMORY_LIMIT, PAUSED, limitMet, resetLearnt } from "./search";
import { copyTuple, decisionsOf, firstTuple, memoryOf } from "./state";
import { threadCount } from "./thread";

/** Decisions of one run at most; a longer one is cut. */
export const SCHEDULE_MAX: u32 = 65536;
/** Steps in a row of one process, with nothing visible to others, before it goes last. */
const STREAK_MAX: u32 = 200;
const PROCESSES: u32 = 32;

/** The tuple under way, the first one, and the decisions that led there. */
let current: usize = 0;
let first: usize = 0;
export let schedule: usize = 0;
export let scheduleLength: u32 = 0;
let priorities: usize = 0;
/** Runs that were cut. */
export let runsCut: u32 = 0;
let longest: u32 = 0;

let runs: u32 = 0;
let from: u64 = 0;
let runsDepth: u32 = 0;
/** Runs that were made; all of them begin again when a word turns out to be shared. */
export let runsDone: u32 = 0;

let seed: u64 = 0;
let run: u64 = 0;
let counter: u64 = 0;

// @ts-ignore: decorator
@inline
function next(): u64 {
  return draw(seed, run, counter++);
}

function openWalk(): bool {
  resetLearnt();
  openOutcomes();
  const bytes = <usize>(threadCount + 1) << 2;
  current = allocate(bytes);
  first = allocate(bytes);
  schedule = allocate(SCHEDULE_MAX);
  priorities = allocate(<usize>PROCESSES << 2);
  return firstTuple(first);
}

/**
 * `count` runs from `number` on; `depth` 0: at random, else by priorities. Pauses after `slice`
 * runs.
 */
export function walk(
  count: u32, number: u64, withSeed: u64, depth: u32, slice: u32,
): u32 {
  runs = count;
  from = number;
  seed = withSeed;
  runsDepth = depth;
  return beginAgain() ? walkOn(slice) : failure();
}

/** All runs, too, with one word more shared: what they came to must not depend on the first. */
function beginAgain(): bool {
  for (;;) {
    runsCut = runsDone = 0;
    longest = 64;
    if (openWalk()) return true;
    if (limitMet() || !conflict) return false;
  }
  return false;
}

function failure(): u32 {
  return limitMet() || MEMORY_LIMIT;
}

/** After a pause. */
export function walkOn(slice: u32): u32 {
  let stop = <u64>runsDone + slice;
  while (runsDone < runs) {
    if (runsDone >= stop) return PAUSED;
    run = from + runsDone;
    counter = 0;
    if (walkOnce(runsDepth)) {
      runsDone++;
    } else {
      if (limitMet() || !conflict || !beginAgain()) return failure();
      stop = slice;
    }
  }
  return COMPLETE;
}

/** The place of the n-th bit that is set. */
function pick(mask: u32, n: u32): u32 {
  while (n--) mask &= mask - 1;
  return ctz(mask);
}

/** Steps of threads in the lower half of a set of decisions. */
const STEPS: u32 = 0xffff;

function chooseAtRandom(all: u32, reluctance: u32): u32 {
  let set = all;
  const steps = all & STEPS;
  const r = next();
  if (steps && (<u32>(r >> 32) & 15) < reluctance) set = steps;
  return pick(set, <u32>r % <u32>popcnt(set));
}

function priorityOf(process: u32): u32 {
  return load<u32>(priorities + (<usize>process << 2));
}

function chooseByPriority(all: u32): u32 {
  let best = ctz(all);
  for (let left = all; left; left &= left - 1) {
    if (priorityOf(ctz(left)) > priorityOf(best)) best = ctz(left);
  }
  return best;
}

/** False when all has to begin again, or memory is full. */
function walkOnce(depth: u32): bool {
  copyTuple(current, first);
  scheduleLength = 0;
  const reluctance = <u32>next() & 15;
  const changes = prepare(depth);
  let change = nextChange(depth, changes, 0);
  let idle: u32 = 0;
  let last: u32 = PROCESSES;
  let streak: u32 = 0;
  while (scheduleLength < SCHEDULE_MAX) {
    const all = decisionsOf(current) & ~idle;
    if (!all) return finish();
    const decision = depth ? chooseByPriority(all) : chooseAtRandom(all, reluctance);
    if (!decide(current, decision)) return false;
    if (!changesState(current, decision)) {
      // It spins: nothing of it happens until something else does.
      idle |= <u32>1 << decision;
      continue;
    }
    const visible = memoryOf(current) != memoryAfter;
    apply(current, decision);
    idle = 0;
    store<u8>(schedule + scheduleLength, <u8>decision);
    scheduleLength++;
    streak = decision == last && !visible ? streak + 1 : 0;
    last = decision;
    if (scheduleLength == change || streak > STREAK_MAX) {
      store<u32>(priorities + (<usize>decision << 2), depth ? SCHEDULE_MAX - scheduleLength : 0);
      change = nextChange(depth, changes, scheduleLength);
      streak = 0;
    }
  }
  runsCut++;
  return !arenaFull();
}

function finish(): bool {
  longest = max(longest, scheduleLength);
  const o: Outcome = recordOutcome(current, null);
  if (!o.schedule) {
    const kept = allocate(scheduleLength + 1);
    memory.copy(kept, schedule, scheduleLength);
    o.schedule = <u32>kept;
    o.scheduleLength = scheduleLength;
  }
  return !arenaFull();
}

/** Priorities above all that a change gives; what the places of the changes are drawn from. */
function prepare(depth: u32): u64 {
  if (!depth) return 0;
  for (let i: u32 = 0; i < PROCESSES; i++) {
    store<u32>(priorities + (<usize>i << 2), <u32>(next() >> 33) | (<u32>1 << 31));
  }
  return next();
}

/** The first of the depth - 1 changes after step `after`. */
function nextChange(depth: u32, changes: u64, after: u32): u32 {
  let best: u32 = SCHEDULE_MAX + 1;
  for (let i: u32 = 1; i < depth; i++) {
    const at: u32 = 1 + <u32>(draw(changes, i, 0) % <u64>longest);
    if (at > after && at < best) best = at;
  }
  return best;
}
