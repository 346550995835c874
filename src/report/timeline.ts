// The trace of a machine as slices and instants on tracks (tracks.ts). Slices of one track may
// overlap (stores wait in the buffer together), so each such track has lanes below it, in which
// they do not.
//
//     instructions   marks, loads that were bound, locked accesses
//     store buffer   each store from issue to commit
//     L1             changes of the state of a line, in the L1D and the L1I
//     L2             requests past the L1, each until the line is there, with where it came from;
//                    where the core has an L2 of its own, changes of its lines
//     L2, L3 of ...  changes of lines in the shared cache, hand-overs between its cores
//     bus            transactions until their grants; when addresses and data occupy it
import * as abi from "../../assembly/abi.ts";
import {
  LEVEL_PRIVATE, LEVEL_SHARED, TRACE_ALL_LOADS, TRACE_ALL_STORES,
} from "../../assembly/trace-kinds.ts";
import { SOURCES } from "../core/counters.ts";
import {
  TRACE_ADDRESS, TRACE_AGAIN, TRACE_BUS, TRACE_COMMIT, TRACE_DATA, TRACE_GRANT, TRACE_HANDOVER,
  TRACE_ISSUE, TRACE_LINE, TRACE_LOAD, TRACE_LOCKED, TRACE_POINT, TRACE_REQUEST, type TraceEvent,
} from "../core/trace.ts";
import type { Preset } from "../machine/preset.ts";
import { type Track, Tracks } from "./tracks.ts";

const kindBits = (...kinds: number[]) => kinds.reduce((bits, kind) => bits | (1 << kind), 0);
const LABELLED = kindBits(TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED);

/** What `--events` chooses from: bits of M_TRACE. */
export const EVENTS: Record<string, number> = {
  stores: kindBits(TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED) | TRACE_ALL_STORES,
  loads: kindBits(TRACE_LOAD, TRACE_LOCKED) | TRACE_ALL_LOADS,
  lines: kindBits(TRACE_REQUEST, TRACE_AGAIN, TRACE_GRANT, TRACE_LINE, TRACE_HANDOVER),
  bus: kindBits(TRACE_BUS, TRACE_ADDRESS, TRACE_DATA),
  marks: kindBits(TRACE_POINT) | LABELLED,
};

/** Times in cycles. A slice has an end, an instant has none. */
export interface Item {
  track: number;
  name: string;
  begin: bigint;
  end?: bigint;
  /** Shown beside it, as they are. */
  details: Record<string, string | bigint>;
}

export interface Timeline {
  tracks: Track[];
  items: Item[];
}

const STATES = "ISEM";
/** By GETS, GETI and GETX, which are 1 to 3. */
const REQUESTS = ["", "GETS", "GETI", "GETX"];
/** By MSG_GETS, MSG_GETX and MSG_PUT of memory/protocol.ts. */
const MESSAGES = ["", "GETS", "GETX", "PUT"];
/** By LEVEL_*, and by CAUSE_*. */
const LEVELS = ["L1D", "L1I", "L2", "shared"];
const CAUSES = [
  "", "fill", "store", "lock", "evicted", "written back", "inclusion", "sibling reads",
  "sibling writes", "cluster reads", "cluster writes", "dirty copy", "served", "code",
];

/** `title` names the box; `end` is the cycle at which the machine stopped. */
export function buildTimeline(
  events: readonly TraceEvent[], preset: Preset, title: string, end: bigint,
): Timeline {
  const tracks = new Tracks(preset, title);
  const items = events.flatMap((event) => itemsOf(event, tracks))
    .concat(requests(events, tracks, end), unfinished(events, tracks, end));
  spreadOverLanes(items, tracks);
  return { tracks: tracks.list, items };
}

/** What a record shows by itself. */
function itemsOf(event: TraceEvent, tracks: Tracks): Item[] {
  const { kind, time, cpu, label, size, value, extra } = event;
  const line = lineOf(event);
  const instant = (track: number, name: string, details = {}): Item => ({
    track, name, begin: time, details: { cycle: time, ...details },
  });
  const slice = (track: number, name: string, begin: bigint, end: bigint, details = {}): Item => ({
    track, name, begin, end, details: { cycle: begin, cycles: end - begin, ...details },
  });
  const until = time + BigInt(extra);
  switch (kind) {
    case TRACE_POINT: return [instant(tracks.of(cpu, "instructions"), `mark ${label}`)];
    case TRACE_LOAD: return [instant(tracks.of(cpu, "instructions"), access("load", event))];
    case TRACE_LOCKED: return [instant(tracks.of(cpu, "instructions"), access("locked", event))];
    case TRACE_COMMIT: {
      const track = tracks.of(cpu, "store buffer");
      return [slice(track, access("store", event), time - BigInt(extra), time)];
    }
    case TRACE_LINE: {
      const states = `${STATES[Number(value & 0xffn)]}>${STATES[Number(value >> 8n)]}`;
      const details = { cache: LEVELS[size], cause: CAUSES[label] };
      const name = `${line} ${states} ${details.cause}`;
      return [instant(cacheTrack(size, cpu, tracks), name, details)];
    }
    case TRACE_HANDOVER:
      return [slice(tracks.sharedOf(cpu), `${line} to cpu${cpu}`, time, value)];
    case TRACE_BUS: {
      const waited = BigInt(extra);
      const name = `${MESSAGES[label]} ${line} for ${nameOf(cpu)}`;
      const details = { from: sourceName(size & 0xff), asked: time - waited, waited };
      return [slice(tracks.bus(size >> 8, "transactions"), name, time, value, details)];
    }
    case TRACE_ADDRESS: {
      const name = `${label === 0 ? "" : "snoop "}${line} for ${nameOf(cpu)}`;
      return [slice(tracks.bus(size, "address"), name, time, until)];
    }
    case TRACE_DATA: {
      const name = `${MESSAGES[label]} ${line} for ${nameOf(cpu)}`;
      return [slice(tracks.bus(size, "data"), name, time, until)];
    }
    default: return [];
  }
}

function cacheTrack(level: number, cpu: number, tracks: Tracks): number {
  if (level === LEVEL_SHARED) return tracks.sharedOf(cpu);
  return tracks.of(cpu, level === LEVEL_PRIVATE ? "L2" : "L1");
}

/** Each request of a core until the line is there, or until what was promised is void. */
function requests(events: readonly TraceEvent[], tracks: Tracks, end: bigint): Item[] {
  const open = new Map<string, TraceEvent>();
  const items: Item[] = [];
  const close = (asked: TraceEvent | undefined, last: TraceEvent, outcome: string, at: bigint) => {
    const { cpu, time } = last;
    const begin = asked ? asked.time : time - BigInt(last.extra);
    const what = asked ? REQUESTS[Number(asked.value)] : "";
    const upgrade = asked?.kind === TRACE_REQUEST && asked.extra === 1 ? " (has it in S)" : "";
    items.push({
      track: tracks.of(cpu, "L2"), name: `${what} ${lineOf(last)}${upgrade}: ${outcome}`.trim(),
      begin, end: at > begin ? at : begin, details: { cycle: begin, cycles: at - begin },
    });
  };
  for (const event of events) {
    const { kind, cpu, time, value, size } = event;
    if (kind !== TRACE_REQUEST && kind !== TRACE_AGAIN && kind !== TRACE_GRANT) continue;
    const key = `${cpu} ${lineOf(event)}`;
    const asked = open.get(key);
    if (kind === TRACE_GRANT) {
      close(asked, event, `${STATES[Number(value)]} from ${sourceName(size)}`, time);
      open.delete(key);
    } else {
      if (asked) close(asked, asked, "void", time);
      open.set(key, event);
    }
  }
  for (const asked of open.values()) close(asked, asked, "not there at the end", end);
  return items;
}

function access(what: string, { label, phys, size, value }: TraceEvent): string {
  const named = label === 0 ? what : `${what} (label ${label})`;
  return `${named} ${hex(phys)}/${size} = ${hex(value)}`;
}

function lineOf({ phys }: TraceEvent): string {
  return hex(phys & ~63n);
}

function nameOf(cpu: number): string {
  return cpu === abi.HUB_SOURCE ? "the I/O hub" : `cpu${cpu}`;
}

function sourceName(source: number): string {
  const name = SOURCES[source & (abi.HITM - 1)] ?? "unknown";
  return source & abi.HITM ? `${name} (HITM)` : name;
}

/** Stores that were in the buffer at the end: it is a FIFO, so those after the last commit. */
function unfinished(events: readonly TraceEvent[], tracks: Tracks, end: bigint): Item[] {
  const committed = new Map<number, bigint>();
  for (const { kind, cpu, time, extra } of events) {
    if (kind === TRACE_COMMIT) committed.set(cpu, time - BigInt(extra));
  }
  return events
    .filter(({ kind, cpu, time }) => kind === TRACE_ISSUE && time > (committed.get(cpu) ?? -1n))
    .map((event): Item => ({
      track: tracks.of(event.cpu, "store buffer"), name: access("store", event),
      begin: event.time, end, details: { cycle: event.time, cycles: "not visible at the end" },
    }));
}

/** Moves slices to lanes below their track: of each, the first that is free. */
function spreadOverLanes(items: Item[], tracks: Tracks): void {
  items.sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : 0));
  const lanes = new Map<number, Array<{ id: number; free: bigint }>>();
  for (const item of items) {
    if (item.end === undefined) continue;
    const own = lanes.get(item.track) ?? [];
    lanes.set(item.track, own);
    let lane = own.find(({ free }) => free <= item.begin);
    if (!lane) {
      lane = { id: tracks.add(`${own.length}`, item.track), free: 0n };
      own.push(lane);
    }
    lane.free = item.end;
    item.track = lane.id;
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
