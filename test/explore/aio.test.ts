// Case 001 as two functions and every interleaving: which way to write aio_complete() goes with
// which way to wait (workloads/explore/aio.c). Under sequential consistency every pair is right.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PENDING_SLEEP } from "../../assembly/abi.ts";
import { packageRoot } from "../../src/core/root.ts";
import { functionSetup, parseCalls } from "../../src/engine/explore-function.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { readElf } from "../../src/machine/elf.ts";

const NAME = "explore.elf";
const elf = readElf(readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)), NAME);

/** A row per completer k0 to k13, a letter per waiter a to j; H: it may sleep for ever. */
const MATRIX = [
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
const FREED_BEFORE = 13;
const WAITERS = 10;

async function row(k: number, inside: number, model: "tso" | "sc"): Promise<string> {
  let letters = "";
  for (let r = 0; r < WAITERS; r++) {
    const calls = parseCalls(`aio_wait(${r}),aio_complete(${k},${inside})`, elf, NAME);
    const { setup, ramBytes } = functionSetup(elf, NAME, calls);
    explorer ??= await Explorer.open(undefined, ramBytes);
    const { finals, bound, endless } = explorer.explore(setup, { model });
    expect([bound, endless]).toEqual([undefined, undefined]);
    expect(finals.length).toBeGreaterThan(0);
    const stuck = finals.flatMap((final) => final.stuck);
    // Nobody waits for anything else than to be woken.
    expect(stuck.filter(({ pending }) => pending !== PENDING_SLEEP)).toEqual([]);
    letters += stuck.length ? "H" : ".";
  }
  return letters;
}

let explorer: Explorer | undefined;

describe.each([["with ctx_lock held", 1], ["behind its unlock", 0]])("B %s", (_, inside) => {
  const completers = MATRIX.flatMap((letters, k) =>
    k === FREED_BEFORE && inside ? [] : [[k, letters] as const]);
  it.each(completers)("k%i: %s", async (k, letters) => {
    expect(await row(k, inside, "tso")).toBe(letters);
    expect(await row(k, inside, "sc"), "sc").toBe(".".repeat(WAITERS));
  });
});
