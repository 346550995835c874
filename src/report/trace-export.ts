// A timeline as a Perfetto trace: a sequence of TracePackets with TrackDescriptors and TrackEvents
// (perfetto.dev, "Trace Packet proto reference"). Times are nanoseconds from cycles, rounded down:
// two events of different cycles may share one, so the packets are in the order of the cycles, on
// each track an end before the next beginning. The exact cycles are in the details.
import type { Item, Timeline } from "./timeline.ts";
import { Writer } from "./protobuf.ts";

// Field numbers
const TRACE = { packet: 1 };
const PACKET = { timestamp: 8, sequence: 10, trackEvent: 11, sequenceFlags: 13, descriptor: 60 };
const DESCRIPTOR = { uuid: 1, name: 2, parent: 5, childOrdering: 11, rank: 12 };
const EVENT = { annotation: 4, type: 9, track: 11, name: 23 };
const ANNOTATION = { uint: 3, text: 6, name: 10 };

export const SLICE_BEGIN = 1;
export const SLICE_END = 2;
export const INSTANT = 3;
/** Children in the order of their ranks. */
const EXPLICIT = 3;
/** All packets come from one writer, whose state begins with the first. */
const SEQUENCE = 1;
const STATE_CLEARED = 1;
/** A piece of the file has at least so many bytes, the last one excepted. */
const PIECE_BYTES = 1 << 20;

/** At one cycle: what ends, what happens, what begins, and what ends without having lasted. */
const ENDS = 0;
const HAPPENS = 1;
const BEGINS = 2;
const ENDS_AT_ONCE = 3;

interface Step {
  cycle: bigint;
  order: number;
  item: Item;
}

/** The file, in pieces of whole packets. */
export function* perfettoFile(timeline: Timeline, megahertz: number): Generator<Uint8Array> {
  const file = new Writer();
  timeline.tracks.forEach(({ id, name, parent }, index) => {
    file.begin(TRACE.packet).number(PACKET.sequence, SEQUENCE);
    if (index === 0) file.number(PACKET.sequenceFlags, STATE_CLEARED);
    file.begin(PACKET.descriptor).number(DESCRIPTOR.uuid, id).text(DESCRIPTOR.name, name);
    if (parent) file.number(DESCRIPTOR.parent, parent);
    file.number(DESCRIPTOR.childOrdering, EXPLICIT).number(DESCRIPTOR.rank, id).end().end();
  });
  for (const step of stepsOf(timeline.items)) {
    const time = (step.cycle * 1000n) / BigInt(megahertz);
    file.begin(TRACE.packet).number(PACKET.timestamp, time).number(PACKET.sequence, SEQUENCE);
    writeEvent(file, step);
    file.end();
    if (file.length >= PIECE_BYTES) yield file.take();
  }
  yield file.take();
}

function stepsOf(items: readonly Item[]): Step[] {
  const steps: Step[] = [];
  for (const item of items) {
    const { begin, end } = item;
    steps.push({ cycle: begin, order: end === undefined ? HAPPENS : BEGINS, item });
    if (end !== undefined) {
      steps.push({ cycle: end, order: end === begin ? ENDS_AT_ONCE : ENDS, item });
    }
  }
  const compare = (a: Step, b: Step) =>
    a.cycle === b.cycle ? a.order - b.order : a.cycle < b.cycle ? -1 : 1;
  return steps.sort(compare);
}

function writeEvent(file: Writer, { order, item }: Step): void {
  file.begin(PACKET.trackEvent).number(EVENT.track, item.track);
  if (order === ENDS || order === ENDS_AT_ONCE) {
    file.number(EVENT.type, SLICE_END).end();
    return;
  }
  file.number(EVENT.type, order === BEGINS ? SLICE_BEGIN : INSTANT).text(EVENT.name, item.name);
  for (const [name, value] of Object.entries(item.details)) {
    file.begin(EVENT.annotation).text(ANNOTATION.name, name);
    if (typeof value === "bigint") file.number(ANNOTATION.uint, value);
    else file.text(ANNOTATION.text, value);
    file.end();
  }
  file.end();
}
