// The host engine: what this processor shows, through WebAssembly. Each thread of a program is
// translated (wat.ts), assembled by wabt, compiled by V8, and runs on a real thread. V8's code
// generation lies between the program and the processor; the Model line says so.
import { arch, cpus } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { packageRoot } from "../../core/root.ts";
import { layoutOf, ROUND, STOP } from "./host-layout.ts";
import type { HostJob, HostResult } from "./host-worker.ts";
import type { Engine, EngineOptions, Outcome, Program } from "../program.ts";
import { JUMPS_MAX, programText, Untranslatable } from "./wat.ts";

export const RUNS_DEFAULT = 1_000_000;
const INSTANCES = 1000;
const PROGRESS_MS = 200;
const FEATURES = { threads: true };

/** "Intel(R) Xeon(R) ..., x64". */
export function hostName(): string {
  return `${cpus()[0]?.model.trim() || "unknown processor"}, ${arch()}`;
}

export class HostEngine implements Engine {
  readonly name = "host";

  async run(program: Program, options: EngineOptions): Promise<Outcome> {
    const model = `${hostName()}; compiled by V8 ${process.versions.v8} from WebAssembly: ` +
      "what is seen is of its code generation and of the processor";
    const started = performance.now();
    const runs = options.runs ?? RUNS_DEFAULT;
    try {
      const { states, done, trap } = await this.#runAll(program, runs, options);
      const bound = done < runs ? `stopped after ${done} of ${runs} runs` : undefined;
      const stuck = trap && `${trap} (an address outside, a misaligned locked access, or ` +
        `${JUMPS_MAX} jumps back)`;
      return { states, bound, stuck, model, seconds: (performance.now() - started) / 1000 };
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      return { states: [], bound: `not run: ${error.message}`, model, seconds: 0 };
    }
  }

  async #runAll(program: Program, runs: number, { seed, signal, onProgress }: EngineOptions) {
    const layout = layoutOf(program, INSTANCES);
    if (!layout) throw new Untranslatable("its variables are too far apart");
    const text = await programText(program, layout.pages);
    const module = await assemble(text);
    const { pages } = layout;
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const control = new Int32Array(memory.buffer);
    const stop = () => Atomics.store(control, STOP, 1);
    // The word is -1 at the end.
    const progress = setInterval(() => onProgress?.(
      Math.max(0, Math.floor(Atomics.load(control, ROUND) / (INSTANCES + 1)) - 1) * INSTANCES,
    ), PROGRESS_MS);
    signal?.addEventListener("abort", stop);
    try {
      if (signal?.aborted) stop();
      const results = await Promise.all(program.threads.map((_, thread) =>
        runThread({ module, memory, program, layout, thread, runs, seed: seed ?? 1n })));
      const trap = results.map((result) => result.trap).find((item) => item !== undefined);
      return { states: results[0].states, done: results[0].runs, trap };
    } finally {
      clearInterval(progress);
      signal?.removeEventListener("abort", stop);
    }
  }
}

let wabtLoaded: ReturnType<typeof loadWabt> | undefined;

async function loadWabt() {
  const { default: load } = await import("wabt");
  return load();
}

async function assemble(text: string): Promise<WebAssembly.Module> {
  wabtLoaded ??= loadWabt();
  const wabt = await wabtLoaded;
  const parsed = wabt.parseWat("program.wat", text, FEATURES);
  try {
    // Its types lack the argument, without which it knows no atomic instruction.
    (parsed as unknown as { validate(features: object): void }).validate(FEATURES);
    const { buffer } = parsed.toBinary({});
    return await WebAssembly.compile(new Uint8Array(buffer));
  } finally {
    parsed.destroy();
  }
}

function runThread(job: HostJob): Promise<HostResult> {
  const file = join(packageRoot(), "dist", "src", "engine", "litmus", "host-worker.js");
  const worker = new Worker(file, { workerData: job });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a host thread ended early (${code})`)));
  });
}
