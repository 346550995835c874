// The I/O hub: UART, exit port, sleep register, unclaimed ports.
import { beforeAll, beforeEach, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import * as map from "../../assembly/device/map.ts";
import { compileDevices, type Device, type Devices, HUB } from "./devices.ts";

let devices: Devices;
let hub: Device;

beforeAll(() => {
  devices = compileDevices(1);
  hub = devices.calls;
});
beforeEach(() => hub.hubReset(HUB));

const word = (offset: number) => devices.view.getUint32(HUB + offset, true);

it("puts transmitted bytes into the console ring, which wraps", () => {
  for (let i = 0; i < abi.HUB_CONSOLE_BYTES + 2; i++) {
    hub.hubWrite(HUB, map.PORT_UART, 1, 0x40 + (i & 15));
  }
  expect(word(abi.HUB_CONSOLE_WRITTEN)).toBe(abi.HUB_CONSOLE_BYTES + 2);
  expect(devices.view.getUint8(HUB + abi.HUB_CONSOLE)).toBe(0x40);
  expect(devices.view.getUint8(HUB + abi.HUB_CONSOLE + 2)).toBe(0x42);
});

it("is always ready to transmit, and prints no divisor", () => {
  expect(hub.hubRead(HUB, map.PORT_UART + 5, 1) & 0x60).toBe(0x60);
  hub.hubWrite(HUB, map.PORT_UART + 3, 1, 0x83);
  hub.hubWrite(HUB, map.PORT_UART, 1, 1);
  hub.hubWrite(HUB, map.PORT_UART + 3, 1, 0x03);
  expect(word(abi.HUB_CONSOLE_WRITTEN)).toBe(0);
});

it("keeps the first exit code, whatever the width", () => {
  expect(hub.hubStopped(HUB)).toBe(0);
  hub.hubWrite(HUB, map.PORT_EXIT, 4, 0x107);
  hub.hubWrite(HUB, map.PORT_EXIT, 1, 9);
  expect(word(abi.HUB_EXIT_CODE)).toBe(7);
  expect(hub.hubStopped(HUB)).toBe(1);
});

it("powers off with SLP_EN and the type of S5 only", () => {
  hub.hubWrite(HUB, map.PORT_SLEEP_CONTROL, 1, map.SLEEP_ENABLE);
  expect(hub.hubStopped(HUB)).toBe(0);
  hub.hubWrite(HUB, map.PORT_SLEEP_CONTROL, 1, map.SLEEP_ENABLE | (map.SLEEP_TYPE_S5 << 2));
  expect(word(abi.HUB_POWER_OFF)).toBe(1);
});

it("reads ones from a port that nobody claims", () => {
  expect(hub.hubRead(HUB, 0x70, 4) >>> 0).toBe(0xffffffff);
});
