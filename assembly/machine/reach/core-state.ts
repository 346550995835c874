// The part of state.ts that is a CPU's: its access under way, store buffer, misses, L1s.
import { check } from "../../check";
import { CORE_L1D, CORE_L1I } from "../../abi";
import { Line, setFilter } from "../../memory/cache";
import { Core } from "../../memory/core";
import {
  MSHR_FREE, MSHR_GRANTED, MSHR_LIMIT, MSHR_WAITING, Mshr, refreshNextGrant,
} from "../../memory/mshr";
import { l1Sets, l1Ways, retireDelay } from "../../memory/params";
import { INVALID, NEVER } from "../../memory/protocol";
import { hostOf } from "../../memory/ram";
import { Store } from "../../memory/store";
import { Actor } from "./actor";
import { put, putTime, take, takeTime } from "./codec";
import { rankOf } from "./ranks";

/** Writes CPU `core` at the end of a window; the next one begins at cycle `now`. */
export function putCore(core: usize, lines: u32, now: u64): void {
  const c = Core.of(core);
  const a = Actor.of(core);
  put(a.op | (a.line << 5));
  put(c.stall | (c.selfModified << 4));
  // The clock of a CPU that waits moves on with the event that ends the wait.
  putTime(c.clock, now);
  put(c.sbCount);
  // headReady() is a max(): what is over before the window has no say any more.
  putTime(c.sbLastCommit, now - 1);
  putTime(c.headOwned, now);
  for (let i: u32 = 0; i < c.sbCount; i++) {
    const e = Store.at(core, c.sbHead + i);
    put(e.phys >>> 6);
    putTime(e.issue, now - retireDelay);
  }
  put(c.misses);
  let left = c.misses;
  for (let i: u32 = 0; left; i++) {
    const m = Mshr.at(core, i);
    if (m.status == MSHR_FREE) continue;
    left--;
    put(i | (m.line << 5));
    const waiting = m.status == MSHR_WAITING;
    put(m.kind | (<u32>m.status << 2) | (waiting ? 0 : (<u32>m.state << 4) | (<u32>m.home << 6)));
    put(m.hold);
    if (waiting) putTime(m.time, 0);
    else putTime(m.grant, 0);
    put(!waiting && !m.home ? rankOf(m.order) : 0);
  }
  putLines(core + CORE_L1D, lines);
  putLines(core + CORE_L1I, lines);
}

/** Reads what putCore() wrote. `tokens`: per line the last value given to a store of it. */
export function takeCore(core: usize, lines: u32, now: u64, tokens: usize): void {
  const c = Core.of(core);
  const a = Actor.of(core);
  const op = take();
  a.op = op & 31;
  a.line = op >> 5;
  const stall = take();
  c.stall = stall & 15;
  c.selfModified = stall >> 4;
  c.clock = takeTime();
  c.sbHead = 0;
  c.sbCount = take();
  c.stores = c.sbCount;
  c.sbLastCommit = takeTime();
  c.headOwned = takeTime();
  c.sbMask = ~0;
  c.sbSlot = 0;
  c.label = 0;
  // The sibling's locked access makes one wait, which any access may do anyway.
  c.lastLocked = 0;
  for (let i: u32 = 0; i < c.sbCount; i++) {
    const e = Store.at(core, i);
    const line = take();
    const token = load<u64>(tokens + (<usize>line << 3)) + 1;
    store<u64>(tokens + (<usize>line << 3), token);
    e.phys = line << 6;
    e.size = 8;
    e.label = 1;
    e.issue = takeTime();
    e.delay = <u32>retireDelay;
    e.slot = 0;
    e.value = token;
  }
  for (let i: u32 = 0; i < MSHR_LIMIT; i++) Mshr.at(core, i).status = MSHR_FREE;
  c.misses = take();
  for (let n: u32 = 0; n < c.misses; n++) takeMshr(core, now);
  refreshNextGrant(core);
  takeLines(core + CORE_L1D, lines);
  takeLines(core + CORE_L1I, lines);
}

function takeMshr(core: usize, now: u64): void {
  const place = take();
  const m = Mshr.at(core, place & 31);
  const flags = take();
  m.line = place >>> 5;
  m.local = 0;
  m.kind = <u8>(flags & 3);
  m.status = <u8>((flags >>> 2) & 3);
  m.state = <u8>((flags >>> 4) & 3);
  m.home = <u8>(flags >>> 6);
  m.hold = <u8>take();
  const time = takeTime();
  m.time = m.status == MSHR_WAITING ? time : now;
  m.grant = m.status == MSHR_GRANTED ? time : NEVER;
  m.order = take();
}

/** An L1 of one set: by line where all fit, else by place with the order of the last uses. */
function putLines(base: usize, lines: u32): void {
  check(l1Sets == 1);
  if (l1Ways < lines) {
    for (let way: u32 = 0; way < l1Ways; way++) {
      const l = Line.at(base, way);
      put(l.state == INVALID ? 0 : (<u32>l.state | (l.tag << 2) | (lruRank(base, l.lru) << 5)));
    }
    return;
  }
  for (let line: u32 = 0; line < lines; line++) {
    let state: u8 = INVALID;
    for (let way: u32 = 0; way < l1Ways; way++) {
      const l = Line.at(base, way);
      if (l.tag == line && l.state != INVALID) state = l.state;
    }
    put(state);
  }
}

/** Lines of the set that were used before. */
function lruRank(base: usize, lru: u64): u32 {
  let rank: u32 = 0;
  for (let way: u32 = 0; way < l1Ways; way++) {
    const l = Line.at(base, way);
    if (l.state != INVALID && l.lru < lru) rank++;
  }
  return rank;
}

function takeLines(base: usize, lines: u32): void {
  for (let way: u32 = 0; way < l1Ways; way++) {
    const l = Line.at(base, way);
    const value = way < lines ? take() : 0;
    l.state = <u8>(value & 3);
    l.tag = l1Ways < lines ? (value >>> 2) & 7 : way;
    l.lru = l.state == INVALID ? 0 : 1 + (value >>> 5);
    setFilter(l, 0, 0);
  }
}

/** RAM and the values in the buffers are numbered anew: 1 is what RAM holds. */
export function takeRam(lines: u32, tokens: usize): void {
  for (let line: u32 = 0; line < lines; line++) {
    store<u64>(hostOf(<u64>line << 6), 1);
    store<u64>(tokens + (<usize>line << 3), 1);
  }
}
