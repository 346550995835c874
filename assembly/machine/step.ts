// One CPU: what it does next and how it gets there. The windows and quanta around it are in
// cluster-window.ts.
import {
  CORE_LIMIT_MASK, ENGINE_REACH, ENGINE_STRESS, RUN_HALTED, RUN_PARKED, RUN_RUNNING, WAIT_HALTED,
  WAIT_PARKED, WAIT_SC, WAIT_SELF_MODIFIED, WAIT_SLICE,
} from "../abi";
import { lapicAccept, lapicDeadline, lapicFire, lapicPending } from "../device/lapic";
import { Cpu, IF } from "../isa/cpu";
import { execute } from "../isa/execute";
import { Core, IO_ANSWERED, STALL_DRAIN } from "../memory/core";
import { countWait } from "../memory/counters";
import { Letter, nextLetter, takeLetter } from "../memory/inbox";
import { sequential, sliceCycles, sliceRunning, sliceTurns } from "../memory/params";
import { MSG_IPI } from "../memory/protocol";
import { advance, nextHeadEvent } from "../memory/store-buffer";
import { nextAsk } from "../memory/store-requests";
import { lookAtMailbox } from "./parking";
import { act } from "./reach/actor";
import { stress } from "./stress";

/** A core can execute now. */
// @ts-ignore: decorator
@inline
export function runnable(c: Core): bool {
  // Sequential consistency: an instruction begins only when every earlier store is visible.
  if (c.run != RUN_RUNNING || c.stall) return false;
  return !c.sbCount || !(sequential || c.selfModified);
}

/** What comes to a core from outside: a line, an interrupt or an answer, its timer. */
// @ts-ignore: decorator
@inline
export function nextArrival(core: usize): u64 {
  return min(min(Core.of(core).nextGrant, nextLetter(core)), lapicDeadline(core));
}

/** The next cycle at which the core does anything at all. */
export function nextStep(core: usize): u64 {
  const c = Core.of(core);
  if (c.run == RUN_PARKED && c.recheck) return 0;
  // A long instruction may keep the core busy for windows, in which its lines and stores still come
  // and go.
  const event = min(nextArrival(core), nextHeadEvent(core));
  return runnable(c) ? min(c.clock, event) : event;
}

/**
 * As nextStep(), but of what step() or advance() would do now: a core that executes takes messages
 * and its timer between instructions, so not before its clock, and a parked one that waits for a
 * line does not look at its mailbox.
 */
export function nextTurn(core: usize): u64 {
  const c = Core.of(core);
  if (c.run == RUN_PARKED && c.recheck && !c.stall) return 0;
  if (runnable(c)) return min(c.clock, min(c.nextGrant, nextHeadEvent(core)));
  return min(nextArrival(core), nextHeadEvent(core));
}

/** nextStep() is before `end`: mostly because the core simply goes on. */
// @ts-ignore: decorator
@inline
export function acts(core: usize, end: u64): bool {
  const c = Core.of(core);
  return (runnable(c) && c.clock < end) || nextStep(core) < end;
}

/**
 * Takes the core one step on: instructions up to the next arrival, or the next thing that happens
 * to it. `to`: the end of its quantum; an instruction may end after it. False = nothing is left to
 * do before.
 */
export function step(core: usize, from: u64, to: u64): bool {
  const c = Core.of(core);
  if (runnable(c)) {
    if (sliceCycles) awaitSlice(core, c);
    if (c.clock >= to) return false;
    const arrival = min(nextArrival(core), nextAsk(core));
    if (arrival <= c.clock) {
      settle(core, c.clock);
      return true;
    }
    store<u64>(core, sequential ? 0 : ~0, CORE_LIMIT_MASK);
    if (ENGINE == ENGINE_STRESS) stress(core, min(to, arrival));
    else if (ENGINE == ENGINE_REACH) act(core, min(to, arrival));
    else execute(core, min(to, arrival));
    return c.clock < to || !runnable(c);
  }
  if (c.run == RUN_HALTED && wakes(core)) {
    c.run = RUN_RUNNING;
    return true;
  }
  if (c.run == RUN_PARKED && c.recheck && !c.stall) {
    waitUntil(core, c, from);
    lookAtMailbox(core);
    return true;
  }
  const event = min(nextArrival(core), nextHeadEvent(core));
  if (event >= to) return false;
  settle(core, event);
  waitUntil(core, c, event);
  c.stall = 0;
  if (c.run == RUN_PARKED) c.recheck = 1;
  return true;
}

/** The core does nothing before `time`. */
function waitUntil(core: usize, c: Core, time: u64): void {
  if (c.clock >= time) return;
  countWait(core, causeOf(c), time - c.clock);
  c.clock = time;
}

/**
 * A CPU that is not its host's turn executes nothing before it is: like an instruction that takes
 * that long, it keeps its registers and what is pending, and its buffer drains.
 */
function awaitSlice(core: usize, c: Core): void {
  const slice = c.clock / sliceCycles;
  const early = (c.cpu / sliceRunning + sliceTurns - slice % sliceTurns) % sliceTurns;
  if (!early) return;
  const time = (slice + early) * sliceCycles;
  countWait(core, WAIT_SLICE, time - c.clock);
  c.clock = time;
}

/** WAIT_* of a core that is not executing. */
function causeOf(c: Core): u32 {
  if (c.run == RUN_HALTED) return WAIT_HALTED;
  if (c.run == RUN_PARKED) return WAIT_PARKED;
  if (c.stall) return c.stall == STALL_DRAIN ? c.drainCause : c.stall;
  return sequential ? WAIT_SC : WAIT_SELF_MODIFIED;
}

/** An interrupt ends the HLT. */
export function wakes(core: usize): bool {
  return lapicPending(core) >= 0 && (Cpu.of(core).rflags & IF) != 0;
}

/** Everything that reaches the core up to and including cycle `time`. */
function settle(core: usize, time: u64): void {
  const c = Core.of(core);
  advance(core, time);
  while (nextLetter(core) <= time) {
    const letter = Letter.at(core, 0);
    if (letter.kind == MSG_IPI) {
      lapicAccept(core, letter.value);
    } else {
      c.ioValue = letter.value;
      c.ioState = IO_ANSWERED;
    }
    takeLetter(core);
  }
  if (lapicDeadline(core) <= time) lapicFire(core);
}
