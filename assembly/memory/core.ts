// The memory side of one CPU (a thread): its clock, why it waits, and its outstanding misses. The
// architectural side is isa/cpu.ts; both live in one core block (abi.ts). A unit is a physical
// core: one thread, or two that share its caches, which then lie in the block of the first.
import { CORE_MEM, M_CORES, RUN_PARKED } from "../abi";
import { paramAt } from "./params";

/**
 * Why the last access could not complete (Core.stall). The instruction commits nothing and runs
 * again.
 */
export const STALL_NONE: u32 = 0;
export const STALL_LOAD: u32 = 1; // line not readable yet
export const STALL_FETCH: u32 = 2; // code line not readable yet
export const STALL_FULL: u32 = 3; // store buffer full
export const STALL_DRAIN: u32 = 4; // MFENCE, LOCK, serialising instruction: store buffer not empty
export const STALL_LOCK: u32 = 5; // locked access: line not exclusively owned yet
export const STALL_PARTIAL: u32 = 6; // load overlaps a buffered store only partly
export const STALL_IO: u32 = 7; // I/O or uncached access under way

/** Core.ioState */
export const IO_IDLE: u32 = 0;
export const IO_WAITING: u32 = 1;
export const IO_ANSWERED: u32 = 2;

/**
 * Core block + CORE_MEM.
 *
 *     0 | clock u64 | 8 | wake u64 | 16 | stall u32 | 20 | run u32 | 24 | sbMask u64 | 32 | ...
 *
 * `clock` is the cycle at which the next instruction starts; while execute() runs, the truth is in
 * its local and the field is brought up to date before every call into the memory port.
 */
@unmanaged
export class Core {
  clock: u64;
  /** Cycle of the earliest event that may end the stall; NEVER while that is not known. */
  wake: u64;
  stall: u32;
  /** RUN_* of abi.ts. */
  run: u32;
  /**
   * Bit (lin >> 3) & 63 is set when a buffered store may cover that granule: such a load takes the
   * slow path. All ones while a labelled access is to be traced.
   */
  sbMask: u64;
  sbHead: u32;
  sbCount: u32;
  /** Commit time of the youngest store committed so far. */
  sbLastCommit: u64;
  /** Label of the next memory access, 0 for none (MARK_LABEL while tracing). */
  label: u32;
  cpu: u32;
  cluster: u32;
  /** Index of this CPU within its cluster. */
  slot: u32;
  instructions: u64;
  /**
   * IO_*: an answer that was latched is consumed by the rerun, and no interrupt is taken before.
   */
  ioState: u32;
  /** While tracing: an IRET has come back; a mark right before that place is to be seen again. */
  returned: u32;
  ioValue: u64;
  /** Outstanding misses (mshr.ts) and the earliest grant among them, NEVER if none is granted. */
  misses: u32;
  /** Messages waiting in the inbox (inbox.ts). */
  inboxCount: u32;
  nextGrant: u64;
  /** The head of the store buffer may not commit before this cycle: the grant it waited for. */
  headOwned: u64;
  /** L1D slot in which the line of the last store that entered the buffer was seen. */
  sbSlot: u32;
  pad2: u32;
  /** Interrupt messages sent so far: the counter of this CPU's stream of random numbers. */
  ipis: u64;
  /** A parked CPU is to look at the mailbox again: its line was lost. */
  recheck: u32;
  /** 1: a store to code of this core is buffered: nothing runs before it is visible. */
  selfModified: u32;
  /** End of the quantum under way: nothing that happens later may be known before. */
  until: u64;
  /** Core block of the unit's first thread: the caches are there. */
  caches: u32;
  /** Core block of the unit's other thread, or 0. */
  sibling: u32;
  /** Index of the unit within its cluster. */
  unit: u32;
  /** Index of this CPU within its unit. */
  thread: u32;
  /** Which thread of the unit (kept by the first) starts when both could in the same cycle. */
  turn: u32;
  /** The line that a parked CPU watches. */
  watched: u32;
  /** The unit's private L2 (private-cache.ts), or 0. */
  l2: u32;
  /** Stores that entered the buffer so far. */
  stores: u64;
  /** Entries from the head on that have asked for their line, or need not any more. */
  sbAsked: u32;
  /** Whose drain STALL_DRAIN waits for: WAIT_*_DRAIN. */
  drainCause: u32;
  /** Counters only: loads that hit the filter. */
  loadHits: u64;
  /** 1 + the line that a load or a locked access waits for, and where it came from (SERVED_*). */
  missLine: u32;
  missSource: u32;
  /** The unit's last locked access (kept by the first thread): 1 + (line * 2 + thread); 0: none. */
  lastLocked: u32;
  pad1: u32;
  /** The cycle at which that access is done with its line. */
  lockedUntil: u64;

  @inline static of(core: usize): Core {
    return changetype<Core>(core + CORE_MEM);
  }
}

/**
 * The cycle of an access made now. An instruction that began before the end of the quantum may end
 * after it; its accesses count for the quantum's last cycle then, because the lines of the next one
 * are not decided yet.
 */
// @ts-ignore: decorator
@inline
export function accessTime(c: Core): u64 {
  return min(c.clock, c.until - 1);
}

/** The unit's second thread after its first, 0 after the second: `for (t = c.caches; t; ...)`. */
// @ts-ignore: decorator
@inline
export function nextThread(thread: usize): usize {
  const c = Core.of(thread);
  return c.thread ? 0 : <usize>c.sibling;
}

/** Something happened at cycle `time` that may end the CPU's stall: it tries again. */
// @ts-ignore: decorator
@inline
export function endStall(c: Core, time: u64): void {
  if (!c.stall) return;
  if (c.clock < time) c.clock = time;
  c.stall = 0;
  if (c.run == RUN_PARKED) c.recheck = 1;
}

/** A parked thread of the unit of `core` looks again when its line is written, or goes. */
export function wakeWatchers(core: usize, line: u32): void {
  for (let t = <usize>Core.of(core).caches; t; t = nextThread(t)) {
    const c = Core.of(t);
    if (c.run == RUN_PARKED && c.watched == line) c.recheck = 1;
  }
}

/** The core block of CPU `cpu`. */
// @ts-ignore: decorator
@inline
export function coreOf(cpu: u32): usize {
  return paramAt(M_CORES, cpu);
}
