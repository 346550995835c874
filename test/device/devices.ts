// The devices as a module of their own, with the parameters that they read.
import * as abi from "../../assembly/abi.ts";
import { compileEntry } from "../support/compile.ts";

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

export function compileDevices(cpus: number): Devices {
  const { exports, view } = compileEntry("test/device/assembly/devices.ts");
  view.setUint32(abi.MACHINE_BASE + abi.M_CPUS, cpus, true);
  view.setUint32(abi.MACHINE_BASE + abi.M_LAT_IPI, 700, true);
  return { calls: exports as unknown as Device, view };
}
