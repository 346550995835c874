// Runs that are open to be looked at: where each stands, and how to go elsewhere.
import { signal } from "@preact/signals";
import { commandsUnderWay } from "../../core/inspect.ts";
import type { Frame } from "../../engine/frame.ts";
import type { CpuPlace } from "../../engine/machine.ts";
import { openOne, type Opened, type OpenHooks, type Wanted } from "./look-open.ts";
import { busesAt, type Moment, momentsOf, type OnBus } from "./moments.ts";

/** What is shown of one run at one cycle. */
export interface Look extends Opened {
  /** The window boundary at or before it, with the state hash there. */
  boundary: bigint;
  hash: bigint;
  frame: Frame;
  cpus: CpuPlace[];
  /** Commands under way, of each disk, at the boundary. */
  disks: number[];
  /** What the buses carry. */
  buses: OnBus[];
  /** What happened last, and what comes next. */
  moments: Moment[];
  /** Is it among the cycles of which all is recorded? */
  known: boolean;
  busy: boolean;
}

/** Left and right of the comparison, and the run of a case. */
export const CASE_SIDE = 2;

/** A part of the page for which runs are made that can be looked at. */
type Part = "inside" | "case" | "tour";

export const looks = signal<(Look | undefined)[]>([]);
export const opening = signal<Part | undefined>(undefined);
/** How far it is: cycles of a run, and how many it has if that is known. */
export const progress = signal<{ what: string; cycles: number; of?: number }>(
  { what: "", cycles: 0 });
export const lookTrouble = signal("");
let stop = new AbortController();
/** The cycle that each side is to go to next, if it is under way elsewhere. */
const wanted: (number | undefined)[] = [];

function put(side: number, look: Look | undefined): void {
  const next = [...looks.value];
  next[side] = look;
  looks.value = next;
}

/** Whatever is open, and what is being opened. */
export function closeLooks(): void {
  cancelOpening();
  shut();
}

function shut(): void {
  for (const look of looks.value) look?.travel.close();
  looks.value = [];
}

export function cancelOpening(): void {
  stop.abort();
}

/**
 * Does what takes a while, in place of what was begun before, so that it is shown how far it is and
 * can be cancelled. Undefined if it was, or if it failed: lookTrouble says why.
 */
export async function underWay<T>(
  part: Part, work: (hooks: OpenHooks) => Promise<T>,
): Promise<T | undefined> {
  cancelOpening();
  const own = new AbortController();
  stop = own;
  opening.value = part;
  progress.value = { what: "", cycles: 0 };
  lookTrouble.value = "";
  try {
    return await work({
      signal: own.signal,
      onProgress(what, cycles, of) {
        if (!own.signal.aborted) progress.value = { what, cycles, of };
      },
    });
  } catch (error) {
    if (!own.signal.aborted) lookTrouble.value = (error as Error).message;
    return undefined;
  } finally {
    if (stop === own) opening.value = undefined;
  }
}

/**
 * Runs each of `runs` and shows it where it failed, or at its middle; from side `first` on. Then
 * all others are closed, unless a right side comes to a left one. False if it came to nothing: what
 * was open stays.
 */
export async function open(
  runs: Promise<readonly Wanted[]>, part: Part, first = 0,
): Promise<boolean> {
  const done = await underWay(part, async (hooks) => {
    const opened: Opened[] = [];
    try {
      for (const one of await runs) opened.push(await openOne(one, hooks));
      const found = opened.map((one) => ({ ...one, ...stateOf(one, one.cycle) }));
      hooks.signal.throwIfAborted();
      if (first !== 1) shut();
      found.forEach((look, i) => put(first + i, look));
      return true;
    } catch (error) {
      for (const { travel } of opened) travel.close();
      throw error;
    }
  });
  return done ?? false;
}

/** `asked` is where it was to go: between boundaries it is known only where records are kept. */
function stateOf({ travel, watched, names, recorded }: Opened, asked: number) {
  const { machine } = travel;
  const known = asked >= recorded.from && asked <= recorded.to;
  // A machine that was idle passes over boundaries: then nothing happened until the next one.
  const cycle = known || travel.now > asked ? asked : Number(travel.now);
  return {
    cycle,
    known,
    boundary: travel.now,
    hash: machine.stateHash(),
    frame: travel.frame(cycle, watched),
    cpus: machine.cpus(),
    disks: commandsUnderWay(machine.view),
    buses: busesAt(travel.records, cycle, names),
    moments: known ? momentsOf(travel.records, cycle, names) : [],
    busy: false,
  };
}

/** Shows a side at `cycle`; of several wishes while it is under way only the last is met. */
export async function go(side: number, cycle: number): Promise<void> {
  const look = looks.value[side];
  if (!look) return;
  const end = Number(look.result.cycles);
  wanted[side] = Math.min(end, Math.max(0, Math.round(cycle)));
  if (look.busy) return;
  const isGone = () => looks.value[side]?.travel !== look.travel;
  put(side, { ...look, busy: true });
  try {
    let state = {};
    for (;;) {
      const to = wanted[side];
      if (to === undefined) break;
      wanted[side] = undefined;
      await look.travel.to(BigInt(to));
      if (isGone()) return;
      state = stateOf(look, to);
    }
    put(side, { ...look, ...state, busy: false });
  } catch (error) {
    if (isGone()) return;
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
