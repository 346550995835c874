// One quantum of a unit with two threads: they share its caches and its one issue slot. Whichever
// has the earlier next step goes first, and goes on until the other one's; where both could start
// an instruction in the same cycle, they take turns, and the loser starts a cycle later.
//
// Simplified: a thread that waits for memory, or whose instruction takes several cycles, leaves
// every cycle to its sibling; both have their own store buffer of the size that the machine names.
import { RUN_HALTED, RUN_RUNNING } from "../abi";
import { Core } from "../memory/core";
import { advance } from "../memory/store-buffer";
import { nextArrival, nextStep, nextTurn, runnable, step, wakes } from "./step";

export function runUnit(first: usize, from: u64, to: u64): void {
  const a = Core.of(first);
  const second = <usize>a.sibling;
  const b = Core.of(second);
  if (min(nextStep(first), nextStep(second)) >= to) return;
  a.until = to;
  b.until = to;
  for (;;) {
    const x = nextTurn(first);
    const y = nextTurn(second);
    if (min(x, y) >= to) break;
    if (x == y && starts(first, x)) {
      if (!starts(second, x)) {
        takeTurn(second, from, x + 1);
        continue;
      }
      // Their stores of this cycle first: a load sees them, whether it goes to the port or not.
      advance(first, x);
      a.turn ^= 1;
      takeTurn(a.turn ? first : second, from, x + 1);
      const other = a.turn ? b : a;
      other.clock = max(other.clock, x + 1);
    } else if (x <= y) {
      takeTurn(first, from, min(to, max(y, x + 1)));
    } else {
      takeTurn(second, from, min(to, x));
    }
  }
  advance(first, to - 1);
}

/** The thread starts an instruction at `time`, with nothing before it. */
function starts(core: usize, time: u64): bool {
  const c = Core.of(core);
  return runnable(c) && c.clock == time && nextArrival(core) > time;
}

/** One thread as far as `limit`, or less. */
function takeTurn(core: usize, from: u64, limit: u64): void {
  const c = Core.of(core);
  // In the middle of a long instruction its lines and stores still come and go.
  if (runnable(c) && c.clock >= limit) advance(core, limit - 1);
  else step(core, from, limit);
  if (c.run == RUN_HALTED && wakes(core)) c.run = RUN_RUNNING;
}
