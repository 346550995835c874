// In place of the instruction set: a CPU performs the one access that the explorer chose for it,
// then sleeps to the end of the window. An access that stalls is made again, as an instruction is,
// until it is done.
import { CORE_CPU, CORE_L1D } from "../../abi";
import { Line, NO_SLOT } from "../../memory/cache";
import { Core, accessTime } from "../../memory/core";
import { evictData, findData } from "../../memory/l1";
import { portFetch, portLock, portRead, portReserve, portWrite } from "../../memory/port";
import { advance } from "../../memory/store-buffer";
import { freshToken, shadowLock, shadowRead, shadowStore } from "./shadow";

/** Bits of the set of operations that an exploration tries; 0 for none under way. */
export const OP_LOAD: u32 = 1;
export const OP_STORE: u32 = 2;
export const OP_LOCK: u32 = 4;
export const OP_FETCH: u32 = 8;
/** Another line takes the place of this one in the L1D. */
export const OP_EVICT: u32 = 16;
export const OP_LIMIT: u32 = 5;

/** What a CPU is doing, at the start of its core block. */
@unmanaged
export class Actor {
  op: u32;
  line: u32;

  @inline static of(core: usize): Actor {
    return changetype<Actor>(core + CORE_CPU);
  }
}

/** End of the window under way. */
let windowEnd: u64 = 0;

export function setWindowEnd(end: u64): void {
  windowEnd = end;
}

/** As execute(): Core.clock is before `limit`. */
export function act(core: usize, limit: u64): void {
  const c = Core.of(core);
  const a = Actor.of(core);
  if (a.op) {
    if (!perform(core, c, a)) return;
    a.op = 0;
  }
  c.clock = max(c.clock + 1, windowEnd);
}

function perform(core: usize, c: Core, a: Actor): bool {
  const line = a.line;
  const phys = <u64>line << 6;
  const time = accessTime(c);
  // The engine traces the commits of labelled stores only.
  c.label = a.op == OP_STORE ? 1 : 0;
  if (a.op == OP_LOAD) {
    const host = portRead(core, phys, 8);
    if (!host) return false;
    shadowRead(c.cpu, line, load<u64>(host), time, true);
  } else if (a.op == OP_STORE) {
    if (!portReserve(core, 1)) return false;
    const token = freshToken(line);
    portWrite(core, phys, 8, token);
    shadowStore(c.cpu, line, token);
  } else if (a.op == OP_LOCK) {
    const host = portLock(core, phys, 8);
    if (!host) return false;
    const token = freshToken(line);
    shadowLock(c.cpu, line, load<u64>(host), token, time);
    store<u64>(host, token);
  } else if (a.op == OP_FETCH) {
    const host = portFetch(core, phys);
    if (!host) return false;
    shadowRead(c.cpu, line, load<u64>(host), time, false);
  } else {
    advance(core, time);
    const slot = findData(core, line);
    if (slot == NO_SLOT) return true;
    evictData(core, Line.at(core + CORE_L1D, slot), slot, time);
  }
  return true;
}
