// A machine of the build target "stress" with parameters of the test's choice: no image, no host
// layer.
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import * as abi from "../../assembly/abi.ts";
import { TRACE_ALL_LOADS, TRACE_LOAD } from "../../assembly/trace-kinds.ts";
import type { Preset } from "../../src/machine/preset.ts";
import { writeMachineBlock } from "../../src/machine/topology.ts";

export interface Shape {
  /** Parameters of the machine block by their name in abi.ts; they replace those of CLOVERTOWN. */
  parameters?: Record<string, number>;
  clusterOf?: (cpu: number) => number;
  /** Physical core within the cluster; by default every CPU has one of its own. */
  unitOf?: (cpu: number) => number;
  packageOf?: (cluster: number) => number;
  busOf?: (cluster: number) => number;
  /** Packages of the home agents, each on the bus of the same number; default one, on all buses. */
  homes?: number[];
  /** Packages that are two hops apart. */
  far?: (a: number, b: number) => boolean;
  /** A whole machine in place of CLOVERTOWN and of the functions above. */
  preset?: Preset;
  seed?: number;
  cycles?: number;
  file?: string;
}

const CLOVERTOWN: Record<string, number> = {
  M_CPUS: 8, M_CLUSTERS: 4, M_PACKAGES: 2, M_BUSES: 2, M_RAM_BYTES: 16 << 20,
  M_WINDOW_CYCLES: 38, M_QUANTUM_CYCLES: 13, M_WORKERS: 1, M_HOST_CORES: 2, M_CHECK: 1,
  M_SB_ENTRIES: 20, M_RETIRE_DELAY: 8, M_HOLD: 2,
  M_L1_SETS: 64, M_L1_WAYS: 8, M_L2_SETS: 4096, M_L2_WAYS: 16,
  M_COST_L1: 3, M_COST_FORWARD: 5, M_COST_LOCK: 27, M_LAT_L2: 14,
  M_LAT_SIBLING_LOAD: 33, M_LAT_SIBLING_UPGRADE: 27, M_LAT_SIBLING_OWN: 40,
  M_LAT_DIE_LOAD: 94, M_LAT_DIE_UPGRADE: 77, M_LAT_DIE_OWN: 102,
  M_LAT_SOCKET_LOAD: 141, M_LAT_SOCKET_UPGRADE: 113, M_LAT_SOCKET_OWN: 149,
  M_LAT_DRAM: 275, M_BUS_ADDRESS: 14, M_BUS_DATA: 14, M_SNOOP_STALL: 14,
  M_LAT_IPI: 700, M_LAT_UNCACHED: 700, M_LAT_DRAM_REMOTE: 400,
  M_LAT_FAR_LOAD: 190, M_LAT_FAR_UPGRADE: 150, M_LAT_FAR_OWN: 200,
};

/** A private L2 of 32 lines under an L3 of 128, so that everything is evicted now and then. */
export const THREE_LEVELS = {
  M_L1_SETS: 8, M_L1_WAYS: 2, M_L2_SETS: 8, M_L2_WAYS: 4, M_L3_SETS: 8, M_L3_WAYS: 16,
  M_LAT_L2: 10, M_LAT_L3: 40, M_LAT_SIBLING_LOAD: 45, M_LAT_SIBLING_UPGRADE: 37,
  M_LAT_SIBLING_OWN: 60,
};

/**
 * Siblings on an L1 of one line, below a shared cache that is slower than a hand-over: a thread's
 * read is still to come when the other has the line to write and must drop it.
 */
export const OVERTAKING: Shape = {
  parameters: {
    M_CPUS: 16, M_L1_SETS: 1, M_L1_WAYS: 1, M_L2_SETS: 2, M_L2_WAYS: 16, M_LAT_L2: 80,
    M_LAT_SIBLING_LOAD: 20, M_LAT_SIBLING_UPGRADE: 13, M_LAT_SIBLING_OWN: 13, M_LAT_DRAM: 90,
    M_BUS_ADDRESS: 0, M_BUS_DATA: 0, M_SNOOP_STALL: 0,
  },
  clusterOf: (cpu) => cpu & 3, unitOf: (cpu) => (cpu >> 2) & 1,
};

/** `shape` with every load recorded. */
export function recording(shape: Shape): Shape {
  const M_TRACE = TRACE_ALL_LOADS | (1 << TRACE_LOAD);
  return { ...shape, parameters: { ...shape.parameters, M_TRACE, M_TRACE_EVENTS: 1024 } };
}

interface Exports {
  layoutBytes(): number;
  setup(): void;
  runWorker(worker: number): number;
  stateHash(): bigint;
  coherence(): bigint;
  fewest(): bigint;
  additions(counter: number): bigint;
}

export interface Outcome {
  stop: number;
  /** The trap, when a check of the emulator or of the stress program failed. */
  error?: Error;
  accesses: bigint;
  hash: bigint;
  /**
   * The counters of the stress program as RAM holds them, and the locked additions that were made.
   */
  counters: bigint[];
  additions: bigint[];
  core: Exports;
}

/** The machine block of a preset. */
function writePreset(memory: WebAssembly.Memory, preset: Preset): void {
  writeMachineBlock(memory.buffer, preset, {
    seed: 1n, workers: 1, hostCores: 2, memoryModel: "tso", ramBytes: 16 << 20, maxCycles: 0n,
    traceEvents: 0,
  });
}

function writeTopology(
  view: DataView, shape: Shape, parameters: Record<string, number>,
): void {
  const clusterOf = shape.clusterOf ?? ((cpu) => cpu % 4);
  const packageOf = shape.packageOf ?? ((cluster) => cluster >> 1);
  const busOf = shape.busOf ?? ((cluster) => cluster >> 1);
  for (let cpu = 0; cpu < parameters.M_CPUS; cpu++) {
    view.setUint8(abi.MACHINE_BASE + abi.M_CPU_CLUSTER + cpu, clusterOf(cpu));
    const before = Array.from({ length: cpu }, (_, other) => clusterOf(other));
    const rank = before.filter((cluster) => cluster === clusterOf(cpu)).length;
    view.setUint8(abi.MACHINE_BASE + abi.M_CPU_UNIT + cpu, shape.unitOf?.(cpu) ?? rank);
  }
  for (let cluster = 0; cluster < parameters.M_CLUSTERS; cluster++) {
    view.setUint8(abi.MACHINE_BASE + abi.M_CLUSTER_PACKAGE + cluster, packageOf(cluster));
    view.setUint8(abi.MACHINE_BASE + abi.M_CLUSTER_BUS + cluster, busOf(cluster));
  }
  const homes = shape.homes ?? [0];
  view.setUint32(abi.MACHINE_BASE + abi.M_HOMES, homes.length, true);
  homes.forEach((home, i) => {
    view.setUint8(abi.MACHINE_BASE + abi.M_HOME_PACKAGE + i, home);
    view.setUint8(abi.MACHINE_BASE + abi.M_HOME_BUS + i, home);
  });
  for (let a = 0; a < abi.M_CLUSTER_LIMIT; a++) {
    let mask = 0;
    for (let b = 0; b < abi.M_CLUSTER_LIMIT; b++) if (shape.far?.(a, b)) mask |= 1 << b;
    view.setUint32(abi.MACHINE_BASE + abi.M_PACKAGE_FAR + 4 * a, mask, true);
  }
}

/** The machine after setup(), and what it takes to run it. */
function build(shape: Shape) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const module = new WebAssembly.Module(readFileSync(shape.file ?? "build/stress.wasm"));
  const abort = () => {
    throw new Error("abort");
  };
  const core = new WebAssembly.Instance(module, {
    env: { memory, abort }, host: { diskRead: abort },
  })
    .exports as unknown as Exports;
  const view = new DataView(memory.buffer);
  if (shape.preset) writePreset(memory, shape.preset);
  const parameters: Record<string, number> = {
    ...(shape.preset ? { M_CHECK: 1, M_WORKERS: 1 } : CLOVERTOWN),
    M_SEED: shape.seed ?? 1, ...shape.parameters,
  };
  const constants = abi as unknown as Record<string, number>;
  for (const [name, value] of Object.entries(parameters)) {
    view.setUint32(abi.MACHINE_BASE + constants[name], value, true);
  }
  if (!shape.preset) writeTopology(view, shape, parameters);
  const cycles = BigInt(shape.cycles ?? 200_000);
  view.setBigUint64(abi.MACHINE_BASE + abi.M_MAX_CYCLES, cycles, true);
  memory.grow(Math.ceil((core.layoutBytes() >>> 0) / 65536) - 63);
  core.setup();
  return { memory, module, core, workers: parameters.M_WORKERS };
}

/** Runs the machine on one worker, in this thread. */
export function runStress(shape: Shape): Outcome {
  const { memory, core } = build(shape);
  let stop = abi.STOP_INTERNAL as number;
  let error: Error | undefined;
  try {
    stop = core.runWorker(0);
  } catch (thrown) {
    error = thrown as Error;
  }
  return outcome(memory, core, stop, error);
}

/** Longer than any run of a test; then a worker that waits for a peer waits for ever. */
const RUN_MS = 600_000;

/**
 * Runs the machine on M_WORKERS threads. The barrier has no limit of its own, so when one of them
 * dies, or after `limitMs`, all are ended. `loss`: how worker 1 is lost, for tests of that.
 */
export async function runStressWorkers(
  shape: Shape, limitMs = RUN_MS, loss?: string,
): Promise<Outcome> {
  const { memory, module, core, workers } = build({
    ...shape,
    parameters: { ...shape.parameters, M_CHECK: 0 },
  });
  const file = new URL(loss ? "./lost-worker.mjs" : "./worker.mjs", import.meta.url);
  const threads = Array.from({ length: workers }, (_, index) =>
    new Worker(file, { workerData: { module, memory, worker: index, loss } }));
  const run = (thread: Worker) =>
    new Promise<number>((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
      thread.once("exit", () => reject(new Error("a worker ended without a result")));
    });
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no result after ${limitMs} ms`)), limitMs);
  });
  try {
    const stops = await Promise.race([Promise.all(threads.map(run)), limit]);
    return outcome(memory, core, stops[0]!);
  } finally {
    clearTimeout(timer);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function outcome(
  memory: WebAssembly.Memory, core: Exports, stop: number, error?: Error,
): Outcome {
  const view = new DataView(memory.buffer);
  const accesses = view.getBigUint64(abi.MACHINE_BASE + abi.M_INSTRUCTIONS, true);
  const ram = view.getUint32(abi.MACHINE_BASE + abi.M_RAM_BASE, true);
  const each = [0, 1, 2, 3];
  return {
    stop, error, accesses, core,
    hash: core.stateHash(),
    counters: each.map((counter) => view.getBigUint64(ram + 0x8000 + counter * 64, true)),
    additions: each.map((counter) => core.additions(counter)),
  };
}
