// Why a wake-up was lost, or which load overtook which store: the accesses that are named are the
// steps that the kernel's labels name, and what is said of them is in another trace of that run.
import { afterAll, describe, expect, it } from "vitest";
import { LABEL } from "../../src/cases/001-trace.ts";
import { case002 } from "../../src/cases/002.ts";
import { case003 } from "../../src/cases/003.ts";
import { causeOfHang, meetingsOf } from "../../src/cases/003-story.ts";
import { DIO, dioRequests } from "../../src/cases/dio-trace.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { TRACE_ISSUE, TRACE_LOAD } from "../../src/core/trace.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { leftAt, STORE_OPTIONS, whyAsleep, windowsOf } from "../../src/report/why/asleep.ts";
import { accessesOf } from "../../src/report/why/story.ts";
import type { Explanation } from "../../src/report/why/explanation.ts";
import { whyLines } from "../../src/report/why/why.ts";
import { checkText, explain } from "./why-text.ts";

afterAll(() => Machine.shutdown());

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
    const given = accessesOf(first.crossing!)
      .map(({ time, cpu, phys }) => `${time} ${cpu} ${phys}`);
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
    // As the case has it; but in another order it comes about without store buffers, too.
    expect(own.cause).toBe(causeOfHang(hung));
    expect(own.needsBuffer).toBe(false);
    const given = accessesOf(own.crossing!).map(({ time, cpu }) => `${time} ${cpu}`);
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
  const whole = (await explain(options)).found.filter(({ kind }) => kind !== "reordering");
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
    expect(found.filter(({ kind }) => kind !== "reordering")).toEqual([]);
  }
}, 300_000);
