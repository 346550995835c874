// A run of each side that is open to be looked at: where it stands, and how to go elsewhere.
import { signal } from "@preact/signals";
import { case001 } from "../../cases/001.ts";
import { findLostWakeup } from "../../cases/001-story.ts";
import type { CaseSpec, Failure } from "../../cases/case.ts";
import { optionsOf } from "../../cases/runner.ts";
import { commandsUnderWay } from "../../core/inspect.ts";
import type { Frame } from "../../engine/frame.ts";
import type { CpuPlace, RunResult } from "../../engine/machine.ts";
import { Travel } from "../../engine/travel.ts";
import type { Preset } from "../../machine/preset.ts";
import { LABEL } from "../../cases/001-trace.ts";
import { lowerBound, type Records } from "../../core/records.ts";
import { TRACE_ISSUE } from "../../core/trace.ts";
import { Names } from "../../report/names.ts";
import { marksOf, type Moment, momentsOf, type Naming } from "./moments.ts";

/** What is shown of one run at one cycle. */
export interface Look {
  spec: CaseSpec;
  preset: Preset;
  travel: Travel;
  result: RunResult;
  failure?: Failure;
  /** Where to go if the run failed: the load that decided. */
  failedAt?: number;
  names: Naming;
  /** Lines shown whatever is in the buffers: of the ring's tail, of the wait queue. */
  watched: number[];
  /** Cycles of the marked accesses and points, ascending. */
  marks: Float64Array;
  cycle: number;
  /** The window boundary at or before it, with the state hash there. */
  boundary: bigint;
  hash: bigint;
  frame: Frame;
  cpus: CpuPlace[];
  /** Commands under way, of each disk, at the boundary. */
  disks: number[];
  /** What happened last, and what comes next. */
  moments: Moment[];
  busy: boolean;
}

export const looks = signal<(Look | undefined)[]>([]);
export const opening = signal(false);
export const lookTrouble = signal("");
/** The cycle that each side is to go to next, if it is under way elsewhere. */
const wanted: (number | undefined)[] = [];

function put(side: number, look: Look | undefined): void {
  const next = [...looks.value];
  next[side] = look;
  looks.value = next;
}

export function closeLooks(): void {
  for (const look of looks.value) look?.travel.close();
  looks.value = [];
}

/** Runs each of `specs` and shows it where it failed, or at its middle; from side `first` on. */
export async function open(specs: readonly CaseSpec[], first = 0): Promise<void> {
  if (first === 0) closeLooks();
  opening.value = true;
  lookTrouble.value = "";
  try {
    for (const [side, spec] of specs.entries()) put(first + side, await openOne(spec));
  } catch (error) {
    lookTrouble.value = (error as Error).message;
  } finally {
    opening.value = false;
  }
}

async function openOne(spec: CaseSpec): Promise<Look> {
  const found: Partial<Pick<Look, "failure" | "failedAt">> = {};
  const travel = await Travel.open(await optionsOf(case001, spec), {
    onEnd: (machine, result) => {
      found.failure = case001.examine({ machine, spec, result, console: "" }).failure;
      if (!found.failure) return;
      const { tailRead } = findLostWakeup(found.failure, ...spec.pair);
      if (tailRead) found.failedAt = Number(tailRead.time) + 1;
    },
  });
  const { result, records } = travel;
  const cycle = found.failedAt ?? amidst(records) ?? Number(result.cycles / 2n);
  await travel.to(BigInt(cycle));
  // At the end the process may be gone, and its memory with it.
  const contexts = travel.machine.debugBlock()?.kioctxs() ?? [];
  const names = new Names(travel.machine);
  const ring = Number(contexts[0]?.ringPhys ?? -1n);
  const look = {
    spec, preset: travel.machine.preset, travel, result, ...found, marks: marksOf(records),
    names: { data: (phys: number) => ringField(phys - ring) ?? names.data(phys) },
    watched: contexts.flatMap(({ ringPhys, waitNextPhys }) =>
      [Number(ringPhys) + RING_TAIL, Number(waitNextPhys)]),
    busy: false,
  };
  return { ...look, ...stateOf(look, cycle) };
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

/** With A3 in a store buffer, in the middle of what is recorded. */
function amidst(records: Records): number | undefined {
  const middle = lowerBound(records.time, records.time[records.count >> 1]);
  for (let i = middle; i < records.count; i++) {
    const tail = records.kind[i] === TRACE_ISSUE && records.label[i] === LABEL.A3;
    if (tail) return records.time[i] + 1;
  }
  return undefined;
}

type Still = Pick<Look, "travel" | "watched" | "names">;

function stateOf({ travel, watched, names }: Still, cycle: number) {
  const { machine } = travel;
  return {
    cycle,
    boundary: travel.now,
    hash: machine.stateHash(),
    frame: travel.frame(cycle, watched),
    cpus: machine.cpus(),
    disks: commandsUnderWay(machine.view),
    moments: momentsOf(travel.records, cycle, names),
  };
}

/** Shows a side at `cycle`; of several wishes while it is under way only the last is met. */
export async function go(side: number, cycle: number): Promise<void> {
  const look = looks.value[side];
  if (!look) return;
  const end = Number(look.result.cycles);
  wanted[side] = Math.min(end, Math.max(0, Math.round(cycle)));
  if (look.busy) return;
  put(side, { ...look, busy: true });
  try {
    let state = {};
    for (;;) {
      const to = wanted[side];
      if (to === undefined) break;
      wanted[side] = undefined;
      await look.travel.to(BigInt(to));
      state = stateOf(look, to);
    }
    if (looks.value[side]?.travel === look.travel) put(side, { ...look, ...state, busy: false });
  } catch (error) {
    lookTrouble.value = (error as Error).message;
    put(side, { ...look, busy: false });
  }
}

/** To the next cycle at which something is recorded, or to the one before. */
export function step(side: number, direction: 1 | -1): Promise<void> {
  const look = looks.value[side];
  if (!look) return Promise.resolve();
  const { records, windowCycles } = look.travel;
  const at = direction > 0
    ? records.time[records.from(look.cycle)]
    : records.time[records.from(look.cycle - 1) - 1];
  // A frame is what happened before its cycle. Where nothing is recorded any more: a window.
  return go(side, at === undefined ? look.cycle + direction * windowCycles : at + 1);
}

/** To the next window boundary, or to the one before. */
export function stepWindow(side: number, direction: 1 | -1): Promise<void> {
  const look = looks.value[side];
  if (!look) return Promise.resolve();
  const { windowCycles } = look.travel;
  const steps = look.cycle / windowCycles;
  return go(side, (direction > 0 ? Math.floor(steps) + 1 : Math.ceil(steps) - 1) * windowCycles);
}

/** To the next mark, or to the one before. */
export function stepMark(side: number, direction: 1 | -1): Promise<void> {
  const look = looks.value[side];
  if (!look) return Promise.resolve();
  const { marks, cycle } = look;
  const at = direction > 0
    ? marks.find((time) => time >= cycle)
    : marks.findLast((time) => time < cycle - 1);
  return at === undefined ? Promise.resolve() : go(side, at + 1);
}
