// Messages between components. A component only ever appends to the outbox of the worker that runs
// it; outboxes are exchanged at the end of a window (machine/mailbox.ts) and put in one order for
// everyone: (time, source), and for one source in the order in which it sent them.
import { check } from "../check";
import { MACHINE_BASE, M_IPI_JITTER, M_LAT_IPI, M_SEED } from "../abi";
import { drawBelow } from "../random";
import { Core } from "./core";
import { param } from "./params";
import { MSG_EOI, MSG_IPI } from "./protocol";

/**
 *     0 | time u64 | 8 | source u16 | kind u16 | destination u32 |
 *     16 | line u32 | aux u32 | 24 | value u64 | 32
 *
 * `time` in cycles: of the request, or of the arrival for an interrupt or an answer. `source` is a
 * CPU number.
 */
@unmanaged
export class Message {
  time: u64;
  source: u16;
  kind: u16;
  destination: u32;
  line: u32;
  aux: u32;
  value: u64;
  static readonly BYTES: usize = 32;

  @inline static at(base: usize, index: u32): Message {
    return changetype<Message>(base + <usize>index * Message.BYTES);
  }
}

/** Messages that one worker can send in one window. */
export const OUTBOX_LIMIT: u32 = 8192;

let outbox: usize = 0;
let count: u32 = 0;

/** Starts an empty outbox at `base`. */
export function openOutbox(base: usize): void {
  outbox = base;
  count = 0;
}

export function outboxCount(): u32 {
  return count;
}

/** Appends a message of CPU `source`. */
export function post(
  time: u64, source: u32, kind: u32, destination: u32, line: u32, aux: u32, value: u64,
): void {
  check(count < OUTBOX_LIMIT);
  const m = Message.at(outbox, count++);
  m.time = time;
  m.source = <u16>source;
  m.kind = <u16>kind;
  m.destination = destination;
  m.line = line;
  m.aux = aux;
  m.value = value;
}

/**
 * An interrupt message to CPU `destination`: it arrives M_LAT_IPI cycles and a seeded spread from
 * now.
 */
export function send(core: usize, kind: u32, destination: u32, line: u32, value: u64): void {
  const c = Core.of(core);
  let time = c.clock;
  if (kind == MSG_IPI) {
    const spread = drawBelow(
      load<u64>(MACHINE_BASE + M_SEED), <u64>c.cpu, c.ipis++, param(M_IPI_JITTER),
    );
    time += <u64>(param(M_LAT_IPI) + spread);
  }
  if (kind == MSG_EOI) time += <u64>param(M_LAT_IPI);
  post(time, c.cpu, kind, destination, line, 0, value);
}
