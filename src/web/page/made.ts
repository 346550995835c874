// What runs were made with, in the words of the form that asked for them: results say it, and the
// form may ask for something else by then.
import { type Case, type CaseSpec, variantsOf } from "../../cases/case.ts";
import { findCase } from "../../cases/index.ts";
import { usualRounds } from "../../cases/rounds.ts";
import { type Asked, OWN } from "./state.ts";

/** Of a case that leaves it open. */
const ROUNDS = 4000;

/** Of case 001 on two machines. */
export function comparedForm({ variant, workload, memory, rounds, seeds }: Asked): string {
  return `${variant}, ${workload}, ${memory}, ${rounds} rounds, ${seedsText(1, seeds)}`;
}

/** What a case's runs depend on, the case's own filled in where the form leaves it open. */
export function caseForm(asked: Asked) {
  const definition = findCase(asked.case);
  const workload = asked.caseWorkload === OWN ? definition.workload : asked.caseWorkload;
  const usual = usualRounds(definition, workload, ROUNDS);
  return {
    definition,
    machine: asked.caseMachine === OWN ? definition.machine : asked.caseMachine,
    workload,
    rounds: definition.fixedRounds?.[workload] ?? (asked.caseRounds || usual),
  };
}

export function formOf(asked: Asked): string {
  const { definition: { id }, machine, workload, rounds } = caseForm(asked);
  const seeds = seedsText(asked.caseSeed, asked.caseSeeds);
  return `case ${id}, ${asked.caseVariant}, ${workload}, ${machine}, ${asked.caseMemory}, ` +
    `${rounds} rounds, ${seeds}`;
}

function seedsText(first: number, count: number): string {
  return count === 1 ? `seed ${first}` : `seeds ${first} to ${first + count - 1}`;
}

/** What the form calls a run's copy of the code. */
export function codeOf(definition: Case, { variant, workload }: CaseSpec): string {
  const { buggy, fixed } = variantsOf(definition, workload);
  return variant === buggy ? "bug" : variant === fixed ? "fixed" : variant;
}
