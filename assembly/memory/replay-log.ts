// What a replay does, for people: a record for each instruction and each of its accesses.
import { LOG_RECORD_BYTES } from "../abi";

/**
 *     0 | kind u32: LOG_* | 4 | thread u32 | 8 | phys u64 | 16 | size u32 | 20 | pad |
 *     24 | value u64 | 32
 */
@unmanaged
class LogRecord {
  kind: u32;
  thread: u32;
  phys: u64;
  size: u32;
  pad: u32;
  value: u64;
}

/** Instructions are logged: a step that is taken for the first time is not, only one again. */
export let logging: bool = false;
let open: bool = false;
/** Bytes of the log that was closed last. */
export let logLength: usize = 0;
let begin: usize = 0;
let next: usize = 0;
let end: usize = 0;
let mark: usize = 0;

/** Keep a log in [from, to); what has no room there is left out. */
export function openLog(from: usize, to: usize): void {
  open = true;
  begin = next = mark = from;
  end = to;
  logLength = 0;
}

export function closeLog(): void {
  if (open) logLength = next - begin;
  open = logging = false;
}

export function logInstructions(on: bool): void {
  logging = on && open;
}

/** An instruction begins; if it comes to nothing, rewindLog() forgets it. */
export function markLog(): void {
  mark = next;
}

export function rewindLog(): void {
  next = mark;
}

export function logEvent(kind: u32, thread: u32, phys: u64, size: u32, value: u64): void {
  if (!open || next + LOG_RECORD_BYTES > end) return;
  const r = changetype<LogRecord>(next);
  r.kind = kind;
  r.thread = thread;
  r.phys = phys;
  r.size = size;
  r.value = value;
  next += LOG_RECORD_BYTES;
}
