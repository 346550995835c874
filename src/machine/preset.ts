// A machine as data: reading and checking of presets. A preset is a JSON object with `topology`
// (clusters of CPUs that share a last-level cache) and `numbers` (each with its value, confidence
// mark and source); `derives` names a parent whose numbers and topology it takes over.
import { M_CLUSTER_LIMIT, M_CPU_LIMIT } from "../../assembly/abi.ts";

/** A read from source or data, B published, C derived, D a guess. */
export type Confidence = "A" | "B" | "C" | "D";

export interface SourcedNumber {
  value: number;
  confidence: Confidence;
  source: string;
}

export interface Cluster {
  package: number;
  bus: number;
  cpus: number[];
}

export interface Preset {
  name: string;
  description: string;
  clusters: Cluster[];
  numbers: Map<string, SourcedNumber>;
}

/** A preset or an image that the user named is not usable; the message says what to change. */
export class InputError extends Error {
  override name = "InputError";
}

/** Field to its smallest and largest legal value. */
const LIMITS: Record<string, [number, number]> = {
  "megahertz": [100, 10_000],
  "ramMiB": [16, 1024],
  // The frame of an exception, of six words, goes into it at once.
  "core.storeBufferEntries": [6, 63],
  "core.retireDelay": [0, 64],
  "core.rfoPrefetch": [0, 0],
  "core.holdCycles": [0, 64],
  "l1.sets": [1, 128],
  "l1.ways": [1, 16],
  "l2.sets": [1, 65536],
  "l2.ways": [1, 32],
  "latency.l2": [1, 1000],
  "latency.siblingLoad": [1, 1000],
  "latency.siblingUpgrade": [1, 1000],
  "latency.siblingOwn": [1, 1000],
  "latency.dieLoad": [1, 10_000],
  "latency.dieUpgrade": [1, 10_000],
  "latency.dieOwn": [1, 10_000],
  "latency.socketLoad": [1, 10_000],
  "latency.socketUpgrade": [1, 10_000],
  "latency.socketOwn": [1, 10_000],
  "latency.loadResidual": [0, 10],
  "latency.dram": [1, 10_000],
  "latency.ipi": [1, 100_000],
  "latency.ipiSpread": [0, 10_000],
  "latency.uncached": [1, 100_000],
  "bus.address": [0, 1000],
  "bus.data": [0, 1000],
  "bus.snoopStall": [0, 1000],
};
const COSTS = [
  "l1", "forward", "mfence", "sfence", "lfence", "lock", "xchg", "pause", "rdtsc", "cpuid",
  "pushf", "popf", "call", "interrupt", "iret", "syscall",
];
for (const cost of COSTS) LIMITS[`cost.${cost}`] = [0, 10_000];
// The winner of a locked line holds it for this long, which the engine keeps in a byte.
LIMITS["cost.lock"] = [0, 190];

const DERIVES_MAX = 8;

/**
 * Checks `document` and resolves its parents. `parent` returns the JSON of a named preset.
 * `changes` replaces single numbers ("core.retireDelay" to 4), for sweeps.
 */
export function readPreset(
  document: unknown,
  parent: (name: string) => unknown,
  changes: ReadonlyMap<string, number> = new Map(),
): Preset {
  const chain = [asObject(document, "the machine")];
  while (chain[0].derives !== undefined) {
    if (chain.length >= DERIVES_MAX) throw new InputError("derives: the chain is too long");
    chain.unshift(asObject(parent(asString(chain[0].derives, "derives")), "derives"));
  }
  const own = chain[chain.length - 1];
  const numbers = new Map<string, SourcedNumber>();
  let topology: unknown;
  for (const link of chain) {
    for (const key of Object.keys(link)) {
      if (!["name", "description", "derives", "topology", "numbers"].includes(key)) {
        throw new InputError(`${key}: unknown field`);
      }
    }
    topology = link.topology ?? topology;
    for (const [field, entry] of Object.entries(asObject(link.numbers ?? {}, "numbers"))) {
      numbers.set(field, asNumber(field, entry));
    }
  }
  for (const [field, value] of changes) {
    numbers.set(field, asNumber(field, { value, confidence: "D", source: "command line" }));
  }
  const clusters = asClusters(topology);
  requireNumbers(numbers, clusters);
  return {
    name: asString(own.name, "name"),
    description: asString(own.description ?? "", "description"),
    clusters,
    numbers,
  };
}

/** The machine's first `count` CPUs; clusters without one disappear. */
export function firstCpus(preset: Preset, count: number): Preset {
  const total = cpuCount(preset);
  if (!Number.isInteger(count) || count < 1 || count > total) {
    throw new InputError(`${preset.name} has ${total} CPUs: --cpus must be 1 to ${total}`);
  }
  const clusters = preset.clusters
    .map((cluster) => ({ ...cluster, cpus: cluster.cpus.filter((cpu) => cpu < count) }))
    .filter((cluster) => cluster.cpus.length > 0);
  return { ...preset, clusters };
}

export function cpuCount(preset: Preset): number {
  return preset.clusters.reduce((sum, cluster) => sum + cluster.cpus.length, 0);
}

/**
 * Value of a number that the check has found present, 0 for one that this topology does not need.
 */
export function numberOf(preset: Preset, field: string): number {
  return preset.numbers.get(field)?.value ?? 0;
}

function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`${field}: must be an object`);
  }
  return value as Record<string, unknown>;
}

function asString(value: unknown, field: string): string {
  if (typeof value !== "string") throw new InputError(`${field}: must be a string`);
  return value;
}

function asIndex(value: unknown, field: string, limit: number): number {
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) >= limit) {
    throw new InputError(`${field}: must be a whole number from 0 to ${limit - 1}`);
  }
  return value as number;
}

function asNumber(field: string, entry: unknown): SourcedNumber {
  const limits = LIMITS[field];
  if (!limits) throw new InputError(`numbers.${field}: unknown number`);
  const { value, confidence, source } = asObject(entry, `numbers.${field}`);
  if (!Number.isInteger(value) || (value as number) < limits[0] || (value as number) > limits[1]) {
    const range = `from ${limits[0]} to ${limits[1]}`;
    throw new InputError(`numbers.${field}.value: must be a whole number ${range}`);
  }
  if (!["A", "B", "C", "D"].includes(confidence as string)) {
    throw new InputError(`numbers.${field}.confidence: must be A, B, C or D`);
  }
  if (typeof source !== "string" || source === "") {
    throw new InputError(`numbers.${field}.source: say where the value comes from`);
  }
  return { value: value as number, confidence: confidence as Confidence, source };
}

function asClusters(topology: unknown): Cluster[] {
  const list = asObject(topology, "topology").clusters;
  if (!Array.isArray(list) || list.length < 1 || list.length > M_CLUSTER_LIMIT) {
    throw new InputError(`topology.clusters: must be a list of 1 to ${M_CLUSTER_LIMIT} clusters`);
  }
  const seen = new Set<number>();
  const clusters = list.map((item, i) => {
    const field = `topology.clusters[${i}]`;
    const cluster = asObject(item, field);
    if (!Array.isArray(cluster.cpus) || cluster.cpus.length === 0) {
      throw new InputError(`${field}.cpus: must be a list of CPU numbers`);
    }
    const cpus = cluster.cpus.map((cpu) => asIndex(cpu, `${field}.cpus`, M_CPU_LIMIT));
    for (const cpu of cpus) {
      if (seen.has(cpu)) throw new InputError(`${field}.cpus: CPU ${cpu} is listed twice`);
      seen.add(cpu);
    }
    return {
      package: asIndex(cluster.package, `${field}.package`, M_CLUSTER_LIMIT),
      bus: asIndex(cluster.bus, `${field}.bus`, M_CLUSTER_LIMIT),
      cpus,
    };
  });
  for (let cpu = 0; cpu < seen.size; cpu++) {
    if (!seen.has(cpu)) throw new InputError(`topology.clusters: CPU ${cpu} is missing`);
  }
  return clusters;
}

function requireNumbers(numbers: Map<string, SourcedNumber>, clusters: Cluster[]): void {
  const sibling = clusters.some((cluster) => cluster.cpus.length > 1);
  const die = clusters.some((a, i) => clusters.some((b, j) => i < j && a.package === b.package));
  const socket = clusters.some((cluster) => cluster.package !== clusters[0].package);
  for (const field of Object.keys(LIMITS)) {
    if (numbers.has(field)) continue;
    if (field.startsWith("latency.sibling") && !sibling) continue;
    if (field.startsWith("latency.die") && !die) continue;
    if (field.startsWith("latency.socket") && !socket) continue;
    throw new InputError(`numbers.${field}: missing`);
  }
  for (const [field, limit] of [["l1.sets", "l1.ways"], ["l2.sets", "l2.ways"]]) {
    const sets = numbers.get(field)!.value;
    if ((sets & (sets - 1)) !== 0) throw new InputError(`numbers.${field}: must be a power of two`);
    if (field === "l1.sets" && sets * numbers.get(limit)!.value > 1024) {
      throw new InputError("numbers.l1: at most 1024 lines");
    }
  }
}
