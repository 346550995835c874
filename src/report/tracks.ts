// The tracks of a machine's timeline, as the machine is built: box > socket > core > {instructions,
// store buffer, L1, L2}, beside the cores of a socket their shared caches, and the buses. Two
// threads of a core have instructions and a store buffer each.
import type { Preset } from "../machine/preset.ts";

export interface Track {
  id: number;
  name: string;
  /** 0 for the box. */
  parent: number;
}

/** Of a CPU; the caches are its core's. */
export type Part = "instructions" | "store buffer" | "L1" | "L2";
const OWN: Part[] = ["instructions", "store buffer"];
const CACHES: Part[] = ["L1", "L2"];
/** Of a bus: what it is asked for, and when it is occupied. */
export type Phase = "transactions" | "address" | "data";
const PHASES: Phase[] = ["transactions", "address", "data"];

export class Tracks {
  readonly list: Track[] = [];
  private readonly parts = new Map<string, number>();
  private readonly shared = new Map<number, number>();
  private readonly phases = new Map<string, number>();
  private readonly box: number;

  /** `title` names the box. */
  constructor(preset: Preset, title: string) {
    this.box = this.add(title, 0);
    for (const index of new Set(preset.clusters.map((cluster) => cluster.package))) {
      this.addSocket(preset, index);
    }
    const buses = new Set(preset.clusters.map(({ bus }) => bus));
    for (const { bus } of preset.homes) buses.add(bus);
    for (const bus of [...buses].sort((a, b) => a - b)) this.addBus(bus, `bus ${bus}`);
  }

  add(name: string, parent: number): number {
    this.list.push({ id: this.list.length + 1, name, parent });
    return this.list.length;
  }

  of(cpu: number, part: Part): number {
    return this.parts.get(`${cpu} ${part}`)!;
  }

  /** The shared cache of a CPU's cluster. */
  sharedOf(cpu: number): number {
    return this.shared.get(cpu)!;
  }

  /** That of the I/O hub has no CPUs on it and appears with its first transaction. */
  bus(bus: number, phase: Phase): number {
    if (!this.phases.has(`${bus} ${phase}`)) this.addBus(bus, "I/O hub");
    return this.phases.get(`${bus} ${phase}`)!;
  }

  private addSocket(preset: Preset, index: number): void {
    const socket = this.add(`socket ${index}`, this.box);
    const clusters = preset.clusters.filter((cluster) => cluster.package === index);
    const units = clusters.flatMap((cluster) => cluster.units);
    for (const unit of units.sort((a, b) => a[0] - b[0])) this.addCore(unit, socket);
    const level = preset.numbers.has("l3.sets") ? "L3" : "L2";
    for (const { cpus } of clusters) {
      const track = this.add(`${level} of cpu${cpus.join()}`, socket);
      for (const cpu of cpus) this.shared.set(cpu, track);
    }
  }

  private addCore(unit: number[], socket: number): void {
    const core = this.add(`cpu${unit.join()}`, socket);
    for (const cpu of unit) {
      for (const part of OWN) {
        const name = unit.length === 1 ? part : `cpu${cpu} ${part}`;
        this.parts.set(`${cpu} ${part}`, this.add(name, core));
      }
    }
    for (const part of CACHES) {
      const track = this.add(part, core);
      for (const cpu of unit) this.parts.set(`${cpu} ${part}`, track);
    }
  }

  private addBus(bus: number, name: string): void {
    const track = this.add(name, this.box);
    for (const phase of PHASES) this.phases.set(`${bus} ${phase}`, this.add(phase, track));
  }
}
