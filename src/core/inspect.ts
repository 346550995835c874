// What a stopped machine holds that is not architectural: store buffers, and lines in the L1 data
// caches (assembly/memory/store-buffer.ts, cache.ts).
import * as abi from "../../assembly/abi.ts";
import type { MachineView } from "./view.ts";

const SB_ENTRY_BYTES = 32;
const SB_PLACES = 64;
const LINE_BYTES = 16;
const LINE_SHIFT = 6;
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
  const core = view.u32(abi.M_CORES + cpu * 4);
  const count = memory.getUint32(core + abi.CORE_SB_COUNT, true);
  const head = memory.getUint32(core + abi.CORE_SB_HEAD, true);
  return Array.from({ length: count }, (_, i) => {
    const at = core + abi.CORE_SB + ((head + i) % SB_PLACES) * SB_ENTRY_BYTES;
    return {
      phys: memory.getUint32(at, true),
      size: memory.getUint8(at + 4),
      value: memory.getBigUint64(at + 16, true),
      issued: memory.getBigUint64(at + 8, true),
    };
  });
}

/** Entries that a store buffer has room for. */
export function bufferEntries(view: MachineView): number {
  return view.u32(abi.M_SB_ENTRIES);
}

/** State of the line of `phys` in the L1D of a CPU, an index of STATES; threads share it. */
export function l1State(view: MachineView, cpu: number, phys: number): number {
  const tag = phys >>> LINE_SHIFT;
  const [sets, ways] = [view.u32(abi.M_L1_SETS), view.u32(abi.M_L1_WAYS)];
  const memory = new DataView(view.memory.buffer);
  const set = view.u32(abi.M_CORES + cpu * 4) + abi.CORE_L1D +
    (tag & (sets - 1)) * ways * LINE_BYTES;
  let state = 0;
  for (let way = 0; way < ways; way++) {
    const at = set + way * LINE_BYTES;
    if (memory.getUint32(at, true) === tag) state = Math.max(state, memory.getUint8(at + 4));
  }
  return state;
}
