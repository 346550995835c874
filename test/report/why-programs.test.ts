// Why a program of the user's waits for ever, or which of its loads overtook which store: told by
// its own variables and lines, and no more than the run proves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import type { Load, Store } from "../../src/engine/accesses.ts";
import { likeliest } from "../../src/report/why/sleepers.ts";
import { crossingOf } from "../../src/report/why/stale.ts";
import { buildProgram } from "../support/program.ts";
import { hasTool } from "../support/tools.ts";
import { checkText, explain } from "./why-text.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-why-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

/** Two threads, each with the mutex that the other one waits for. */
const DEADLOCK = `
#include <mini.h>
static volatile u32 first_lock LINE_ALIGNED, second_lock LINE_ALIGNED;
static volatile int first_held LINE_ALIGNED, second_held LINE_ALIGNED;
static struct thread other;
static void take(volatile u32 *lock)
{
  while (__sync_lock_test_and_set(lock, 2))
    sys_futex_wait((u32 *)lock, 2);
}
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  take(&second_lock);
  second_held = 1;
  while (!first_held)
    ;
  take(&first_lock);
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  take(&first_lock);
  first_held = 1;
  while (!second_held)
    ;
  take(&second_lock);
  thread_join(&other);
  return 0;
}
`;

/** Dekker's entry, on lines that both have read; `fence` between the store and the load. */
const DEKKER = (fence: string) => `
#include <mini.h>
static volatile long first_wants LINE_ALIGNED, second_wants LINE_ALIGNED;
static volatile long turn LINE_ALIGNED, ready LINE_ALIGNED, go LINE_ALIGNED, done LINE_ALIGNED;
static volatile long both LINE_ALIGNED, seen;
static struct thread other;
static void wait_for(volatile long *place, long value)
{
  while (*place != value)
    ;
}
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  for (long round = 1; round <= 200; round++) {
    wait_for(&turn, round);
    second_wants = 0;
    (void)first_wants;
    __sync_synchronize();
    ready = round;
    wait_for(&go, round);
    second_wants = 1;
    ${fence}
    seen = first_wants;
    done = round;
  }
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  for (long round = 1; round <= 200; round++) {
    long mine;
    first_wants = 0;
    __sync_synchronize();
    turn = round;
    wait_for(&ready, round);
    (void)second_wants;
    __sync_synchronize();
    go = round;
    for (long i = 0; i < 4 * (round % 100); i++)
      asm volatile("");
    first_wants = 1;
    ${fence}
    mine = second_wants;
    wait_for(&done, round);
    if (!mine && !seen)
      both = both + 1;
  }
  thread_join(&other);
  return both ? 1 : 0;
}
`;

/**
 * A wake-up in rounds: one announces that it waits and looks, the other one says that it is ready
 * and looks. Both then sleep until the round is over: who has looked at the queues of sleepers for
 * an earlier round has not looked for this one. `fence` between the store and the look.
 */
const WAKE = (fence: string) => `
#include <mini.h>
static volatile long ready LINE_ALIGNED, waiting LINE_ALIGNED, go LINE_ALIGNED, armed LINE_ALIGNED;
static volatile u32 gate LINE_ALIGNED, back LINE_ALIGNED;
static struct thread other;
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  for (long round = 1; round <= 400; round++) {
    (void)waiting;
    ready = 0;
    (void)waiting;
    __sync_synchronize();
    armed = round;
    while (go != round)
      ;
    ready = 1;
    ${fence}
    if (waiting) {
      gate = round;
      sys_futex_wake((u32 *)&gate, 1);
    }
    while (back != (u32)round)
      sys_futex_wait((u32 *)&back, (u32)round - 1);
  }
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  for (long round = 1; round <= 400; round++) {
    u32 old = gate;
    waiting = 0;
    while (armed != round)
      ;
    (void)ready;
    __sync_synchronize();
    go = round;
    for (long i = 0; i < 4 * (round % 100); i++)
      asm volatile("");
    waiting = 1;
    ${fence}
    if (!ready)
      sys_futex_wait((u32 *)&gate, old);
    back = round;
    sys_futex_wake((u32 *)&back, 1);
  }
  thread_join(&other);
  return 0;
}
`;

/** Both look before either tells: one sleeps then, for ever if nobody else is left. */
const LOOK_FIRST = (end: string) => `
#include <mini.h>
static volatile long ready LINE_ALIGNED, waiting LINE_ALIGNED, looked LINE_ALIGNED;
static volatile u32 gate LINE_ALIGNED;
static struct thread other;
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  if (!ready) {
    looked = 1;
    while (looked != 2)
      ;
    waiting = 1;
    sys_futex_wait((u32 *)&gate, 0);
  }
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  while (looked != 1)
    ;
  if (waiting) {
    gate = 1;
    sys_futex_wake((u32 *)&gate, 1);
  }
  looked = 2;
  ready = 1;
  for (long i = 0; i < 20000; i++)
    asm volatile("");
  ${end}
}
`;

describe.skipIf(!hasTool("gcc", "gcc"))("a program of the user's", () => {
  const build = (name: string, text: string) => buildProgram(folder, name, text);

  it("the load that overtook the store is named by variable and line", async () => {
    const options: CreateOptions = { image: build("dekker", DEKKER("")), maxCycles: 200_000_000n };
    const { result, found } = await explain(options);
    expect(result!.exit).toBe(1);
    const names = ["first_wants", "second_wants"];
    const own = found.find(({ paragraphs }) =>
      names.every((name) => paragraphs.join(" ").includes(`loaded ${name}`)))!;
    expect(own.kind).toBe("reordering");
    const text = own.paragraphs.join(" ");
    for (const name of names) {
      expect(text).toMatch(new RegExp(`stored ${name} = 1 at \\d+ \\(\\w+, dekker\\.c:\\d+\\)`));
    }
    const { first, second } = own.crossing!;
    expect([first.store.value, second.store.value]).toEqual([1n, 1n]);
    expect([first.read.value, second.read.value]).toEqual([0n, 0n]);
    await checkText(options, own);
  }, 300_000);

  it("with fences nothing is found", async () => {
    const { result, found } = await explain({
      image: build("fenced", DEKKER("__sync_synchronize();")), maxCycles: 200_000_000n,
    });
    expect(result!.exit).toBe(0);
    expect(found).toEqual([]);
  }, 300_000);

  it("a deadlock of two mutexes is not called a lost wake-up", async () => {
    const { result, found } = await explain({
      image: build("deadlock", DEADLOCK), maxCycles: 200_000_000n,
    });
    expect(result!.exit).toBe("hang");
    expect(found.filter(({ kind }) => kind !== "reordering")).toEqual([]);
  }, 300_000);

  it("what was looked for in an earlier round has not decided this one", async () => {
    const options: CreateOptions = { image: build("wake", WAKE("")), maxCycles: 200_000_000n };
    const { result, found } = await explain(options);
    expect(result!.exit).toBe("hang");
    const [own, ...others] = found.filter(({ kind }) => kind !== "reordering");
    // The other one sleeps until this round is over, which is right.
    expect(others).toEqual([]);
    expect([own.cause, own.needsBuffer]).toEqual(["store buffer", true]);
    const text = own.paragraphs.join(" ");
    for (const [name, symbol] of [["waiting", "main"], ["ready", "second"]]) {
      expect(text).toMatch(
        new RegExp(`stored ${name} = 1 at \\d+ \\(${symbol}, wake\\.c:\\d+\\)`));
      expect(text).toMatch(new RegExp(`loaded ${name} at`));
    }
    expect(text).toMatch(/A full fence .* is missing between main.* and between second/);
    await checkText(options, own);
  }, 300_000);

  it("with full fences there, nothing is lost", async () => {
    const { result, found } = await explain({
      image: build("woken", WAKE("__sync_synchronize();")), maxCycles: 200_000_000n,
    });
    expect(result!.exit).toBe(0);
    expect(found).toEqual([]);
  }, 300_000);

  it("only a machine at rest proves that nobody comes any more", async () => {
    const lost = async (name: string, end: string) => {
      const { result, found } = await explain({
        image: build(name, LOOK_FIRST(end)), maxCycles: 20_000_000n,
      });
      return { exit: result!.exit, found: found.filter(({ kind }) => kind !== "reordering") };
    };
    const hang = await lost("joins", "thread_join(&other); return 0;");
    expect(hang.exit).toBe("hang");
    expect(hang.found.map(({ cause, needsBuffer }) => ({ cause, needsBuffer })))
      .toEqual([{ cause: "interleaving", needsBuffer: false }]);
    expect(hang.found[0].paragraphs.join(" ")).toContain("fences alone do not exclude them");
    expect(await lost("spins", "for (;;);")).toEqual({ exit: "budget", found: [] });
  }, 300_000);
});

describe("of several crossings", () => {
  const load = (cpu: number, time: number): Load =>
    ({ cpu, time, phys: 0, size: 8, rip: 0, value: 0n, locked: false, waiting: [] });
  const store = (cpu: number, time: number): Store =>
    ({ cpu, time, visible: time + 200, phys: 0, size: 8, rip: 0, value: 1n, locked: false });
  // The sleeper looks at 1000, before it queues itself, and has stored a sign at 990.
  const [look, queued, sign] = [load(0, 1000), store(0, 1500), store(0, 990)];
  const crossing = (own: Store, theirs: Load, names: boolean, apart = false) => {
    const sides = [{ cpu: 0, store: own, read: look }, { cpu: 1, store: ready, read: theirs }];
    return { names, apart, crossing: crossingOf(sides[0], sides[1]) };
  };
  const ready = store(1, 950);

  it("who is named comes first, but for a look of another call when there is a reordering", () => {
    const named = crossing(queued, load(1, 900), true);
    const apart = crossing(queued, load(1, 700), true, true);
    const reordering = crossing(sign, load(1, 1010), false);
    const both = crossing(sign, load(1, 960), true);
    const neither = crossing(queued, load(1, 949), false);
    const order = [both, named, reordering, apart, neither];
    for (let i = 0; i < order.length; i++) {
      expect(likeliest(order.slice(i).reverse()), `${i}`).toBe(order[i]);
    }
    expect(likeliest([])).toBeUndefined();
    // The closer one of two
    expect(likeliest([crossing(queued, load(1, 800), true), named])).toBe(named);
  });
});
