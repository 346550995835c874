// Which variants of case 001 can hang at all: what the engine explore finds of every completer with
// every reaper, in either layout (001-matrix.ts). test/explore/aio.test.ts explores them and
// compares; the row E001.13 asks the kernel's own copies.
import { nameOf } from "./001-variants.ts";

/** A row for each completer k0 to k13, a letter for each reaper a to j; H: it may hang. */
export const MATRIX: readonly string[] = [
  "HHHHHHHHH.", // k0: nothing between A3 and B
  "HHHHHHHHH.", // SFENCE
  "HHHHHHHHH.", // LFENCE
  "HHHHHHHHH.", // the tail is read back
  "HHHHHHHHH.", // MFENCE before A3
  "HHHHHHHHH.", // MFENCE behind B
  "HHHHHHHHH.", // XCHG before A3
  "..HHH.HH..", // k7: MFENCE between A3 and B
  "..HHH.HH..", // A3 by XCHG
  "..HHH.HH..", // XCHG behind A3
  "..HHH.HH..", // a locked decrement behind A3
  "..HHH..H..", // B under the wait queue's lock
  "..HHH..H..", // no B, always awake
  "..HHH.HH..", // ctx_lock freed by XCHG in front of B
];
const REAPERS = "abcdefghij";
/** This completer releases ctx_lock before it looks, which is layout 9. */
export const LAYOUT_9_ONLY = 13;

/** Names of the kernel's copies with this verdict, of both layouts. */
export function namesOf(verdict: "safe" | "hang"): string[] {
  const letter = verdict === "safe" ? "." : "H";
  return (["24", "9"] as const).flatMap((layout) => MATRIX.flatMap((cells, k) =>
    [...cells].flatMap((cell, r) => {
      if (cell !== letter || (k === LAYOUT_9_ONLY && layout === "24")) return [];
      return [nameOf({ completer: `k${k}`, reaper: REAPERS[r], layout, release: "mov" })];
    })));
}
