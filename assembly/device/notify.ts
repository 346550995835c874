// Who submitted which entry, for the interrupt policy `submitter`; others have no need of it.
// Several CPUs may write QueueNotify before the fetching engine comes to what the first of them
// offered. So each write is remembered with its CPU, and avail.idx is read at once, by a transfer
// of its own. A CPU's entries are visible when it writes the register: what came since the index
// was read last is of those that wrote meanwhile, in their order. How many are whose is not known
// if there is more than one: each but the first then has one of the last, and the first the others.
import { DISK_COMMAND_LIMIT } from "../abi";
import { cancelTransfer, NOTICE_TRANSFERS, noticesAt, startTransfer, transferring } from "./dma";

/**
 * At noticesAt(), one for each disk, NOTICE_BYTES.
 *
 *     0 | transfer | 48 | index, pad u16 | 52 | count u32 | 56 | pad |
 *     64 | CPUs that wrote since the transfer began u8[128] |
 *     192 | CPU of each entry of the available ring u8[128] | 320
 */
@unmanaged
class Notices {
  /** avail.idx as read last. */
  index: u16;
  pad0: u16;
  count: u32;

  @inline static of(hub: usize, disk: u32): Notices {
    return changetype<Notices>(noticesAt(hub, disk) + BUFFER);
  }
}
const BUFFER: usize = 48;
const WAITING: usize = 64;
const SUBMITTERS: usize = 192;
/** A queue's entries: there cannot be one for each of more CPUs. */
const LIMIT: u32 = DISK_COMMAND_LIMIT;
const MASK: u32 = LIMIT - 1;
/** In the available ring (Virtio 1.2, 2.7.6 "The Virtqueue Available Ring"). */
const INDEX_AT: u64 = 2;
const INDEX_BYTES: u32 = 2;

/** CPU `cpu` wrote QueueNotify; the ring is at `avail`. False: that is not in RAM. */
export function addNotice(hub: usize, disk: u32, avail: u64, cpu: u32, time: u64): bool {
  const n = Notices.of(hub, disk);
  if (n.count == LIMIT) return true;
  store<u8>(noticesAt(hub, disk) + WAITING + n.count, <u8>cpu);
  if (n.count++) return true;
  const buffer = <u32>(noticesAt(hub, disk) + BUFFER - hub);
  const transfer = NOTICE_TRANSFERS + disk;
  return startTransfer(
    hub, transfer, avail + INDEX_AT, INDEX_BYTES, false, buffer, disk, 0, time,
  );
}

/**
 * avail.idx has been read, and is returned; it was `before`. Entries from `fetched` on, the next
 * one to be read, may be given to another CPU: one may have been seen before its CPU wrote the
 * register.
 */
export function takeIndex(hub: usize, disk: u32, before: u16, fetched: u16): u32 {
  const n = Notices.of(hub, disk);
  const at = noticesAt(hub, disk);
  let entry = n.index;
  while (n.count && entry != fetched) {
    entry--;
    n.count--;
    store<u8>(at + SUBMITTERS + (<u32>entry & MASK), load<u8>(at + WAITING + n.count));
  }
  n.count = 0;
  const first = load<u8>(at + WAITING);
  for (let older = before; <i16>(entry - older) > 0; older++) {
    store<u8>(at + SUBMITTERS + (<u32>older & MASK), first);
  }
  return n.index;
}

/** The CPU that submitted entry `entry` of the available ring. */
export function submitterOf(hub: usize, disk: u32, entry: u32): u32 {
  return load<u8>(noticesAt(hub, disk) + SUBMITTERS + (entry & MASK));
}

/** At a reset: nothing is remembered, and what is under way lands unseen. */
export function forgetNotices(hub: usize, disk: u32): void {
  cancelTransfer(hub, NOTICE_TRANSFERS + disk);
  Notices.of(hub, disk).count = 0;
  memory.fill(noticesAt(hub, disk) + WAITING, 0, 2 * LIMIT);
}

/** avail.idx is being read. */
export function readingIndex(hub: usize, disk: u32): bool {
  return transferring(hub, NOTICE_TRANSFERS + disk);
}
