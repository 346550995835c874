// A worker thread: instantiates the core on the machine's shared memory and runs its part.
// Controlled through comlink; while runWorker() runs, the thread answers nothing, and the host
// reads the shared memory.
import { parentPort, workerData } from "node:worker_threads";
import { expose } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { instantiate } from "../core/instance.ts";

export interface WorkerApi {
  /** Takes part in the machine in `memory` as worker `index`; the STOP_* reason. */
  run(memory: WebAssembly.Memory, index: number): number;
}

const module = workerData as WebAssembly.Module;

const api: WorkerApi = {
  // A new instance for each run: its globals hold nothing of another machine.
  run: (memory, index) => instantiate(module, memory).runWorker(index),
};

if (parentPort) expose(api, nodeEndpoint(parentPort));
