// Case 002's answers: each event is of the request that its kiocb was made for, by made traces, and
// on the machine, where all of them are found.
import { afterAll, describe, expect, it } from "vitest";
import type { CaseSpec } from "../../src/cases/case.ts";
import { case002 } from "../../src/cases/002.ts";
import { COMPARED, LATE, STRANGERS } from "../../src/cases/002-rows.ts";
import { compare, RequestStory } from "../../src/cases/002-story.ts";
import { DIO } from "../../src/cases/dio-trace.ts";
import { runOnce } from "../../src/cases/runner.ts";
import {
  TRACE_COMMIT, TRACE_ISSUE, TRACE_LOAD, type TraceEvent,
} from "../../src/core/trace.ts";
import { Machine } from "../../src/engine/machine.ts";

afterAll(() => Machine.shutdown());

const BYTES = 65536n;
const EIO = -5n;
const [A1, A3, P, K0] = [1, 3, 4, 72];
const RES = 8;

/** A machine with a ring at 0x100, whose slots the test fills. */
function storyWith() {
  const ram = new Uint8Array(4096);
  const machine = { view: { ram }, debugBlock: () => undefined } as unknown as Machine;
  const story = new RequestStory(machine);
  let time = 0n;
  const of = (cpu: number, kind: number, label: number, phys: bigint): TraceEvent =>
    ({ time: ++time, cpu, kind, label, size: 8, phys, value: 0n, extra: 0 });
  const says = (slot: bigint, result: bigint) =>
    new DataView(ram.buffer).setBigInt64(Number(slot) + RES, result, true);
  return { story, of, says, compared: () => compare(story.iocbs, true, BYTES) };
}

type Story = ReturnType<typeof storyWith>;
const SLOT = 0x108n;

const made = ({ of }: Story, kiocb: bigint, dio: bigint, cpu = 0) =>
  [of(cpu, TRACE_ISSUE, K0, kiocb), of(cpu, TRACE_ISSUE, DIO.S1, dio)];
const failed = ({ of }: Story, dio: bigint) => [of(1, TRACE_ISSUE, DIO.D1, dio)];
const posted = ({ of }: Story, kiocb: bigint, slot = SLOT, cpu = 1) => [
  of(cpu, TRACE_ISSUE, A1, slot), of(cpu, TRACE_ISSUE, A3, 0x10n), of(cpu, TRACE_ISSUE, P, kiocb),
];
const seen = ({ of }: Story, cpu = 1) => [of(cpu, TRACE_COMMIT, A3, 0x10n)];

describe("an event", () => {
  it.each([
    ["says what it should", false, BYTES, { masked: 0, unfounded: 0 }],
    ["has the error of its bio", true, EIO, { masked: 0, unfounded: 0 }],
    ["hides the error of its bio", true, BYTES, { masked: 1, unfounded: 0 }],
    ["has another error than its bio", true, -12n, { masked: 1, unfounded: 0 }],
    ["has an error that no bio had", false, EIO, { masked: 0, unfounded: 1 }],
    ["is of a part, and nothing failed", false, 512n, { masked: 0, unfounded: 1 }],
  ])("%s", (_, bad, result, found) => {
    const story = storyWith();
    story.says(SLOT, result);
    const error = bad ? failed(story, 0x740n) : [];
    story.story.take([...made(story, 0x18n, 0x740n), ...error, ...posted(story, 0x18n),
      ...seen(story)]);
    expect(story.compared()).toEqual({ events: 1, twice: 0, ...found });
  });

  it("is that of its own request, not of the sum", () => {
    const story = storyWith();
    const [good, bad] = [SLOT, SLOT + 32n];
    story.says(good, EIO);
    story.says(bad, BYTES);
    story.story.take([
      ...made(story, 0x18n, 0x740n), ...made(story, 0x98n, 0x7c0n, 2), ...failed(story, 0x7c0n),
      ...posted(story, 0x18n, good), ...posted(story, 0x98n, bad, 3), ...seen(story, 3),
      ...seen(story),
    ]);
    expect(story.compared()).toEqual({ events: 2, masked: 1, unfounded: 1, twice: 0 });
  });

  it("is read when its tail is visible, and not before", () => {
    const story = storyWith();
    story.says(SLOT, 0n);
    story.story.take([...made(story, 0x18n, 0x740n), ...posted(story, 0x18n)]);
    expect(story.compared().events).toBe(0);
    story.says(SLOT, BYTES);
    story.story.take(seen(story));
    expect(story.compared()).toMatchObject({ events: 1, unfounded: 0 });
  });

  it("is not read when another one has come into its slot", () => {
    const story = storyWith();
    story.says(SLOT, EIO);
    story.story.take([
      ...made(story, 0x18n, 0x740n), ...posted(story, 0x18n), ...seen(story),
      ...made(story, 0x98n, 0x7c0n), ...failed(story, 0x7c0n), ...posted(story, 0x98n),
      ...seen(story),
    ]);
    expect(story.compared()).toEqual({ events: 1, masked: 0, unfounded: 0, twice: 0 });
  });

  it("is one of two of its request", () => {
    const story = storyWith();
    story.says(SLOT, BYTES);
    story.says(SLOT + 32n, BYTES);
    story.story.take([...made(story, 0x18n, 0x740n), ...posted(story, 0x18n), ...seen(story),
      ...posted(story, 0x18n, SLOT + 32n), ...seen(story)]);
    expect(story.compared()).toMatchObject({ events: 2, twice: 1 });
  });
});

describe("a request that ends", () => {
  const ends = (story: Story, dio: bigint, kiocb: bigint) => [
    story.of(1, TRACE_LOAD, DIO.f4, dio), ...posted(story, kiocb),
    story.of(1, TRACE_ISSUE, DIO.Df, dio),
  ];

  it("ends in its own kiocb", () => {
    const story = storyWith();
    story.story.take([...made(story, 0x18n, 0x740n), ...ends(story, 0x740n, 0x18n)]);
    expect(story.story.strangers).toEqual([]);
  });

  it("or in that of the request that came into its place", () => {
    const story = storyWith();
    story.story.take([...made(story, 0x18n, 0x740n), ...made(story, 0x18n, 0x7c0n),
      ...ends(story, 0x740n, 0x18n)]);
    expect(story.story.strangers.map(({ phys }) => phys)).toEqual([0x18n]);
  });

  it("or in none, where its submitter reports", () => {
    const story = storyWith();
    story.story.take([...made(story, 0x18n, 0x740n), ...made(story, 0x98n, 0x7c0n),
      ...ends(story, 0x740n, 0x18n), story.of(1, TRACE_LOAD, DIO.f4, 0x7c0n),
      story.of(1, TRACE_ISSUE, DIO.Df, 0x7c0n)]);
    expect(story.story.strangers).toEqual([]);
  });
});

describe("on the machine", () => {
  const run = async (variant: string, workload: string, seed = 1n) => {
    const spec: CaseSpec = {
      machine: "clovertown", variant, workload, pair: [0, 1], rounds: 64, memory: "tso", seed,
    };
    return runOnce(case002, spec);
  };

  it.each([["fix2006", "W002a", 512], ["f1", "W002b", 256], ["dio2620", "W002m", 128]])(
    "%s, %s: every event is compared, and is what became of its request",
    async (variant, workload, events) => {
      const { failure, broken, counts } = await run(variant, workload);
      expect([failure, broken]).toEqual([undefined, undefined]);
      expect(counts).toMatchObject({ [COMPARED]: events, [LATE]: 0, [STRANGERS]: 0 });
    }, 120_000);

  it("x3: the second report is that of a kiocb that is free, or another request's", async () => {
    const [early, late] = [await run("x3", "W002m", 1n), await run("x3", "W002m", 6n)];
    expect([early, late].map(({ failure }) => failure?.invariant)).toEqual(["I002a", "I002a"]);
    expect(early.counts![STRANGERS]).toBeGreaterThan(0);
    expect(late.counts![LATE]).toBeGreaterThan(0);
    expect(Object.values(late.failure!.facts!).join("\n"))
      .toMatch(/struct kiocb at [0-9a-f]+: freed by cpu\d+ at \d+, used by cpu\d+ at \d+/);
  }, 120_000);
});
