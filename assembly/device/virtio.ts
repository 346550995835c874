// The virtio-mmio transport of a disk controller: registers, feature negotiation, the state of its
// one queue, its interrupt (Virtio 1.2, 4.2 "Virtio Over MMIO"). What the queue carries: blk.ts.
// Deviations: packed rings, indirect descriptors and event indices are not offered.
import {
  DISK_BYTES, DISK_COMMAND_BYTES, DISK_COMMAND_LIMIT, DISK_COMMANDS, HUB_DISKS,
} from "../abi";
import { cancelTransfer, hasNotices, transferring } from "./dma";
import { ioapicLine } from "./ioapic";
import { GSI_VIRTIO } from "./map";
import { forgetNotices, readingIndex } from "./notify";
import { diskSectors } from "./disk";

// Register offsets
const MAGIC: u32 = 0x000;
const VERSION: u32 = 0x004;
const DEVICE_ID: u32 = 0x008;
const VENDOR_ID: u32 = 0x00c;
const DEVICE_FEATURES: u32 = 0x010;
const DEVICE_FEATURES_SEL: u32 = 0x014;
const DRIVER_FEATURES: u32 = 0x020;
const DRIVER_FEATURES_SEL: u32 = 0x024;
const QUEUE_SEL: u32 = 0x030;
const QUEUE_NUM_MAX: u32 = 0x034;
const QUEUE_NUM: u32 = 0x038;
const QUEUE_READY: u32 = 0x044;
export const QUEUE_NOTIFY: u32 = 0x050;
const INTERRUPT_STATUS: u32 = 0x060;
const INTERRUPT_ACK: u32 = 0x064;
const STATUS: u32 = 0x070;
const QUEUE_DESC: u32 = 0x080;
const QUEUE_DRIVER: u32 = 0x090;
const QUEUE_DEVICE: u32 = 0x0a0;
const CONFIG: u32 = 0x100;

const MAGIC_VALUE: u32 = 0x74726976; // "virt"
const ID_BLOCK: u32 = 2;
const VENDOR: u32 = 0x50424d53; // "SMBP"
export const QUEUE_SIZE: u32 = DISK_COMMAND_LIMIT;

/** VIRTIO_BLK_F_SEG_MAX, _BLK_SIZE, _FLUSH; VIRTIO_F_VERSION_1. */
const FEATURES_LOW: u32 = (1 << 2) | (1 << 6) | (1 << 9);
const FEATURES_HIGH: u32 = 1;

const STATUS_FEATURES_OK: u32 = 8;
export const STATUS_DRIVER_OK: u32 = 4;
const STATUS_NEEDS_RESET: u32 = 64;
/** What STATUS reads as until a reset is complete: any value but 0 says so. */
const STATUS_RESETTING: u32 = 1;
export const INTERRUPT_USED: u32 = 1;
const INTERRUPT_CONFIG: u32 = 2;

/**
 * Hub block + HUB_DISKS + disk * DISK_BYTES: registers, the queue's place, and what blk.ts keeps.
 *
 *     0 | status, interrupt, featuresSel, driverSel u32 | 16 | features u64 |
 *     24 | queueSel, queueNum,
 *     queueReady, submitter u32 | 40 | desc, driver, device u64 | 64 | fetching, again, finishing,
 *     phase u32 | 80 | availIdx, usedIdx u16 | 84 | wanted, head, chain u32 | 96 |
 *     ordinal, nextSector, freeAt, goneTime u64 |
 *     128 | ready, readyLast, inFlight, segment u32 | 144
 */
@unmanaged
export class Controller {
  status: u32;
  interrupt: u32;
  featuresSel: u32;
  driverSel: u32;
  features: u64;
  queueSel: u32;
  queueNum: u32;
  queueReady: u32;
  /** The CPU that wrote QueueNotify last. */
  submitter: u32;
  desc: u64;
  driver: u64;
  device: u64;
  /** FETCH_*: what the fetching engine reads now. */
  fetching: u32;
  /** Notified while it was fetching. */
  again: u32;
  /** FINISH_*: what the finishing engine does now. */
  finishing: u32;
  /** Grows with each reset: events of earlier lives are ignored. */
  life: u32;
  /** Next entry of the available ring, of the used ring. */
  availIdx: u16;
  usedIdx: u16;
  /** Available index as last read. */
  wanted: u32;
  /** Command that is being read. */
  head: u32;
  /** Descriptors of its chain read so far. */
  chain: u32;
  /** Commands so far, the first is 1. */
  ordinal: u64;
  /** Sector after the last one served. */
  nextSector: u64;
  /** Cycle from which on a serial drive takes the next command. */
  freeAt: u64;
  goneTime: u64;
  /** Served commands that wait for the finishing engine: 1 + index of the first and last. */
  ready: u32;
  readyLast: u32;
  /** Segment under way in the finishing engine. */
  segment: u32;
  /** Lines of a transfer from before the reset are still under way. */
  resetting: u32;
  /** The CPU that submitted the command being finished. */
  interruptFor: u32;
  pad0: u32;

  @inline static of(hub: usize, disk: u32): Controller {
    return changetype<Controller>(hub + HUB_DISKS + <usize>disk * DISK_BYTES);
  }
}
/** Registers, then 64 bytes of buffer for each engine, then the commands. */
export const FETCH_BUFFER: u32 = 256;
const COMMAND_HEAD_BYTES: u32 = 64;
const SEGMENT_BYTES: u32 = 16;
/** Data segments of a request. */
export const SEGMENT_LIMIT: u32 = (DISK_COMMAND_BYTES - COMMAND_HEAD_BYTES) / SEGMENT_BYTES;

/**
 * A command, at the index of its head descriptor.
 *
 *     0 | sector u64 | 8 | due u64 | 16 | statusAt u64 | 24 | type, status, segments, bytes u32 |
 *     40 | next, active, submitter, written u32 | 56 | pad |
 *     64 | segments: phys u64, bytes u32, pad
 */
@unmanaged
export class Command {
  sector: u64;
  /** Cycle at which the drive is done; an event of another cycle is of the past. */
  due: u64;
  statusAt: u64;
  type: u32;
  status: u32;
  segments: u32;
  bytes: u32;
  /** 1 + index of the next one that is ready. */
  next: u32;
  active: u32;
  submitter: u32;
  /** Bytes put into the driver's buffers. */
  written: u32;

  static readonly BYTES: usize = DISK_COMMAND_BYTES;

  @inline static of(hub: usize, disk: u32, index: u32): Command {
    return changetype<Command>(
      hub + HUB_DISKS + <usize>disk * DISK_BYTES + DISK_COMMANDS + <usize>index * Command.BYTES,
    );
  }
}

// @ts-ignore: decorator
@inline
export function segmentAt(command: Command, index: u32): usize {
  return changetype<usize>(command) + 64 + (<usize>index << 4);
}

/** 32-bit read of a register. */
export function virtioRead(hub: usize, disk: u32, offset: u32): u32 {
  const c = Controller.of(hub, disk);
  switch (offset) {
    case MAGIC: return MAGIC_VALUE;
    case VERSION: return 2;
    case DEVICE_ID: return ID_BLOCK;
    case VENDOR_ID: return VENDOR;
    case DEVICE_FEATURES:
      return c.featuresSel == 0 ? FEATURES_LOW : c.featuresSel == 1 ? FEATURES_HIGH : 0;
    case QUEUE_NUM_MAX: return c.queueSel == 0 ? QUEUE_SIZE : 0;
    case QUEUE_READY: return c.queueSel == 0 ? c.queueReady : 0;
    case INTERRUPT_STATUS: return c.interrupt;
    // Reads as not yet reset while a line is under way (2.1.2 "Device Requirements: Device Status
    // Field").
    case STATUS: return c.resetting ? c.status | STATUS_RESETTING : c.status;
    default: return offset >= CONFIG ? configWord(disk, offset - CONFIG) : 0;
  }
}

/** The words of struct virtio_blk_config (5.2.4 "Device configuration layout"). */
function configWord(disk: u32, offset: u32): u32 {
  const sectors = diskSectors(disk);
  if (offset == 0) return <u32>sectors;
  if (offset == 4) return <u32>(sectors >> 32);
  if (offset == 12) return SEGMENT_LIMIT;
  if (offset == 20) return 512;
  return 0;
}

/** A 32-bit write at cycle `time`. QueueNotify is blk.ts's. */
export function virtioWrite(hub: usize, disk: u32, offset: u32, value: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  switch (offset) {
    case DEVICE_FEATURES_SEL: c.featuresSel = value; return;
    case DRIVER_FEATURES_SEL: c.driverSel = value; return;
    case DRIVER_FEATURES:
      if (c.driverSel == 0) c.features = (c.features & ~<u64>0xffffffff) | value;
      else if (c.driverSel == 1) c.features = (c.features & 0xffffffff) | (<u64>value << 32);
      return;
    case QUEUE_SEL: c.queueSel = value; return;
    case INTERRUPT_ACK:
      c.interrupt &= ~value;
      if (!c.interrupt) ioapicLine(hub, GSI_VIRTIO + disk, false, 0, time);
      return;
    case STATUS: writeStatus(hub, disk, value, time); return;
    default:
      if (c.queueSel == 0) writeQueue(c, offset, value);
  }
}

function writeQueue(c: Controller, offset: u32, value: u32): void {
  switch (offset) {
    case QUEUE_NUM:
      // A power of two (2.7 "Split Virtqueues").
      if (value && value <= QUEUE_SIZE && !(value & (value - 1))) c.queueNum = value;
      return;
    case QUEUE_READY: c.queueReady = value & 1; return;
    case QUEUE_DESC: c.desc = low(c.desc, value); return;
    case QUEUE_DESC + 4: c.desc = high(c.desc, value); return;
    case QUEUE_DRIVER: c.driver = low(c.driver, value); return;
    case QUEUE_DRIVER + 4: c.driver = high(c.driver, value); return;
    case QUEUE_DEVICE: c.device = low(c.device, value); return;
    case QUEUE_DEVICE + 4: c.device = high(c.device, value); return;
  }
}

function low(word: u64, value: u32): u64 {
  return (word & ~<u64>0xffffffff) | <u64>value;
}

function high(word: u64, value: u32): u64 {
  return (word & 0xffffffff) | (<u64>value << 32);
}

/** 3.1.1 "Driver Requirements: Device Initialization"; 0 resets. */
function writeStatus(hub: usize, disk: u32, value: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  if (c.resetting) return;
  if (!value) {
    resetController(hub, disk, time);
    return;
  }
  // Features outside the offer, or without VERSION_1, are refused.
  const offered = FEATURES_LOW | (<u64>FEATURES_HIGH << 32);
  const sound = !(c.features & ~offered) && (c.features >> 32) & 1;
  if (value & STATUS_FEATURES_OK && !sound) value &= ~STATUS_FEATURES_OK;
  c.status = value | (c.status & STATUS_NEEDS_RESET);
}

/** What is under way runs out unseen; the drive keeps its contents and its count of commands. */
function resetController(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  const life = c.life + 1;
  const ordinal = c.ordinal;
  const nextSector = c.nextSector;
  const goneTime = c.goneTime;
  memory.fill(changetype<usize>(c), 0, FETCH_BUFFER);
  c.life = life;
  c.ordinal = ordinal;
  c.nextSector = nextSector;
  c.goneTime = goneTime;
  for (let i: u32 = 0; i < QUEUE_SIZE; i++) Command.of(hub, disk, i).active = 0;
  cancelTransfer(hub, disk * 2);
  cancelTransfer(hub, disk * 2 + 1);
  if (hasNotices()) forgetNotices(hub, disk);
  c.resetting = 1;
  landed(hub, disk);
  ioapicLine(hub, GSI_VIRTIO + disk, false, 0, time);
}

/** A transfer that ended belongs to a reset; the reset is complete with the last one. */
export function landed(hub: usize, disk: u32): bool {
  const c = Controller.of(hub, disk);
  if (!c.resetting) return false;
  if (transferring(hub, disk * 2) || transferring(hub, disk * 2 + 1)) return true;
  if (!hasNotices() || !readingIndex(hub, disk)) c.resetting = 0;
  return true;
}

/** Raises the interrupt for `cause`, INTERRUPT_USED or _CONFIG; `cpu`: whose work it is about. */
export function interrupt(hub: usize, disk: u32, cause: u32, cpu: u32, time: u64): void {
  Controller.of(hub, disk).interrupt |= cause;
  ioapicLine(hub, GSI_VIRTIO + disk, true, cpu, time);
}

/** The driver broke a rule of the rings: nothing more is done until it resets the device. */
export function needsReset(hub: usize, disk: u32, time: u64): void {
  const c = Controller.of(hub, disk);
  c.status |= STATUS_NEEDS_RESET;
  c.queueReady = 0;
  if (c.status & STATUS_DRIVER_OK) interrupt(hub, disk, INTERRUPT_CONFIG, c.submitter, time);
}
