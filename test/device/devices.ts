// The devices as a module of their own, with the parameters that they read.
import * as abi from "../../assembly/abi.ts";
import { type Compiled, compileEntry } from "../support/compile.ts";

export type Device = Record<string, (...values: Array<number | bigint>) => number> & {
  lapicDeadline(core: number): bigint;
  lapicReadMsr(core: number, msr: number): bigint;
};

export interface Devices {
  calls: Device;
  view: DataView;
}

export const CORE = 0x120000;
export const HUB = 0x140000;
export const OUTBOX = 0x180000;

let compiled: Compiled | undefined;

/** What the file behind a disk has in a block: other bytes in each. */
export function fileBlock(disk: number, block: number): Uint8Array {
  return Uint8Array.from({ length: 4096 }, (_, i) => disk * 89 + block * 31 + i * 7 + (i >> 8));
}

/** The module is compiled once for a test file; its memory is zeroed. */
export function compileDevices(cpus: number): Devices {
  compiled ??= compileEntry("test/device/assembly/devices.ts", fileBlock);
  const { exports, view } = compiled;
  new Uint8Array(view.buffer, abi.MACHINE_BASE).fill(0);
  view.setUint32(abi.MACHINE_BASE + abi.M_CPUS, cpus, true);
  view.setUint32(abi.MACHINE_BASE + abi.M_LAT_IPI, 700, true);
  for (let cpu = 0; cpu < cpus; cpu++) view.setUint8(abi.MACHINE_BASE + abi.M_CPU_APIC + cpu, cpu);
  return { calls: exports as unknown as Device, view };
}
