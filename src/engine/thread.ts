// A host thread as the engine sees it, and what runs in it.
import type { Endpoint } from "comlink";
import { instantiate } from "../core/instance.ts";

export interface Thread {
  /** For comlink: calls of a WorkerApi. */
  endpoint: Endpoint;
  /** The thread keeps its process alive, or not. */
  keepAlive(alive: boolean): void;
  terminate(): Promise<void>;
}

export interface WorkerApi {
  /** Takes part in the machine in `memory` as worker `index`; the STOP_* reason. */
  run(module: WebAssembly.Module, memory: WebAssembly.Memory, index: number): number;
}

/** While run() runs, the thread answers nothing, and the host reads the shared memory. */
export const workerApi: WorkerApi = {
  // A new instance for each run: its globals hold nothing of another machine.
  run: (module, memory, index) => instantiate(module, memory).runWorker(index),
};
