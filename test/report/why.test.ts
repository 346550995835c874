// Why a wake-up was lost, or which load overtook which store: the accesses that are named are the
// steps that the kernel's labels name, and what is said of them is in another trace of that run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { LABEL } from "../../src/cases/001-trace.ts";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { meetingsOf } from "../../src/cases/003-story.ts";
import { DIO, dioRequests } from "../../src/cases/dio-trace.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import {
  TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LOAD, TRACE_LOCKED, TRACE_LOST, TRACE_REQUEST,
  type TraceEvent,
} from "../../src/core/trace.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { leftAt, STORE_OPTIONS, whyAsleep, windowsOf } from "../../src/report/why/asleep.ts";
import { accessesOf } from "../../src/report/why/story.ts";
import { type Explanation, why, WHY_OPTIONS, whyLines } from "../../src/report/why/why.ts";
import { buildProgram } from "../support/program.ts";
import { hasTool } from "../support/tools.ts";

const folder = mkdtempSync(join(tmpdir(), "smpbox-why-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await Machine.shutdown();
});

const KINDS = [
  TRACE_LOAD, TRACE_ISSUE, TRACE_COMMIT, TRACE_LOST, TRACE_GRANT, TRACE_LOCKED, TRACE_REQUEST,
].reduce((bits, kind) => bits | (1 << kind), 0);

async function explain(options: CreateOptions) {
  const machine = await Machine.create({ ...options, ...WHY_OPTIONS });
  const { result, found } = await why(machine);
  machine.close();
  return { result, found };
}

/** Around the crossing, recorded by the machine's own trace and read by another reader. */
async function traceAround(options: CreateOptions, { crossing }: Explanation) {
  const times = accessesOf(crossing).flatMap((access) =>
    "visible" in access ? [access.time, access.visible ?? access.time] : [access.time]);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const machine = await Machine.create({
    ...options, workers: 1, traceEvents: 1 << 18,
    traceKinds: KINDS | WHY_OPTIONS.traceKinds,
    traceFrom: BigInt(first - 3000), traceTo: BigInt(last + 1),
  });
  await machine.runTo(BigInt(last + 100));
  const events = machine.view.trace();
  machine.close();
  return events;
}

interface Claim {
  text: string;
  cpu: number;
  time: bigint;
  kinds: number[];
}

/** What the sentences say happened, by the forms that they have. */
function claimsOf(text: string): Claim[] {
  const whole = text.replace(/\s+/g, " ");
  const forms: [RegExp, number[]][] = [
    [/cpu(\d+) stored [^;]*? at (\d+) \(/g, [TRACE_ISSUE]],
    [/cpu(\d+) loaded [^;]*? at (\d+) \(/g, [TRACE_LOAD]],
    [/cpu(\d+) changed [^;]*? at (\d+) \(/g, [TRACE_LOCKED]],
    [/what cpu(\d+) stores there became visible at (\d+)/g, [TRACE_COMMIT, TRACE_LOCKED]],
    [/cpu(\d+) stored [^;]*; it (?:sat|was) in the store buffer until (\d+)/g, [TRACE_COMMIT]],
    [/cpu(\d+) had it until (\d+)/g, [TRACE_LOST]],
  ];
  return forms.flatMap(([form, kinds]) => [...whole.matchAll(form)].map((found) => ({
    text: found[0], cpu: Number(found[1]), time: BigInt(found[2]), kinds,
  })));
}

/** Those that the trace does not bear out. */
function untrue(claims: readonly Claim[], events: readonly TraceEvent[]): string[] {
  return claims.filter(({ cpu, time, kinds }) => !events.some((event) =>
    event.cpu === cpu && event.time === time && kinds.includes(event.kind)))
    .map(({ text }) => text);
}

/** Any other number of so many digits is the time of some record. */
function unknownTimes(text: string, events: readonly TraceEvent[]): string[] {
  const digits = `${events[0].time}`.length;
  const times = new Set(events.map(({ time }) => `${time}`));
  return [...text.matchAll(/\b\d+\b/g)].map(([number]) => number)
    .filter((number) => number.length >= digits && !times.has(number));
}

/** The text agrees with the trace, and a text with any of its times moved does not. */
async function checkText(options: CreateOptions, found: Explanation) {
  const text = found.paragraphs.join("\n");
  const events = await traceAround(options, found);
  const claims = claimsOf(text);
  expect(claims.length).toBeGreaterThan(5);
  expect(untrue(claims, events)).toEqual([]);
  expect(unknownTimes(text, events)).toEqual([]);
  for (const { time } of claims) {
    const moved = claimsOf(text.replaceAll(`${time}`, `${time + 1_000_000n}`));
    expect(untrue(moved, events), `${time}`).not.toEqual([]);
  }
  return events;
}

const hangs = (seed: bigint): CreateOptions => ({
  image: "w001", machine: "clovertown", seed, append: "v001k=0 -- w001 W001i s=0 r=2",
  maxCycles: 40_000_000n,
});

describe("case 001", () => {
  it("the four accesses are A3, B, 1e and 2, and every number is in the trace", async () => {
    let [seed, found] = [1n, [] as Explanation[]];
    for (; seed < 6n; seed++) {
      const run = await explain(hangs(seed));
      found = run.found;
      if (run.result!.exit === "hang") break;
    }
    const [first] = found;
    expect(first.kind).toBe("lost wake-up");
    expect(first.cause).toBe("store buffer");
    const events = await checkText(hangs(seed), first);
    const labelled = (label: number, kind: number) => {
      const { time, cpu, phys } = events.findLast((e) => e.label === label && e.kind === kind)!;
      return `${time} ${cpu} ${phys}`;
    };
    const given = accessesOf(first.crossing).map(({ time, cpu, phys }) => `${time} ${cpu} ${phys}`);
    expect(given.sort()).toEqual([
      labelled(LABEL.A3, TRACE_ISSUE), labelled(LABEL.B, TRACE_LOAD),
      labelled(LABEL["1e"], TRACE_ISSUE), labelled(LABEL["2"], TRACE_LOAD),
    ].sort());
    const text = whyLines(found, 1).join("\n");
    for (const word of ["aio_ring.tail", "kioctx.wait.task_list.next", "itself (an empty list)",
      "complete.h:", "wait.c:", "no fence and no locked", "io_schedule < read_events__",
      "task_list.next = a place in the stack of w001["]) {
      expect(text.replace(/\s+/g, " ")).toContain(word);
    }
    expect(text.split("\n").filter((line) => line.length > 80)).toEqual([]);
  }, 300_000);

  it("with smp_mb(), or without store buffers, there is nothing to explain", async () => {
    for (const [variant, memory] of [["v001k=7", "tso"], ["v001k=0", "sc"]] as const) {
      const { result, found } = await explain({
        ...hangs(1n), memory, append: `${variant} -- w001 W001i s=0 r=2 rounds=60`,
      });
      expect(result!.exit).toBe(0);
      expect(found).toEqual([]);
      expect(whyLines(found, 1)[0]).toContain("Nothing to explain");
    }
  }, 300_000);
});

describe("case 003", () => {
  it("the four accesses are W6, W7, E1 and E2: an interleaving", async () => {
    const optionsWith = (seed: bigint) => optionsOf(case003, {
      machine: "rhel16", variant: "bug", workload: "W003r", pair: [0, 1], seed, rounds: 100,
      memory: "tso",
    });
    let options = await optionsWith(1n);
    let first = await Machine.create(options);
    for (let seed = 2n; (await first.run()).exit !== "hang" && seed < 6n; seed++) {
      first.close();
      options = await optionsWith(seed);
      first = await Machine.create(options);
    }
    // By the labels: who is looked for and not woken, and was not freed.
    const hung = meetingsOf(dioRequests(first.view.trace())).filter(({ request }) =>
      !request.freed).at(-1)!;
    first.close();
    // Recorded around it only: the whole run takes a minute.
    const [from, to] = [hung.counted.time - 100_000n, hung.dropped!.time + 100_000n];
    const { found } = await explain({ ...options, traceFrom: from, traceTo: to });
    // All who sleep are asked about, and most of them wait for this writer's handle: it is first.
    const [own] = found;
    expect(own.kind).toBe("lost wake-up");
    expect(own.cause).toBe("interleaving");
    const given = accessesOf(own.crossing).map(({ time, cpu }) => `${time} ${cpu}`);
    const told = [hung.counted, hung.published!, hung.looked!, hung.dropped!]
      .map(({ time, cpu }) => `${time} ${cpu}`);
    expect(given.sort()).toEqual(told.sort());
    const events = await checkText(options, own);
    expect(events.some(({ label }) => label === DIO.E2)).toBe(true);
    expect(own.paragraphs.join(" ")).toContain("under one lock");
    // A union: the accesses do not say which name was meant.
    expect(own.paragraphs.join(" ")).toContain("dio.bio_count|refcount.counter");
  }, 300_000);
});

it("around the sleepers the same is found as in the whole run", async () => {
  const options: CreateOptions = {
    image: "w001", machine: "clovertown", seed: 1n, append: "v001k=0 -- w001 W001i s=0 r=2",
  };
  const machine = await Machine.create({ ...options, ...STORE_OPTIONS });
  const { result, left } = await leftAt(machine);
  expect(result.exit).toBe("hang");
  const some = await whyAsleep(machine, left);
  const whole = (await explain(options)).found.filter(({ kind }) => kind === "lost wake-up");
  expect(whole.length).toBeGreaterThan(0);
  expect(some.map(({ task, paragraphs }) => ({ task, paragraphs })))
    .toEqual(whole.map(({ task, paragraphs }) => ({ task, paragraphs })));
  // When a task was left is what its episode says; of another time nothing is told.
  for (const { task } of some) expect(left).toContainEqual({ pid: task!.pid, time: task!.since });
  const late = left.map(({ pid, time }) => ({ pid, time: time + 1 }));
  expect(await whyAsleep(machine, late)).toEqual([]);
  machine.close();
  expect(windowsOf([500_000, 10_000, 560_000])).toEqual([[1n, 70_000n], [440_000n, 620_000n]]);
}, 300_000);

it("case 002 hangs because nobody reports, and that is no lost wake-up", async () => {
  const options = await optionsOf(case002, {
    machine: "clovertown", variant: "bug", workload: "W002b", pair: [0, 1], seed: 1n, rounds: 16,
    memory: "tso",
  });
  const first = await Machine.create(options);
  expect((await first.run()).exit).toBe("hang");
  const requests = dioRequests(first.view.trace()).filter(({ freed }) => !freed);
  expect(requests.length).toBeGreaterThan(0);
  first.close();
  // Around the request, as its report has it: what happens later is not seen then.
  for (const { events } of requests) {
    const { found } = await explain({
      ...options, traceFrom: events[0].time - 100_000n, traceTo: events.at(-1)!.time + 100_000n,
    });
    expect(found.filter(({ kind }) => kind === "lost wake-up")).toEqual([]);
  }
}, 300_000);

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
    const { first, second } = own.crossing;
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
    expect(found.filter(({ kind }) => kind === "lost wake-up")).toEqual([]);
  }, 300_000);
});
