// What kind of failure it is, for every case with a trace. The recorded order of instructions is
// executed again with immediate drains: each store is visible as soon as it is executed, so a load
// returns what the last store before it in that order stored. If a load on which the failure rests
// would have read another value, the failure is one of the store buffer. Otherwise it is an
// interleaving, which sequential consistency allows too.
import { TRACE_COMMIT, TRACE_ISSUE, TRACE_LOCKED, type TraceEvent } from "../core/trace.ts";

export type Cause = "store buffer" | "interleaving" | "not recorded";

/**
 * What `load` would have read, as an unsigned number of its size. `events` are records by time, as
 * MachineView.trace() gives them, with every store to the load's place that another CPU's buffer
 * may have held at the load: what has no record is taken to have been visible. Undefined if the
 * load is not among them, or reads more than the store that comes last.
 */
export function readAtOnce(
  events: readonly TraceEvent[], load: TraceEvent,
): bigint | undefined {
  const at = events.findIndex((event) => isSame(event, load));
  if (at < 0) return undefined;
  // The records are sorted by the time of execution; those of equal times are as they were made.
  const stored = events.slice(0, at).findLast((event) => isStore(event) && overlap(event, load));
  // What was visible by then, or is of the same CPU, is what was read.
  if (!stored || !wasHidden(events, stored, load)) return bits(load.value, load.size);
  const shift = load.phys - stored.phys;
  if (shift < 0n || shift + BigInt(load.size) > BigInt(stored.size)) return undefined;
  return bits(stored.value >> (8n * shift), load.size);
}

/** By the loads without whose values there would be no failure. */
export function causeByLoads(
  events: readonly TraceEvent[], loads: ReadonlyArray<TraceEvent | undefined>,
): Cause {
  const known = loads.filter((load) => load !== undefined);
  const values = known.map((load) => readAtOnce(events, load));
  const differs = known.some((load, i) =>
    values[i] !== undefined && values[i] !== bits(load.value, load.size));
  if (differs) return "store buffer";
  return loads.length === 0 || known.length < loads.length || values.includes(undefined)
    ? "not recorded" : "interleaving";
}

const isStore = ({ kind }: TraceEvent) => kind === TRACE_ISSUE || kind === TRACE_LOCKED;

const overlap = (a: TraceEvent, b: TraceEvent) =>
  a.phys < b.phys + BigInt(b.size) && b.phys < a.phys + BigInt(a.size);

const bits = (value: bigint, size: number) => BigInt.asUintN(8 * size, value);

/** The same record, perhaps read another time. */
const isSame = (a: TraceEvent, b: TraceEvent) => a === b || (a.time === b.time &&
  a.cpu === b.cpu && a.kind === b.kind && a.label === b.label && a.phys === b.phys);

/** Was the store in another CPU's buffer when the load was executed? A locked one never is. */
function wasHidden(
  events: readonly TraceEvent[], stored: TraceEvent, load: TraceEvent,
): boolean {
  if (stored.kind === TRACE_LOCKED || stored.cpu === load.cpu) return false;
  const visible = events.find((event) => event.kind === TRACE_COMMIT &&
    event.cpu === stored.cpu && event.phys === stored.phys &&
    event.time - BigInt(event.extra) === stored.time);
  return !visible || visible.time > load.time;
}
