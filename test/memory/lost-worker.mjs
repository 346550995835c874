// As worker.mjs, but worker 1 dies or does nothing: its peers wait at the barrier.
import { workerData } from "node:worker_threads";

const { worker, loss } = workerData;
if (worker !== 1) await import("./worker.mjs");
else if (loss === "sleep") setInterval(() => {}, 1000);
else if (loss === "throw") throw new Error("planted");
else process.exit(1);
