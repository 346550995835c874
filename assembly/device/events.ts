// What the I/O hub has to do, by time: a binary heap in the hub block. Events of one cycle come in
// the order in which they were added.
import { check } from "../check";
import { HUB_EVENTS } from "../abi";
import { NEVER } from "../memory/protocol";

export const EVENT_ACCESS: u32 = 1; // a CPU's access arrives: aux, address, value as in its message
export const EVENT_EOI: u32 = 2; // value: vector
export const EVENT_DMA: u32 = 3; // a line is granted; value: line
export const EVENT_SERVICE: u32 = 4; // a disk is done with a command; value: disk << 32 | command

const EVENT_LIMIT: u32 = 16384;

/**
 *     0 | time u64 | 8 | order u64 | 16 | value u64 | 24 | address, aux u32 |
 *     32 | kind, cpu u32 | 40
 */
@unmanaged
export class Event {
  time: u64;
  order: u64;
  value: u64;
  address: u32;
  aux: u32;
  kind: u32;
  cpu: u32;
  static readonly BYTES: usize = 40;
}

/**
 * Hub block + HUB_EVENTS.
 *
 *     0 | count u64 | 8 | added u64 | 16 | the event taken last | 56 | heap
 */
const TAKEN: usize = 16;
const HEAP: usize = TAKEN + Event.BYTES;

// @ts-ignore: decorator
@inline
function place(hub: usize, index: u32): usize {
  return hub + HUB_EVENTS + HEAP + <usize>index * Event.BYTES;
}

function before(a: usize, b: usize): bool {
  const first = load<u64>(a);
  const second = load<u64>(b);
  return first < second || (first == second && load<u64>(a, 8) < load<u64>(b, 8));
}

/** Adds an event at cycle `time`; the caller fills in what else it carries. */
export function addEvent(
  hub: usize, time: u64, kind: u32, value: u64, cpu: u32 = 0, address: u32 = 0, aux: u32 = 0,
): void {
  const count = load<u32>(hub + HUB_EVENTS);
  check(count < EVENT_LIMIT);
  const order = load<u64>(hub + HUB_EVENTS + 8);
  store<u64>(hub + HUB_EVENTS + 8, order + 1);
  store<u32>(hub + HUB_EVENTS, count + 1);
  const added = changetype<Event>(place(hub, count));
  added.time = time;
  added.order = order;
  added.value = value;
  added.address = address;
  added.aux = aux;
  added.kind = kind;
  added.cpu = cpu;
  let at = count;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(place(hub, at), place(hub, parent))) return;
    swap(hub, at, parent);
    at = parent;
  }
}

/** Cycle of the earliest event, or NEVER. */
export function nextEvent(hub: usize): u64 {
  return load<u32>(hub + HUB_EVENTS) ? load<u64>(place(hub, 0)) : NEVER;
}

/** Takes the earliest event out; valid until the next call. */
export function takeEvent(hub: usize): Event {
  const last = load<u32>(hub + HUB_EVENTS) - 1;
  const taken = hub + HUB_EVENTS + TAKEN;
  memory.copy(taken, place(hub, 0), Event.BYTES);
  memory.copy(place(hub, 0), place(hub, last), Event.BYTES);
  memory.fill(place(hub, last), 0, Event.BYTES);
  store<u32>(hub + HUB_EVENTS, last);
  let at: u32 = 0;
  let sunk = false;
  while (!sunk) {
    let least = at;
    for (let child: u32 = 2 * at + 1; child <= 2 * at + 2 && child < last; child++) {
      if (before(place(hub, child), place(hub, least))) least = child;
    }
    sunk = least == at;
    if (!sunk) swap(hub, at, least);
    at = least;
  }
  return changetype<Event>(taken);
}

function swap(hub: usize, a: u32, b: u32): void {
  const first = place(hub, a);
  const second = place(hub, b);
  for (let i: usize = 0; i < Event.BYTES; i += 8) {
    const kept = load<u64>(first + i);
    store<u64>(first + i, load<u64>(second + i));
    store<u64>(second + i, kept);
  }
}
