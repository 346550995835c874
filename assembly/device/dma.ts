// Coherent DMA. The hub is one more cluster to the home agent: it asks for each line, touches it in
// the window of the grant, when every other holder has lost it (or, for a read, was downgraded),
// and gives it back at once. A transfer is a run of bytes between guest RAM and a buffer, up to
// DMA_DEPTH lines at a time; lines of one transfer may arrive in any order, so what must be seen
// before something else is a transfer of its own.
import { check } from "../check";
import {
  DISK_BYTES, HUB_DISKS, HUB_DMA, HUB_SOURCE, IRQ_SUBMITTER, M_CLUSTERS, M_DISKS, M_IRQ_POLICY,
  NOTICE_BYTES,
} from "../abi";
import { post } from "../memory/message";
import { param, ramBytes } from "../memory/params";
import { GETS, GETX, MSG_GETS, MSG_GETX, MSG_PUT } from "../memory/protocol";
import { hostOf } from "../memory/ram";
import { BLOCK_BYTES, findBlock, writableBlock } from "./storage";

/** Lines of one transfer under way. */
const DMA_DEPTH: u32 = 16;
/** Lines under way that share their low bits wait for one another. */
const LINE_SLOTS: u32 = 4096;
/** Two engines for each of 60 disks; see virtio.ts. */
const TRANSFER_LIMIT: u32 = 120;
/** From this number on: the third engine of each disk, with IRQ_SUBMITTER only; see notify.ts. */
export const NOTICE_TRANSFERS: u32 = TRANSFER_LIMIT;

/**
 * A line under way.
 *
 *     0 | line u32 | 4 | transfer u32: 1 + index, 0 = free | 8 | offset, bytes u32 | 16
 */
@unmanaged
class Flight {
  line: u32;
  transfer: u32;
  offset: u32;
  bytes: u32;

  @inline static of(hub: usize, line: u32): Flight {
    return changetype<Flight>(hub + HUB_DMA + 16 + (<usize>(line & (LINE_SLOTS - 1)) << 4));
  }
}
const TRANSFERS: usize = 16 + <usize>LINE_SLOTS * 16;

/** The policy of the run needs to know who submitted which entry. */
// @ts-ignore: decorator
@inline
export function hasNotices(): bool {
  return param(M_IRQ_POLICY) == IRQ_SUBMITTER;
}

/** Where notify.ts keeps what it knows about `disk`: behind the last disk, the transfer first. */
// @ts-ignore: decorator
@inline
export function noticesAt(hub: usize, disk: u32): usize {
  const disks = <usize>param(M_DISKS) * DISK_BYTES;
  return hub + HUB_DISKS + disks + <usize>disk * NOTICE_BYTES;
}

/**
 * Hub block + HUB_DMA.  0 | transfers that wait for a line slot u32 | 16 | flights | transfers
 *
 *     0 | phys u64 | 8 | diskAt u64 | 16 | bytes, asked, done, flying u32 | 32 |
 *     buffer, disk u32 | 40 | toRam, blocked, failed u8 | 48
 */
@unmanaged
export class Transfer {
  phys: u64;
  /** Byte of the disk's contents, when `buffer` is 0. */
  diskAt: u64;
  bytes: u32;
  asked: u32;
  done: u32;
  flying: u32;
  /** Offset in the hub block, or 0: the contents of `disk`. */
  buffer: u32;
  disk: u32;
  toRam: u8;
  blocked: u8;
  /** The contents have no room left. */
  failed: u8;
  pad0: u8;
  pad1: u32;
  static readonly BYTES: usize = 48;

  @inline static at(hub: usize, index: u32): Transfer {
    return changetype<Transfer>(
      index < TRANSFER_LIMIT
        ? hub + HUB_DMA + TRANSFERS + <usize>index * Transfer.BYTES
        : noticesAt(hub, index - NOTICE_TRANSFERS),
    );
  }
}

/**
 * Begins transfer `index` at cycle `time`: `bytes` (not 0) between guest RAM at `phys` and the
 * `buffer` in the hub block, or the contents of `disk` at byte `diskAt` when `buffer` is 0. False:
 * the bytes are not in RAM.
 */
export function startTransfer(
  hub: usize, index: u32, phys: u64, bytes: u32, toRam: bool, buffer: u32, disk: u32, diskAt: u64,
  time: u64,
): bool {
  check(bytes != 0);
  if (phys >= ramBytes || <u64>bytes > ramBytes - phys) return false;
  const t = Transfer.at(hub, index);
  check(t.done == t.bytes && !t.blocked);
  t.phys = phys;
  t.diskAt = diskAt;
  t.bytes = bytes;
  t.asked = 0;
  t.done = 0;
  t.buffer = buffer;
  t.disk = disk;
  t.toRam = <u8>toRam;
  t.failed = 0;
  askLines(hub, index, time);
  return true;
}

/** Lines of it are still to come. */
export function transferring(hub: usize, index: u32): bool {
  const t = Transfer.at(hub, index);
  return t.done != t.bytes;
}

/** Asks for no more lines; those under way land where they were to. */
export function cancelTransfer(hub: usize, index: u32): void {
  const t = Transfer.at(hub, index);
  t.bytes = t.asked;
  unblock(hub, t);
}

function unblock(hub: usize, t: Transfer): void {
  if (!t.blocked) return;
  t.blocked = 0;
  store<u32>(hub + HUB_DMA, load<u32>(hub + HUB_DMA) - 1);
}

/** Asks the home agent for as many lines as may be under way. */
function askLines(hub: usize, index: u32, time: u64): void {
  const t = Transfer.at(hub, index);
  unblock(hub, t);
  while (t.asked < t.bytes && t.flying < DMA_DEPTH) {
    const phys = t.phys + t.asked;
    const line = <u32>(phys >> 6);
    const flight = Flight.of(hub, line);
    if (flight.transfer) {
      t.blocked = 1;
      store<u32>(hub + HUB_DMA, load<u32>(hub + HUB_DMA) + 1);
      return;
    }
    flight.line = line;
    flight.transfer = index + 1;
    flight.offset = t.asked;
    flight.bytes = min(64 - (<u32>phys & 63), t.bytes - t.asked);
    t.asked += flight.bytes;
    t.flying++;
    const kind = t.toRam ? MSG_GETX : MSG_GETS;
    post(time, HUB_SOURCE, kind, param(M_CLUSTERS), line, t.toRam ? GETX : GETS, 0);
  }
}

/** The line is granted, at cycle `time`. Returns the transfer that is complete with it, or -1. */
export function dmaGranted(hub: usize, line: u32, time: u64): i32 {
  const flight = Flight.of(hub, line);
  check(flight.transfer != 0 && flight.line == line);
  const index = flight.transfer - 1;
  const t = Transfer.at(hub, index);
  move(hub, t, flight.offset, flight.bytes);
  post(time, HUB_SOURCE, MSG_PUT, param(M_CLUSTERS), line, 0, 0);
  flight.transfer = 0;
  t.flying--;
  t.done += flight.bytes;
  const waiting = load<u32>(hub + HUB_DMA);
  const limit = hasNotices() ? NOTICE_TRANSFERS + param(M_DISKS) : TRANSFER_LIMIT;
  for (let i: u32 = 0; waiting && i < limit; i++) {
    if (Transfer.at(hub, i).blocked) askLines(hub, i, time);
  }
  if (t.done == t.bytes) return <i32>index;
  if (!t.blocked) askLines(hub, index, time);
  return -1;
}

/** Moves one line's bytes. */
function move(hub: usize, t: Transfer, offset: u32, bytes: u32): void {
  const ram = hostOf(t.phys + offset);
  if (t.buffer) {
    const local = hub + t.buffer + offset;
    if (t.toRam) memory.copy(ram, local, bytes);
    else memory.copy(local, ram, bytes);
    return;
  }
  let moved: u32 = 0;
  while (moved < bytes) {
    const at = t.diskAt + offset + moved;
    const within = <u32>at & (BLOCK_BYTES - 1);
    const part = min(bytes - moved, BLOCK_BYTES - within);
    const block = at / BLOCK_BYTES;
    const host = t.toRam ? findBlock(t.disk, block) : writableBlock(t.disk, block);
    if (t.toRam) {
      if (host) memory.copy(ram + moved, host + within, part);
      else memory.fill(ram + moved, 0, part);
    } else if (host) {
      memory.copy(host + within, ram + moved, part);
    } else {
      t.failed = 1;
    }
    moved += part;
  }
}
