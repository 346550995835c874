// What the engine needs of its host, for Node: threads, the compiled core, machines and images by
// name. A page has web/host.ts in the place of this file (scripts/build-web.mjs); nothing else in
// the engine knows where it runs.
import { readFile } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { wrap } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { packageRoot } from "../core/root.ts";
import type { Thread, WorkerApi } from "./thread.ts";

export { checkDiskFiles } from "./disk-file.ts";
export { loadPreset, openImage } from "./files.ts";

export function hostCores(): number {
  return availableParallelism();
}

/** Threads see the same memory. */
export function sharesMemory(): boolean {
  return true;
}

/** Others use the host's cores, too. */
export function hostBusy(): boolean {
  return loadavg()[0] > hostCores() / 4;
}

const modules = new Map<string, Promise<WebAssembly.Module>>();

/** build/timing.wasm, compiled once per process. */
export function coreModule(): Promise<WebAssembly.Module> {
  return moduleOf(join(packageRoot(), "build", "timing.wasm"));
}

/** build/explore.wasm, or another build of it. */
export function exploreModule(file?: string): Promise<WebAssembly.Module> {
  return file === undefined
    ? moduleOf(join(packageRoot(), "build", "explore.wasm"))
    : compile(file);
}

function moduleOf(file: string): Promise<WebAssembly.Module> {
  const module = modules.get(file) ?? compile(file);
  modules.set(file, module);
  return module;
}

async function compile(file: string): Promise<WebAssembly.Module> {
  const bytes = await readFile(file).catch(() => {
    throw new Error(`${file} is missing: run npm run build`);
  });
  return WebAssembly.compile(bytes);
}

/** Starts engine/worker.ts; `onEnd` is called once, with the reason, when the thread is no more. */
export function startThread(onEnd: (reason: string) => void): Thread {
  // Under the test runner this file is TypeScript; a thread always runs the built one.
  const file = join(packageRoot(), "dist", "src", "engine", "worker.js");
  // Options of a process that runs a string (--input-type) do not suit a thread that runs a file.
  const thread = new Worker(file, { execArgv: [] });
  let ended = false;
  const end = (reason: string) => {
    if (!ended) onEnd(reason);
    ended = true;
  };
  thread.once("error", (error) => end(`a worker thread failed: ${error.message}`));
  thread.once("exit", (code) => end(`a worker thread ended early (exit code ${code})`));
  thread.unref();
  return {
    api: wrap<WorkerApi>(nodeEndpoint(thread)),
    keepAlive: (alive) => (alive ? thread.ref() : thread.unref()),
    terminate: async () => {
      await thread.terminate();
    },
  };
}
