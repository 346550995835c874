// What a case is: a program, the machines it is meant for, its variants, and what must come out.
import type { TraceEvent } from "../core/view.ts";
import type { Disk, IrqPolicy } from "../machine/disks.ts";
import type { Counters } from "../machine/debug-block.ts";
import type { Preset } from "../machine/preset.ts";
import type { ReportPlan } from "./report-plan.ts";
import type { MemoryModel, Relation } from "../machine/topology.ts";
import type { Machine, RunResult } from "../engine/machine.ts";
import type { Follower } from "../engine/pieces.ts";

/** Everything that one run depends on. */
export interface CaseSpec {
  machine: string;
  variant: string;
  workload: string;
  /** CPUs of the submitter and of the reaper; of a case that uses all, the first and the last. */
  pair: [number, number];
  seed: bigint;
  rounds: number;
  memory: MemoryModel;
  windowCycles?: number;
  changes?: ReadonlyMap<string, number>;
  /** Words that change the case's disks (machine/disks.ts), and who takes their interrupts. */
  disk?: string[];
  irq?: IrqPolicy;
  /** Requests in flight, of a case that has many. */
  inflight?: number;
  /** All CPUs on one last-level cache, for comparison. */
  oneCache?: boolean;
}

/** One of several objects of a failure. */
export interface OtherFailure {
  /** As Failure.object. */
  object: bigint;
  event: TraceEvent;
  /** What the trace shows of it. */
  what: string;
  /** Is there nothing left of it at the end? */
  freed: boolean;
}

/** A violated invariant, with what is needed to explain it. */
export interface Failure {
  invariant: string;
  /** One sentence. */
  what: string;
  /** Of a report on it, where the title of its plan says something else. */
  title?: string;
  /** What led there, in lines; undefined where report/lost-wakeup.ts tells it from the trace. */
  account?: string;
  /** Of a lost wake-up: physical addresses of the lines that matter, and the ring. */
  ringLine?: bigint;
  waitLine?: bigint;
  head?: number;
  tail?: number;
  /** The trace of the last round. */
  events: TraceEvent[];
  /** Physical address of the object that it is about. */
  object?: bigint;
  /** Accesses that made it happen, by names that the case's report uses. */
  moments?: Record<string, TraceEvent | undefined>;
  /** Each access by which something failed, to this object and to others like it, by time. */
  others?: OtherFailure[];
  /** What the trace shows of it. */
  facts?: Record<string, string>;
  /** Events that the reaper has taken in all. */
  reaped?: number;
  /** In this run: was it the store buffer, does the failure go away without one? */
  cause: "store buffer" | "interleaving" | "no race" | "not recorded";
  /**
   * What says so. Undefined: the recorded order of instructions, executed again with immediate
   * drains, and what the load that decided reads then. order: in which order the steps were
   * executed.
   */
  causeFrom?: "order";
}

export interface CaseRun {
  spec: CaseSpec;
  relation: Relation | "all CPUs";
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
  /** Rounds in which both sides came near enough to each other for the failure to be possible. */
  visited?: number;
  /** Rounds that waited for a time limit, and the longest round, in cycles. */
  slowRounds?: number;
  longestRound?: number;
  /** Other things that the case counts, by what they are. */
  counts?: Record<string, number>;
  /** Fields of objects that the case is about, each as it was at the moment that matters. */
  objects?: Array<Record<string, bigint>>;
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
  /** What the case's follow() has made, which has seen all records; else those at the end count. */
  followed?: Follower;
}

export interface LookHooks {
  signal?: AbortSignal;
}

export type Findings = Pick<
  CaseRun,
  | "failure" | "broken" | "rounds" | "counters" | "residence" | "slack" | "scan" | "visited"
  | "slowRounds" | "longestRound" | "counts" | "objects"
>;

/** What must come out of all runs of one kind. */
export interface Expectation {
  /** Its number in the list of checkable expectations. */
  id: string;
  what: string;
  applies(spec: CaseSpec, relation: CaseRun["relation"]): boolean;
  /** Runs that are shorter can meet the expectation, but not miss it. */
  roundsMin?: number;
  /** Are `failures` of `runs` runs what is expected? */
  holds(failures: number, runs: number): boolean;
}

export interface Case {
  id: string;
  title: string;
  image: string;
  /** Of workloads that are another program. */
  images?: Record<string, string>;
  /** The machine that shows the bug, and the CPUs that it needs. */
  machine: string;
  cpusMin: number;
  /** It runs on all of them, not two: all workloads, or those named. */
  allCpus?: boolean | readonly string[];
  /** Requests in flight, unless told otherwise. */
  inflight?: number;
  /** The usual name of a variant that the user named, or an InputError with the valid ones. */
  variantOf(text: string, workload?: string): string;
  /** One sentence on a variant by its usual name. */
  describeVariant(variant: string): string;
  /** The buggy and the repaired code. */
  buggy: string;
  fixed: string;
  /** The same, of workloads whose variants are other ones. */
  ofWorkload?: Record<string, { buggy: string; fixed: string }>;
  /** What happened in a round that counts as visited; unless both sides were in the window. */
  visits?: string;
  /** The workload that shows the bug; all with a sentence each. */
  workload: string;
  workloads: Record<string, string>;
  /** Rounds of a run, unless told otherwise. */
  rounds?: number;
  /** By workload: rounds of those that can have no others. */
  fixedRounds?: Record<string, number>;
  /** By workload: at most so many: its disks, or what it keeps in mind, have no room for more. */
  roundsMax?: Record<string, number>;
  /** Trace records to keep: at least the last rounds. */
  traceEvents(spec: CaseSpec): number;
  /** Their kinds, unless those of a lost wake-up: bit k for TRACE_* k. */
  traceKinds?: number;
  /** Disks of the machine, and who takes their interrupts. */
  disks?(spec: CaseSpec): { disks: Disk[]; irqPolicy: IrqPolicy } | undefined;
  /** Cycles after which a run has failed to end. */
  budgetCycles(spec: CaseSpec): bigint;
  /** Kernel command line after the seed. */
  bootParameters(spec: CaseSpec): string;
  /** Reads all records of the run while it goes on, of a case whose runs have too many. */
  follow?(machine: Machine): Follower;
  /** The longest piece of a run that is followed, where the follower needs memory as it was. */
  pieceCycles?: number;
  /** Looks at the stopped machine. */
  examine(stopped: Stopped): Findings;
  /** Looks at the same run once more, at moments which examine() has found. */
  lookAgain?(stopped: Stopped, hooks: LookHooks): Promise<Partial<Findings>>;
  expectations: Expectation[];
  /** What must come out, in groups of runs: the acceptance test. */
  rows: Row[];
  /** What is reported of a run that failed. */
  report?: ReportPlan;
  /**
   * Nothing goes on in a run that has failed: its last records, and the machine at its end, have
   * all that belongs to the failure.
   */
  endsWithFailure?: boolean;
  /**
   * Does the code fail without store buffers, too? And the command that proves it; undefined:
   * nothing does.
   */
  inOrder?(spec: Pick<CaseSpec, "variant" | "workload">):
    { fails: boolean; from: string } | undefined;
  /** The access at which a run failed, if its trace shows one: where to look at it first. */
  decision?(failure: Failure, spec: CaseSpec): TraceEvent | undefined;
  /** Pairs of CPUs that stand for all: one for each relation that the machine has. */
  pairs(preset: Preset): Array<[number, number]>;
}

/** The buggy and the repaired code of one of the case's workloads. */
export const variantsOf = (definition: Case, workload: string) =>
  definition.ofWorkload?.[workload] ?? definition;

export const onAllCpus = ({ allCpus = false }: Case, workload: string): boolean =>
  typeof allCpus === "boolean" ? allCpus : allCpus.includes(workload);

/** The program of one of the case's workloads. */
export const imageOf = (definition: Case, workload: string) =>
  definition.images?.[workload] ?? definition.image;

/** Runs of one kind: how many, and what is expected of them. */
export interface Setup {
  what: string;
  machine: string;
  variant: string;
  workload: string;
  memory: MemoryModel;
  pairs: Array<[number, number]>;
  seeds: number;
  rounds: number;
  changes?: ReadonlyMap<string, number>;
  /** Fields of the machine that are to be so many times what its preset says, rounded. */
  factors?: ReadonlyMap<string, number>;
  /** As many runs for each number of requests in flight, each memory model, each variant. */
  inflights?: number[];
  memories?: MemoryModel[];
  variants?: string[];
  /** The same with the machine changed so, in place of `changes`. */
  hosts?: Array<ReadonlyMap<string, number>>;
  /** Why this machine, or this model, does not do what was expected. */
  known?: string;
  /** What is known: another miss than this one is a missed row all the same. */
  bound?(runs: readonly CaseRun[]): boolean;
  /** Why its runs may not come where it could fail. Without this, "open" is missed. */
  mayBeOpen?: string;
  expected: string;
  /** One sentence on what was found, and whether it is what was expected. */
  judge(runs: readonly CaseRun[]): { measured: string; outcome: "holds" | "missed" | "open" };
}

/** A checkable expectation. */
export interface Row {
  id: string;
  what: string;
  /** `short`: a few seconds' worth of it. */
  setups(size: "short" | "full"): Setup[];
}
