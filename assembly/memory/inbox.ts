// Messages on their way to a core: interrupt vectors and I/O answers, in the order of their
// arrival. Each arrives at least a window after it was sent, so it is here before its cycle begins.
import { check } from "../check";
import { CORE_INBOX } from "../abi";
import { Core } from "./core";
import { NEVER } from "./protocol";

/** 0 | time u64 | 8 | kind u8, pad | 12 | value u32 | 16. An I/O answer is at most 32 bits wide. */
@unmanaged
export class Letter {
  time: u64;
  kind: u32;
  value: u32;

  @inline static at(core: usize, index: u32): Letter {
    return changetype<Letter>(core + CORE_INBOX + (<usize>index << 4));
  }
}

/** Interrupts of up to 64 senders and one I/O answer fit with room. */
export const INBOX_LIMIT: u32 = 128;

/** Enters a message, sorted by time; messages of the same cycle stay in the order of delivery. */
export function deliver(core: usize, time: u64, kind: u32, value: u32): void {
  const c = Core.of(core);
  check(c.inboxCount < INBOX_LIMIT);
  let i = c.inboxCount++;
  while (i > 0 && Letter.at(core, i - 1).time > time) {
    const from = Letter.at(core, i - 1);
    const to = Letter.at(core, i);
    to.time = from.time;
    to.kind = from.kind;
    to.value = from.value;
    i--;
  }
  const letter = Letter.at(core, i);
  letter.time = time;
  letter.kind = kind;
  letter.value = value;
}

/** Arrival of the first message, or NEVER. */
// @ts-ignore: decorator
@inline
export function nextLetter(core: usize): u64 {
  return Core.of(core).inboxCount ? Letter.at(core, 0).time : NEVER;
}

/** Drops the first message. */
export function takeLetter(core: usize): void {
  const c = Core.of(core);
  c.inboxCount--;
  for (let i: u32 = 0; i < c.inboxCount; i++) {
    const from = Letter.at(core, i + 1);
    const to = Letter.at(core, i);
    to.time = from.time;
    to.kind = from.kind;
    to.value = from.value;
  }
}
