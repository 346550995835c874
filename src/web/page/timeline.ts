// The timeline: for each CPU when its store buffer held something and when it passed a mark, for
// each bus when addresses and data were on it. Drawn with one rectangle per pixel at most: each
// pixel asks by binary search whether anything falls into it, so a million records cost no more
// than a thousand.
import { lowerBound, type Records } from "../../core/records.ts";
import { TRACE_ADDRESS, TRACE_COMMIT, TRACE_DATA } from "../../core/trace.ts";
import type { Preset } from "../../machine/preset.ts";
import type { Sign } from "../../report/legend.ts";
import { isMark } from "./moments.ts";

/** Spans that do not overlap, or only in the order of their ends; both lists ascend. */
export interface Track {
  name: string;
  kind: "buffer" | "mark" | "address" | "data";
  begins: Float64Array;
  ends: Float64Array;
}

export const ROW = 18;
export const LEFT = 84;

export function tracksOf(records: Records, preset: Preset): Track[] {
  const cpus = preset.clusters.flatMap(({ cpus: own }) => own).sort((a, b) => a - b);
  const buses = [...new Set(preset.clusters.map(({ bus }) => bus))].sort((a, b) => a - b);
  const spans = new Map<string, { begins: number[]; ends: number[] }>();
  const add = (key: string, begin: number, end: number) => {
    const own = spans.get(key) ?? { begins: [], ends: [] };
    spans.set(key, own);
    // A later transaction may be on the address bus before an earlier one's snoop.
    own.begins.push(Math.max(begin, own.begins.at(-1) ?? 0));
    own.ends.push(Math.max(end, own.ends.at(-1) ?? 0));
  };
  for (let i = 0; i < records.count; i++) {
    const [time, extra] = [records.time[i], records.extra[i]];
    if (isMark(records, i)) add(`mark ${records.cpu[i]}`, time, time + 1);
    switch (records.kind[i]) {
      case TRACE_COMMIT: add(`buffer ${records.cpu[i]}`, time - extra, time); break;
      case TRACE_ADDRESS: add(`address ${records.size[i]}`, time, time + extra); break;
      case TRACE_DATA: add(`data ${records.size[i]}`, time, time + extra); break;
      default:
    }
  }
  const track = (kind: Track["kind"], index: number, name: string): Track => {
    const { begins = [], ends = [] } = spans.get(`${kind} ${index}`) ?? {};
    return { name, kind, begins: Float64Array.from(begins), ends: Float64Array.from(ends) };
  };
  return [
    ...cpus.flatMap((cpu) => [
      track("buffer", cpu, `cpu ${cpu} buffer`), track("mark", cpu, `cpu ${cpu} marks`),
    ]),
    ...buses.flatMap((bus) => [
      track("address", bus, `bus ${bus} address`), track("data", bus, `bus ${bus} data`),
    ]),
  ].filter(({ begins }) => begins.length > 0);
}

/** Does any span have a cycle in [from, to)? */
export function touches({ begins, ends }: Track, from: number, to: number): boolean {
  const index = lowerBound(ends, from + Number.EPSILON * from + 1e-9);
  return index < ends.length && begins[index] < to;
}

/** The page's custom properties with the colours of the tracks, of gaps and of the cursor. */
export const COLOURS = {
  buffer: "waits", mark: "accent", address: "good", data: "soft", unknown: "unknown",
  cursor: "bad",
} as const;
const WORDS: Record<Track["kind"], string> = {
  buffer: "stores wait in the store buffer", mark: "a labelled access or point of the program",
  address: "the address bus is taken", data: "the data bus is taken",
};

/** For the tracks that there are; `whole`: is all of the run recorded? */
export function signsOf(tracks: readonly Track[], whole: boolean): Sign[] {
  const kinds = [...new Set(tracks.map(({ kind }) => kind))];
  return [
    ...kinds.map((kind): Sign => ({ shape: "bar", colour: COLOURS[kind], text: WORDS[kind] })),
    ...(whole ? [] : [{ shape: "bar", colour: COLOURS.unknown, text: "not recorded" } as const]),
    { shape: "line", colour: COLOURS.cursor, text: "the cycle that is shown" },
  ];
}

export interface Range {
  from: number;
  to: number;
}

export interface Colours {
  text: string;
  soft: string;
  edge: string;
  /** Cycles of which nothing is recorded. */
  unknown: string;
  cursor: string;
  kinds: Record<Track["kind"], string>;
}

/** Does `recorded` have all of a run of so many cycles? */
export function isWhole({ from, to }: Range, cycles: number): boolean {
  return from === 0 && to >= cycles;
}

/** The parts of `range` outside of `recorded`: there an empty track says nothing. */
export function unrecorded({ from, to }: Range, recorded: Range): Range[] {
  return [
    { from, to: Math.min(to, recorded.from) }, { from: Math.max(from, recorded.to), to },
  ].filter((part) => part.from < part.to);
}

/** Returns how many rectangles of the tracks it drew. */
export function draw(
  context: CanvasRenderingContext2D, width: number, tracks: readonly Track[],
  { from, to }: Range, recorded: Range, cursor: number, colours: Colours,
): number {
  const height = tracks.length * ROW;
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const cycles = (to - from) / (width - LEFT);
  context.fillStyle = colours.unknown;
  for (const part of unrecorded({ from, to }, recorded)) {
    const x = LEFT + (part.from - from) / cycles;
    context.fillRect(x, 0, (part.to - part.from) / cycles, height);
  }
  let drawn = 0;
  tracks.forEach((track, row) => {
    const y = row * ROW;
    context.fillStyle = colours.soft;
    context.fillText(track.name, 2, y + ROW / 2);
    context.fillStyle = colours.edge;
    context.fillRect(LEFT, y + ROW - 1, width - LEFT, 1);
    context.fillStyle = colours.kinds[track.kind];
    let begin = -1;
    for (let x = 0; x <= width - LEFT; x++) {
      const on = x < width - LEFT && touches(track, from + x * cycles, from + (x + 1) * cycles);
      if (on && begin < 0) begin = x;
      if (on || begin < 0) continue;
      context.fillRect(LEFT + begin, y + 3, x - begin, ROW - 7);
      begin = -1;
      drawn++;
    }
  });
  if (cursor >= from && cursor <= to) {
    context.fillStyle = colours.cursor;
    context.fillRect(LEFT + (cursor - from) / cycles - 1, 0, 2, height);
  }
  return drawn;
}

/** `range` with `factor` times its cycles, `at` staying where it is; single cycles at most. */
export function zoom(range: Range, factor: number, at: number, all: Range): Range {
  const cycles = Math.min(all.to - all.from, Math.max(16, (range.to - range.from) * factor));
  const share = (at - range.from) / (range.to - range.from);
  return within({ from: at - share * cycles, to: at + (1 - share) * cycles }, all);
}

/** Moved so that it lies in `all`. */
export function within({ from, to }: Range, all: Range): Range {
  const shift = Math.max(0, all.from - from) - Math.max(0, to - all.to);
  return { from: from + shift, to: to + shift };
}
