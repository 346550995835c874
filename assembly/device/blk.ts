// The block device behind a controller (Virtio 1.2, 5.2 "Block Device"; 2.7 "Split Virtqueues").
// Two engines for each disk, each with one transfer at a time:
//   fetching   avail.idx -> ring entry -> descriptors -> header -> the command goes to the drive
//   finishing  data -> status byte -> used element -> used.idx -> interrupt
// With the interrupt policy `submitter` a third one reads avail.idx: notify.ts.
// A transfer ends before the next one starts, so whoever sees used.idx sees the data.
import { DISK_BYTES, HUB_DISKS, M_DISKS } from "../abi";
import { param } from "../memory/params";
import { hasNotices, NOTICE_TRANSFERS, startTransfer, Transfer } from "./dma";
import {
  diskSectors, diskSerial, FAULT_NONE, FAULT_TIMEOUT, faultOf, isGone, microseconds, serviceTime,
} from "./disk";
import { addEvent, EVENT_SERVICE } from "./events";
import { ioapicHolds } from "./ioapic";
import { GSI_VIRTIO } from "./map";
import { addNotice, submitterOf, takeIndex } from "./notify";
import {
  Command, Controller, FETCH_BUFFER, INTERRUPT_USED, interrupt, landed, needsReset,
  SEGMENT_LIMIT, segmentAt, STATUS_DRIVER_OK,
} from "./virtio";

// Fetching engine: what is read now
const FETCH_IDLE: u32 = 0;
const FETCH_INDEX: u32 = 1;
const FETCH_ENTRY: u32 = 2;
const FETCH_DESCRIPTOR: u32 = 3;
const FETCH_HEADER: u32 = 4;

// Finishing engine
const FINISH_IDLE: u32 = 0;
const FINISH_DATA: u32 = 1;
const FINISH_STATUS: u32 = 2;
const FINISH_ELEMENT: u32 = 3;
const FINISH_INDEX: u32 = 4;
const FINISH_FLAGS: u32 = 5;

const DESC_NEXT: u32 = 1;
const DESC_WRITE: u32 = 2;
const AVAIL_NO_INTERRUPT: u32 = 1;

const TYPE_IN: u32 = 0;
const TYPE_OUT: u32 = 1;
const TYPE_FLUSH: u32 = 4;
const TYPE_GET_ID: u32 = 8;
const ID_BYTES: u32 = 20;

const STATUS_OK: u32 = 0;
const STATUS_IOERR: u32 = 1;
const STATUS_UNSUPPORTED: u32 = 2;

/** Time-out of a command, and the time that a drive takes to fail after it is gone. */
const TIMEOUT_US: u64 = 1000000;
const GONE_US: u64 = 1000;

/** Offset in the hub block of the disk's fetch buffer; the finishing engine's is 64 bytes on. */
function bufferOf(disk: u32): u32 {
  return HUB_DISKS + disk * <u32>DISK_BYTES + FETCH_BUFFER;
}

/** QueueNotify, written by CPU `cpu`. */
export function blkNotify(hub: usize, disk: u32, queue: u32, cpu: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  if (queue || !c.queueReady || !c.queueNum || !(c.status & STATUS_DRIVER_OK)) return;
  c.submitter = cpu;
  if (hasNotices()) {
    if (!addNotice(hub, disk, c.driver, cpu, time)) needsReset(hub, disk, time);
  } else if (c.fetching) {
    c.again = 1;
  } else {
    fetchIndex(hub, disk, time);
  }
}

/** A transfer of the disk is complete: engine 0 is the fetching one. */
export function blkTransferred(hub: usize, transfer: u32, time: u64): void {
  const third = transfer >= NOTICE_TRANSFERS;
  const disk = third ? transfer - NOTICE_TRANSFERS : transfer >> 1;
  if (landed(hub, disk)) return;
  if (third) offered(hub, disk, time);
  else if (transfer & 1) finished(hub, disk, time);
  else fetched(hub, disk, time);
}

/** The third engine has read avail.idx. */
function offered(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  c.wanted = takeIndex(hub, disk, <u16>c.wanted, c.availIdx);
  if (c.queueReady && !c.fetching) fetchEntry(hub, disk, time);
}

function fetch(hub: usize, disk: u32, what: u32, phys: u64, bytes: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  c.fetching = what;
  if (startTransfer(hub, disk * 2, phys, bytes, false, bufferOf(disk), disk, 0, time)) return;
  c.fetching = FETCH_IDLE;
  needsReset(hub, disk, time);
}

function fetchIndex(hub: usize, disk: u32, time: u64): void {
  fetch(hub, disk, FETCH_INDEX, Controller.of(hub, disk).driver, 4, time);
}

/** The next entry of the available ring, or the end of the fetching. */
function fetchEntry(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  if (c.availIdx == <u16>c.wanted) {
    c.fetching = FETCH_IDLE;
    if (!c.again) return;
    c.again = 0;
    fetchIndex(hub, disk, time);
    return;
  }
  const entry = <u64>(c.availIdx & <u16>(c.queueNum - 1));
  fetch(hub, disk, FETCH_ENTRY, c.driver + 4 + entry * 2, 2, time);
}

function fetchDescriptor(hub: usize, disk: u32, index: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  if (index >= c.queueNum || c.chain > SEGMENT_LIMIT + 1) {
    c.fetching = FETCH_IDLE;
    needsReset(hub, disk, time);
    return;
  }
  fetch(hub, disk, FETCH_DESCRIPTOR, c.desc + (<u64>index << 4), 16, time);
}

function fetched(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const buffer = hub + bufferOf(disk);
  switch (c.fetching) {
    case FETCH_INDEX:
      c.wanted = load<u16>(buffer, 2);
      fetchEntry(hub, disk, time);
      return;
    case FETCH_ENTRY: {
      c.availIdx++;
      c.head = load<u16>(buffer);
      c.chain = 0;
      if (c.head < c.queueNum) {
        const command = Command.of(hub, disk, c.head);
        // The driver may not offer a chain again before it is used.
        if (!command.active) {
          memory.fill(changetype<usize>(command), 0, Command.BYTES);
          const entry = c.availIdx - 1;
          command.submitter = hasNotices() ? submitterOf(hub, disk, entry) : c.submitter;
          fetchDescriptor(hub, disk, c.head, time);
          return;
        }
      }
      c.fetching = FETCH_IDLE;
      needsReset(hub, disk, time);
      return;
    }
    case FETCH_DESCRIPTOR:
      takeDescriptor(hub, disk, time);
      return;
    default:
      startCommand(hub, disk, time);
  }
}

/** First the header, last the status byte, data between (5.2.6 "Device Operation"). */
function takeDescriptor(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const buffer = hub + bufferOf(disk);
  const phys = load<u64>(buffer);
  const bytes = load<u32>(buffer, 8);
  const flags = <u32>load<u16>(buffer, 12);
  const last = !(flags & DESC_NEXT);
  const command = Command.of(hub, disk, c.head);
  let sound = true;
  if (c.chain == 0) {
    sound = !last && bytes >= 16 && !(flags & DESC_WRITE);
    command.sector = phys; // until the header is read
  } else if (last) {
    sound = bytes >= 1 && (flags & DESC_WRITE) != 0;
    command.statusAt = phys + bytes - 1;
    if (bytes > 1) sound = sound && addSegment(command, phys, bytes - 1, true);
  } else {
    sound = addSegment(command, phys, bytes, (flags & DESC_WRITE) != 0);
  }
  c.chain++;
  if (!sound) {
    c.fetching = FETCH_IDLE;
    needsReset(hub, disk, time);
  } else if (last) {
    fetch(hub, disk, FETCH_HEADER, command.sector, 16, time);
  } else {
    fetchDescriptor(hub, disk, load<u16>(buffer, 14), time);
  }
}

function addSegment(command: Command, phys: u64, bytes: u32, writable: bool): bool {
  if (command.segments == SEGMENT_LIMIT || bytes == 0) return false;
  const at = segmentAt(command, command.segments++);
  store<u64>(at, phys);
  store<u32>(at, bytes, 8);
  store<u32>(at, <u32>writable, 12);
  command.bytes += bytes;
  return true;
}

/** The command is known: it goes to the drive, which is done after its service time. */
function startCommand(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const buffer = hub + bufferOf(disk);
  const command = Command.of(hub, disk, c.head);
  command.type = load<u32>(buffer);
  command.sector = load<u64>(buffer, 8);
  command.active = 1;
  command.status = validate(disk, command);
  c.ordinal++;
  const sectors = command.bytes >> 9;
  const write = command.type == TYPE_OUT;
  let due = time;
  const transfers = write || command.type == TYPE_IN;
  if (isGone(disk, c.ordinal)) {
    command.status = STATUS_IOERR;
    if (!c.goneTime) abandon(hub, disk, time);
  } else if (command.status == STATUS_OK && transfers) {
    const fault = faultOf(disk, write, command.sector, sectors);
    if (fault != FAULT_NONE) command.status = STATUS_IOERR;
    if (fault == FAULT_TIMEOUT) {
      due += microseconds(TIMEOUT_US);
    } else {
      if (diskSerial(disk)) due = max(due, c.freeAt);
      due += serviceTime(disk, c.ordinal, c.nextSector, command.sector, sectors);
      c.freeAt = due;
      c.nextSector = command.sector + sectors;
    }
  }
  serve(hub, disk, c.head, due);
  fetchEntry(hub, disk, time);
}

/** STATUS_OK, or what is wrong with the request itself. */
function validate(disk: u32, command: Command): u32 {
  const type = command.type;
  if (type == TYPE_FLUSH) return command.segments ? STATUS_IOERR : STATUS_OK;
  if (type != TYPE_IN && type != TYPE_OUT && type != TYPE_GET_ID) return STATUS_UNSUPPORTED;
  const writable: u32 = type == TYPE_OUT ? 0 : 1;
  for (let i: u32 = 0; i < command.segments; i++) {
    if (load<u32>(segmentAt(command, i), 12) != writable) return STATUS_IOERR;
  }
  if (type == TYPE_GET_ID) return command.bytes == ID_BYTES ? STATUS_OK : STATUS_IOERR;
  const sectors = <u64>(command.bytes >> 9);
  const size = diskSectors(disk);
  if (command.bytes & 511 || !sectors) return STATUS_IOERR;
  if (command.sector >= size || sectors > size - command.sector) return STATUS_IOERR;
  return STATUS_OK;
}

function serve(hub: usize, disk: u32, index: u32, due: u64): void {
  const command = Command.of(hub, disk, index);
  command.due = due;
  const life = <u64>Controller.of(hub, disk).life;
  addEvent(hub, due, EVENT_SERVICE, (life << 32) | (<u64>disk << 16) | <u64>index);
}

/** The drive is gone: what it was doing fails a little later. */
function abandon(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  c.goneTime = time;
  for (let index: u32 = 0; index < c.queueNum; index++) {
    const command = Command.of(hub, disk, index);
    if (!command.active || index == c.head || command.due <= time) continue;
    command.status = STATUS_IOERR;
    serve(hub, disk, index, time + microseconds(GONE_US));
  }
}

/** The drive is done with a command, at cycle `time`. */
export function blkServed(hub: usize, value: u64, time: u64): void {
  const disk = <u32>(value >> 16) & 0xffff;
  const index = <u32>value & 0xffff;
  const c = Controller.of(hub, disk);
  const command = Command.of(hub, disk, index);
  if (c.life != <u32>(value >> 32) || !command.active || command.due != time) return;
  if (c.readyLast) Command.of(hub, disk, c.readyLast - 1).next = index + 1;
  else c.ready = index + 1;
  c.readyLast = index + 1;
  if (!c.finishing) beginFinish(hub, disk, time);
}

function beginFinish(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  if (!c.ready || heldBack(hub, disk)) {
    c.finishing = FINISH_IDLE;
    return;
  }
  c.segment = 0;
  c.finishing = FINISH_DATA;
  nextSegment(hub, disk, time);
}

/**
 * A handler takes from the used ring all that it finds. For each CPU to get its own, nothing is put
 * there for one while the interrupt of another is not ended.
 */
function heldBack(hub: usize, disk: u32): bool {
  const command = Command.of(hub, disk, Controller.of(hub, disk).ready - 1);
  return hasNotices() && ioapicHolds(hub, GSI_VIRTIO + disk, command.submitter);
}

/** An interrupt has been ended, or its line changed: what was held back goes on. */
export function blkReleased(hub: usize, time: u64): void {
  if (!hasNotices()) return;
  for (let disk: u32 = 0; disk < param(M_DISKS); disk++) {
    const c = Controller.of(hub, disk);
    if (c.ready && !c.finishing) beginFinish(hub, disk, time);
  }
}

function finish(
  hub: usize, disk: u32, what: u32, phys: u64, bytes: u32, toRam: bool, buffer: u32, at: u64,
  time: u64,
): void {
  const c = Controller.of(hub, disk);
  c.finishing = what;
  if (startTransfer(hub, disk * 2 + 1, phys, bytes, toRam, buffer, disk, at, time)) return;
  c.finishing = FINISH_IDLE;
  needsReset(hub, disk, time);
}

/** Data of the next segment; after the last one the status byte. */
function nextSegment(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const command = Command.of(hub, disk, c.ready - 1);
  const buffer = bufferOf(disk) + 64;
  if (command.status == STATUS_OK && c.segment < command.segments) {
    const segment = segmentAt(command, c.segment++);
    const bytes = load<u32>(segment, 8);
    const identify = command.type == TYPE_GET_ID;
    if (identify) writeId(hub + buffer, disk);
    const at = command.sector * 512 + <u64>offsetOf(command, c.segment - 1);
    const toRam = command.type != TYPE_OUT;
    if (toRam) command.written += bytes;
    finish(
      hub, disk, FINISH_DATA, load<u64>(segment), bytes, toRam, identify ? buffer : 0, at, time,
    );
    return;
  }
  store<u8>(hub + buffer, <u8>command.status);
  finish(hub, disk, FINISH_STATUS, command.statusAt, 1, true, buffer, 0, time);
}

/** Bytes of the segments before `index`. */
function offsetOf(command: Command, index: u32): u32 {
  let offset: u32 = 0;
  for (let i: u32 = 0; i < index; i++) offset += load<u32>(segmentAt(command, i), 8);
  return offset;
}

function writeId(at: usize, disk: u32): void {
  memory.fill(at, 0, ID_BYTES);
  const digits: u64 = 0x006b736964786f62; // "boxdisk"
  store<u64>(at, digits);
  store<u8>(at, <u8>(0x30 + disk / 10), 7);
  store<u8>(at, <u8>(0x30 + (disk % 10)), 8);
}

function finished(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const buffer = bufferOf(disk) + 64;
  // Past the element the command is the driver's again; nothing below reads it then.
  const command = Command.of(hub, disk, max(c.ready, 1) - 1);
  switch (c.finishing) {
    case FINISH_DATA:
      if (Transfer.at(hub, disk * 2 + 1).failed) command.status = STATUS_IOERR;
      nextSegment(hub, disk, time);
      return;
    case FINISH_STATUS: {
      store<u32>(hub + buffer, c.ready - 1);
      store<u32>(hub + buffer, command.written + 1, 4);
      const entry = <u64>(c.usedIdx & <u16>(c.queueNum - 1));
      finish(hub, disk, FINISH_ELEMENT, c.device + 4 + entry * 8, 8, true, buffer, 0, time);
      return;
    }
    case FINISH_ELEMENT:
      // From used.idx on the driver may offer the chain again.
      command.active = 0;
      c.interruptFor = command.submitter;
      c.ready = command.next;
      if (!c.ready) c.readyLast = 0;
      c.usedIdx++;
      store<u16>(hub + buffer, c.usedIdx);
      finish(hub, disk, FINISH_INDEX, c.device + 2, 2, true, buffer, 0, time);
      return;
    case FINISH_INDEX:
      finish(hub, disk, FINISH_FLAGS, c.driver, 2, false, buffer, 0, time);
      return;
    default: {
      const flags = <u32>load<u16>(hub + buffer);
      if (!(flags & AVAIL_NO_INTERRUPT)) interrupt(hub, disk, INTERRUPT_USED, c.interruptFor, time);
      beginFinish(hub, disk, time);
    }
  }
}
