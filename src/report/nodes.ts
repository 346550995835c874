// The nodes of a machine as perf names them: packages. A line is at home on the node whose memory
// has its page; where there is one memory for all packages, that is the node of it.
import type { Preset } from "../machine/preset.ts";

const PAGE_SHIFT = 12;

export class Nodes {
  private readonly homes: number[];
  private readonly packages = new Map<number, number>();

  constructor({ clusters, homes }: Preset) {
    this.homes = homes.map((home) => home.package);
    for (const cluster of clusters) {
      for (const cpu of cluster.cpus) this.packages.set(cpu, cluster.package);
    }
  }

  /** Pages go to the home agents in turn (assembly/memory/home.ts). */
  ofLine(phys: number): number {
    return this.homes[(phys >>> PAGE_SHIFT) % this.homes.length];
  }

  /** "0,1" */
  ofCpus(cpus: Iterable<number>): string {
    const nodes = new Set([...cpus].map((cpu) => this.packages.get(cpu)!));
    return [...nodes].sort((a, b) => a - b).join(",");
  }
}
