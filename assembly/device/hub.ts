// The I/O hub: what a CPU's access to a port or a device window comes to, and what the devices do
// by themselves, in the order of time. The exit flag, the exit code and the console ring are in the
// hub block for the host to read (abi.ts). Ports and addresses that nobody claims read as ones and
// ignore writes. A new device is a file, its window in map.ts, and a line in read() and write().
import {
  DISK_BYTES, HUB_DISKS, HUB_EXITED, HUB_EXIT_CODE, HUB_POWER_OFF, HUB_SOURCE, M_DISKS,
  M_LAT_UNCACHED, NOTICE_BYTES,
} from "../abi";
import { post } from "../memory/message";
import { param } from "../memory/params";
import { ACCESS_MEMORY, ACCESS_SIZE, ACCESS_WRITE, MSG_IO_REPLY } from "../memory/protocol";
import { blkNotify, blkReleased, blkServed, blkTransferred } from "./blk";
import { dmaGranted, hasNotices } from "./dma";
import {
  EVENT_ACCESS, EVENT_DMA, EVENT_EOI, EVENT_SERVICE, addEvent, nextEvent, takeEvent,
} from "./events";
import { ioapicEoi, ioapicRead, ioapicReset, ioapicWrite } from "./ioapic";
import {
  IOAPIC_BYTES, IOAPIC_PHYS, PORT_EXIT, PORT_SLEEP_CONTROL, PORT_SLEEP_STATUS, PORT_UART,
  PORT_UART_COUNT, SLEEP_ENABLE, SLEEP_TYPE_S5, VIRTIO_PHYS, VIRTIO_STRIDE,
} from "./map";
import { uartRead, uartWrite } from "./uart";
import { QUEUE_NOTIFY, virtioRead, virtioWrite } from "./virtio";

const SLEEP_TYPE_SHIFT: u32 = 2;
const SLEEP_TYPE_MASK: u32 = 7;

/** Bytes of the hub block of a machine with `disks` disks. */
export function hubBytes(disks: u32): usize {
  return HUB_DISKS + <usize>disks * (DISK_BYTES + (hasNotices() ? NOTICE_BYTES : 0));
}

export function hubReset(hub: usize): void {
  memory.fill(hub, 0, hubBytes(param(M_DISKS)));
  ioapicReset(hub);
}

/** A CPU's access arrives at cycle `time`; a read is answered to it. */
export function hubAccess(
  hub: usize, time: u64, cpu: u32, address: u32, aux: u32, value: u64,
): void {
  addEvent(hub, time, EVENT_ACCESS, value, cpu, address, aux);
}

/** A line asked for by the hub is granted at cycle `time`. */
export function hubGranted(hub: usize, time: u64, line: u32): void {
  addEvent(hub, time, EVENT_DMA, line);
}

/** A CPU's end of a level-triggered interrupt arrives at cycle `time`. */
export function hubEoi(hub: usize, time: u64, vector: u32): void {
  addEvent(hub, time, EVENT_EOI, vector);
}

/** Everything before cycle `end`. Returns the cycle of the next event. */
export function runHub(hub: usize, end: u64): u64 {
  while (nextEvent(hub) < end) {
    const e = takeEvent(hub);
    const time = e.time;
    if (e.kind == EVENT_ACCESS) access(hub, e.cpu, e.address, e.aux, e.value, time);
    else if (e.kind == EVENT_EOI) endOfInterrupt(hub, <u32>e.value, time);
    else if (e.kind == EVENT_SERVICE) blkServed(hub, e.value, time);
    else if (e.kind == EVENT_DMA) {
      const complete = dmaGranted(hub, <u32>e.value, time);
      if (complete >= 0) blkTransferred(hub, <u32>complete, time);
    }
  }
  return nextEvent(hub);
}

function endOfInterrupt(hub: usize, vector: u32, time: u64): void {
  ioapicEoi(hub, vector, time);
  blkReleased(hub, time);
}

/** The guest asked for the end of the run: exit port or power-off. */
export function hubStopped(hub: usize): bool {
  return (load<u32>(hub + HUB_EXITED) | load<u32>(hub + HUB_POWER_OFF)) != 0;
}

function access(hub: usize, cpu: u32, address: u32, aux: u32, value: u64, time: u64): void {
  const size = aux & ACCESS_SIZE;
  const write = (aux & ACCESS_WRITE) != 0;
  let answer: u32 = 0;
  if (aux & ACCESS_MEMORY) {
    if (write) writeMemory(hub, cpu, address, size, <u32>value, time);
    else answer = readMemory(hub, address, size);
  } else if (write) {
    hubWrite(hub, address, size, <u32>value);
  } else {
    answer = hubRead(hub, address, size);
  }
  // A write to a device window is posted: its CPU has long gone on.
  if (write && aux & ACCESS_MEMORY) return;
  post(time + <u64>(param(M_LAT_UNCACHED) / 2), HUB_SOURCE, MSG_IO_REPLY, cpu, 0, 0, answer);
}

/** Disk of an address in the controllers' window, or -1. */
function diskAt(address: u32): i32 {
  const disk = (address - VIRTIO_PHYS) / VIRTIO_STRIDE;
  return address >= VIRTIO_PHYS && disk < param(M_DISKS) ? <i32>disk : -1;
}

/** Registers are 32 bits wide; of a narrower read the device gives the bytes asked for. */
function readMemory(hub: usize, address: u32, size: u32): u32 {
  const aligned = address & ~3;
  const shift = (address & 3) << 3;
  const ones: u32 = size == 4 ? ~0 : (1 << (size << 3)) - 1;
  if (size > 4 || (address & 3) + size > 4) return ~0;
  if (aligned - IOAPIC_PHYS < IOAPIC_BYTES) {
    return (ioapicRead(hub, aligned - IOAPIC_PHYS) >> shift) & ones;
  }
  const disk = diskAt(aligned);
  if (disk < 0) return ones;
  return (virtioRead(hub, disk, (aligned - VIRTIO_PHYS) % VIRTIO_STRIDE) >> shift) & ones;
}

/** Narrower writes than a register are ignored (Virtio 1.2, 4.2.2.2; 82093AA). */
function writeMemory(
  hub: usize, cpu: u32, address: u32, size: u32, value: u32, time: u64,
): void {
  if (size != 4 || address & 3) return;
  if (address - IOAPIC_PHYS < IOAPIC_BYTES) {
    ioapicWrite(hub, address - IOAPIC_PHYS, value, time);
    blkReleased(hub, time);
    return;
  }
  const disk = diskAt(address);
  if (disk < 0) return;
  const register = (address - VIRTIO_PHYS) % VIRTIO_STRIDE;
  if (register == QUEUE_NOTIFY) blkNotify(hub, disk, value, cpu, time);
  else virtioWrite(hub, disk, register, value, time);
}

/** IN: `size` 1, 2 or 4; a wide access reads consecutive byte registers. */
export function hubRead(hub: usize, port: u32, size: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < size; i++) value |= <u32>readByte(hub, port + i) << (i << 3);
  return value;
}

/** OUT: a wide access writes consecutive byte registers, lowest first. */
export function hubWrite(hub: usize, port: u32, size: u32, value: u32): void {
  // The exit port is one register whatever the width, so that `outl` of a code works as on a debug
  // device.
  if (port == PORT_EXIT) size = 1;
  for (let i: u32 = 0; i < size; i++) writeByte(hub, port + i, <u8>(value >> (i << 3)));
}

function readByte(hub: usize, port: u32): u8 {
  if (port - PORT_UART < PORT_UART_COUNT) return uartRead(hub, port - PORT_UART);
  if (port == PORT_SLEEP_CONTROL || port == PORT_SLEEP_STATUS) return 0;
  return 0xff;
}

function writeByte(hub: usize, port: u32, value: u8): void {
  if (port - PORT_UART < PORT_UART_COUNT) {
    uartWrite(hub, port - PORT_UART, value);
  } else if (port == PORT_EXIT) {
    // The first code counts: another CPU's later write is not the reason for the stop.
    if (!load<u32>(hub + HUB_EXITED)) {
      store<u32>(hub + HUB_EXIT_CODE, value);
      atomic.store<u32>(hub + HUB_EXITED, 1);
    }
  } else if (port == PORT_SLEEP_CONTROL) {
    const type = ((<u32>value) >> SLEEP_TYPE_SHIFT) & SLEEP_TYPE_MASK;
    if (value & SLEEP_ENABLE && type == SLEEP_TYPE_S5) atomic.store<u32>(hub + HUB_POWER_OFF, 1);
  }
}
