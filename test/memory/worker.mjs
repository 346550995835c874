// One worker of a machine on a shared memory.
import { parentPort, workerData } from "node:worker_threads";

const { module, memory, worker } = workerData;
const abort = () => {
  throw new Error("abort");
};
const core = new WebAssembly.Instance(module, {
  env: { memory, abort }, host: { diskRead: abort },
}).exports;
parentPort.postMessage(core.runWorker(worker));
