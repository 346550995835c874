// The trace: a ring of fixed records per worker, written only while M_TRACE is set. It is outside
// the machine's state: with tracing on or off, every cycle and the state hash are the same.
import {
  MACHINE_BASE, MARK_LABEL, MARK_POINT, MARK_TAG, M_TRACE, M_TRACE_EVENTS, M_TRACE_FROM, M_TRACE_TO,
} from "../abi";
import { TRACE_LINE, TRACE_POINT } from "../trace-kinds";
import { Core } from "./core";
import { param, tracing } from "./params";
import { hostOf } from "./ram";

/**
 *     0 | time u64 | 8 | cpu u16 | kind u16 | label u16 | size u16 |
 *     16 | phys u32 | extra u32 | 24 | value u64 | 32
 */
@unmanaged
export class TraceRecord {
  time: u64;
  cpu: u16;
  kind: u16;
  label: u16;
  size: u16;
  phys: u32;
  extra: u32;
  value: u64;
}

const RECORD_BYTES: usize = 32;
/** The ring begins with the count of records written so far. */
const HEADER_BYTES: usize = 32;

let ring: usize = 0;
let capacity: u64 = 0;
let kinds: u32 = 0;
let from: u64 = 0;
let to: u64 = 0;

/** Bytes of one worker's ring. */
export function traceBytes(): usize {
  return HEADER_BYTES + <usize>param(M_TRACE_EVENTS) * RECORD_BYTES;
}

/** This worker's ring. */
export function openTrace(base: usize): void {
  ring = base;
  capacity = param(M_TRACE_EVENTS);
  kinds = param(M_TRACE);
  from = load<u64>(<usize>(MACHINE_BASE + M_TRACE_FROM));
  to = load<u64>(<usize>(MACHINE_BASE + M_TRACE_TO));
  if (!to) to = u64.MAX_VALUE;
}

/** Records written to this worker's ring so far. */
export function traceWritten(): u64 {
  return load<u64>(ring);
}

/** The `index`-th of them, if it was not overwritten yet. */
export function traceAt(index: u64): TraceRecord {
  const slot = <usize>(index % capacity);
  return changetype<TraceRecord>(ring + HEADER_BYTES + slot * RECORD_BYTES);
}

export function trace(
  time: u64, cpu: u32, kind: u32, label: u32, size: u32, phys: u64, value: u64, extra: u64 = 0,
): void {
  if (!capacity || !((kinds >> kind) & 1) || time < from || time >= to) return;
  const written = load<u64>(ring);
  const slot = <usize>(written % capacity);
  const r = changetype<TraceRecord>(ring + HEADER_BYTES + slot * RECORD_BYTES);
  r.time = time;
  r.cpu = <u16>cpu;
  r.kind = <u16>kind;
  r.label = <u16>label;
  r.size = <u16>size;
  r.phys = <u32>phys;
  r.extra = <u32>min<u64>(extra, u32.MAX_VALUE);
  r.value = value;
  store<u64>(ring, written + 1);
}

/**
 * A line changes its state in the cache `level` of `core`, or of its cluster. Called only while
 * something is recorded.
 */
export function traceLine(
  time: u64, core: usize, level: u32, line: u32, before: u8, after: u8, cause: u32,
): void {
  const cpu = Core.of(<usize>Core.of(core).caches).cpu;
  const states = <u64>before | (<u64>after << 8);
  trace(time, cpu, TRACE_LINE, cause, level, <u64>line << 6, states);
}

/** A NOP with a displacement of 32 bits (SDM Vol. 2B "NOP"), which is the mark's. */
const MARK_OPCODE: u32 = 0x00841f0f;
const MARK_BYTES: usize = 8;

/**
 * IRET has come back to the instruction at `phys`, perhaps to one that an event kept from its
 * access: then the label that its mark had set was dropped, and is set again.
 */
export function onReturn(core: usize, phys: u64): void {
  Core.of(core).returned = 0;
  if ((phys & 4095) < MARK_BYTES) return;
  const host = hostOf(phys) - MARK_BYTES;
  const disp = load<u32>(host, 4);
  if (load<u32>(host) == MARK_OPCODE && ((disp >>> 16) & 0xff) == MARK_LABEL) onMark(core, disp);
}

/**
 * A mark was executed: `disp` is the displacement of its NOP. Costs the guest nothing beyond that
 * NOP.
 */
export function onMark(core: usize, disp: u32): void {
  if (!tracing || disp >>> 24 != MARK_TAG) return;
  const c = Core.of(core);
  const kind = (disp >>> 16) & 0xff;
  const id = disp & 0xffff;
  if (kind == MARK_LABEL) {
    // The next access of this CPU carries the label; a mask of ones sends even a load that hits to
    // the port.
    c.label = id;
    c.sbMask = ~0;
  } else if (kind == MARK_POINT) {
    trace(c.clock, c.cpu, TRACE_POINT, id, 0, 0, 0);
  }
}
