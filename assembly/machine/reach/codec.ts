// Bytes out and in, for state.ts: small numbers, and cycles relative to the next window.
import { check } from "../../check";
import { NEVER } from "../../memory/protocol";

/** Byte of a cycle that is further back than matters. */
const LONG_AGO: u8 = 0;
const NEVER_BYTE: u8 = 255;
/** The byte of the first cycle of the next window. */
const NOW_BYTE: u64 = 100;

let now: u64 = 0;
let cursor: usize = 0;

/** Writing or reading begins at `at`; the next window begins at cycle `time`. */
export function openCodec(at: usize, time: u64): void {
  cursor = at;
  now = time;
}

export function codecAt(): usize {
  return cursor;
}

export function put(value: u32): void {
  check(value < 256);
  store<u8>(cursor++, <u8>value);
}

/** A cycle, or NEVER; any before `since` is long ago. */
export function putTime(time: u64, since: u64): void {
  if (time == NEVER) return put(NEVER_BYTE);
  if (time < since) return put(LONG_AGO);
  const value = time + NOW_BYTE - now;
  check(value > LONG_AGO && value < NEVER_BYTE);
  put(<u32>value);
}

export function take(): u32 {
  return load<u8>(cursor++);
}

export function takeTime(): u64 {
  const value = take();
  return value == NEVER_BYTE ? NEVER : now + value - NOW_BYTE;
}
