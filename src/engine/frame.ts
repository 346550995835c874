// What a machine looks like at one cycle: store buffers and the states of some lines. Machines stop
// at window boundaries only; the records of the trace lead from there to any cycle.
import { M_CLUSTERS } from "../../assembly/abi.ts";
import { LEVEL_L1D, LEVEL_PRIVATE, LEVEL_SHARED } from "../../assembly/trace-kinds.ts";
import {
  hasPrivateL2, l1State, l2State, sharedState, type WaitingStore, waitingStores,
} from "../core/inspect.ts";
import type { Records } from "../core/records.ts";
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LINE } from "../core/trace.ts";
import type { MachineView } from "../core/view.ts";
import type { Preset } from "../machine/preset.ts";

const LINE_SHIFT = 6;

/** After all that happened before `cycle`. */
export interface Frame {
  cycle: number;
  /** Of each CPU, oldest first. */
  buffers: WaitingStore[][];
  /** Of each watched line its state in each CPU's L1D, an index of STATES. */
  lines: Map<number, number[]>;
  /** The same in the private L2 of each CPU's core; without lines on a machine without. */
  privates: Map<number, number[]>;
  /** The same in the cache that each cluster shares, in the order of the preset's clusters. */
  shared: Map<number, number[]>;
}

/**
 * Of a machine at a boundary. `watched`: physical addresses; they become those of their lines. An
 * instruction that began before the boundary may store after it: those stores are left out.
 */
export function frameOf(view: MachineView, watched: Iterable<number>): Frame {
  const cpus = Array.from({ length: view.cpus }, (_, cpu) => cpu);
  const clusters = Array.from({ length: view.u32(M_CLUSTERS) }, (_, cluster) => cluster);
  const lines = Array.from(watched, (phys) => (phys >>> LINE_SHIFT << LINE_SHIFT) >>> 0);
  const each = (count: number[], state: (index: number, line: number) => number) =>
    new Map(lines.map((line) => [line, count.map((index) => state(index, line))]));
  return {
    cycle: Number(view.now),
    buffers: cpus.map((cpu) =>
      waitingStores(view, cpu).filter(({ issued }) => issued < view.now)),
    lines: each(cpus, (cpu, line) => l1State(view, cpu, line)),
    privates: hasPrivateL2(view) ? each(cpus, (cpu, line) => l2State(view, cpu, line)!)
      : new Map(),
    shared: each(clusters, (cluster, line) => sharedState(view, cluster, line).state),
  };
}

/** The frame at a later cycle, by what `records` say of the cycles between. */
export function advance(frame: Frame, records: Records, cycle: number, preset: Preset): Frame {
  const buffers = frame.buffers.map((stores) => [...stores]);
  const [lines, privates, shared] =
    [copyOf(frame.lines), copyOf(frame.privates), copyOf(frame.shared)];
  for (let i = records.from(frame.cycle); i < records.count && records.time[i] < cycle; i++) {
    const cpu = records.cpu[i];
    const phys = records.phys[i];
    const line = (phys >>> LINE_SHIFT << LINE_SHIFT) >>> 0;
    if (records.kind[i] === TRACE_ISSUE) {
      const issued = BigInt(records.time[i]);
      buffers[cpu].push({ phys, size: records.size[i], value: records.value[i], issued });
    } else if (records.kind[i] === TRACE_COMMIT) {
      buffers[cpu].shift();
    } else if (records.kind[i] === TRACE_LINE && lines.has(line)) {
      const level = records.size[i];
      const after = Number(records.value[i] >> 8n) & 0xff;
      const put = (states: number[] | undefined, at: readonly number[]) => {
        for (const index of states ? at : []) states![index] = after;
      };
      if (level === LEVEL_L1D) put(lines.get(line), threadsOf(preset, cpu));
      else if (level === LEVEL_PRIVATE) put(privates.get(line), threadsOf(preset, cpu));
      else if (level === LEVEL_SHARED) put(shared.get(line), [clusterOf(preset, cpu)]);
    }
  }
  return { cycle, buffers, lines, privates, shared };
}

const copyOf = (states: Map<number, number[]>) =>
  new Map([...states].map(([line, list]) => [line, [...list]]));

/** The threads of the core. */
function threadsOf(preset: Preset, cpu: number): readonly number[] {
  const units = preset.clusters.flatMap((cluster) => cluster.units);
  return units.find((unit) => unit.includes(cpu)) ?? [cpu];
}

const clusterOf = ({ clusters }: Preset, cpu: number) =>
  clusters.findIndex(({ cpus }) => cpus.includes(cpu));
