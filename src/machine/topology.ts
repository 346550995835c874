// From a preset to the machine block of abi.ts; the window and the quantum are derived here (they
// are limits of the simulation, not properties of the machine).
import * as abi from "../../assembly/abi.ts";
import { TRACE_BUS } from "../../assembly/trace-kinds.ts";
import { type Disk, type IrqPolicy, writeDisks } from "./disks.ts";
import { cpuCount, InputError, numberOf, type Preset, threadsOf } from "./preset.ts";

/** `tso` is the machine's own; `tso-adv` the same with adversarial drains of the store buffers. */
export const MEMORY_MODELS = ["tso", "sc", "tso-adv"] as const;
export type MemoryModel = (typeof MEMORY_MODELS)[number];

const MODEL_CODES: Record<MemoryModel, number> = {
  tso: abi.MEMORY_TSO,
  sc: abi.MEMORY_SC,
  "tso-adv": abi.MEMORY_TSO_ADV,
};

export interface MachineOptions {
  seed: bigint;
  workers: number;
  hostCores: number;
  memoryModel: MemoryModel;
  ramBytes: number;
  /** 0: no budget. */
  maxCycles: bigint;
  /** Records that each worker's trace ring holds; 0: no trace. */
  traceEvents: number;
  /** Instructions to remember of each CPU. */
  history?: number;
  /** What to record, as in M_TRACE; default: labelled accesses, lines and marks. */
  traceKinds?: number;
  /** Cycles: only what happens from `traceFrom` on and before `traceTo`. */
  traceFrom?: bigint;
  traceTo?: bigint;
  /** Check coherence after every window: slow, one worker only. */
  check?: boolean;
  /** Count what stores did, too. */
  counters?: boolean;
  /** Overrides the derived window. */
  windowCycles?: number;
  disks?: readonly Disk[];
  /** Which CPU the chipset chooses in lowest-priority delivery; default round-robin. */
  irqPolicy?: IrqPolicy;
}

/** Every kind but the buses'. */
const TRACE_LABELLED = (1 << TRACE_BUS) - 2;
/** To the home agents the I/O hub is one more cluster. */
export const DISK_CLUSTERS_MAX = abi.M_CLUSTER_LIMIT - 1;
/**
 * What the disks can hold in all, in blocks of 4 KiB: 256 MiB. It is a part of the 4 GiB of a
 * module's memory, as guest RAM is.
 */
const STORAGE_BLOCKS = 65536;
export const STORAGE_BYTES = STORAGE_BLOCKS * 4096;
/** Ownership of a line for DMA, as that of another socket on a Clovertown. */
const DMA_OWN_CYCLES = 113;

const NUMBERS: ReadonlyArray<readonly [number, string]> = [
  [abi.M_RETIRE_DELAY, "core.retireDelay"],
  [abi.M_RFO_PREFETCH, "core.rfoPrefetch"],
  [abi.M_HOLD, "core.holdCycles"],
  [abi.M_SLICE_RUNNING, "timeSlice.running"],
  [abi.M_SLICE_CYCLES, "timeSlice.cycles"],
  [abi.M_L1_SETS, "l1.sets"],
  [abi.M_L1_WAYS, "l1.ways"],
  [abi.M_L2_SETS, "l2.sets"],
  [abi.M_L2_WAYS, "l2.ways"],
  [abi.M_L3_SETS, "l3.sets"],
  [abi.M_L3_WAYS, "l3.ways"],
  [abi.M_COST_L1, "cost.l1"],
  [abi.M_COST_FORWARD, "cost.forward"],
  [abi.M_COST_MFENCE, "cost.mfence"],
  [abi.M_COST_SFENCE, "cost.sfence"],
  [abi.M_COST_LFENCE, "cost.lfence"],
  [abi.M_COST_LOCK, "cost.lock"],
  [abi.M_COST_XCHG, "cost.xchg"],
  [abi.M_COST_PAUSE, "cost.pause"],
  [abi.M_COST_RDTSC, "cost.rdtsc"],
  [abi.M_COST_CPUID, "cost.cpuid"],
  [abi.M_COST_PUSHF, "cost.pushf"],
  [abi.M_COST_POPF, "cost.popf"],
  [abi.M_COST_CALL, "cost.call"],
  [abi.M_COST_INTERRUPT, "cost.interrupt"],
  [abi.M_COST_IRET, "cost.iret"],
  [abi.M_COST_SYSCALL, "cost.syscall"],
  [abi.M_COST_LOCK_SIBLING, "cost.lockSibling"],
  [abi.M_LAT_SIBLING_UPGRADE, "latency.siblingUpgrade"],
  [abi.M_LAT_SIBLING_OWN, "latency.siblingOwn"],
  [abi.M_LAT_DIE_UPGRADE, "latency.dieUpgrade"],
  [abi.M_LAT_DIE_OWN, "latency.dieOwn"],
  [abi.M_LAT_SOCKET_UPGRADE, "latency.socketUpgrade"],
  [abi.M_LAT_SOCKET_OWN, "latency.socketOwn"],
  [abi.M_LAT_FAR_UPGRADE, "latency.farUpgrade"],
  [abi.M_LAT_FAR_OWN, "latency.farOwn"],
  [abi.M_LAT_DRAM, "latency.dram"],
  [abi.M_LAT_DRAM_REMOTE, "latency.dramRemote"],
  [abi.M_LAT_IPI, "latency.ipi"],
  [abi.M_IPI_JITTER, "latency.ipiSpread"],
  [abi.M_LAT_UNCACHED, "latency.uncached"],
  [abi.M_BUS_ADDRESS, "bus.address"],
  [abi.M_BUS_DATA, "bus.data"],
  [abi.M_SNOOP_STALL, "bus.snoopStall"],
];

/** Load-to-use, so they contain the access to the L1 that follows when the line is there. */
const HITS: ReadonlyArray<readonly [number, string]> = [
  [abi.M_LAT_L2, "latency.l2"],
  [abi.M_LAT_L3, "latency.l3"],
];

const REMOTE_LOADS: ReadonlyArray<readonly [number, string]> = [
  [abi.M_LAT_SIBLING_LOAD, "latency.siblingLoad"],
  [abi.M_LAT_DIE_LOAD, "latency.dieLoad"],
  [abi.M_LAT_SOCKET_LOAD, "latency.socketLoad"],
  [abi.M_LAT_FAR_LOAD, "latency.farLoad"],
];

/** Writes the machine block into `memory` (the module's shared memory). */
export function writeMachineBlock(
  memory: ArrayBufferLike,
  preset: Preset,
  options: MachineOptions,
): void {
  const view = new DataView(memory, abi.MACHINE_BASE, abi.MACHINE_BYTES);
  const put = (offset: number, value: number) => view.setUint32(offset, value, true);
  const clusters = preset.clusters;
  put(abi.M_CPUS, cpuCount(preset));
  put(abi.M_CLUSTERS, clusters.length);
  put(abi.M_PACKAGES, Math.max(...clusters.map((cluster) => cluster.package)) + 1);
  put(abi.M_BUSES, Math.max(...clusters.map((cluster) => cluster.bus)) + 1);
  put(abi.M_RAM_BYTES, options.ramBytes);
  const windowCycles = windowOf(preset, options.windowCycles);
  put(abi.M_WINDOW_CYCLES, windowCycles);
  put(abi.M_QUANTUM_CYCLES, quantumOf(preset, windowCycles));
  put(abi.M_MEMORY_MODEL, MODEL_CODES[options.memoryModel]);
  view.setBigUint64(abi.M_SEED, options.seed, true);
  put(abi.M_WORKERS, options.workers);
  put(abi.M_HOST_CORES, options.hostCores);
  put(abi.M_TRACE, options.traceEvents > 0 ? (options.traceKinds ?? TRACE_LABELLED) : 0);
  view.setBigUint64(abi.M_TRACE_FROM, options.traceFrom ?? 0n, true);
  view.setBigUint64(abi.M_TRACE_TO, options.traceTo ?? 0n, true);
  put(abi.M_TRACE_EVENTS, options.traceEvents);
  put(abi.M_HISTORY, options.history ?? 0);
  put(abi.M_CHECK, options.check ? 1 : 0);
  put(abi.M_COUNTERS, options.counters ? 1 : 0);
  put(abi.M_TSC_KHZ, numberOf(preset, "megahertz") * 1000);
  view.setBigUint64(abi.M_MAX_CYCLES, options.maxCycles, true);
  for (const [offset, field] of NUMBERS) put(offset, numberOf(preset, field));
  // The store buffer is a core's: its threads have equal parts of it.
  const entries = numberOf(preset, "core.storeBufferEntries");
  put(abi.M_SB_ENTRIES, Math.floor(entries / threadsOf(preset)));
  for (const [offset, field] of HITS) {
    put(offset, Math.max(1, numberOf(preset, field) - numberOf(preset, "cost.l1")));
  }
  // The one calibrated constant: a load's row is a measured hand-over less the store's part, and
  // the hand-over contains the instructions between the poll and the store, which the engine
  // executes and charges for itself.
  const residual = numberOf(preset, "latency.loadResidual");
  for (const [offset, field] of REMOTE_LOADS) {
    put(offset, Math.max(0, numberOf(preset, field) - residual));
  }
  const disks = options.disks ?? [];
  if (disks.length > 0 && clusters.length > DISK_CLUSTERS_MAX) {
    const most = `at most ${DISK_CLUSTERS_MAX} clusters: use --disks 0`;
    throw new InputError(`${preset.name}: with disks, a machine has ${most}`);
  }
  writeDisks(view, disks, options.irqPolicy ?? "round-robin", numberOf(preset, "megahertz"));
  put(abi.M_STORAGE_BLOCKS, disks.length > 0 ? STORAGE_BLOCKS : 0);
  put(abi.M_LAT_DMA_OWN, DMA_OWN_CYCLES);
  // To the home agent the I/O hub is one more cluster, near to none, on a link of its own.
  view.setUint8(abi.M_CLUSTER_PACKAGE + clusters.length, view.getUint32(abi.M_PACKAGES, true));
  view.setUint8(abi.M_CLUSTER_BUS + clusters.length, view.getUint32(abi.M_BUSES, true));
  clusters.forEach((cluster, index) => {
    view.setUint8(abi.M_CLUSTER_PACKAGE + index, cluster.package);
    view.setUint8(abi.M_CLUSTER_BUS + index, cluster.bus);
    for (const cpu of cluster.cpus) {
      view.setUint8(abi.M_CPU_CLUSTER + cpu, index);
      view.setUint8(abi.M_CPU_UNIT + cpu, cluster.units.findIndex((unit) => unit.includes(cpu)));
    }
  });
  const { ids, coreShift, packageShift } = apicIds(preset);
  put(abi.M_APIC_CORE_SHIFT, coreShift);
  put(abi.M_APIC_PACKAGE_SHIFT, packageShift);
  ids.forEach((id, cpu) => view.setUint8(abi.M_CPU_APIC + cpu, id));
  put(abi.M_HOMES, preset.homes.length);
  preset.homes.forEach((home, index) => {
    view.setUint8(abi.M_HOME_PACKAGE + index, home.package);
    view.setUint8(abi.M_HOME_BUS + index, home.bus);
  });
  const far = new Array<number>(abi.M_CLUSTER_LIMIT).fill(0);
  for (const [a, b] of preset.hops) {
    far[a] |= 1 << b;
    far[b] |= 1 << a;
  }
  far.forEach((mask, index) => put(abi.M_PACKAGE_FAR + 4 * index, mask));
}

/**
 * APIC IDs: package, core and thread, each in a field as wide as the largest of them needs, so that
 * a shift tells which CPUs share a core or a package (SDM Vol. 3A 10.9.1, "Hierarchical Mapping of
 * Shared Resources").
 */
export function apicIds(
  preset: Preset,
): { ids: number[]; coreShift: number; packageShift: number } {
  const { clusters } = preset;
  const packages = [...new Set(clusters.map((cluster) => cluster.package))];
  const unitsOf = (index: number) =>
    clusters.filter((cluster) => cluster.package === index).flatMap(({ units }) => units);
  const bits = (count: number) => Math.ceil(Math.log2(count));
  const coreShift = bits(threadsOf(preset));
  const packageShift = coreShift + bits(Math.max(...packages.map((p) => unitsOf(p).length)));
  const ids: number[] = [];
  for (const index of packages) {
    unitsOf(index).forEach((unit, core) => unit.forEach((cpu, thread) => {
      ids[cpu] = (index << packageShift) | (core << coreShift) | thread;
    }));
  }
  if (Math.max(...ids) > APIC_ID_MAX) {
    throw new InputError(
      `topology.clusters: the packages differ so much that an APIC ID is above ${APIC_ID_MAX}: ` +
        "give the largest one fewer cores",
    );
  }
  return { ids, coreShift, packageShift };
}

export interface ApicIds {
  /** By CPU. */
  ids: number[];
  coreShift: number;
  packageShift: number;
}

/** In xAPIC mode 255 addresses everybody. */
const APIC_ID_MAX = 254;

/**
 * Window in cycles: at most the smallest latency of any message between components. The default is
 * half the smallest remote ownership latency; with one cluster, half the smallest of the other
 * messages.
 */
export function windowOf(preset: Preset, wanted?: number): number {
  const ownership = [
    "latency.dieUpgrade", "latency.dieOwn", "latency.socketUpgrade", "latency.socketOwn",
    "latency.farUpgrade", "latency.farOwn",
  ];
  const others = ["latency.dram", "latency.dramRemote", "latency.ipi", "latency.uncached"];
  const smallest = (fields: string[]) =>
    Math.min(...fields.map((field) => numberOf(preset, field)).filter((value) => value > 0));
  const several = preset.clusters.length > 1;
  const limit = smallest(several ? [...ownership, ...others] : others);
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 1 || wanted > limit)) {
    throw new InputError(`window of ${preset.name}: must be a whole number from 1 to ${limit}`);
  }
  // Half, so that a loss takes effect near the snoop that causes it; one CPU alone loses nothing.
  return wanted ?? (cpuCount(preset) === 1 ? limit : Math.max(1, Math.floor(limit / 2)));
}

/**
 * Cores of one cluster take turns of at most the smallest ownership latency inside it. The default
 * is a third of that. A loss takes effect at the boundary nearest to the snoop: with a third it is
 * off by less than the time between a store's commit and the snoop of a load issued beside it (with
 * a half, a quarter of the store buffering tests on owned lines of one die came out relaxed).
 */
export function quantumOf(preset: Preset, windowCycles: number): number {
  if (preset.clusters.every((cluster) => cluster.units.length === 1)) return windowCycles;
  const own = ["latency.siblingUpgrade", "latency.siblingOwn"].map((f) => numberOf(preset, f));
  return Math.min(windowCycles, Math.max(1, Math.floor(Math.min(...own) / 3)));
}

/** How two CPUs are connected. */
export type Relation =
  | "same CPU" | "same core" | "same L2" | "same L3" | "same package" | "other socket" | "two hops";

/** One pair of CPUs for each relation that the machine has. */
export function pairsByRelation(preset: Preset): Map<Relation, [number, number]> {
  const pairs = new Map<Relation, [number, number]>();
  const cpus = cpuCount(preset);
  for (let a = 0; a < cpus; a++) {
    for (let b = a + 1; b < cpus; b++) {
      const relation = relationOf(preset, a, b);
      if (!pairs.has(relation)) pairs.set(relation, [a, b]);
    }
  }
  return pairs;
}

const NEAREST_FIRST: readonly Relation[] = [
  "same core", "same L2", "same L3", "same package", "other socket", "two hops",
];

/** Two CPUs that are as far apart as the machine has them; undefined: it has one CPU. */
export function farthestPair(
  preset: Preset,
): { relation: Relation; cpus: [number, number] } | undefined {
  const pairs = pairsByRelation(preset);
  const relation = NEAREST_FIRST.findLast((known) => pairs.has(known));
  return relation && { relation, cpus: pairs.get(relation)! };
}

export function relationOf(preset: Preset, a: number, b: number): Relation {
  const cluster = (cpu: number) => preset.clusters.find((item) => item.cpus.includes(cpu))!;
  if (a === b) return "same CPU";
  const [one, other] = [cluster(a), cluster(b)];
  if (one.units.some((unit) => unit.includes(a) && unit.includes(b))) return "same core";
  if (one === other) return preset.numbers.has("l3.sets") ? "same L3" : "same L2";
  if (one.package === other.package) return "same package";
  const apart = [one.package, other.package];
  const far = preset.hops.some((pair) => apart.every((index) => pair.includes(index)));
  return far ? "two hops" : "other socket";
}
