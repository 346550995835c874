// The trace of a machine that runs by pieces: after each piece the new records, one call each, as
// numbers. MachineView.trace() makes objects of what is left at the end; this is for all of them.
import * as abi from "../../assembly/abi.ts";
import type { MachineView } from "./view.ts";

const HEADER_BYTES = 32;
const RECORD_BYTES = 32;

/** The fields of a record as assembly/trace-kinds.ts explains them; times are below 2^53. */
export interface TraceSink {
  (time: number, cpu: number, kind: number, label: number, size: number, phys: number,
    extra: number, value: bigint): void;
}

export class TraceReader {
  private readonly view: MachineView;
  /** Records read of each worker's ring. */
  private readonly read: number[] = [];

  constructor(view: MachineView) {
    this.view = view;
  }

  /**
   * Gives the records since the last call to `sink`, those of one worker in their order; returns
   * how many were overwritten before.
   */
  take(sink: TraceSink): number {
    const { view } = this;
    const capacity = view.u32(abi.M_TRACE_EVENTS);
    const memory = new DataView(view.memory.buffer);
    const workers = Math.min(view.u32(abi.M_WORKERS), abi.M_WORKER_LIMIT);
    let lost = 0;
    for (let worker = 0; worker < workers; worker++) {
      const base = view.u32(abi.M_TRACE_BASES + worker * 4);
      if (base === 0 || capacity === 0) continue;
      const written = Number(memory.getBigUint64(base, true));
      const from = Math.max(this.read[worker] ?? 0, written - capacity);
      lost += from - (this.read[worker] ?? 0);
      for (let i = from; i < written; i++) {
        const at = base + HEADER_BYTES + (i % capacity) * RECORD_BYTES;
        const time = memory.getUint32(at, true) + memory.getUint32(at + 4, true) * 2 ** 32;
        sink(
          time, memory.getUint16(at + 8, true), memory.getUint16(at + 10, true),
          memory.getUint16(at + 12, true), memory.getUint16(at + 14, true),
          memory.getUint32(at + 16, true), memory.getUint32(at + 20, true),
          memory.getBigUint64(at + 24, true),
        );
      }
      this.read[worker] = written;
    }
    return lost;
  }
}
