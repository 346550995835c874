// One case, some seeds: which runs failed, as they come in.
import { signal } from "@preact/signals";
import type { Case, CaseRun, CaseSpec } from "../../cases/case.ts";
import { findCase } from "../../cases/index.ts";
import { runAll } from "../../cases/runner.ts";
import { cpuCount, InputError, type Preset } from "../../machine/preset.ts";
import { loadPreset } from "../host.ts";
import { type Asked, OWN } from "./state.ts";

/** Of a case that leaves it open. */
const ROUNDS = 4000;

export interface Campaign {
  definition: Case;
  preset: Preset;
  specs: CaseSpec[];
  runs: CaseRun[];
}

export const campaign = signal<Campaign | undefined>(undefined);
export const campaigning = signal(false);
export const campaignTrouble = signal("");
let stop = new AbortController();

export function cancelCampaign(): void {
  stop.abort();
}

/** The runs that are asked for, each with a seed of its own; the pairs of CPUs take turns. */
export async function specsFor(asked: Asked): Promise<Omit<Campaign, "runs">> {
  const definition = findCase(asked.case);
  const machine = asked.caseMachine === OWN ? definition.machine : asked.caseMachine;
  const preset = await loadPreset(machine);
  const pairs = definition.pairs(preset);
  if (cpuCount(preset) < definition.cpusMin || pairs.length === 0) {
    throw new InputError(`case ${definition.id} needs ${definition.cpusMin} CPUs: choose a ` +
      `machine with more than ${preset.name} has`);
  }
  const seeds = Array.from({ length: asked.caseSeeds }, (_, i) => BigInt(asked.caseSeed + i));
  const specs = seeds.map((seed, i): CaseSpec => ({
    machine,
    variant: asked.caseVariant === "bug" ? definition.buggy : definition.fixed,
    workload: asked.caseWorkload === OWN ? definition.workload : asked.caseWorkload,
    // The pair that is farthest apart first: of case 001 the nearest one never fails.
    pair: pairs[pairs.length - 1 - (i % pairs.length)],
    seed,
    rounds: asked.caseRounds || (definition.rounds ?? ROUNDS),
    memory: asked.caseMemory,
  }));
  return { definition, preset, specs };
}

export async function runCampaign(asked: Asked): Promise<void> {
  stop = new AbortController();
  campaigning.value = true;
  campaignTrouble.value = "";
  campaign.value = undefined;
  try {
    const wanted = await specsFor(asked);
    const { definition, specs } = wanted;
    campaign.value = { ...wanted, runs: [] };
    await runAll(definition, specs, {
      signal: stop.signal,
      onDone: (run) => {
        if (run.result.exit === "cancelled") return;
        campaign.value = { ...wanted, runs: [...campaign.value!.runs, run] };
      },
    });
  } catch (error) {
    campaignTrouble.value = (error as Error).message;
  } finally {
    campaigning.value = false;
  }
}
