// Opens a run to be looked at: finds where it failed and the lines that matter, keeps the records
// around that.
import { LABEL } from "../../cases/001-trace.ts";
import {
  type Case, type CaseRun, type CaseSpec, type Failure, onAllCpus,
} from "../../cases/case.ts";
import { optionsOf, runOnce } from "../../cases/runner.ts";
import { lowerBound, type Records } from "../../core/records.ts";
import { TRACE_ISSUE, type TraceEvent } from "../../core/trace.ts";
import type { Machine, RunResult } from "../../engine/machine.ts";
import type { RunHooks } from "../../engine/session.ts";
import { Travel } from "../../engine/travel.ts";
import type { Preset } from "../../machine/preset.ts";
import { labelNames } from "../../report/marks.ts";
import { Names } from "../../report/names.ts";
import { marksOf, type Naming } from "./moments.ts";
import type { Range } from "./timeline.ts";

/** A run that is to be looked at, and what came out if it was run before. */
export interface Wanted {
  definition: Case;
  spec: CaseSpec;
  had?: CaseRun;
}

/** To open a run takes seconds: one can be told how far it is, and end it. */
export interface OpenHooks {
  signal: AbortSignal;
  /** `cycles` of those that are to be run; `of` where it is known how many. */
  onProgress(what: string, cycles: number, of?: number): void;
}

/** A run that can be looked at: what holds at any of its cycles. */
export interface Opened {
  definition: Case;
  spec: CaseSpec;
  failure?: Failure;
  preset: Preset;
  travel: Travel;
  result: RunResult;
  /** Where to go if the run failed: the access that decided. */
  failedAt?: number;
  /** CPUs that are shown whatever they do: the pair, or those that had a part in the failure. */
  shown: number[];
  names: Naming;
  /** Lines shown whatever is in the buffers. */
  watched: number[];
  /** Cycles of which all is recorded. */
  recorded: Range;
  /** Cycles of the marked accesses and points, ascending. */
  marks: Float64Array;
  /** The failure, or the middle of what is recorded. */
  cycle: number;
}

/** A busy CPU makes a record in some four cycles: so many of 32 CPUs are kept at least. */
const BEFORE_CYCLES = 100_000;
const AFTER_CYCLES = 20_000;
const LINES_MAX = 6;

/** Where a case cannot tell, the last access of the failure. */
export const decisionOf = ({ decision }: Case, failure: Failure, spec: CaseSpec) =>
  decision?.(failure, spec) ?? failure.events.at(-1);

/** Throws when it is cancelled. */
export async function openOne(wanted: Wanted, hooks: OpenHooks): Promise<Opened> {
  const { definition, spec } = wanted;
  const options = await optionsOf(definition, spec);
  // Where nothing follows a failure the last records have it. Of others it has to be known first.
  const ends = definition.endsWithFailure ?? false;
  const name = `${spec.machine}, seed ${spec.seed}`;
  const had = wanted.had ?? (ends ? undefined
    : await runOnce(definition, spec, stage(hooks, `${name}: does it fail?`)));
  hooks.signal.throwIfAborted();
  let failure = had?.failure;
  const known = failure && !ends ? decisionOf(definition, failure, spec) : undefined;
  const window = known && {
    traceFrom: BigInt(Math.max(0, cycleOf(known) - BEFORE_CYCLES)),
    traceTo: BigInt(cycleOf(known) + AFTER_CYCLES),
  };
  const travel = await Travel.open({ ...options, ...window }, {
    ...stage(hooks, `${name}: what happens is recorded`, had?.result.cycles),
    first: known?.time,
    onEnd(machine, result) {
      if (!ends || hooks.signal.aborted) return;
      failure = definition.examine({ machine, spec, result, console: "" }).failure;
    },
  });
  try {
    return await standing(travel, { definition, spec, failure }, window, hooks);
  } catch (error) {
    travel.close();
    throw error;
  }
}

function stage({ signal, onProgress }: OpenHooks, what: string, of?: bigint): RunHooks {
  const all = of === undefined ? undefined : Number(of);
  onProgress(what, 0, all);
  return { signal, onProgress: (now) => onProgress(what, Number(now), all) };
}

/** Where it failed, or amidst what is recorded. */
async function standing(
  travel: Travel, { definition, spec, failure }: Pick<Opened, "definition" | "spec" | "failure">,
  window: { traceTo: bigint } | undefined, hooks: OpenHooks,
): Promise<Opened> {
  const ends = definition.endsWithFailure ?? false;
  const decision = failure && decisionOf(definition, failure, spec);
  const { result, records } = travel;
  const failedAt = decision && cycleOf(decision);
  const cycle = failedAt ?? (ends && failure ? endOf(records) : amidst(records)) ??
    Number(result.cycles / 2n);
  const opened = {
    definition, spec, preset: travel.machine.preset, travel, result, failure, failedAt, cycle,
    marks: marksOf(records),
    shown: shownOf(definition, spec, failure, decision),
    recorded: {
      // Of a window that was recorded in part nothing follows.
      from: records.lost || window ? (records.time[0] ?? 0) + travel.windowCycles : 0,
      to: window ? Number(window.traceTo) : Number(result.cycles),
    },
  };
  // At the end a process may be gone and its memory with it, or an object be free; where the end is
  // the failure they are not, and what began later has a name, too.
  const atEnd = ends && failure && namesOf(travel.machine);
  const back = `${spec.machine}, seed ${spec.seed}: back to cycle ${cycle}`;
  await travel.to(BigInt(cycle), stage(hooks, back, BigInt(cycle)));
  hooks.signal.throwIfAborted();
  return { ...opened, ...atEnd || namesOf(travel.machine, failure, decision) };
}

/** A frame is what happened before its cycle. */
const cycleOf = ({ time }: TraceEvent) => Number(time) + 1;

function shownOf(
  definition: Case, { pair, workload }: CaseSpec, failure?: Failure, decision?: TraceEvent,
): number[] {
  if (!onAllCpus(definition, workload)) return pair;
  const events = [...Object.values(failure?.moments ?? {}), decision];
  return [...new Set(events.flatMap((event) => event?.cpu ?? []))].sort((a, b) => a - b);
}

function namesOf(
  machine: Machine, failure?: Failure, decision?: TraceEvent,
): Pick<Opened, "names" | "watched"> {
  const contexts = machine.debugBlock()?.kioctxs() ?? [];
  const names = new Names(machine);
  const labels = labelNames(machine.debugInfo.kernel.section(".smpbox.marks"));
  const ring = Number(contexts[0]?.ringPhys ?? -1n);
  const { object, moments = {} } = failure ?? {};
  const about = [object, ...Object.values(moments), decision].flatMap((one) => {
    const phys = typeof one === "bigint" ? one : one?.phys;
    return phys === undefined ? [] : [Number(phys)];
  });
  const rings = contexts.flatMap(({ ringPhys, waitNextPhys }) =>
    [Number(ringPhys) + RING_TAIL, Number(waitNextPhys)]);
  return {
    names: {
      data: (phys) => ringField(phys - ring) ?? names.data(phys),
      label: (id) => labels.get(id) ?? "",
    },
    watched: about.length ? linesOf(about) : rings,
  };
}

/** One address of each line. */
function linesOf(list: readonly number[]): number[] {
  return list.filter((phys, i) => list.findIndex((other) => other >>> 6 === phys >>> 6) === i)
    .slice(0, LINES_MAX);
}

/** struct aio_ring of Linux, which the kernel shares with the program; its events follow. */
const RING = ["id", "nr", "head", "tail", "magic", "compat", "incompat", "header_length"];
const RING_TAIL = 12;
const RING_BYTES = 4096;
const EVENT_BYTES = 32;

function ringField(offset: number): string | undefined {
  if (offset < 0 || offset >= RING_BYTES) return undefined;
  const event = Math.floor(offset / EVENT_BYTES) - 1;
  if (offset === 0) return "ring"; // what its first line is called
  return event < 0 ? `ring.${RING[offset >> 2]}` : `ring.events[${event}]`;
}

/** After the last that happened. */
function endOf({ count, time }: Records): number | undefined {
  return count ? time[count - 1] + 1 : undefined;
}

/** With A3 in a store buffer, in the middle of what is recorded; or just there. */
function amidst(records: Records): number | undefined {
  if (!records.count) return undefined;
  const middle = lowerBound(records.time, records.time[records.count >> 1]);
  for (let i = middle; i < records.count; i++) {
    const tail = records.kind[i] === TRACE_ISSUE && records.label[i] === LABEL.A3;
    if (tail) return records.time[i] + 1;
  }
  return records.time[middle] + 1;
}
