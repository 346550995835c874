// Adversarial drains (memory model `tso-adv`): every store stays in its buffer for a drawn time
// beyond the machine's own, so that reorderings which x86-TSO allows, and this machine's timing
// never shows, come out. The drain stays in order and no load waits for it, so nothing that TSO
// forbids can happen. The one place where the generator decides about an order: every report of
// such a run says so.
import { draw } from "../random";
import { seed } from "./params";

/** Streams of the generator, one a CPU, apart from those of the interrupt messages. */
const STREAM: u64 = 0x100;
const DELAY_BITS: u64 = 10;
/** No store is delayed longer. */
export const DELAY_MAX: u64 = 1 << DELAY_BITS;

/**
 * Cycles by which the `ordinal`-th store of `cpu` is late: U-shaped from 0 to DELAY_MAX. Stores
 * that hardly wait, beside stores that wait for long, make more orders than equal shares would.
 */
export function drainDelay(cpu: u32, ordinal: u64): u64 {
  const random = draw(seed, STREAM + cpu, ordinal);
  const root = random & (DELAY_MAX - 1);
  const near = (root * root) >> DELAY_BITS;
  return random >> 63 ? DELAY_MAX - near : near;
}
