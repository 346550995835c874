// Requests of a block device (Virtio 1.2, 5.2.6 "Device Operation") as the tests make them, and the
// redirection entry of the disks' lines.
import * as map from "../../assembly/device/map.ts";
import type { IrqPolicy } from "../../src/machine/disks.ts";
import { DiskBox, Driver, type Segment } from "./disk-box.ts";

const HEADER = 0x8000;
export const STATUS = 0x8100;
export const DATA = 0x10000;
export const IN = 0;
export const OUT = 1;
export const FLUSH = 4;
export const GET_ID = 8;

// A redirection entry (82093AA data sheet)
export const VECTOR = 0x41;
export const LEVEL = 1 << 15;
export const LOWEST = 1 << 8;
export const LOGICAL = 1 << 11;

/** A header at HEADER + 16 * slot and a status byte at STATUS + slot around `data`; slots to 15. */
export function request(
  box: DiskBox, type: number, sector: number, data: Segment[], slot = 0,
): Segment[] {
  box.ram.setUint32(HEADER + 16 * slot, type, true);
  box.ram.setBigUint64(HEADER + 16 * slot + 8, BigInt(sector), true);
  box.ram.setUint8(STATUS + slot, 0xff);
  return [
    { phys: HEADER + 16 * slot, bytes: 16, writable: false },
    ...data,
    { phys: STATUS + slot, bytes: 1, writable: true },
  ];
}

interface Options {
  single?: string[];
  cpus?: number;
  seed?: number;
  policy?: IrqPolicy;
}

/** Two disks, and the driver of the first one. */
export function start(words = "", { single, cpus = 4, seed = 1, policy }: Options = {}) {
  const box = new DiskBox(seed, cpus, words, single, policy);
  const driver = new Driver(box, 0, 0x1000);
  driver.initialise();
  return { box, driver };
}

export function fill(box: DiskBox, phys: number, bytes: number, seed: number): Uint8Array {
  const view = box.bytes(phys, bytes);
  for (let i = 0; i < bytes; i++) view[i] = (i * 7 + seed * 31 + (i >> 8)) & 0xff;
  return Uint8Array.from(view);
}

/** The entry of the first disk's line. */
export function redirect(box: DiskBox, low: number, high: number): void {
  for (const [index, value] of [[0x11, high], [0x10, low]]) {
    box.write(map.IOAPIC_PHYS, index + 2 * map.GSI_VIRTIO);
    box.write(map.IOAPIC_PHYS + 0x10, value);
  }
}
