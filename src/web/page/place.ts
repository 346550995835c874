// Where the visitor is, as a link can say it: a stop of the tour, or a run on each machine, or of a
// case, and the cycle at which it is looked at. From a link all of it is numbers within limits
// (state.ts).
import { signal } from "@preact/signals";
import { case001 } from "../../cases/001.ts";
import type { CaseSpec } from "../../cases/case.ts";
import { requireCpus } from "../../cases/runner.ts";
import { loadPreset } from "../../engine/host.ts";
import { looked, lookAtRun } from "./cases.ts";
import { CASE_SIDE, closeLooks, go, type Look, looks, open, opening } from "./look.ts";
import { formOf } from "./made.ts";
import { type Asked, DEFAULTS } from "./state.ts";
import { closeTour, starting, startTour, stop, tour } from "./tour.ts";

type Key = `${"left" | "right"}${"Pair" | "Seed" | "Cycle"}` | "stop" | "caseLook" | "caseCycle";
export type Place = Pick<Asked, Key>;

/** What a link says is not there yet. */
export const restoring = signal(true);

const { leftPair, leftSeed, leftCycle, rightPair, rightSeed, rightCycle } = DEFAULTS;
export const NOWHERE: Place = {
  stop: DEFAULTS.stop, leftPair, leftSeed, leftCycle, rightPair, rightSeed, rightCycle,
  caseLook: DEFAULTS.caseLook, caseCycle: DEFAULTS.caseCycle,
};

/** Undefined while it changes: then the address stays as it is. */
export function placeNow(asked: Asked): Place | undefined {
  if (restoring.value || opening.value || starting.value) return undefined;
  if (tour.value) return { ...NOWHERE, stop: stop.value + 1 };
  const [left, right] = looks.value;
  const ofCase = looks.value[CASE_SIDE];
  if (ofCase && looked.value?.form === formOf(asked)) {
    return { ...NOWHERE, caseLook: looked.value.run, caseCycle: cycleOf(ofCase) };
  }
  if (!left || !right || ![left, right].every((look) => isAsked(look, asked))) return NOWHERE;
  return {
    ...NOWHERE, leftPair: pairOf(left), leftSeed: Number(left.spec.seed), leftCycle: cycleOf(left),
    rightPair: pairOf(right), rightSeed: Number(right.spec.seed), rightCycle: cycleOf(right),
  };
}

/** Not of a run made before the form was changed: a link would bring another one back. */
function isAsked({ spec }: Look, { variant, workload, memory, rounds }: Asked): boolean {
  return spec.variant === case001.variantOf(variant) && spec.workload === workload &&
    spec.memory === memory && spec.rounds === rounds;
}

function pairOf({ preset, spec }: Look): number {
  return case001.pairs(preset).findIndex((pair) => pair.join() === spec.pair.join());
}

/** 0 says that nothing is looked at. */
const cycleOf = ({ cycle }: Look) => Math.max(1, cycle);

async function specOf(
  machine: string, pair: number, seed: number, { variant, workload, memory, rounds }: Asked,
): Promise<CaseSpec> {
  const preset = await loadPreset(machine);
  requireCpus(case001, preset);
  const pairs = case001.pairs(preset);
  return {
    machine, variant: case001.variantOf(variant), workload,
    pair: pairs[Math.min(pair, pairs.length - 1)], seed: BigInt(seed), rounds, memory,
  };
}

/** Links that were followed: what one leads to is given up for the next. */
let followed = 0;

/** Goes where a link says; what is open or under way is closed. */
export async function restore(asked: Asked): Promise<void> {
  const own = ++followed;
  restoring.value = true;
  try {
    closeTour();
    closeLooks();
    if (asked.stop > 0) await startTour(asked.stop - 1);
    else if (asked.caseLook > 0) await lookAtRun(asked, asked.caseLook, asked.caseCycle);
    else if (asked.leftCycle > 0 || asked.rightCycle > 0) await look(asked);
  } finally {
    if (own === followed) restoring.value = false;
  }
}

async function look(asked: Asked): Promise<void> {
  const { leftCycle, rightCycle } = asked;
  const specs = Promise.all([
    specOf(asked.left, asked.leftPair, asked.leftSeed, asked),
    specOf(asked.right, asked.rightPair, asked.rightSeed, asked),
  ]);
  const runs = specs.then((all) => all.map((spec) => ({ definition: case001, spec })));
  if (!await open(runs, "inside")) return;
  for (const [side, cycle] of [leftCycle, rightCycle].entries()) {
    if (cycle > 0) await go(side, cycle);
  }
}
