// Files of tests through engines. A file that is no test costs one line; the others still run.
import type { Engine, EngineOptions } from "../engine/program.ts";
import { type Assembled, assemble } from "./assemble.ts";
import { parseBytes } from "./parse.ts";
import type { Result } from "./print.ts";
import { LitmusError } from "./test.ts";

export interface TestFile {
  name: string;
  bytes: Uint8Array;
}

export interface RunOptions extends Omit<EngineOptions, "witness" | "onProgress"> {
  /** Machine states so far, or runs. */
  onProgress?(count: number, engine: string): void;
  /** Ask for an interleaving that shows what the condition is about. */
  witness?: boolean;
}

/** A result per file and engine; instead of them, for a file that is no test, what is wrong. */
export type Run = { result: Result } | { error: LitmusError };

export async function* runFiles(
  files: Iterable<TestFile>, engines: Engine[], options: RunOptions,
): AsyncGenerator<Run> {
  for (const { name, bytes } of files) {
    let assembled: Assembled;
    try {
      assembled = await assemble(parseBytes(name, bytes));
    } catch (error) {
      if (!(error instanceof LitmusError)) throw error;
      yield { error };
      continue;
    }
    for (const engine of engines) {
      if (options.signal?.aborted) return;
      yield { result: await runTest(assembled, engine, options) };
    }
  }
}

/** One engine on one test; a witness, if asked for, shows what the condition is about. */
export async function runTest(
  assembled: Assembled, engine: Engine, options: RunOptions,
): Promise<Result> {
  const wanted = assembled.test.condition.quantifier !== "forall";
  const witness = (values: bigint[]) =>
    assembled.passes(values) && assembled.holds(values) === wanted;
  const outcome = await engine.run(assembled.program, {
    ...options,
    onProgress: (count) => options.onProgress?.(count, engine.name),
    witness: options.witness ? witness : undefined,
  });
  const machine = engine.name === "timing" ? options.machine : undefined;
  return { engine: engine.name, machine, assembled, outcome };
}
