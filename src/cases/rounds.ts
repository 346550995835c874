// How many rounds a run of a case has, and what limits them.
import { InputError } from "../machine/preset.ts";
import type { Case } from "./case.ts";

/** Of a run that asks for none: the case's own number, else `otherwise`, where there is room. */
export function usualRounds(definition: Case, workload: string, otherwise: number): number {
  const { fixedRounds, rounds = otherwise, roundsMax } = definition;
  return fixedRounds?.[workload] ?? Math.min(rounds, roundsMax?.[workload] ?? Infinity);
}

/** Why `rounds` are all that one of the case's workloads can have; undefined where they are not. */
export function limitText(definition: Case, workload: string, rounds: number): string | undefined {
  const most = definition.roundsMax?.[workload];
  if (most === undefined || rounds < most) return undefined;
  return `${workload} of case ${definition.id} has room for ${most} round${most === 1 ? "" : "s"}`;
}

/** Throws an InputError if one of the case's workloads cannot have so many; what: how asked. */
export function requireRoom(
  definition: Case, workload: string, rounds: number, what: string,
): void {
  if (rounds <= (definition.roundsMax?.[workload] ?? Infinity)) return;
  throw new InputError(`${what}: ${limitText(definition, workload, rounds)}: ask for no more`);
}
