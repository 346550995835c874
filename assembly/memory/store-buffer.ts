// The store buffer: a FIFO of retired stores (SDM Vol. 3A 8.2.2, "Memory Ordering in P6 and More
// Recent Processor Families"). The head commits, in order, once its line is owned; a head that
// misses asks for ownership and everything behind it waits for the snoop response (SDM Vol. 3B 19,
// event STORE_BLOCK.ORDER). A younger load does not wait: here, and only here, a load may be
// satisfied before an older store is visible.
import { CORE_LIMIT_MASK, SERVED_L1 } from "../abi";
import { check } from "../check";
import { CAUSE_STORE, LEVEL_L1D, TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE } from "../trace-kinds";
import { drainDelay } from "./adversary";
import { ask } from "./agent";
import { Line, NO_SLOT } from "./cache";
import { Core, accessTime, endStall, wakeWatchers } from "./core";
import { findCode, mayHoldCode } from "./l1";
import { countCommit } from "./counters";
import { ripNow } from "./history";
import { MSHR_GRANTED, Mshr, findMshr, releaseMshr } from "./mshr";
import {
  adversarial, countingStores, emptyMask, holdCycles, retireDelay, rfoPrefetch, tracing,
  tracingStores,
} from "./params";
import { GETX, MODIFIED, NEVER } from "./protocol";
import { hostOf, storeSized } from "./ram";
import { fillUnit } from "./refill";
import { SB_INDEX, SB_PLACES, Store, headReady, ownedLine } from "./store";
import { askAhead, nextAskAhead } from "./store-requests";
import { trace, traceLine } from "./trace";

/** Appends a store inside one line; there must be room. */
export function push(core: usize, phys: u64, size: u32, value: u64): void {
  const c = Core.of(core);
  check(c.sbCount < SB_PLACES);
  // Now and then, so that few loads meet the mask bit of a store that is long visible.
  if ((c.sbCount & 7) == 7) {
    advance(core, accessTime(c));
    refreshMask(core);
  }
  const e = Store.at(core, c.sbHead + c.sbCount);
  c.sbCount++;
  c.stores++;
  e.phys = <u32>phys;
  e.size = <u8>size;
  e.source = <u8>SERVED_L1;
  e.issue = c.clock;
  e.delay = <u32>(retireDelay + (adversarial ? drainDelay(c.cpu, c.stores) : 0));
  e.value = value;
  e.label = 0;
  c.sbMask |= granules(<u32>phys, size);
  if (mayHoldCode(core, <u32>phys) && findCode(core, <u32>phys >>> 6) != NO_SLOT) {
    // Self-modifying code (SDM Vol. 3A 8.1.3, "Handling Self- and Cross-Modifying Code"): the next
    // instruction is fetched when the store is visible, which takes the line out of the L1I.
    c.selfModified = 1;
    store<u64>(core, 0, CORE_LIMIT_MASK);
  }
  // Most stores go to the line of the one before.
  e.slot = c.sbSlot;
  // It is going to ask for its line: step() finds out when.
  if (!ownedLine(core, e)) store<u64>(core, 0, CORE_LIMIT_MASK);
  c.sbSlot = e.slot;
  if (tracing && (c.label || tracingStores)) {
    e.label = <u16>c.label;
    c.label = 0;
    const rip = <u64><u32>ripNow(core);
    trace(c.clock, c.cpu, TRACE_ISSUE, e.label, size, phys, value, rip);
  }
}

/**
 * The bits of Core.sbMask that an access of up to 8 bytes touches: linear and physical agree below
 * the page size.
 */
// @ts-ignore: decorator
@inline
function granules(phys: u32, size: u32): u64 {
  return (<u64>1 << (<u64>phys >> 3)) | (<u64>1 << ((<u64>phys + size - 1) >> 3));
}

/** A store to the line is in the buffer. */
export function holdsStoreTo(core: usize, line: u32): bool {
  const c = Core.of(core);
  for (let i: u32 = 0; i < c.sbCount; i++) {
    if (Store.at(core, c.sbHead + i).phys >>> 6 == line) return true;
  }
  return false;
}

/** Sets the mask from the entries: bits of committed stores go. */
export function refreshMask(core: usize): void {
  const c = Core.of(core);
  let mask: u64 = c.label ? ~0 : emptyMask;
  for (let i: u32 = 0; i < c.sbCount; i++) {
    const e = Store.at(core, c.sbHead + i);
    mask |= granules(e.phys, e.size);
  }
  c.sbMask = mask;
}

/**
 * Cycle of the buffer's next step: the head's commit or its request for ownership, or a request
 * ahead of its turn; NEVER when it is empty or all wait for a grant.
 */
export function nextHeadEvent(core: usize): u64 {
  const c = Core.of(core);
  if (!c.sbCount) return NEVER;
  const ahead = rfoPrefetch ? nextAskAhead(core, c) : NEVER;
  const head = Store.at(core, c.sbHead);
  if (c.misses && !ownedLine(core, head) && findMshr(core, head.phys >>> 6)) return ahead;
  return min(headReady(core, c), ahead);
}

/**
 * Everything that happens in the buffers and caches of the core's unit up to and including cycle
 * `time`, in order.
 */
// @ts-ignore: decorator
@inline
export function advance(core: usize, time: u64): void {
  if (Core.of(core).sibling) advanceUnit(core, time);
  else advanceThread(core, time);
}

/**
 * Both threads of a unit: what one commits or brings in, the other may use at once. The caller runs
 * the thread of `core`; if its sibling waits for what happens here, it goes on from there.
 */
function advanceUnit(core: usize, time: u64): void {
  const sibling = <usize>Core.of(core).sibling;
  const first = Core.of(core).thread == 0;
  for (;;) {
    const own = min(nextHeadEvent(core), Core.of(core).nextGrant);
    const other = min(nextHeadEvent(sibling), Core.of(sibling).nextGrant);
    if (min(own, other) > time) return;
    if (own < other || (own == other && first)) {
      advanceThread(core, own);
    } else {
      advanceThread(sibling, other);
      endStall(Core.of(sibling), other);
    }
  }
}

function advanceThread(core: usize, time: u64): void {
  const c = Core.of(core);
  for (;;) {
    if (c.sbCount) {
      const ready = headReady(core, c);
      if (ready <= time && ready < c.nextGrant) {
        if (rfoPrefetch && askAhead(core, c, ready - 1)) continue;
        const head = Store.at(core, c.sbHead);
        const line = ownedLine(core, head);
        if (line) {
          commit(core, c, changetype<Line>(changetype<usize>(line)), ready);
          continue;
        }
        const tag = head.phys >>> 6;
        if (!c.misses || !findMshr(core, tag)) {
          ask(core, tag, GETX, <u8>holdCycles, ready);
          continue;
        }
      }
      if (rfoPrefetch && askAhead(core, c, min(time, c.nextGrant - 1))) continue;
    }
    if (c.nextGrant > time) return;
    applyGrant(core, c.nextGrant);
  }
}

// @ts-ignore: decorator
@inline
function commit(core: usize, c: Core, line: Line, time: u64): void {
  const e = Store.at(core, c.sbHead);
  storeSized(hostOf(e.phys), e.size, e.value);
  if (tracing) traceCommit(core, c, e, line, time);
  line.state = MODIFIED;
  if (line.lru < time) line.lru = time;
  if (c.sibling) wakeWatchers(core, line.tag);
  if (countingStores) {
    countCommit(core, c.stores - c.sbCount, e.issue, time, e.source, e.phys, e.size);
  }
  c.sbHead = (c.sbHead + 1) & SB_INDEX;
  c.sbCount--;
  c.sbLastCommit = time;
  c.headOwned = 0;
  if (c.sbAsked) c.sbAsked--;
  if (c.sbCount) return;
  c.selfModified = 0;
  if (!c.label) c.sbMask = emptyMask;
}

function traceCommit(core: usize, c: Core, e: Store, line: Line, time: u64): void {
  if (line.state != MODIFIED) {
    traceLine(time, core, LEVEL_L1D, line.tag, line.state, MODIFIED, CAUSE_STORE);
  }
  if (!e.label && !tracingStores) return;
  trace(time, c.cpu, TRACE_COMMIT, e.label, e.size, e.phys, e.value, time - e.issue);
}

/** The line of the earliest grant arrives. */
function applyGrant(core: usize, time: u64): void {
  const c = Core.of(core);
  for (let i: u32 = 0; ; i++) {
    const m = Mshr.at(core, i);
    if (m.status != MSHR_GRANTED || m.grant != time) continue;
    // What the home agent granted is in the shared cache by now.
    check(m.home != 1);
    fillUnit(core, m, time);
    if (tracing) {
      const phys = <u64>m.line << 6;
      trace(time, c.cpu, TRACE_GRANT, 0, m.source, phys, m.state, time - m.time);
    }
    headOwnedFrom(core, m.line, time);
    if (c.sibling) headOwnedFrom(<usize>c.sibling, m.line, time);
    noteSource(core, c, m);
    releaseMshr(core, m);
    return;
  }
}

/** The line came at cycle `time`: a head that waits for it commits no earlier. */
// @ts-ignore: decorator
@inline
function headOwnedFrom(core: usize, line: u32, time: u64): void {
  const c = Core.of(core);
  if (c.sbCount && Store.at(core, c.sbHead).phys >>> 6 == line && c.headOwned < time) {
    c.headOwned = time;
  }
}

/** For the counters: whose miss the arrival of a line ends, and where it came from. */
function noteSource(core: usize, c: Core, m: Mshr): void {
  if (c.missLine == m.line + 1) c.missSource = m.source;
  if (m.kind != GETX) return;
  // The oldest store to the line has waited for it; those behind it find it owned.
  for (let i: u32 = 0; i < c.sbCount; i++) {
    const e = Store.at(core, c.sbHead + i);
    if (e.phys >>> 6 != m.line) continue;
    e.source = m.source;
    return;
  }
}
