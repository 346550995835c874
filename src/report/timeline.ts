// The trace of a machine as tracks with slices and instants: box > socket > core > {instructions,
// store buffer, L1, L2}, and the buses. Slices of one track may overlap (stores wait in the buffer
// together), so each such track has lanes below it, in which they do not.
import * as abi from "../../assembly/abi.ts";
import { SOURCES } from "../core/counters.ts";
import {
  TRACE_BUS, TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST,
  TRACE_POINT, TRACE_REQUEST, type TraceEvent,
} from "../core/view.ts";
import { cpuCount, type Preset } from "../machine/preset.ts";

const kindBits = (...kinds: number[]) => kinds.reduce((bits, kind) => bits | (1 << kind), 0);
const LABELLED = kindBits(TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED);

/** What `--events` chooses from: bits of M_TRACE. */
export const EVENTS: Record<string, number> = {
  stores: kindBits(TRACE_ISSUE, TRACE_COMMIT, TRACE_LOCKED) | abi.TRACE_ALL_STORES,
  loads: kindBits(TRACE_LOAD, TRACE_LOCKED) | abi.TRACE_ALL_LOADS,
  lines: kindBits(TRACE_LOST, TRACE_REQUEST, TRACE_GRANT),
  bus: kindBits(TRACE_BUS),
  marks: kindBits(TRACE_POINT) | LABELLED,
};

export interface Track {
  id: number;
  name: string;
  /** 0 for the box. */
  parent: number;
}

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

const PARTS = ["instructions", "store buffer", "L1", "L2"] as const;
type Part = (typeof PARTS)[number];
const STATES = "ISEM";

/** `title` names the box; `end` is the cycle at which the machine stopped. */
export function buildTimeline(
  events: readonly TraceEvent[], preset: Preset, title: string, end: bigint,
): Timeline {
  const tracks: Track[] = [];
  const addTrack = (name: string, parent: number): number => {
    tracks.push({ id: tracks.length + 1, name, parent });
    return tracks.length;
  };
  const box = addTrack(title, 0);
  const parts = new Map<string, number>();
  const packages = [...new Set(preset.clusters.map((cluster) => cluster.package))];
  for (const index of packages) {
    const socket = addTrack(`socket ${index}`, box);
    const cpus = preset.clusters.filter((c) => c.package === index).flatMap((c) => c.cpus);
    for (const cpu of cpus.sort((a, b) => a - b)) {
      const core = addTrack(`cpu${cpu}`, socket);
      for (const part of PARTS) parts.set(`${cpu} ${part}`, addTrack(part, core));
    }
  }
  const buses = new Map<number, number>();
  const busOf = new Map<number, number>();
  for (const { bus, cpus } of preset.clusters) {
    if (!buses.has(bus)) buses.set(bus, addTrack(`bus ${bus}`, box));
    for (const cpu of cpus) busOf.set(cpu, buses.get(bus)!);
  }
  const trackOf = (cpu: number, part: Part) => parts.get(`${cpu} ${part}`)!;
  const items: Item[] = [];
  for (const event of events) items.push(...itemsOf(event, trackOf, busOf.get(event.cpu)!));
  for (let cpu = 0; cpu < cpuCount(preset); cpu++) {
    items.push(...unfinished(events, cpu, trackOf(cpu, "store buffer"), end));
  }
  spreadOverLanes(items, addTrack);
  return { tracks, items };
}

function itemsOf(event: TraceEvent, trackOf: (cpu: number, part: Part) => number, bus: number) {
  const { kind, time, cpu, value } = event;
  const line = hex(event.phys & ~63n);
  const instant = (track: number, name: string): Item => ({
    track, name, begin: time, details: { cycle: time },
  });
  const slice = (part: Part, name: string, begin: bigint, end: bigint): Item => ({
    track: trackOf(cpu, part), name, begin, end, details: { cycle: begin, cycles: end - begin },
  });
  const since = time - BigInt(event.extra);
  switch (kind) {
    case TRACE_POINT: return [instant(trackOf(cpu, "instructions"), `mark ${event.label}`)];
    case TRACE_LOAD: return [instant(trackOf(cpu, "instructions"), access("load", event))];
    case TRACE_LOCKED: return [instant(trackOf(cpu, "instructions"), access("locked", event))];
    case TRACE_COMMIT: return [slice("store buffer", access("store", event), since, time)];
    case TRACE_LOST: {
      const what = value === 0n ? "invalidated" : "downgraded";
      return [instant(trackOf(cpu, "L1"), `${line} ${what}`)];
    }
    case TRACE_GRANT: {
      const name = `${line} ${STATES[Number(value)]} from ${sourceName(event.size)}`;
      return [slice("L1", name, since, time)];
    }
    case TRACE_BUS: {
      const name = `${line} from ${sourceName(event.size)}`;
      return [instant(bus, `${line} for cpu${cpu}`), slice("L2", name, time, value)];
    }
    default: return [];
  }
}

function access(what: string, { label, phys, size, value }: TraceEvent): string {
  const named = label === 0 ? what : `${what} (label ${label})`;
  return `${named} ${hex(phys)}/${size} = ${hex(value)}`;
}

function sourceName(source: number): string {
  const name = SOURCES[source & (abi.HITM - 1)] ?? "unknown";
  return source & abi.HITM ? `${name} (HITM)` : name;
}

/** Stores that were in the buffer at the end: it is a FIFO, so those after the last commit. */
function unfinished(events: readonly TraceEvent[], cpu: number, track: number, end: bigint) {
  const own = events.filter((event) => event.cpu === cpu);
  const last = own.findLast((event) => event.kind === TRACE_COMMIT);
  const committed = last ? last.time - BigInt(last.extra) : -1n;
  return own
    .filter((event) => event.kind === TRACE_ISSUE && event.time > committed)
    .map((event): Item => ({
      track, name: access("store", event), begin: event.time, end,
      details: { cycle: event.time, cycles: "not visible at the end" },
    }));
}

/** Moves slices to lanes below their track: of each, the first that is free. */
function spreadOverLanes(items: Item[], addTrack: (name: string, parent: number) => number): void {
  items.sort((a, b) => (a.begin < b.begin ? -1 : a.begin > b.begin ? 1 : 0));
  const lanes = new Map<number, Array<{ id: number; free: bigint }>>();
  for (const item of items) {
    if (item.end === undefined) continue;
    const own = lanes.get(item.track) ?? [];
    lanes.set(item.track, own);
    let lane = own.find(({ free }) => free <= item.begin);
    if (!lane) {
      lane = { id: addTrack(`${own.length}`, item.track), free: 0n };
      own.push(lane);
    }
    lane.free = item.end;
    item.track = lane.id;
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
