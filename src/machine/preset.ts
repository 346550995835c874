// A machine as data: reading and checking of presets. A preset is a JSON object with `topology`
// (map.ts) and `numbers` (each with its value, confidence mark and source); `derives` names a
// parent whose numbers and topology it takes over. presets/README.md describes the format.
import {
  type Confidence, InputError, asConfidence, asObject, asSource, asString,
} from "./input.ts";
import { type Cluster, type Topology, readTopology } from "./map.ts";

export { type Confidence, InputError } from "./input.ts";
export type { Cluster, Topology } from "./map.ts";

export interface SourcedNumber {
  value: number;
  confidence: Confidence;
  source: string;
}

export interface Preset extends Topology {
  name: string;
  description: string;
  numbers: Map<string, SourcedNumber>;
}

/** Field to its smallest and largest legal value. */
const LIMITS: Record<string, [number, number]> = {
  // CPUID 15H gives the rate of the TSC in Hz, in 32 bits.
  "megahertz": [100, 4294],
  "ramMiB": [16, 1024],
  // The frame of an exception, of six words, goes into it at once.
  "core.storeBufferEntries": [6, 63],
  "core.retireDelay": [0, 64],
  "core.rfoPrefetch": [0, 12],
  "core.holdCycles": [0, 64],
  "timeSlice.running": [1, 64],
  "timeSlice.cycles": [1000, 100_000_000],
  "l1.sets": [1, 512],
  "l1.ways": [1, 16],
  "l2.sets": [1, 65536],
  "l2.ways": [1, 32],
  "l3.sets": [1, 65536],
  "l3.ways": [1, 32],
  "latency.l2": [1, 1000],
  "latency.l3": [1, 1000],
  "latency.siblingLoad": [1, 1000],
  "latency.siblingUpgrade": [1, 1000],
  "latency.siblingOwn": [1, 1000],
  "latency.dieLoad": [1, 10_000],
  "latency.dieUpgrade": [1, 10_000],
  "latency.dieOwn": [1, 10_000],
  "latency.socketLoad": [1, 10_000],
  "latency.socketUpgrade": [1, 10_000],
  "latency.socketOwn": [1, 10_000],
  "latency.farLoad": [1, 10_000],
  "latency.farUpgrade": [1, 10_000],
  "latency.farOwn": [1, 10_000],
  "latency.loadResidual": [0, 10],
  "latency.dram": [1, 10_000],
  "latency.dramRemote": [1, 10_000],
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
LIMITS["cost.lockSibling"] = [0, 1000];

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
  const map = readTopology(topology);
  requireNumbers(numbers, map);
  return {
    ...map,
    name: asString(own.name, "name"),
    description: asString(own.description ?? "", "description"),
    numbers,
  };
}

/** The document that readPreset() makes this preset of, without parents. */
export function presetDocument(preset: Preset): Record<string, unknown> {
  const { name, description, numbers, homes, hops, origin } = preset;
  const clusters = preset.clusters.map(({ units, cpus: _, ...rest }) => ({
    ...rest,
    cpus: units.map((unit) => (unit.length === 1 ? unit[0] : unit)),
  }));
  const topology = { clusters, homes, hops, ...origin };
  return { name, description, topology, numbers: Object.fromEntries(numbers) };
}

/**
 * The machine's first `count` CPUs. Clusters without one disappear, and packages without a cluster,
 * with their memories.
 */
export function firstCpus(preset: Preset, count: number): Preset {
  const total = cpuCount(preset);
  if (!Number.isInteger(count) || count < 1 || count > total) {
    throw new InputError(`${preset.name} has ${total} CPUs: --cpus must be 1 to ${total}`);
  }
  const clusters = preset.clusters
    .map((cluster) => ({
      ...cluster,
      cpus: cluster.cpus.filter((cpu) => cpu < count),
      units: cluster.units
        .map((unit) => unit.filter((cpu) => cpu < count))
        .filter((unit) => unit.length > 0),
    }))
    .filter((cluster) => cluster.cpus.length > 0);
  // Packages are numbered without gaps, so that what is left is a machine of its own.
  const kept = [...new Set(clusters.map((cluster) => cluster.package))].sort((a, b) => a - b);
  const renumbered = <T extends { package: number }>(item: T) => ({
    ...item, package: kept.indexOf(item.package),
  });
  const near = preset.homes.filter((home) => kept.includes(home.package));
  const homes = near.length > 0 ? near : [{ package: clusters[0].package, bus: clusters[0].bus }];
  const hops = preset.hops.filter((pair) => pair.every((index) => kept.includes(index)));
  return {
    ...preset,
    clusters: clusters.map(renumbered),
    homes: homes.map(renumbered),
    hops: hops.map(([a, b]): [number, number] => [kept.indexOf(a), kept.indexOf(b)]),
  };
}

export function cpuCount(preset: Preset): number {
  return preset.clusters.reduce((sum, cluster) => sum + cluster.cpus.length, 0);
}

/** Threads of the physical cores: 1, or 2 with SMT. */
export function threadsOf({ clusters }: Topology): number {
  return Math.max(...clusters.flatMap(({ units }) => units.map((unit) => unit.length)));
}

/**
 * Value of a number that the check has found present, 0 for one that this topology does not need.
 */
export function numberOf(preset: Preset, field: string): number {
  return preset.numbers.get(field)?.value ?? 0;
}

function asNumber(field: string, entry: unknown): SourcedNumber {
  const limits = LIMITS[field];
  if (!limits) throw new InputError(`numbers.${field}: unknown number`);
  const { value, confidence, source } = asObject(entry, `numbers.${field}`);
  if (!Number.isInteger(value) || (value as number) < limits[0] || (value as number) > limits[1]) {
    const range = `from ${limits[0]} to ${limits[1]}`;
    throw new InputError(`numbers.${field}.value: must be a whole number ${range}`);
  }
  return {
    value: value as number,
    confidence: asConfidence(confidence, `numbers.${field}.confidence`),
    source: asSource(source, `numbers.${field}.source`),
  };
}

/** Every number that this topology has a use for is there; the geometry adds up. */
function requireNumbers(numbers: Map<string, SourcedNumber>, map: Topology): void {
  const { clusters } = map;
  const sibling = clusters.some((cluster) => cluster.units.length > 1);
  const die = clusters.some((a, i) => clusters.some((b, j) => i < j && a.package === b.package));
  const socket = clusters.some((cluster) => cluster.package !== clusters[0].package);
  const given = (part: string) => [...numbers.keys()].some((field) => field.startsWith(part));
  const [l3, sliced] = [given("l3."), given("timeSlice.")];
  for (const field of Object.keys(LIMITS)) {
    if (numbers.has(field)) continue;
    if (field.startsWith("timeSlice.") && !sliced) continue;
    if (field.startsWith("latency.sibling") && !sibling) continue;
    if (field.startsWith("latency.die") && !die) continue;
    if (field.startsWith("latency.socket") && !socket) continue;
    if (field.startsWith("latency.far") && map.hops.length === 0) continue;
    if (field === "cost.lockSibling" && threadsOf(map) === 1) continue;
    if (field === "latency.dramRemote" && map.homes.length < 2) continue;
    if ((field.startsWith("l3.") || field === "latency.l3") && !l3) continue;
    throw new InputError(`numbers.${field}: missing`);
  }
  for (const level of l3 ? ["l1", "l2", "l3"] : ["l1", "l2"]) {
    const sets = numbers.get(`${level}.sets`)!.value;
    if ((sets & (sets - 1)) !== 0) {
      throw new InputError(`numbers.${level}.sets: must be a power of two`);
    }
    if (level === "l1" && sets * numbers.get("l1.ways")!.value > 1024) {
      throw new InputError("numbers.l1.sets: times l1.ways at most 1024 lines");
    }
  }
  const entries = numbers.get("core.storeBufferEntries")!.value;
  if (entries < threadsOf(map)) {
    throw new InputError("numbers.core.storeBufferEntries: must be one for each thread at least");
  }
  requireInclusion(numbers, clusters, l3);
}

/** An inclusive cache holds what the caches above it hold. */
function requireInclusion(
  numbers: Map<string, SourcedNumber>, clusters: Cluster[], l3: boolean,
): void {
  const lines = (level: string) =>
    numbers.get(`${level}.sets`)!.value * numbers.get(`${level}.ways`)!.value;
  const units = Math.max(...clusters.map((cluster) => cluster.units.length));
  const above = l3 ? "l2" : "l1";
  const last = l3 ? "l3" : "l2";
  if (l3 && lines("l2") < lines("l1")) {
    throw new InputError("numbers.l2.sets: the L2 is inclusive: not smaller than the L1");
  }
  if (lines(last) < units * lines(above)) {
    const [own, others] = [last.toUpperCase(), `the ${above.toUpperCase()}s of ${units} cores`];
    throw new InputError(
      `numbers.${last}.sets: the ${own} is inclusive: not smaller than ${others}`,
    );
  }
}
