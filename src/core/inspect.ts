// What a stopped machine holds that is not architectural, or hidden in it: store buffers, lines in
// the caches, interrupts and commands of disks under way (assembly/memory/store.ts, cache.ts,
// shared-cache.ts, assembly/device/lapic-state.ts, ioapic.ts, virtio.ts).
import * as abi from "../../assembly/abi.ts";
import type { MachineView } from "./view.ts";

const SB_ENTRY_BYTES = 32;
const SB_PLACES = 64;
const LINE_BYTES = 16;
const SHARED_LINE_BYTES = 32;
const LINE_SHIFT = 6;
const VECTORS = 256;
const IOAPIC_LINES = 64;
/** By the MESI_* of assembly/memory/cache.ts. */
export const STATES = "ISEM";

/** A store that is not visible yet. */
export interface WaitingStore {
  phys: number;
  size: number;
  value: bigint;
  /** Cycle at which it entered the store buffer. */
  issued: bigint;
}

export function clockOf(view: MachineView, cpu: number): bigint {
  const core = view.u32(abi.M_CORES + cpu * 4);
  return new DataView(view.memory.buffer).getBigUint64(core + abi.CORE_CLOCK, true);
}

/** The store buffer of a CPU, oldest first. */
export function waitingStores(view: MachineView, cpu: number): WaitingStore[] {
  const memory = new DataView(view.memory.buffer);
  return entriesOf(view, cpu, memory).map((at) => ({
    phys: memory.getUint32(at, true),
    size: memory.getUint8(at + 4),
    value: memory.getBigUint64(at + 16, true),
    issued: memory.getBigUint64(at + 8, true),
  }));
}

/** Of each of them the label, which a machine with a trace keeps; 0: it has none. */
export function waitingLabels(view: MachineView, cpu: number): number[] {
  const memory = new DataView(view.memory.buffer);
  return entriesOf(view, cpu, memory).map((at) => memory.getUint16(at + 6, true));
}

/** Where the entries of its store buffer are, oldest first. */
function entriesOf(view: MachineView, cpu: number, memory: DataView): number[] {
  const core = view.u32(abi.M_CORES + cpu * 4);
  const count = memory.getUint32(core + abi.CORE_SB_COUNT, true);
  const head = memory.getUint32(core + abi.CORE_SB_HEAD, true);
  return Array.from({ length: count }, (_, i) =>
    core + abi.CORE_SB + ((head + i) % SB_PLACES) * SB_ENTRY_BYTES);
}

/** Entries that a store buffer has room for. */
export function bufferEntries(view: MachineView): number {
  return view.u32(abi.M_SB_ENTRIES);
}

interface Way {
  /** Where its record is. */
  at: number;
  state: number;
}

/** The line in a set-associative array whose records of `bytes` begin with tag and state. */
function wayOf(
  memory: DataView, base: number, [sets, ways]: [number, number], bytes: number, tag: number,
): Way | undefined {
  const set = base + (tag & (sets - 1)) * ways * bytes;
  for (let way = 0; way < ways; way++) {
    const at = set + way * bytes;
    const state = memory.getUint8(at + 4);
    if (memory.getUint32(at, true) === tag && state !== 0) return { at, state };
  }
  return undefined;
}

function l1At(view: MachineView, cpu: number, phys: number, array: number): number {
  const memory = new DataView(view.memory.buffer);
  const caches = memory.getUint32(view.u32(abi.M_CORES + cpu * 4) + abi.CORE_CACHES, true);
  const size: [number, number] = [view.u32(abi.M_L1_SETS), view.u32(abi.M_L1_WAYS)];
  return wayOf(memory, caches + array, size, LINE_BYTES, phys >>> LINE_SHIFT)?.state ?? 0;
}

/** State of the line of `phys` in the L1D of a CPU, an index of STATES; threads share it. */
export function l1State(view: MachineView, cpu: number, phys: number): number {
  return l1At(view, cpu, phys, abi.CORE_L1D);
}

/** The same in its L1I. */
export function l1iState(view: MachineView, cpu: number, phys: number): number {
  return l1At(view, cpu, phys, abi.CORE_L1I);
}

/** The same in the private L2 of its core; undefined on a machine without. */
export function l2State(view: MachineView, cpu: number, phys: number): number | undefined {
  if (!hasPrivateL2(view)) return undefined;
  const memory = new DataView(view.memory.buffer);
  const base = memory.getUint32(view.u32(abi.M_CORES + cpu * 4) + abi.CORE_L2, true);
  const size: [number, number] = [view.u32(abi.M_L2_SETS), view.u32(abi.M_L2_WAYS)];
  return wayOf(memory, base, size, LINE_BYTES, phys >>> LINE_SHIFT)?.state ?? 0;
}

/** Is the cache that a cluster shares an L3, and the L2 each core's own? */
export const hasPrivateL2 = (view: MachineView): boolean => view.u32(abi.M_L3_SETS) !== 0;

/** A line in the cache that a cluster shares, with what its directory says. */
export interface SharedState {
  /** An index of STATES. */
  state: number;
  /** The core, by its number in the cluster, that has it in E or M. */
  owner?: number;
  /** Cores that have it as data. */
  holders: number[];
}

export function sharedState(view: MachineView, cluster: number, phys: number): SharedState {
  const memory = new DataView(view.memory.buffer);
  const l3 = hasPrivateL2(view);
  const size: [number, number] = [
    view.u32(l3 ? abi.M_L3_SETS : abi.M_L2_SETS), view.u32(l3 ? abi.M_L3_WAYS : abi.M_L2_WAYS),
  ];
  const base = view.u32(abi.M_CLUSTER_BASES + cluster * 4) + abi.CLUSTER_SHARED;
  const way = wayOf(memory, base, size, SHARED_LINE_BYTES, phys >>> LINE_SHIFT);
  if (!way) return { state: 0, holders: [] };
  const owner = memory.getUint8(way.at + 5);
  const presence = memory.getUint32(way.at + 8, true);
  return {
    state: way.state, owner: owner ? owner - 1 : undefined,
    holders: Array.from({ length: abi.M_UNIT_LIMIT }, (_, unit) => unit)
      .filter((unit) => (presence >>> unit) & 1),
  };
}

/** Vectors that a local APIC has been asked for, and those that its CPU is serving. */
export function apicState(view: MachineView, cpu: number): Record<"asked" | "served", number[]> {
  const memory = new DataView(view.memory.buffer);
  const irr = view.u32(abi.M_CORES + cpu * 4) + abi.CORE_LAPIC_IRR;
  const bits = (at: number) => Array.from({ length: VECTORS }, (_, vector) => vector)
    .filter((vector) => (memory.getUint8(at + (vector >> 3)) >> (vector & 7)) & 1);
  return { asked: bits(irr), served: bits(irr + VECTORS / 8) };
}

/** A line of the I/O APIC. */
export interface InterruptLine {
  gsi: number;
  /** The redirection entry (82093AA data sheet, "I/O Redirection Table Registers"). */
  entry: bigint;
  /** Does a device hold it active? */
  active: boolean;
}

export function interruptLines(view: MachineView): { lines: InterruptLine[]; sent: bigint } {
  const memory = new DataView(view.memory.buffer);
  const hub = view.u32(abi.M_HUB_BASE);
  const asserted = memory.getBigUint64(hub + abi.HUB_IOAPIC_ASSERTED, true);
  return {
    lines: Array.from({ length: IOAPIC_LINES }, (_, gsi) => ({
      gsi, entry: memory.getBigUint64(hub + abi.HUB_IOAPIC_ENTRIES + gsi * 8, true),
      active: ((asserted >> BigInt(gsi)) & 1n) !== 0n,
    })),
    sent: memory.getBigUint64(hub + abi.HUB_IOAPIC_SENT, true),
  };
}

/** Of each disk the commands that it has been given and not reported as done. */
export function commandsUnderWay(view: MachineView): number[] {
  const memory = new DataView(view.memory.buffer);
  const disks = view.u32(abi.M_HUB_BASE) + abi.HUB_DISKS;
  return Array.from({ length: view.u32(abi.M_DISKS) }, (_, disk) => {
    const commands = disks + disk * abi.DISK_BYTES + abi.DISK_COMMANDS;
    let count = 0;
    for (let i = 0; i < abi.DISK_COMMAND_LIMIT; i++) {
      const command = commands + i * abi.DISK_COMMAND_BYTES;
      count += memory.getUint32(command + abi.DISK_COMMAND_ACTIVE, true);
    }
    return count;
  });
}
