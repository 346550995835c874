// Many runs of a case, as `case` and `compare` make them: progress on stderr, and Ctrl-C.
import type { Case, CaseRun, CaseSpec } from "../cases/case.ts";
import { runAll, RunFailed } from "../cases/runner.ts";
import { Progress } from "./progress.ts";

export interface RunsOptions {
  /** Runs at a time; default: as many as the host has cores. */
  jobs?: number;
  signal: AbortSignal;
  /** What the case calls runs that fail. */
  failures: "failures" | "hangs";
  /** The command line that makes one run again, for one in which the emulator itself fails. */
  reproduce: (definition: Case, spec: CaseSpec) => string;
}

/** All runs; nothing when the user interrupts them, which it says. */
export async function runWithProgress(
  definition: Case, specs: readonly CaseSpec[], options: RunsOptions,
): Promise<CaseRun[] | undefined> {
  const { jobs, signal, failures, reproduce } = options;
  const progress = new Progress();
  let failed = 0;
  const runs = await runAll(definition, specs, {
    jobs,
    signal,
    onDone(run, done) {
      if (run.failure) failed++;
      progress.update(() => `${done} of ${specs.length} runs, ${failed} ${failures}`);
    },
  }).catch((error) => {
    progress.clear();
    if (error instanceof RunFailed) {
      process.stderr.write(`reproduce: ${reproduce(definition, error.spec)}\n`);
    }
    throw error;
  });
  progress.clear();
  if (!signal.aborted) return runs;
  process.stderr.write(`interrupted after ${runs.length} of ${specs.length} runs\n`);
  return undefined;
}
