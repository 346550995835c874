// Runs that are open to be looked at: where each stands, and how to go elsewhere.
import { signal } from "@preact/signals";
import { commandsUnderWay } from "../../core/inspect.ts";
import type { Frame } from "../../engine/frame.ts";
import type { CpuPlace } from "../../engine/machine.ts";
import { openOne, type Opened, type Wanted } from "./look-open.ts";
import { type Moment, momentsOf } from "./moments.ts";

/** What is shown of one run at one cycle. */
export interface Look extends Opened {
  /** The window boundary at or before it, with the state hash there. */
  boundary: bigint;
  hash: bigint;
  frame: Frame;
  cpus: CpuPlace[];
  /** Commands under way, of each disk, at the boundary. */
  disks: number[];
  /** What happened last, and what comes next. */
  moments: Moment[];
  /** Is it among the cycles of which all is recorded? */
  known: boolean;
  busy: boolean;
}

/** Left and right of the comparison, and the run of a case. */
export const CASE_SIDE = 2;

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

/**
 * Runs each of `runs` and shows it where it failed, or at its middle; from side `first` on. All
 * others are closed, unless a right side comes to a left one.
 */
export async function open(runs: readonly Wanted[], first = 0): Promise<void> {
  if (first !== 1) closeLooks();
  opening.value = true;
  lookTrouble.value = "";
  try {
    for (const [side, one] of runs.entries()) {
      const still = await openOne(one);
      put(first + side, { ...still, ...stateOf(still, still.cycle) });
    }
  } catch (error) {
    lookTrouble.value = (error as Error).message;
  } finally {
    opening.value = false;
  }
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
