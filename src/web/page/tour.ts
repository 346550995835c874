// The guided tour of case 001: what each stop runs or looks at, and the numbers that its text
// shows. All of them come from the runs that the page makes.
import { signal } from "@preact/signals";
import { case001 } from "../../cases/001.ts";
import { ABLATION, type Row, specsOf } from "../../cases/001-ablation.ts";
import { findLostWakeup, isStoreBuffering, type LostWakeup } from "../../cases/001-story.ts";
import { LABEL } from "../../cases/001-trace.ts";
import type { CaseSpec } from "../../cases/case.ts";
import { median } from "../../cases/numbers.ts";
import { optionsOf, runAll } from "../../cases/runner.ts";
import type { Records } from "../../core/records.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD } from "../../core/trace.ts";
import { Travel } from "../../engine/travel.ts";
import { relationOf } from "../../machine/topology.ts";
import { loadPreset } from "../../engine/host.ts";
import type { OpenHooks, Wanted } from "./look-open.ts";
import { closeLooks, go, type Look, looks, lookTrouble, open, underWay } from "./look.ts";

const ROUNDS = 1000;
const SEEDS_MAX = 8;
const CLOVERTOWN = "clovertown";
const CONROE = "conroe";

/** Cycles from the issue of A3 until it is visible, and until B has read; medians. */
export interface Pace {
  a3Waits?: number;
  untilB?: number;
  rounds: number;
}

export interface Tour {
  /** Of the run that hangs, on clovertown. */
  story: LostWakeup;
  relation: string;
  bug: Pace;
  conroe: Pace;
  conroeHung: boolean;
  fixed: Pace & { hung: boolean };
}

export const tour = signal<Tour | undefined>(undefined);
export const stop = signal(0);
export const starting = signal(false);
export const ablation = signal<Row[]>([]);
export const ablating = signal(false);
let ablationStop = new AbortController();
/** Changes when a tour is begun or closed: what still runs for an earlier one is for nothing. */
let current = 0;

const specFor = (
  machine: string, pair: [number, number], seed: bigint, variant: string,
) =>
  ({ machine, variant, workload: case001.workload, pair, seed, rounds: ROUNDS, memory: "tso" }) as
    const satisfies CaseSpec;

/** Both machines with the seed that hangs first on clovertown, and the repaired kernel there. */
export async function startTour(first = 0): Promise<void> {
  closeTour();
  const own = current;
  starting.value = true;
  ablation.value = [];
  const made = await makeTour();
  if (own !== current) return;
  starting.value = false;
  if (!made) return closeLooks();
  tour.value = made;
  await goToStop(first);
}

/** What is looked at stays. */
export function closeTour(): void {
  current++;
  starting.value = false;
  tour.value = undefined;
  cancelAblation();
}

/** On two dies of one package; where there is one die only, on that. */
async function runOf(machine: string, seed: bigint): Promise<Wanted[]> {
  const [pair] = case001.pairs(await loadPreset(machine)).slice(0, 2).reverse();
  return [{ definition: case001, spec: specFor(machine, pair, seed, case001.buggy) }];
}

/** Undefined if it was cancelled, or if lookTrouble says why there is none. */
async function makeTour(): Promise<Tour | undefined> {
  for (let seed = 1n; seed <= SEEDS_MAX; seed++) {
    if (!await open(runOf(CLOVERTOWN, seed), "tour")) return undefined;
    const story = storyOf(looks.value[0]);
    if (!story) continue;
    if (!await open(runOf(CONROE, seed), "tour", 1)) return undefined;
    const [bug, conroe] = looks.value;
    if (!bug || !conroe) return undefined;
    const fixed = await underWay("tour", (hooks) => paceOfFixed(bug.spec.pair, seed, hooks));
    if (!fixed) return undefined;
    return {
      story,
      relation: relationOf(bug.preset, ...bug.spec.pair),
      bug: paceOf(bug.travel.records),
      conroe: paceOf(conroe.travel.records),
      conroeHung: conroe.failure !== undefined,
      fixed,
    };
  }
  lookTrouble.value = `no run of ${SEEDS_MAX} seeds hung: run the comparison with more`;
  return undefined;
}

/** Only of a run that failed as the tour tells it. */
function storyOf(look: Look | undefined): LostWakeup | undefined {
  if (!look?.failure) return undefined;
  const story = findLostWakeup(look.failure, ...look.spec.pair);
  return isStoreBuffering(story) ? story : undefined;
}

async function paceOfFixed(
  pair: [number, number], seed: bigint, { signal, onProgress }: OpenHooks,
): Promise<Tour["fixed"]> {
  const spec = specFor(CLOVERTOWN, pair, seed, case001.fixed);
  let hung = false;
  const travel = await Travel.open(await optionsOf(case001, spec), {
    signal,
    onProgress: (now) => onProgress(`${CLOVERTOWN}, seed ${seed}, with the fence`, Number(now)),
    onEnd: (machine, result) => {
      hung = case001.examine({ machine, spec, result, console: "" }).failure !== undefined;
    },
  });
  const pace = paceOf(travel.records);
  travel.close();
  return { ...pace, hung };
}

/** Over all rounds in the records. */
export function paceOf(records: Records): Pace {
  const waits: number[] = [];
  const looked: number[] = [];
  let issued: number | undefined;
  for (let i = 0; i < records.count; i++) {
    const [kind, label, time] = [records.kind[i], records.label[i], records.time[i]];
    if (kind === TRACE_ISSUE && label === LABEL.A3) issued = time;
    if (kind === TRACE_COMMIT && label === LABEL.A3) waits.push(records.extra[i]);
    if (kind === TRACE_LOAD && label === LABEL.B && issued !== undefined) {
      looked.push(time - issued);
      issued = undefined;
    }
  }
  return { a3Waits: median(waits), untilB: median(looked), rounds: looked.length };
}

/** Where each stop leads: side, and cycle from the tour's story. */
export const STOPS: ReadonlyArray<{
  title: string;
  at?: (tour: Tour) => { side: number; cycle?: number };
}> = [
  { title: "Two code paths", at: ({ story }) => ({ side: 0, cycle: before(story) }) },
  { title: "The store waits", at: ({ story }) => ({ side: 0, cycle: after(story.tailIssue) }) },
  { title: "A load overtakes it", at: ({ story }) => ({ side: 0, cycle: after(story.bRead) }) },
  { title: "The sleeper", at: ({ story }) => ({ side: 0, cycle: after(story.tailRead) }) },
  { title: "Too late", at: ({ story }) => ({ side: 0, cycle: after(story.tailCommit) }) },
  { title: "The fence and its price" },
  { title: "Then Conroe", at: () => ({ side: 1 }) },
  { title: "One change at a time" },
];

const after = (event?: { time: bigint }) => event && Number(event.time) + 1;
const before = ({ tailIssue }: LostWakeup) => tailIssue && Number(tailIssue.time) - 20;

export async function goToStop(index: number): Promise<void> {
  if (!tour.value || index < 0 || index >= STOPS.length) return;
  stop.value = index;
  const place = STOPS[index].at?.(tour.value);
  if (place?.cycle !== undefined) await go(place.side, place.cycle);
}

/** The table of what the hang depends on, row by row. */
export async function ablate(): Promise<void> {
  ablationStop = new AbortController();
  ablating.value = true;
  ablation.value = [];
  try {
    const pairs = case001.pairs(await loadPreset(CLOVERTOWN)).slice(1);
    const given = { machine: CLOVERTOWN, seed: 1n, seeds: 1, rounds: ROUNDS };
    for (const change of ABLATION) {
      const specs = specsOf(case001, change, given, pairs);
      const runs = await runAll(case001, specs, { signal: ablationStop.signal });
      if (ablationStop.signal.aborted) return;
      ablation.value = [...ablation.value, { change, runs }];
    }
  } catch (error) {
    lookTrouble.value = (error as Error).message;
  } finally {
    ablating.value = false;
  }
}

export function cancelAblation(): void {
  ablationStop.abort();
}
