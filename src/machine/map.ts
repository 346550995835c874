// The topology of a machine: clusters (a last-level cache and the physical cores on it), the home
// agents in front of the memories, and which packages are two hops apart.
import {
  M_CLUSTER_LIMIT, M_CPU_LIMIT, M_HOME_LIMIT, M_THREAD_LIMIT, M_UNIT_LIMIT,
} from "../../assembly/abi.ts";
import {
  type Confidence, InputError, asConfidence, asIndex, asList, asObject, asSource, onlyFields,
} from "./input.ts";

export interface Cluster {
  package: number;
  bus: number;
  /** All CPUs, in the order of the file. */
  cpus: number[];
  /** Physical cores: the CPUs of each are its threads. */
  units: number[][];
}

export interface Home {
  package: number;
  bus: number;
}

export interface Topology {
  clusters: Cluster[];
  /** The home agents, at least one; a single one is on all buses. */
  homes: Home[];
  /** Pairs of packages that are two hops apart. */
  hops: [number, number][];
  /** Where the topology comes from, if the file says so. */
  origin?: Origin;
}

export interface Origin {
  confidence: Confidence;
  source: string;
}

export function readTopology(value: unknown): Topology {
  const topology = asObject(value, "topology");
  onlyFields(topology, "topology", ["clusters", "homes", "hops", "confidence", "source"]);
  const list = asList(topology.clusters, "topology.clusters", 1, M_CLUSTER_LIMIT);
  const clusters = list.map((item, i) => asCluster(item, `topology.clusters[${i}]`));
  requireAllCpus(clusters);
  const packages = new Set(clusters.map((cluster) => cluster.package));
  for (let index = 0; index < packages.size; index++) {
    if (packages.has(index)) continue;
    throw new InputError(`topology.clusters: package ${index} is missing`);
  }
  return {
    clusters,
    homes: asHomes(topology.homes, clusters),
    hops: asHops(topology.hops, packages.size),
    origin: asOrigin(topology),
  };
}

function asOrigin({ confidence, source }: Record<string, unknown>): Origin | undefined {
  if (confidence === undefined && source === undefined) return undefined;
  return {
    confidence: asConfidence(confidence, "topology.confidence"),
    source: asSource(source, "topology.source"),
  };
}

function asCluster(item: unknown, field: string): Cluster {
  const cluster = asObject(item, field);
  onlyFields(cluster, field, ["package", "bus", "cpus"]);
  const units = asList(cluster.cpus, `${field}.cpus`, 1, M_UNIT_LIMIT).map((entry, i) => {
    const unit = `${field}.cpus[${i}]`;
    if (!Array.isArray(entry)) return [asIndex(entry, unit, M_CPU_LIMIT)];
    const threads = asList(entry, unit, 1, M_THREAD_LIMIT);
    return threads.map((cpu) => asIndex(cpu, unit, M_CPU_LIMIT)).sort((a, b) => a - b);
  });
  return {
    package: asIndex(cluster.package, `${field}.package`, M_CLUSTER_LIMIT),
    bus: asIndex(cluster.bus, `${field}.bus`, M_CLUSTER_LIMIT),
    cpus: units.flat(),
    // The engine numbers the cores of a cluster by their first CPU.
    units: units.sort((a, b) => a[0] - b[0]),
  };
}

/** CPUs are numbered from 0, each in one place. */
function requireAllCpus(clusters: Cluster[]): void {
  const seen = new Set<number>();
  clusters.forEach((cluster, i) => {
    for (const cpu of cluster.cpus) {
      if (seen.has(cpu)) {
        throw new InputError(`topology.clusters[${i}].cpus: CPU ${cpu} is listed twice`);
      }
      seen.add(cpu);
    }
  });
  for (let cpu = 0; cpu < seen.size; cpu++) {
    if (!seen.has(cpu)) throw new InputError(`topology.clusters: CPU ${cpu} is missing`);
  }
}

function asHomes(value: unknown, clusters: Cluster[]): Home[] {
  if (value === undefined) return [{ package: clusters[0].package, bus: clusters[0].bus }];
  return asList(value, "topology.homes", 1, M_HOME_LIMIT).map((item, i) => {
    const field = `topology.homes[${i}]`;
    const home = asObject(item, field);
    onlyFields(home, field, ["package", "bus"]);
    const index = asIndex(home.package, `${field}.package`, M_CLUSTER_LIMIT);
    const bus = asIndex(home.bus, `${field}.bus`, M_CLUSTER_LIMIT);
    if (!clusters.some((cluster) => cluster.package === index)) {
      throw new InputError(`${field}.package: no cluster is in package ${index}`);
    }
    if (!clusters.some((cluster) => cluster.bus === bus)) {
      throw new InputError(`${field}.bus: no cluster is on bus ${bus}`);
    }
    return { package: index, bus };
  });
}

function asHops(value: unknown, packages: number): [number, number][] {
  if (value === undefined) return [];
  const most = (packages * (packages - 1)) / 2;
  return asList(value, "topology.hops", 0, most).map((item, i) => {
    const field = `topology.hops[${i}]`;
    const [a, b] = asList(item, field, 2, 2).map((entry) => asIndex(entry, field, packages));
    if (a === b) throw new InputError(`${field}: a package is not two hops from itself`);
    return [a, b];
  });
}
