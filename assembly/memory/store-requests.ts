// When the stores of a buffer ask for their lines. The head asks when its turn comes; with
// rfoPrefetch = n the next n stores behind it ask too, once each and when they are retired. That
// shortens the wait at the head and changes no order: only the head commits, and a line that was
// lost meanwhile is asked for again when its store is there.
import { ask } from "./agent";
import { Core } from "./core";
import { findMshr } from "./mshr";
import { holdCycles, retireDelay, rfoPrefetch } from "./params";
import { GETX, NEVER } from "./protocol";
import { Store, headReady, ownedLine } from "./store";

/** Index from the head of the store that asks next ahead of its turn. */
// @ts-ignore: decorator
@inline
function nextToAsk(c: Core): u32 {
  return max<u32>(c.sbAsked, 1);
}

/** Cycle at which that store asks; NEVER when none of the first M_RFO_PREFETCH is left. */
export function nextAskAhead(core: usize, c: Core): u64 {
  const i = nextToAsk(c);
  if (i > rfoPrefetch || i >= c.sbCount) return NEVER;
  // Retired; and it came within reach of the head when the last store left, at the latest.
  return max(Store.at(core, c.sbHead + i).issue + retireDelay, c.sbLastCommit);
}

/** The line of the store at that index from the head is owned, or has been asked for. */
function hasAsked(core: usize, c: Core, index: u32): bool {
  const e = Store.at(core, c.sbHead + index);
  return ownedLine(core, e) != null || (c.misses != 0 && findMshr(core, e.phys >>> 6) != null);
}

/** The next request ahead of its turn, if one is due up to and including cycle `until`. */
export function askAhead(core: usize, c: Core, until: u64): bool {
  const time = nextAskAhead(core, c);
  if (time > until) return false;
  const i = nextToAsk(c);
  c.sbAsked = i + 1;
  if (hasAsked(core, c, i)) return true;
  const tag = Store.at(core, c.sbHead + i).phys >>> 6;
  ask(core, tag, GETX, <u8>holdCycles, time);
  return true;
}

/**
 * Cycle at which a store asks for its line; NEVER when all own theirs, or wait for a grant. To
 * there, and no further, may instructions run ahead of the buffer: a commit to an owned line may be
 * made up for later, but a line that comes in pushes another one out, and loads that run ahead
 * through the filter would have used that one, or changed which it is.
 */
export function nextAsk(core: usize): u64 {
  const c = Core.of(core);
  let ahead = NEVER;
  let asked = nextToAsk(c);
  let last = c.sbLastCommit;
  // As it will be when the first `i` stores have left, the last of them at cycle `last`.
  for (let i: u32 = 0; i < c.sbCount; i++) {
    if (rfoPrefetch && ahead == NEVER) {
      asked = max(asked, i + 1);
      for (; asked < c.sbCount && asked - i <= rfoPrefetch; asked++) {
        if (hasAsked(core, c, asked)) continue;
        ahead = max(Store.at(core, c.sbHead + asked).issue + retireDelay, last);
        break;
      }
    }
    const e = Store.at(core, c.sbHead + i);
    const ready = i ? max(e.ready, last + 1) : headReady(core, c);
    if (ahead <= ready) return ahead;
    if (!ownedLine(core, e)) return c.misses && findMshr(core, e.phys >>> 6) ? ahead : ready;
    last = ready;
  }
  return ahead;
}
