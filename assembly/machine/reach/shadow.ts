// What the accesses of the explorer must see: the order of all commits and reads of a line in
// virtual time, and beside every store buffer a copy of what was put into it. Kept outside the
// machine, from what the program does and from the engine's trace.
//
// Rules, for every access that takes effect in the window under way:
//   - it takes effect inside the window, in program order of its CPU's stores;
//   - two accesses to a line by different CPUs, one of them a write, do not fall into one cycle,
//     and the host performs them in the order of their cycles (data lie in RAM only, so that order
//     is what a CPU sees);
//   - a load returns the youngest buffered store of its own CPU to the line, else the last write.
import { M_CPUS } from "../../abi";
import { TRACE_COMMIT, TRACE_REQUEST } from "../../trace-kinds";
import { Core, coreOf } from "../../memory/core";
import { param } from "../../memory/params";
import { hostOf } from "../../memory/ram";
import { Store } from "../../memory/store";
import { traceAt, traceWritten } from "../../memory/trace";

/** Which rule is broken (0: none). */
export const NOT_IN_WINDOW: u32 = 32;
export const STORES_OUT_OF_ORDER: u32 = 33;
export const READ_BEFORE_WRITE: u32 = 34; // the host read what a later cycle wrote
export const WRITE_BEFORE_READ: u32 = 35; // the host wrote what an earlier cycle reads
export const WRITES_OUT_OF_ORDER: u32 = 36;
export const STALE_VALUE: u32 = 37;
export const RAM_DIFFERS: u32 = 38;
export const BUFFER_DIFFERS: u32 = 39;
export const LOCK_NOT_DRAINED: u32 = 40;
export const REQUEST_IN_PAST: u32 = 41;

export const LINE_LIMIT: u32 = 4;
const CPU_LIMIT: u32 = 8;
const FIFO_LIMIT: u32 = 8;

/** A line: 0 | token u64 | 8 | written u64 | 16 | writer u32, pad | 24 | read u64[CPU_LIMIT]. */
@unmanaged
class Shadow {
  token: u64;
  /** Cycle and CPU of the last write in this window. */
  written: u64;
  writer: u32;
  pad0: u32;

  @inline static of(line: u32): Shadow {
    return changetype<Shadow>(area + <usize>line * SHADOW_BYTES);
  }
}
const SHADOW_BYTES: usize = 24 + 8 * <usize>CPU_LIMIT;

/** A CPU's stores that are not visible yet: 0 | count u64 | 8 | (line << 32 | token) u64[]. */
const FIFO_BYTES: usize = 8 + 8 * <usize>FIFO_LIMIT;
export const SHADOWS_BYTES: usize =
  <usize>LINE_LIMIT * SHADOW_BYTES + <usize>CPU_LIMIT * FIFO_BYTES;

let area: usize = 0;
let lines: u32 = 0;
let from: u64 = 0;
let until: u64 = 0;
let seen: u64 = 0;

/** The first rule that was broken since openShadows(). */
export let broken: u32 = 0;

export function openShadows(base: usize, lineCount: u32): void {
  area = base;
  lines = lineCount;
  broken = 0;
}

export function violate(rule: u32): void {
  if (!broken) broken = rule;
}

// @ts-ignore: decorator
@inline
function readAt(line: u32, cpu: u32): usize {
  return changetype<usize>(Shadow.of(line)) + 24 + (<usize>cpu << 3);
}

// @ts-ignore: decorator
@inline
function fifoOf(cpu: u32): usize {
  return area + <usize>LINE_LIMIT * SHADOW_BYTES + <usize>cpu * FIFO_BYTES;
}

/** Takes RAM and store buffers as they are for right: the window from `start` to `end` begins. */
export function beginShadows(start: u64, end: u64): void {
  from = start;
  until = end;
  seen = traceWritten();
  for (let line: u32 = 0; line < lines; line++) {
    const s = Shadow.of(line);
    s.token = load<u64>(hostOf(<u64>line << 6));
    s.written = 0;
    for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) store<u64>(readAt(line, cpu), 0);
  }
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const core = coreOf(cpu);
    const c = Core.of(core);
    store<u64>(fifoOf(cpu), c.sbCount);
    for (let i: u32 = 0; i < c.sbCount; i++) {
      const e = Store.at(core, c.sbHead + i);
      store<u64>(fifoOf(cpu) + 8 + (<usize>i << 3), (<u64>(e.phys >>> 6) << 32) | e.value);
    }
  }
}

/** A value that neither RAM nor a buffer holds for the line: a store of it can be told from all. */
export function freshToken(line: u32): u64 {
  let token: u64 = 1;
  while (inUse(line, token)) token++;
  return token;
}

function inUse(line: u32, token: u64): bool {
  if (Shadow.of(line).token == token) return true;
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const fifo = fifoOf(cpu);
    for (let i: usize = 0; i < <usize>load<u64>(fifo); i++) {
      if (load<u64>(fifo + 8 + (i << 3)) == ((<u64>line << 32) | token)) return true;
    }
  }
  return false;
}

/** CPU `cpu` put a store into its buffer. */
export function shadowStore(cpu: u32, line: u32, token: u64): void {
  shadowCommits();
  const fifo = fifoOf(cpu);
  const count = load<u64>(fifo);
  store<u64>(fifo + 8 + (<usize>count << 3), (<u64>line << 32) | token);
  store<u64>(fifo, count + 1);
}

/** CPU `cpu` read `value` at cycle `time`, with its own buffered stores in sight or not. */
export function shadowRead(cpu: u32, line: u32, value: u64, time: u64, forwarded: bool): void {
  shadowCommits();
  const fifo = fifoOf(cpu);
  for (let i = <usize>load<u64>(fifo); forwarded && i > 0; i--) {
    const entry = load<u64>(fifo + (i << 3));
    if (entry >>> 32 != line) continue;
    if ((entry & 0xffffffff) != value) violate(STALE_VALUE);
    return;
  }
  const s = Shadow.of(line);
  if (time < from || time >= until) violate(NOT_IN_WINDOW);
  if (value != s.token) violate(STALE_VALUE);
  if (s.written && s.writer != cpu && s.written >= time) violate(READ_BEFORE_WRITE);
  store<u64>(readAt(line, cpu), max(time, load<u64>(readAt(line, cpu))));
}

/** A locked access of CPU `cpu`: reads `value`, writes `token`. */
export function shadowLock(cpu: u32, line: u32, value: u64, token: u64, time: u64): void {
  shadowRead(cpu, line, value, time, false);
  if (load<u64>(fifoOf(cpu))) violate(LOCK_NOT_DRAINED);
  write(cpu, line, token, time);
}

function write(cpu: u32, line: u32, token: u64, time: u64): void {
  const s = Shadow.of(line);
  if (time < from || time >= until) violate(NOT_IN_WINDOW);
  if (s.written > time || (s.written == time && s.writer != cpu)) violate(WRITES_OUT_OF_ORDER);
  for (let other: u32 = 0; other < param(M_CPUS); other++) {
    if (other != cpu && load<u64>(readAt(line, other)) >= time) violate(WRITE_BEFORE_READ);
  }
  s.token = token;
  s.written = time;
  s.writer = cpu;
}

/** The commits that the engine made since the last call. */
export function shadowCommits(): void {
  const end = traceWritten();
  for (; seen < end; seen++) {
    const record = traceAt(seen);
    if (record.kind == TRACE_REQUEST && record.time < from) violate(REQUEST_IN_PAST);
    if (record.kind != TRACE_COMMIT) continue;
    const line = <u32>(record.phys >>> 6);
    const fifo = fifoOf(record.cpu);
    const count = load<u64>(fifo);
    if (!count || load<u64>(fifo, 8) != ((<u64>line << 32) | record.value)) {
      violate(STORES_OUT_OF_ORDER);
      return;
    }
    memory.copy(fifo + 8, fifo + 16, <usize>(count - 1) << 3);
    store<u64>(fifo, count - 1);
    write(record.cpu, line, record.value, record.time);
  }
}

/** At the end of the window: RAM and the store buffers hold what they must. */
export function endShadows(): void {
  shadowCommits();
  for (let line: u32 = 0; line < lines; line++) {
    if (load<u64>(hostOf(<u64>line << 6)) != Shadow.of(line).token) violate(RAM_DIFFERS);
  }
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const core = coreOf(cpu);
    const c = Core.of(core);
    if (load<u64>(fifoOf(cpu)) != c.sbCount) violate(BUFFER_DIFFERS);
    for (let i: u32 = 0; i < c.sbCount; i++) {
      const e = Store.at(core, c.sbHead + i);
      const entry = (<u64>(e.phys >>> 6) << 32) | e.value;
      if (load<u64>(fifoOf(cpu) + 8 + (<usize>i << 3)) != entry) violate(BUFFER_DIFFERS);
    }
  }
}
