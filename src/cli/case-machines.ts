// Machines of a case by the names that the user gave, and the file of a run that failed.
import type { Case, CaseSpec } from "../cases/case.ts";
import { optionsOf } from "../cases/runner.ts";
import { keepCapsule } from "../engine/capsule-file.ts";
import { loadPreset } from "../engine/files.ts";
import { Machine } from "../engine/machine.ts";
import { recordEnd } from "../engine/replay.ts";

/** Reads the machines early, so that a wrong name is found before anything runs. */
export function presetsOf(names: readonly string[], changes?: ReadonlyMap<string, number>) {
  return names.map((name) => ({ name, preset: loadPreset(name, changes) }));
}

/** Makes a run again, for a capsule of it; the capsule's file, none when it is interrupted. */
export async function keepRun(
  definition: Case, spec: CaseSpec, signal: AbortSignal,
): Promise<string | undefined> {
  const options = { ...await optionsOf(definition, spec), traceEvents: 0 };
  const machine = await Machine.create(options);
  try {
    const result = await machine.run({ signal });
    return signal.aborted ? undefined
      : await keepCapsule(await recordEnd(machine, options, result));
  } finally {
    machine.close();
  }
}
