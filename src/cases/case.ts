// What a case is: a program, the machines it is meant for, its variants, and what must come out.
import type { TraceEvent } from "../core/view.ts";
import type { Counters } from "../machine/debug-block.ts";
import type { Preset } from "../machine/preset.ts";
import type { MemoryModel, Relation } from "../machine/topology.ts";
import type { Machine, RunResult } from "../engine/machine.ts";

/** Everything that one run depends on. */
export interface CaseSpec {
  machine: string;
  variant: string;
  workload: string;
  /** CPUs of the submitter and of the reaper. */
  pair: [number, number];
  seed: bigint;
  rounds: number;
  memory: MemoryModel;
  windowCycles?: number;
  changes?: ReadonlyMap<string, number>;
}

/** A violated invariant, with what is needed to explain it. */
export interface Failure {
  invariant: string;
  /** One sentence. */
  what: string;
  /** Physical addresses of the lines that matter, and the trace of the last round. */
  ringLine: bigint;
  waitLine: bigint;
  head: number;
  tail: number;
  events: TraceEvent[];
}

export interface CaseRun {
  spec: CaseSpec;
  relation: Relation;
  result: RunResult;
  /** What the guest printed. */
  console: string;
  /** CPUs and tasks as they were at the end, a line each. */
  places: string[];
  failure?: Failure;
  /** Why nothing can be concluded from this run: it neither did its work nor broke an invariant. */
  broken?: string;
  /** Rounds that the workload completed. */
  rounds: number;
  counters?: Counters;
  /**
   * Cycles from issue to commit of the store that the case is about, of each round in the trace.
   */
  residence: number[];
  /**
   * Cycles by which the reaper's decisive read came after the invalidation of its copy, in the
   * round where it was smallest; negative where it came before.
   */
  slack?: number;
  scan?: Scan;
}

/** What a phase scan found: phases of the reaper against the submitter that hang. */
export interface Scan {
  low: number;
  high: number;
  step: number;
  rounds: number;
  hangs: number;
  /** Cycles of phase in which rounds hang. */
  width: number;
  ranges: Array<{ from: number; to: number; hangs: number; rounds: number }>;
}

/** A machine that has stopped, and what led there. */
export interface Stopped {
  machine: Machine;
  spec: CaseSpec;
  result: RunResult;
  console: string;
}

export type Findings = Pick<
  CaseRun,
  "failure" | "broken" | "rounds" | "counters" | "residence" | "slack" | "scan"
>;

/** What must come out of all runs of one kind. */
export interface Expectation {
  /** Its number in the list of checkable expectations. */
  id: string;
  what: string;
  applies(spec: CaseSpec, relation: Relation): boolean;
  /** Runs that are shorter can meet the expectation, but not miss it. */
  roundsMin?: number;
  /** Are `failures` of `runs` runs what is expected? */
  holds(failures: number, runs: number): boolean;
}

export interface Case {
  id: string;
  title: string;
  image: string;
  variants: Record<string, string>;
  workloads: Record<string, string>;
  /** Trace records to keep: at least the last rounds. */
  traceEvents(spec: CaseSpec): number;
  /** Kernel command line after the seed. */
  bootParameters(spec: CaseSpec): string;
  /** Looks at the stopped machine. */
  examine(stopped: Stopped): Findings;
  expectations: Expectation[];
  /** Pairs of CPUs that stand for all: one for each relation that the machine has. */
  pairs(preset: Preset): Array<[number, number]>;
}
