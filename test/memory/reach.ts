// A small machine of the build target "reach", and the exploration of all its states.
import { readFileSync } from "node:fs";
import * as abi from "../../assembly/abi.ts";
import { TRACE_BUS } from "../../assembly/trace-kinds.ts";

/** Operations of a CPU (assembly/machine/reach/actor.ts), in the order of their bits. */
const OPERATIONS = ["load", "store", "lock", "fetch", "evict"] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Small {
  /** Cores of each cluster. */
  clusters: number[];
  /** Parameters of the machine block by their name in abi.ts; they replace those of SMALL. */
  parameters?: Record<string, number>;
  /** Package, and bus, of a cluster; default one for all. */
  packageOf?: (cluster: number) => number;
  lines?: number;
  operations: Operation[];
  /** CPUs that may begin an access in one window; default all. */
  atOnce?: number;
  /** Shared caches evict lines at any time. */
  evictions?: boolean;
  /** The home agent takes the requests of a window in any order; default true. */
  anyOrder?: boolean;
  /** Clusters that are alike may change places; default true. */
  symmetric?: boolean;
  /** Room for states. */
  states?: number;
  file?: string;
}

/** Short latencies in the order of those of a real machine; caches of one line. */
const SMALL: Record<string, number> = {
  M_RAM_BYTES: 65536, M_WORKERS: 1, M_HOST_CORES: 1,
  M_TRACE: (1 << TRACE_BUS) - 2, M_TRACE_EVENTS: 1024,
  M_WINDOW_CYCLES: 2, M_QUANTUM_CYCLES: 1, M_SB_ENTRIES: 1, M_RETIRE_DELAY: 0, M_HOLD: 0,
  M_L1_SETS: 1, M_L1_WAYS: 1, M_L2_SETS: 1, M_COST_L1: 1, M_COST_FORWARD: 1, M_COST_LOCK: 1,
  M_LAT_L2: 1, M_LAT_SIBLING_LOAD: 2, M_LAT_SIBLING_UPGRADE: 1, M_LAT_SIBLING_OWN: 2,
  M_LAT_DIE_LOAD: 4, M_LAT_DIE_UPGRADE: 2, M_LAT_DIE_OWN: 3,
  M_LAT_SOCKET_LOAD: 6, M_LAT_SOCKET_UPGRADE: 3, M_LAT_SOCKET_OWN: 5,
  M_LAT_DRAM: 7, M_LAT_IPI: 100, M_LAT_UNCACHED: 100,
};
const BYTES_PER_STATE = 120;

interface Exports {
  layoutBytes(states: number, bytes: number): number;
  setup(
    lines: number, operations: number, atOnce: number, evictions: boolean, anyOrder: boolean,
    symmetric: boolean, states: number, bytes: number,
  ): void;
  search(): number;
  step(choice: bigint): number;
  write(): number;
  read(): void;
  fresh(): number;
  parentOf(state: number): number;
  choiceOf(state: number): bigint;
  current: WebAssembly.Global<"i32">;
  choice: WebAssembly.Global<"i64">;
  windows: WebAssembly.Global<"i64">;
  allStates: WebAssembly.Global<"i32">;
  broken: WebAssembly.Global<"i32">;
}

/** The machine after reset, and how to choose for it. */
export function small(shape: Small) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const module = new WebAssembly.Module(readFileSync(shape.file ?? "build/reach.wasm"));
  const abort = () => {
    throw new Error("abort");
  };
  const core = new WebAssembly.Instance(module, {
    env: { memory, abort }, host: { diskRead: abort },
  })
    .exports as unknown as Exports;
  const view = new DataView(memory.buffer, abi.MACHINE_BASE);
  const packageOf = shape.packageOf ?? (() => 0);
  const packages = Math.max(...shape.clusters.map((_, cluster) => packageOf(cluster))) + 1;
  const lines = shape.lines ?? 1;
  const cpus = shape.clusters.reduce((sum, cores) => sum + cores, 0);
  const parameters: Record<string, number> = {
    ...SMALL, M_CPUS: cpus, M_CLUSTERS: shape.clusters.length, M_PACKAGES: packages,
    M_BUSES: packages, M_HOMES: 1, M_L2_WAYS: lines, ...shape.parameters,
  };
  const constants = abi as unknown as Record<string, number>;
  for (const [name, value] of Object.entries(parameters)) {
    view.setUint32(constants[name], value, true);
  }
  let cpu = 0;
  shape.clusters.forEach((cores, cluster) => {
    view.setUint8(abi.M_CLUSTER_PACKAGE + cluster, packageOf(cluster));
    view.setUint8(abi.M_CLUSTER_BUS + cluster, packageOf(cluster));
    for (let i = 0; i < cores; i++) {
      view.setUint8(abi.M_CPU_UNIT + cpu, i);
      view.setUint8(abi.M_CPU_CLUSTER + cpu++, cluster);
    }
  });
  const states = shape.states ?? 200_000;
  const bytes = states * BYTES_PER_STATE;
  memory.grow(Math.ceil((core.layoutBytes(states, bytes) >>> 0) / 65536) - 63);
  const operations = shape.operations.reduce((set, op) => set | (1 << OPERATIONS.indexOf(op)), 0);
  core.setup(
    lines, operations, shape.atOnce ?? cpus, shape.evictions ?? false, shape.anyOrder ?? true,
    shape.symmetric ?? true, states, bytes,
  );
  const names = OPERATIONS.filter((op) => shape.operations.includes(op));
  const evictions = shape.clusters.length * lines;
  return { core, memory, cpus, lines, names, evictions, window: parameters.M_WINDOW_CYCLES };
}

export type Machine = ReturnType<typeof small>;

export interface Exploration {
  states: number;
  windows: number;
  /** The broken rule, or the trap of the engine. */
  wrong?: string;
  /** What was chosen, window by window, on the way to it. */
  way: string[];
}

export function explore(shape: Small): Exploration {
  const machine = small(shape);
  const { core } = machine;
  let wrong: string | undefined;
  try {
    const rule = core.search();
    if (rule) wrong = RULES[rule] ?? `rule ${rule}`;
  } catch (trap) {
    wrong = (trap as Error).message;
  }
  return {
    states: core.allStates.value >>> 0,
    windows: Number(BigInt.asUintN(64, core.windows.value)),
    wrong,
    way: wrong ? wayTo(machine) : [],
  };
}

/** By the numbers in machine/invariant.ts and machine/reach/. */
const RULES: Record<number, string> = {
  1: "an L1 line is missing in the shared cache", 2: "the shared cache does not know of an L1 line",
  3: "an L1 owns what its cluster shares", 4: "two writers", 5: "two clusters own a line",
  32: "an access outside its window", 33: "stores out of order",
  34: "a read came before an earlier write", 35: "a write came before an earlier read",
  36: "writes out of order", 37: "a stale value", 38: "RAM differs",
  39: "the store buffer differs", 40: "a locked access before the buffer was empty",
  41: "a request in the past", 64: "the home agent is wrong about a cluster",
  65: "the shared cache is wrong about an L1", 66: "the shared cache is wrong about the owner",
  96: "the machine does not come to rest", 97: "too many states",
};

function wayTo(machine: Machine): string[] {
  const { core } = machine;
  const choices = [core.choice.value];
  for (let at = core.current.value >>> 0; at; at = core.parentOf(at) >>> 0) {
    choices.unshift(core.choiceOf(at));
  }
  return choices.map((choice) => describe(machine, BigInt.asUintN(64, choice)));
}

/** A choice as assembly/machine/reach/search.ts packs it. */
function describe({ cpus, lines, names, window }: Machine, choice: bigint): string {
  const field = (shift: number) => Number((choice >> BigInt(shift)) & 63n);
  const parts: string[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    const kind = field(6 * cpu) - 1;
    if (kind < 0) continue;
    const which = Math.floor(kind / window);
    parts.push(`cpu${cpu} ${names[Math.floor(which / lines)]} ${which % lines} @${kind % window}`);
  }
  const evicted = field(48) - 1;
  if (evicted >= 0) parts.push(`cluster ${Math.floor(evicted / lines)} evicts ${evicted % lines}`);
  if (choice >> 54n) parts.push(`order ${choice >> 54n}`);
  return parts.join(", ") || "-";
}
