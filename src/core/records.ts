// The trace of a stopped machine as columns in the order of time: for a page that draws a million
// records, where objects would cost more than the run (MachineView.trace() makes objects).
import * as abi from "../../assembly/abi.ts";
import { TraceReader } from "./trace-reader.ts";
import type { MachineView } from "./view.ts";

/** Numbers of a record, before its value. */
const FIELDS = 7;

export class Records {
  readonly count: number;
  /** Cycles: below 2^53. */
  readonly time: Float64Array;
  readonly cpu: Uint16Array;
  /** TRACE_* */
  readonly kind: Uint8Array;
  readonly label: Uint16Array;
  readonly size: Uint16Array;
  readonly phys: Uint32Array;
  readonly extra: Uint32Array;
  readonly value: BigUint64Array;
  /** Records that were overwritten: those kept begin later than the machine. */
  readonly lost: number;

  /** What is in the rings now. */
  constructor(view: MachineView) {
    const workers = Math.min(view.u32(abi.M_WORKERS), abi.M_WORKER_LIMIT);
    const room = view.u32(abi.M_TRACE_EVENTS) * workers;
    const fields = Array.from({ length: FIELDS }, () => new Float64Array(room));
    const values = new BigUint64Array(room);
    let count = 0;
    this.lost = new TraceReader(view).take((...record) => {
      for (let field = 0; field < FIELDS; field++) fields[field][count] = record[field] as number;
      values[count++] = record[FIELDS] as bigint;
    });
    this.count = count;
    const order = ascending(fields[0], count);
    const column = <T extends { [i: number]: number }>(array: T, field: number): T => {
      for (let i = 0; i < count; i++) array[i] = fields[field][order[i]];
      return array;
    };
    this.time = column(new Float64Array(count), 0);
    this.cpu = column(new Uint16Array(count), 1);
    this.kind = column(new Uint8Array(count), 2);
    this.label = column(new Uint16Array(count), 3);
    this.size = column(new Uint16Array(count), 4);
    this.phys = column(new Uint32Array(count), 5);
    this.extra = column(new Uint32Array(count), 6);
    this.value = new BigUint64Array(count);
    for (let i = 0; i < count; i++) this.value[i] = values[order[i]];
  }

  /** The first record at `cycle` or later. */
  from(cycle: number): number {
    return lowerBound(this.time, cycle);
  }
}

/** Index of the first element that is not below `value`, in ascending `list`. */
export function lowerBound(list: ArrayLike<number>, value: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Indices in the order of `times`, equal ones as they were. CPUs take turns of a window, so a
 * record is never far from its place and an insertion is cheap.
 */
function ascending(times: Float64Array, count: number): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let at = i;
    for (; at > 0 && times[order[at - 1]] > times[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
  return order;
}
