// What why says of programs that sleep for ever in different ways: who sleeps, what it had looked
// at, who changed that and whether that one looked for sleepers. No more than the run proves.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Machine } from "../../src/engine/machine.ts";
import { rightWaitsOf } from "../../src/report/why/waits.ts";
import { buildProgram } from "../support/program.ts";
import { hasTool } from "../support/tools.ts";
import { explain } from "./why-text.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-asleep-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

/** `other` on CPU 2 and `first`, main's, on CPU 0. */
const program = (variables: string, other: string, first: string) => `
#include <mini.h>
#define DELAY(steps) for (volatile int step = 0; step < (steps); step++)
${variables.trim().split("\n").map((line) => `static volatile ${line.trim()};`).join("\n")}
static struct thread other;
static void second(void *unused)
{
  (void)unused;
  pin_to_cpu(2);
  ${other}
}
int main(void)
{
  pin_to_cpu(0);
  thread_start(&other, second, 0);
  ${first}
  thread_join(&other);
  return 0;
}
`;

async function told(name: string, text: string) {
  const { result, found } = await explain(
    { image: buildProgram(folder, name, text), maxCycles: 200_000_000n });
  return {
    exit: result!.exit, all: found,
    found: found.filter(({ kind }) => kind !== "reordering")
      .map((one) => ({ ...one, text: one.paragraphs.join(" ") })),
  };
}

describe.skipIf(!hasTool("gcc", "gcc"))("why", () => {
  it("who waits for a thread that pauses waits rightly", async () => {
    const text = program(
      "long ready LINE_ALIGNED\nlong beat LINE_ALIGNED",
      "ready = 1; while (beat < 5); long seen = beat; ready = seen; sys_pause();",
      "while (!ready); for (int i = 0; i < 10; i++) { beat = i; (void)ready; }");
    const { exit, found } = await told("pauses", text);
    expect(exit).toBe("hang");
    expect(found).toEqual([]);
    const machine = await Machine.create({ image: buildProgram(folder, "again", text) });
    await machine.run();
    expect(rightWaitsOf(machine).filter(({ comm }) => comm === "init").map(({ what }) => what))
      .toEqual(["for the thread other to end", "for a signal"]);
    machine.close();
  }, 300_000);

  it("a waker that looks first and stores late, in a program, is found", async () => {
    const { exit, found } = await told("late", program(
      "u32 flag LINE_ALIGNED\nlong a LINE_ALIGNED\nlong b LINE_ALIGNED",
      "while (!a); sys_futex_wake((u32 *)&flag, 1); b = 1; DELAY(4000); flag = 1;",
      "a = 1; while (!b); while (!flag) sys_futex_wait((u32 *)&flag, 0);"));
    expect(exit).toBe("hang");
    expect(found.map(({ kind, task }) => [kind, task!.cpu])).toEqual([["lost wake-up", 0]]);
    const { text } = found[0];
    expect(text).toMatch(/cpu2 loaded buckets\[\d+\]\.waiters\.next at \d+ \(futex_wake, /);
    expect(text).toMatch(/cpu0 loaded flag at \d+ \(main, late\.c:\d+\) and found 0/);
    expect(text).toMatch(/cpu2 stored flag = 1 at \d+ \(second, late\.c:\d+\)/);
    expect(text).not.toMatch(/loaded (stack|\S*slock)/);
  }, 300_000);

  it("a sign that is taken by an exchange is a look, a lock is none", async () => {
    const { exit, found } = await told("token", program(
      "u32 token LINE_ALIGNED\nu32 parked LINE_ALIGNED\nu32 gate LINE_ALIGNED\n" +
        "long a LINE_ALIGNED\nlong b LINE_ALIGNED\nu32 lock LINE_ALIGNED",
      "while (!a); u32 saw = parked; b = 1; DELAY(300); __sync_lock_test_and_set(&token, 1); " +
        "__sync_lock_test_and_set(&lock, 1); __sync_lock_release(&lock); " +
        "if (saw) { gate = 1; sys_futex_wake((u32 *)&gate, 1); }",
      "a = 1; while (!b); if (!__sync_lock_test_and_set(&token, 0)) { parked = 1; " +
        "while (__sync_lock_test_and_set(&lock, 1)); __sync_lock_release(&lock); " +
        "sys_futex_wait((u32 *)&gate, 0); }"));
    expect(exit).toBe("hang");
    expect(found.map(({ kind, task }) => [kind, task!.cpu])).toEqual([["asleep", 0]]);
    const { text, title } = found[0];
    expect(text).toMatch(/cpu0 loaded token at \d+ .* and found 0/);
    expect(text).toMatch(/cpu2 changed token by a locked instruction/);
    expect(text).toMatch(/cpu2 loaded parked at \d+ .* and found 0/);
    expect(text).not.toMatch(/ lock /);
    expect(title).not.toContain("Lost");
  }, 300_000);

  it("the one that slept is the one that had looked last, however long before", async () => {
    const { exit, found } = await told("far", program(
      "long ready LINE_ALIGNED\nlong waiting LINE_ALIGNED\nlong go LINE_ALIGNED\n" +
        "long armed LINE_ALIGNED\nu32 gate LINE_ALIGNED\nu32 back LINE_ALIGNED",
      "for (long r = 1; r <= 400; r++) { (void)waiting; ready = 0; __sync_synchronize(); " +
        "armed = r; while (go != r); ready = 1; " +
        "if (waiting) { gate = r; sys_futex_wake((u32 *)&gate, 1); } " +
        "while (back != (u32)r) sys_futex_wait((u32 *)&back, (u32)r - 1); }",
      "for (long r = 1; r <= 400; r++) { u32 old = gate; waiting = 0; while (armed != r); " +
        "(void)ready; __sync_synchronize(); go = r; " +
        "for (long i = 0; i < 4 * (r % 100); i++) asm volatile(\"\"); waiting = 1; " +
        "if (!ready) { DELAY(4000); sys_futex_wait((u32 *)&gate, old); } " +
        "back = r; sys_futex_wake((u32 *)&back, 1); }"));
    expect(exit).toBe("hang");
    // The other one sleeps on `back`, which only the first one changes.
    expect(found.map(({ task, needsBuffer }) => [task!.cpu, needsBuffer])).toEqual([[0, true]]);
    expect(found[0].text).toMatch(/cpu0 loaded ready/);
  }, 300_000);

  it("where nobody looked for who sleeps, that is said", async () => {
    const { exit, found } = await told("forgot", program(
      "u32 flag LINE_ALIGNED\nu32 wrong LINE_ALIGNED\nlong work LINE_ALIGNED",
      "DELAY(20000); wrong = 1; sys_futex_wake((u32 *)&wrong, 1); flag = 1;",
      "while (!flag) sys_futex_wait((u32 *)&flag, 0);"));
    expect(exit).toBe("hang");
    expect(found.map(({ kind, task, crossing }) => [kind, task!.cpu, crossing]))
      .toEqual([["asleep", 0, undefined]]);
    expect(found[0].text).toMatch(/cpu2 stored flag = 1 at \d+ \(second/);
    expect(found[0].text).toMatch(/where it had queued itself, no other CPU has looked since\./);
    expect(found[0].text).toMatch(/It sleeps on flag, now 1; what it waits for is not known\.$/);
  }, 300_000);

  it("accesses of different sizes that overlap are seen", async () => {
    const { exit, all } = await told("mixed", program(
      "u64 first LINE_ALIGNED\nu64 its LINE_ALIGNED\nlong turn LINE_ALIGNED\n" +
        "long go LINE_ALIGNED\nlong done LINE_ALIGNED\nlong seen LINE_ALIGNED",
      "for (long r = 1; r <= 200; r++) { its = 0; (void)first; __sync_synchronize(); turn = r; " +
        "while (go != r); its = 1; seen = *(volatile u32 *)&first; done = r; }",
      "for (long r = 1; r <= 200; r++) { while (turn != r); first = 0; (void)its; " +
        "__sync_synchronize(); go = r; " +
        "for (long i = 0; i < 4 * (r % 100); i++) asm volatile(\"\"); first = 1; " +
        "u32 mine = *(volatile u32 *)&its; while (done != r); if (!mine && !seen) return 1; }"));
    expect(exit).toBe(1);
    const text = all.map(({ paragraphs }) => paragraphs.join(" "))
      .find((one) => one.includes("loaded first") && one.includes("loaded its"))!;
    expect(text).toMatch(/A full fence .* is missing between/);
  }, 300_000);

  it("who sleeps on a word that nobody changed, after all that came, is right", async () => {
    // The wake-up of 1 comes from an earlier call than the store to `status`.
    const { exit, found } = await told("right", program(
      "u32 jobs LINE_ALIGNED\nu32 done LINE_ALIGNED\nlong status LINE_ALIGNED",
      "u32 last = 0; long seen = 0; for (;;) { " +
        "while (jobs == last) sys_futex_wait((u32 *)&jobs, last); last = jobs; " +
        "seen += status; done = last; sys_futex_wake((u32 *)&done, 1); }",
      "for (u32 i = 1; i <= 5; i++) { jobs = i; sys_futex_wake((u32 *)&jobs, 1); " +
        "while (done != i) sys_futex_wait((u32 *)&done, i - 1); } DELAY(500); status = 7;"));
    expect(exit).toBe("hang");
    expect(found).toEqual([]);
  }, 300_000);

  it("of a mutex whose unlock saw nobody: its word, who changed it, no look since", async () => {
    const { exit, found } = await told("unlock", program(
      "u32 lock LINE_ALIGNED\nlong a LINE_ALIGNED\nlong b LINE_ALIGNED",
      "__sync_lock_test_and_set(&lock, 1); a = 1; while (!b); u32 was = lock; DELAY(500); " +
        "lock = 0; if (was == 2) sys_futex_wake((u32 *)&lock, 1);",
      "while (!a); b = 1; DELAY(30); while (__sync_lock_test_and_set(&lock, 2)) { " +
        "(void)a; sys_futex_wait((u32 *)&lock, 2); }"));
    expect(exit).toBe("hang");
    expect(found.map(({ kind, task }) => [kind, task!.cpu])).toEqual([["asleep", 0]]);
    const { text } = found[0];
    expect(text).toMatch(/cpu0 loaded lock at \d+ .* cpu2 stored lock = 0 at \d+ \(second, /);
    expect(text).toMatch(/no other CPU has looked since\. It sleeps on lock, now 0;/);
    expect(text).not.toContain("task.state");
  }, 300_000);
});
