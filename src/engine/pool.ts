// Worker threads and machine memories, started when first needed and kept for the next run. A call
// to a dead worker would hang (comlink waits for an answer), so every call is raced with the
// thread's end.
import { MACHINE_BASE, MACHINE_BYTES, M_STORAGE_BASE } from "../../assembly/abi.ts";
import { type CoreExports, createMemory, instantiate } from "../core/instance.ts";
import { coreModule, startThread } from "./host.ts";
import type { DiskFiles, Thread } from "./thread.ts";
import { WorkerChoice } from "./worker-choice.ts";

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
  private readonly module: WebAssembly.Module;
  private readonly thread: Thread;
  private readonly death: Promise<never>;
  private die: (reason: string) => void = () => undefined;
  alive = true;

  constructor(module: WebAssembly.Module) {
    this.module = module;
    this.death = new Promise((_, reject) => {
      this.die = (reason) => {
        this.alive = false;
        reject(new WorkerDied(reason));
      };
    });
    this.death.catch(() => undefined); // a death between runs is found by `alive`
    this.thread = startThread(this.die);
  }

  /** The thread keeps the process alive only while it runs a machine. */
  async run(
    { memory }: MachineMemory, index: number, files: DiskFiles | undefined,
  ): Promise<number> {
    this.thread.keepAlive(true);
    try {
      const done = this.thread.api.run(this.module, memory, index, files);
      return await Promise.race([done, this.death]);
    } finally {
      this.thread.keepAlive(false);
    }
  }

  async terminate(): Promise<void> {
    await this.thread.terminate();
    // A page is not told that a worker ended.
    this.die("a worker thread was ended");
  }
}

/** The disks' room is large, and little of it was used: only that is written again. */
function clear({ memory, core }: MachineMemory): void {
  const block = new DataView(memory.buffer, MACHINE_BASE, MACHINE_BYTES);
  const size = memory.buffer.byteLength;
  const laidOut = block.getUint32(M_STORAGE_BASE, true) > 0 && core.layoutBytes() >>> 0 <= size;
  if (laidOut) core.clearDisks();
  const storage = laidOut ? block.getUint32(M_STORAGE_BASE, true) : size;
  const end = laidOut ? core.layoutBytes() >>> 0 : size;
  // Below is static data, which every instance writes anew.
  new Uint8Array(memory.buffer, end).fill(0);
  new Uint8Array(memory.buffer, MACHINE_BASE, storage - MACHINE_BASE).fill(0);
}

/** One pool serves all machines of a process. */
export class WorkerPool {
  private readonly idle: PooledWorker[] = [];
  private readonly started: PooledWorker[] = [];
  private readonly memories: MachineMemory[] = [];
  private readonly choices = new Map<number, WorkerChoice>();

  /** How many of `most` workers take part: what one machine found out is where the next begins. */
  choice(most: number, busy: boolean): WorkerChoice {
    const choice = this.choices.get(most) ?? new WorkerChoice(most, busy ? 1 : most);
    this.choices.set(most, choice);
    return choice;
  }

  /** A zeroed memory with a new instance on it. */
  async takeMemory(): Promise<MachineMemory> {
    const used = this.memories.pop();
    if (used) clear(used);
    const memory = used?.memory ?? createMemory();
    return { memory, core: instantiate(await coreModule(), memory) };
  }

  giveMemory(machine: MachineMemory): void {
    this.memories.push(machine);
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
