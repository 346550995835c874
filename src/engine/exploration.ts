// What the explore engine is asked, and what it answers.
import type { WitnessStep } from "./program.ts";
import type { Decisions } from "./schedule.ts";

export interface Begin {
  rip: bigint;
  /** By number: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15. */
  registers: BigUint64Array;
}

export interface ExploreThread extends Begin {
  /** Nothing below its red zone counts; other threads may still look into the rest. */
  stack?: { lin: bigint; bytes: number };
}

export type Watched =
  | { kind: "register"; thread: number; register: number; size: number }
  | { kind: "memory"; lin: bigint; size: number }
  /** A function that runs alone on the final state, and what it returns. */
  | { kind: "predicate"; begin: Begin };

/** Threads end at HLT. */
export interface Setup {
  /** Memory; zero up to `bytes` behind the data. */
  pieces: { lin: bigint; data: Uint8Array; bytes?: number }[];
  threads: ExploreThread[];
  watched: Watched[];
}

export interface ExploreOptions {
  /** stall: a load that a buffered store covers in part waits for it. */
  model?: "tso" | "sc" | "stall";
  /** Partial-order reduction; on unless false. */
  reduce?: boolean;
  statesMax?: number;
  bufferEntries?: number;
}

export interface WalkOptions extends ExploreOptions {
  runs: number;
  seed?: bigint;
  /** Number of the first run: a run depends on seed and number only. */
  from?: number;
  /** Priorities that change at depth - 1 steps; 0, the default: at random. */
  depth?: number;
}

/** Why a thread did not come to its end: PENDING_* of abi.ts, and where. */
export interface StuckThread {
  thread: number;
  pending: number;
  rip: bigint;
  /** What PENDING_FAULT stopped at. */
  exception?: { vector: number; address: bigint };
}

export interface Final {
  values: bigint[];
  /** Machine states, or runs, that ended so. */
  count: number;
  /** Threads that have not ended. */
  stuck: StuckThread[];
  /** Decisions that lead there. */
  schedule: Decisions;
}

export interface Exploration {
  finals: Final[];
  /** Decisions that lead into a loop that no thread leaves any more. */
  endless?: Decisions;
  /** Some execution need not end, and stores to shared memory again and again. */
  storesInLoop?: boolean;
  /** What was cut short. */
  bound?: string;
  /** Distinct states of the last search, and what all searches came to. */
  machineStates: number;
  statesSeen: number;
  transitions: number;
  searches: number;
  instructions: number;
  seconds: number;
}

/** One run. */
export interface Replay {
  values: bigint[];
  stuck: StuckThread[];
  /** All decisions, those behind the end of the list too. */
  schedule: Decisions;
  steps: WitnessStep[];
}

/** Yields the states or runs so far; true for an answer leaves it as it is. */
export type Search = Generator<number, Exploration, boolean>;
