// A timeline as a Perfetto trace: a sequence of TracePackets with TrackDescriptors and TrackEvents
// (perfetto.dev, "Trace Packet proto reference"). Times are nanoseconds from cycles, rounded down:
// two events of different cycles may share one, so the packets are in the order of the cycles, on
// each track an end before the next beginning. The exact cycles are in the details.
import type { Item, Timeline } from "./timeline.ts";
import { Message } from "./protobuf.ts";

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

/** The file, packet by packet. */
export function* perfettoPackets(timeline: Timeline, megahertz: number): Generator<Uint8Array> {
  let flags: number | undefined = STATE_CLEARED;
  for (const { id, name, parent } of timeline.tracks) {
    const descriptor = new Message().number(DESCRIPTOR.uuid, id).text(DESCRIPTOR.name, name);
    if (parent) descriptor.number(DESCRIPTOR.parent, parent);
    descriptor.number(DESCRIPTOR.childOrdering, EXPLICIT).number(DESCRIPTOR.rank, id);
    const packet = new Message().number(PACKET.sequence, SEQUENCE);
    if (flags) packet.number(PACKET.sequenceFlags, flags);
    flags = undefined;
    yield framed(packet.message(PACKET.descriptor, descriptor));
  }
  for (const step of stepsOf(timeline.items)) {
    const time = (step.cycle * 1000n) / BigInt(megahertz);
    const packet = new Message().number(PACKET.timestamp, time).number(PACKET.sequence, SEQUENCE);
    yield framed(packet.message(PACKET.trackEvent, eventOf(step)));
  }
}

function framed(packet: Message): Uint8Array {
  return new Message().message(TRACE.packet, packet).finish();
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

function eventOf({ order, item }: Step): Message {
  const event = new Message().number(EVENT.track, item.track);
  if (order === ENDS || order === ENDS_AT_ONCE) return event.number(EVENT.type, SLICE_END);
  event.number(EVENT.type, order === BEGINS ? SLICE_BEGIN : INSTANT).text(EVENT.name, item.name);
  for (const [name, value] of Object.entries(item.details)) {
    const annotation = new Message().text(ANNOTATION.name, name);
    if (typeof value === "bigint") annotation.number(ANNOTATION.uint, value);
    else annotation.text(ANNOTATION.text, value);
    event.message(EVENT.annotation, annotation);
  }
  return event;
}
