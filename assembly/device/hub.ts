// The I/O hub: dispatch of port accesses to the UART, the exit port and the sleep control register
// (ACPI 6.4, 4.8.3.7, "Sleep Control and Status Registers"). Ports that nobody claims read as ones
// and ignore writes. The exit flag, the exit code and the console ring are in the hub block for the
// host to read (abi.ts).
import { HUB_BYTES, HUB_EXITED, HUB_EXIT_CODE, HUB_POWER_OFF } from "../abi";
import {
  PORT_EXIT, PORT_SLEEP_CONTROL, PORT_SLEEP_STATUS, PORT_UART, PORT_UART_COUNT,
  SLEEP_ENABLE, SLEEP_TYPE_S5,
} from "./map";
import { uartRead, uartWrite } from "./uart";

const SLEEP_TYPE_SHIFT: u32 = 2;
const SLEEP_TYPE_MASK: u32 = 7;

export function hubReset(hub: usize): void {
  memory.fill(hub, 0, HUB_BYTES);
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

/** The guest asked for the end of the run: exit port or power-off. */
export function hubStopped(hub: usize): bool {
  return (load<u32>(hub + HUB_EXITED) | load<u32>(hub + HUB_POWER_OFF)) != 0;
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
