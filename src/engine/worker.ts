// A worker thread: instantiates the core on the machine's shared memory and runs its part.
// Controlled through comlink; while runWorker() runs, the thread answers nothing, and the host
// reads the shared memory.
import { parentPort, workerData } from "node:worker_threads";
import { expose } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { type CoreExports, instantiate } from "../core/instance.ts";

export interface WorkerApi {
  /**
   * Takes part in the machine in `memory` as worker `index`; the STOP_* reason. `id` names the
   * memory: the object itself is a new one with each message.
   */
  run(id: number, memory: WebAssembly.Memory, index: number): number;
}

const module = workerData as WebAssembly.Module;
let last: { id: number; core: CoreExports } | undefined;

const api: WorkerApi = {
  run(id, memory, index) {
    if (last?.id !== id) last = { id, core: instantiate(module, memory) };
    return last.core.runWorker(index);
  },
};

if (parentPort) expose(api, nodeEndpoint(parentPort));
