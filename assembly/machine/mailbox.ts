// The exchange at the end of a window: the outboxes of all workers, put into one order that does
// not depend on who ran which component: (time, source), and for one source in the order of
// sending. Every worker sorts for itself.
import { M_MAILBOX_BASES, M_WORKER_LIMIT } from "../abi";
import { Message, OUTBOX_LIMIT } from "../memory/message";
import { paramAt } from "../memory/params";
import { Progress, crew } from "./barrier";

/**
 * Two outboxes a worker, for even and odd windows: a worker may be one window ahead of a peer that
 * still reads.
 */
const OUTBOX_BYTES: usize = <usize>OUTBOX_LIMIT * 32;
/** Addresses of the messages of a window, in order. */
const ORDER_BYTES: usize = <usize>OUTBOX_LIMIT * <usize>M_WORKER_LIMIT * 4;

export function mailboxBytes(): usize {
  return 2 * OUTBOX_BYTES + ORDER_BYTES;
}

// @ts-ignore: decorator
@inline
function mailboxOf(worker: u32): usize {
  return paramAt(M_MAILBOX_BASES, worker);
}

/** Where `worker` puts the messages of window `parity` & 1. */
export function outboxOf(worker: u32, parity: u32): usize {
  return mailboxOf(worker) + (parity & 1 ? OUTBOX_BYTES : 0);
}

/** Sorts the window's messages of all workers; returns their number. */
export function collect(worker: u32, parity: u32): u32 {
  const order = mailboxOf(worker) + 2 * OUTBOX_BYTES;
  let total: u32 = 0;
  for (let w: u32 = 0; w < crew; w++) {
    const base = outboxOf(w, parity);
    const count = Progress.of(w, parity).messages;
    // Insertion: a window has few messages and each outbox is nearly sorted.
    for (let i: u32 = 0; i < count; i++) {
      const m = Message.at(base, i);
      let at = total++;
      while (at > 0) {
        const p = changetype<Message>(<usize>load<u32>(order + (<usize>(at - 1) << 2)));
        if (p.time < m.time || (p.time == m.time && p.source <= m.source)) break;
        store<u32>(order + (<usize>at << 2), <u32>changetype<usize>(p));
        at--;
      }
      store<u32>(order + (<usize>at << 2), <u32>changetype<usize>(m));
    }
  }
  return total;
}

/** The i-th message after collect(). */
// @ts-ignore: decorator
@inline
export function messageAt(worker: u32, index: u32): Message {
  const order = mailboxOf(worker) + 2 * OUTBOX_BYTES;
  return changetype<Message>(<usize>load<u32>(order + (<usize>index << 2)));
}
