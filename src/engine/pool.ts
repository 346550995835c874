// Worker threads and machine memories, started when first needed and kept for the next run. A call
// to a dead worker would hang (comlink waits for an answer), so every call is raced with the
// thread's end.
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { type Remote, wrap } from "comlink/dist/esm/comlink.mjs";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { MACHINE_BASE } from "../../assembly/abi.ts";
import { coreModule, type CoreExports, createMemory, instantiate } from "../core/instance.ts";
import { packageRoot } from "../core/root.ts";
import type { WorkerApi } from "./worker.ts";

/** The shared memory of one machine, with the host's own instance on it. */
export interface MachineMemory {
  memory: WebAssembly.Memory;
  core: CoreExports;
}

/** A thread ended while it was running a machine. */
export class WorkerDied extends Error {
  override name = "WorkerDied";
}

export class PooledWorker {
  private readonly thread: Worker;
  private readonly api: Remote<WorkerApi>;
  private readonly death: Promise<never>;
  alive = true;

  constructor(module: WebAssembly.Module) {
    // Under the test runner this file is TypeScript; a thread always runs the built one.
    const file = join(packageRoot(), "dist", "src", "engine", "worker.js");
    this.thread = new Worker(file, { workerData: module });
    this.death = new Promise((_, reject) => {
      this.thread.once("error", (error) => {
        this.alive = false;
        reject(new WorkerDied(`a worker thread failed: ${error.message}`));
      });
      this.thread.once("exit", (code) => {
        this.alive = false;
        reject(new WorkerDied(`a worker thread ended early (exit code ${code})`));
      });
    });
    this.death.catch(() => undefined); // a death between runs is found by `alive`
    this.api = wrap<WorkerApi>(nodeEndpoint(this.thread));
    this.thread.unref();
  }

  /** The thread keeps the process alive only while it runs a machine. */
  async run({ memory }: MachineMemory, index: number): Promise<number> {
    this.thread.ref();
    try {
      return await Promise.race([this.api.run(memory, index), this.death]);
    } finally {
      this.thread.unref();
    }
  }

  async terminate(): Promise<void> {
    this.alive = false;
    await this.thread.terminate();
  }
}

/** One pool serves all machines of a process. */
export class WorkerPool {
  private readonly idle: PooledWorker[] = [];
  private readonly started: PooledWorker[] = [];
  private readonly memories: WebAssembly.Memory[] = [];

  /** A zeroed memory with a new instance on it. */
  async takeMemory(): Promise<MachineMemory> {
    const used = this.memories.pop();
    // Below is static data, which every instance writes anew.
    if (used) new Uint8Array(used.buffer, MACHINE_BASE).fill(0);
    const memory = used ?? createMemory();
    return { memory, core: instantiate(await coreModule(), memory) };
  }

  giveMemory({ memory }: MachineMemory): void {
    this.memories.push(memory);
  }

  async take(count: number): Promise<PooledWorker[]> {
    const module = await coreModule();
    const workers: PooledWorker[] = [];
    while (workers.length < count) {
      const worker = this.idle.pop() ?? this.start(module);
      if (worker.alive) workers.push(worker);
    }
    return workers;
  }

  give(workers: readonly PooledWorker[]): void {
    this.idle.push(...workers.filter((worker) => worker.alive));
  }

  /** Ends all threads, running or not, and lets go of the memories. */
  async close(): Promise<void> {
    this.idle.length = 0;
    this.memories.length = 0;
    await Promise.all(this.started.splice(0).map((worker) => worker.terminate()));
  }

  private start(module: WebAssembly.Module): PooledWorker {
    const worker = new PooledWorker(module);
    this.started.push(worker);
    return worker;
  }
}
