// One case, some seeds: which runs failed, as they come in.
import { type Signal, signal } from "@preact/signals";
import { type Case, type CaseRun, type CaseSpec, variantsOf } from "../../cases/case.ts";
import { requireRoom } from "../../cases/rounds.ts";
import { requireCpus, runAll } from "../../cases/runner.ts";
import type { Preset } from "../../machine/preset.ts";
import { loadPreset } from "../../engine/host.ts";
import { type Going, goingOf, tell } from "./going.ts";
import { CASE_SIDE, closeLooks, go, lookTrouble, open } from "./look.ts";
import { caseForm, formOf } from "./made.ts";
import type { Asked } from "./state.ts";

export interface Campaign {
  /** What was asked for (made.ts). */
  form: string;
  definition: Case;
  preset: Preset;
  specs: CaseSpec[];
  runs: CaseRun[];
  going: Signal<Going>;
}

export const campaign = signal<Campaign | undefined>(undefined);
export const campaigning = signal(false);
export const campaignTrouble = signal("");
/** The run that is open to be looked at: of which form, and which of its seeds, from 1 on. */
export const looked = signal<{ form: string; run: number } | undefined>(undefined);
let stop = new AbortController();

export function cancelCampaign(): void {
  stop.abort();
}

/** The runs that are asked for, each with a seed of its own; the pairs of CPUs take turns. */
export async function specsFor(asked: Asked): Promise<Omit<Campaign, "runs" | "going">> {
  const { definition, machine, workload, rounds } = caseForm(asked);
  const preset = await loadPreset(machine);
  requireCpus(definition, preset);
  requireRoom(definition, workload, rounds, `${rounds} rounds`);
  const pairs = definition.pairs(preset);
  const { buggy, fixed } = variantsOf(definition, workload);
  const seeds = Array.from({ length: asked.caseSeeds }, (_, i) => BigInt(asked.caseSeed + i));
  const specs = seeds.map((seed, i): CaseSpec => ({
    machine,
    variant: asked.caseVariant === "bug" ? buggy : fixed,
    workload,
    // The pair that is farthest apart first: of case 001 the nearest one never fails.
    pair: pairs[pairs.length - 1 - (i % pairs.length)],
    seed,
    rounds,
    memory: asked.caseMemory,
  }));
  return { form: formOf(asked), definition, preset, specs };
}

export async function runCampaign(asked: Asked): Promise<void> {
  stop = new AbortController();
  campaigning.value = true;
  campaignTrouble.value = "";
  campaign.value = undefined;
  closeLooks();
  try {
    const wanted = await specsFor(asked);
    const { definition, specs } = wanted;
    const going = goingOf(specs.length);
    campaign.value = { ...wanted, runs: [], going };
    await runAll(definition, specs, {
      signal: stop.signal,
      onProgress: (index, cycles) => tell(going, index, cycles),
      onDone: (run, _done, index) => {
        tell(going, index);
        campaign.value = { ...campaign.value!, runs: [...campaign.value!.runs, run] };
      },
    });
  } catch (error) {
    campaignTrouble.value = (error as Error).message;
  } finally {
    campaigning.value = false;
  }
}

/** Which run to look at: the first that failed of those that the form has had run, or its first. */
export function runToLookAt(asked: Asked): number {
  const { specs, runs } = hadBy(asked);
  const failed = specs.findIndex(({ seed }) =>
    runs.some((run) => run.failure && run.spec.seed === seed));
  return Math.max(0, failed) + 1;
}

/** Opens a run at its failure, or at `cycle`. */
export async function lookAtRun(asked: Asked, number: number, cycle = 0): Promise<void> {
  campaignTrouble.value = "";
  const run = Math.min(number, asked.caseSeeds);
  const opened = await open(specsFor(asked).then(({ definition, specs }) => {
    const spec = specs[run - 1];
    const had = hadBy(asked).runs.find((one) => one.spec.seed === spec.seed);
    return [{ definition, spec, had }];
  }), "case", CASE_SIDE);
  // It is told here, too: the page is long.
  campaignTrouble.value = lookTrouble.value;
  if (!opened) return;
  looked.value = { form: formOf(asked), run };
  if (cycle > 0) await go(CASE_SIDE, cycle);
}

function hadBy(asked: Asked): Pick<Campaign, "specs" | "runs"> {
  const last = campaign.value;
  return last?.form === formOf(asked) ? last : { specs: [], runs: [] };
}
