// What a machine looks like at one cycle: store buffers and the L1D states of some lines. Machines
// stop at window boundaries only; the records of the trace lead from there to any cycle.
import { LEVEL_L1D } from "../../assembly/trace-kinds.ts";
import { l1State, type WaitingStore, waitingStores } from "../core/inspect.ts";
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
}

/**
 * Of a machine at a boundary. `watched`: physical addresses; they become those of their lines. An
 * instruction that began before the boundary may store after it: those stores are left out.
 */
export function frameOf(view: MachineView, watched: Iterable<number>): Frame {
  const cpus = Array.from({ length: view.cpus }, (_, cpu) => cpu);
  const lines = Array.from(watched, (phys) => (phys >>> LINE_SHIFT << LINE_SHIFT) >>> 0);
  return {
    cycle: Number(view.now),
    buffers: cpus.map((cpu) =>
      waitingStores(view, cpu).filter(({ issued }) => issued < view.now)),
    lines: new Map(lines.map((line) => [line, cpus.map((cpu) => l1State(view, cpu, line))])),
  };
}

/** The frame at a later cycle, by what `records` say of the cycles between. */
export function advance(frame: Frame, records: Records, cycle: number, preset: Preset): Frame {
  const buffers = frame.buffers.map((stores) => [...stores]);
  const lines = new Map([...frame.lines].map(([line, states]) => [line, [...states]]));
  for (let i = records.from(frame.cycle); i < records.count && records.time[i] < cycle; i++) {
    const cpu = records.cpu[i];
    const phys = records.phys[i];
    const line = (phys >>> LINE_SHIFT << LINE_SHIFT) >>> 0;
    if (records.kind[i] === TRACE_ISSUE) {
      const issued = BigInt(records.time[i]);
      buffers[cpu].push({ phys, size: records.size[i], value: records.value[i], issued });
    } else if (records.kind[i] === TRACE_COMMIT) {
      buffers[cpu].shift();
    } else if (records.kind[i] === TRACE_LINE && records.size[i] === LEVEL_L1D) {
      const states = lines.get(line);
      const after = Number(records.value[i] >> 8n) & 0xff;
      for (const thread of states ? threadsOf(preset, cpu) : []) states![thread] = after;
    }
  }
  return { cycle, buffers, lines };
}

/** The threads of the core. */
function threadsOf(preset: Preset, cpu: number): readonly number[] {
  const units = preset.clusters.flatMap((cluster) => cluster.units);
  return units.find((unit) => unit.includes(cpu)) ?? [cpu];
}
