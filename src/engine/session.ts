// One machine from power-on to its end: memory, image, worker threads, console, progress,
// cancellation.
import * as abi from "../../assembly/abi.ts";
import { PAGE_BYTES } from "../core/instance.ts";
import { MachineView } from "../core/view.ts";
import type { Disk, IrqPolicy } from "../machine/disks.ts";
import { type BootImage, loadImage } from "../machine/image.ts";
import { InputError, numberOf, type Preset } from "../machine/preset.ts";
import {
  apicIds, type MachineOptions, type MemoryModel, writeMachineBlock,
} from "../machine/topology.ts";
import { checkDiskFiles, hostBusy, hostCores, sharesMemory } from "./host.ts";
import type { MachineMemory, PooledWorker, WorkerPool } from "./pool.ts";
import type { WorkerChoice } from "./worker-choice.ts";
import { inSlices } from "./slices.ts";
import { putSnapshot, type Snapshot, takeSnapshot } from "./snapshot.ts";
import type { DiskFiles } from "./thread.ts";

const LINE_BYTES = 64;
const POLL_MS = 20;
/** After a stop request: longer than any window takes; then the threads are ended. */
const STOP_MS = 3000;

export const STOP_NAMES = [
  "running", "exit", "quiescent", "budget", "cancelled", "shutdown", "unimplemented", "internal",
] as const;
export type StopName = (typeof STOP_NAMES)[number];

export interface SessionOptions {
  workers: number | "auto";
  seed: bigint;
  memoryModel: MemoryModel;
  maxCycles?: bigint;
  traceEvents?: number;
  /** Instructions to remember of each CPU. */
  history?: number;
  traceKinds?: number;
  traceFrom?: bigint;
  traceTo?: bigint;
  windowCycles?: number;
  counters?: boolean;
  check?: boolean;
  ramMiB?: number;
  disks?: readonly Disk[];
  irqPolicy?: IrqPolicy;
}

export interface RunHooks {
  onConsole?: (bytes: Uint8Array) => void;
  onProgress?: (now: bigint, instructions: bigint) => void;
  signal?: AbortSignal;
}

export interface Outcome {
  stop: StopName;
  /** Byte written to the exit port; 0 after a power-off. Only with stop "exit". */
  exitCode?: number;
  cycles: bigint;
  instructions: bigint;
  hostSeconds: number;
  workers: number;
}

/** Hashes that tell where two machines differ. */
export interface Components {
  /** Of each CPU without its caches. */
  cpus: bigint[];
  /** Of each line of RAM, with what the caches and the home agents say of it. */
  lines: Uint32Array;
}

/** Threads for a machine of `clusters`: no more than host cores or clusters. */
export function workersFor(wanted: number | "auto", clusters: number): number {
  if (wanted === "auto") return Math.min(hostCores(), clusters, abi.M_WORKER_LIMIT);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > abi.M_WORKER_LIMIT) {
    throw new InputError(`--workers must be auto or 1 to ${abi.M_WORKER_LIMIT}`);
  }
  return wanted;
}

/** Undefined when no disk has a file. */
function filesOf(disks: readonly Disk[] = []): DiskFiles | undefined {
  return disks.some(({ file }) => file !== undefined) ? disks.map(({ file }) => file) : undefined;
}

export class Session {
  readonly view: MachineView;
  readonly preset: Preset;
  private readonly pool: WorkerPool;
  private readonly machine: MachineMemory;
  private readonly workers: number;
  /** Only where the number is not given. */
  private readonly choice?: WorkerChoice;
  private readonly maxCycles: bigint;
  private readonly files?: DiskFiles;
  private consoleRead = 0;
  private hostSeconds = 0;
  private started = false;
  /** Stopped at a boundary, able to go on. */
  private paused = false;
  private closed = false;

  private constructor(
    pool: WorkerPool,
    machine: MachineMemory,
    preset: Preset,
    { workers, maxCycles, disks }: MachineOptions,
    choice?: WorkerChoice,
  ) {
    this.pool = pool;
    this.machine = machine;
    this.preset = preset;
    this.workers = workers;
    this.maxCycles = maxCycles;
    this.choice = choice;
    this.files = filesOf(disks);
    this.view = new MachineView(machine.memory);
  }

  /** A machine with `image` loaded, or with the state of `snapshot`, ready to run. */
  static async create(
    pool: WorkerPool,
    preset: Preset,
    image: BootImage,
    options: SessionOptions,
    snapshot?: Snapshot,
  ): Promise<Session> {
    const workers = workersFor(options.workers, preset.clusters.length);
    if (options.check && workers !== 1) throw new InputError("--check needs --workers 1");
    checkDiskFiles(filesOf(options.disks) ?? []);
    const machine = await pool.takeMemory();
    try {
      const block: MachineOptions = {
        seed: options.seed,
        workers,
        hostCores: hostCores(),
        memoryModel: options.memoryModel,
        ramBytes: (options.ramMiB ?? numberOf(preset, "ramMiB")) << 20,
        maxCycles: options.maxCycles ?? 0n,
        traceEvents: options.traceEvents ?? 0,
        history: options.history,
        traceKinds: options.traceKinds,
        traceFrom: options.traceFrom,
        traceTo: options.traceTo,
        windowCycles: options.windowCycles,
        check: options.check,
        counters: options.counters,
        disks: options.disks,
        irqPolicy: options.irqPolicy,
      };
      const { memory, core } = machine;
      writeMachineBlock(memory.buffer, preset, block);
      const missing = (core.layoutBytes() >>> 0) - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      core.setup();
      const choice = options.workers === "auto" ? pool.choice(workers, hostBusy()) : undefined;
      const session = new Session(pool, machine, preset, block, choice);
      if (snapshot) {
        await putSnapshot(memory.buffer, core, snapshot);
        session.consoleRead = session.view.consoleWritten;
        return session;
      }
      const entry = loadImage(session.view.ram, apicIds(preset).ids, image);
      core.startBsp(entry.rip, entry.rsi, entry.cr3);
      return session;
    } catch (error) {
      pool.giveMemory(machine);
      throw error;
    }
  }

  /**
   * Runs until the machine stops, or to the first window boundary at or after cycle `until`: the
   * stop is "running" then, and the machine can be run again. Throws when a worker thread fails.
   */
  run(hooks: RunHooks = {}, until = 0n): Promise<Outcome> {
    if (sharesMemory()) return this.leg(hooks, until);
    return inSlices((to) => this.leg(hooks, to), () => this.view.now, until, this.maxCycles);
  }

  private async leg(hooks: RunHooks, until: bigint): Promise<Outcome> {
    if (this.started && !this.paused) {
      throw new Error("a machine runs once: create another one with Machine.create()");
    }
    this.started = true;
    const started = performance.now();
    if (this.paused) this.machine.core.rewind();
    this.paused = false;
    if (this.choice) this.view.musterWorkers(this.choice.begin(started));
    const { maxCycles } = this;
    const limit = until && maxCycles && until > maxCycles ? maxCycles : until || maxCycles;
    const block = new DataView(this.machine.memory.buffer, abi.MACHINE_BASE, abi.MACHINE_BYTES);
    block.setBigUint64(abi.M_MAX_CYCLES, limit, true);
    const threads = await this.pool.take(this.workers);
    const cancel = () => this.view.requestStop();
    if (hooks.signal?.aborted) cancel();
    hooks.signal?.addEventListener("abort", cancel);
    try {
      await this.supervise(threads, hooks);
    } finally {
      hooks.signal?.removeEventListener("abort", cancel);
      this.pool.give(threads);
      this.drainConsole(hooks);
    }
    let stop = STOP_NAMES[this.view.stopReason] ?? "internal";
    // Threads that were ended gave no reason.
    if (stop === "running") stop = hooks.signal?.aborted ? "cancelled" : "internal";
    if (stop === "budget" && (maxCycles === 0n || this.view.now < maxCycles)) {
      this.paused = true;
      stop = "running";
    }
    this.hostSeconds += (performance.now() - started) / 1000;
    return {
      stop,
      exitCode: stop === "exit" ? (this.view.exitCode ?? 0) : undefined,
      cycles: this.view.now,
      instructions: this.view.instructions,
      hostSeconds: this.hostSeconds,
      workers: this.choice?.workers ?? this.workers,
    };
  }

  flagsOf(cpu: number): number {
    return this.machine.core.flagsOf(cpu);
  }

  /** Hash of the whole state of the stopped machine. */
  stateHash(): bigint {
    return BigInt.asUintN(64, this.machine.core.stateHash());
  }

  /** Of the stopped machine. */
  components(): Components {
    const { memory, core } = this.machine;
    const cpus = Array.from({ length: this.view.cpus }, (_, cpu) =>
      BigInt.asUintN(64, core.cpuHash(cpu)),
    );
    const lines = this.view.ram.length / LINE_BYTES;
    const free = core.layoutBytes() >>> 0;
    const missing = free + lines * 4 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    core.lineHashes(free);
    return { cpus, lines: new Uint32Array(memory.buffer, free, lines).slice() };
  }

  /** The state of a machine that can go on: before it ran, or while it is "running". */
  async snapshot(): Promise<Snapshot> {
    const { memory, core } = this.machine;
    core.rewind();
    return takeSnapshot(memory.buffer, core);
  }

  /** Gives the memory back; the session cannot be used any more. */
  close(): void {
    // Given back twice it would be two machines' memory.
    if (!this.closed) this.pool.giveMemory(this.machine);
    this.closed = true;
  }

  private async supervise(threads: PooledWorker[], hooks: RunHooks): Promise<void> {
    let failure: unknown;
    let stopBy = Infinity;
    let running = threads.length;
    const parts = threads.map((thread, index) =>
      thread.run(this.machine, index, this.files).then(
        () => undefined,
        (error: unknown) => {
          failure ??= error;
          return thread.terminate();
        },
      ).finally(() => running--),
    );
    const all = Promise.all(parts);
    while (running > 0) {
      await Promise.race([all, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
      this.drainConsole(hooks);
      hooks.onProgress?.(this.view.now, this.view.instructions);
      if (this.choice) {
        this.view.wantWorkers(this.choice.look(performance.now(), this.view.instructions));
      }
      if (stopBy === Infinity && hooks.signal?.aborted) stopBy = performance.now() + STOP_MS;
      // The barrier has no limit: who waits there for a dead worker never sees the request.
      if (!failure && performance.now() <= stopBy) continue;
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
    if (failure && !hooks.signal?.aborted) throw failure;
  }

  private drainConsole(hooks: RunHooks): void {
    // Read once: the machine goes on writing meanwhile.
    const written = this.view.consoleWritten;
    const bytes = this.view.console(this.consoleRead, written);
    this.consoleRead = written;
    if (bytes.length > 0) hooks.onConsole?.(bytes);
  }
}
