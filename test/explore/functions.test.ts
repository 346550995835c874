// Functions of a guest image on a few CPUs: locks that are right and their variants without a
// fence, waits that are missed, deadlocks, memory that is shared by its address only.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { PENDING_LOCK, PENDING_SLEEP } from "../../assembly/abi.ts";
import { packageRoot } from "../../src/core/root.ts";
import { functionSetup, parseCall } from "../../src/engine/explore-function.ts";
import type { ExploreOptions } from "../../src/engine/exploration.ts";
import { Explorer } from "../../src/engine/explorer.ts";
import { parseSchedule, scheduleText } from "../../src/engine/schedule.ts";
import { expressionOf } from "../../src/engine/predicate.ts";
import { readElf } from "../../src/machine/elf.ts";

const NAME = "explore.elf";
const elf = readElf(readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)), NAME);

async function explore(entries: string[], predicate?: string, options: ExploreOptions = {}) {
  const calls = entries.map((entry) => parseCall(entry, elf, NAME));
  const { setup, holds, ramBytes } = functionSetup(elf, NAME, calls, { predicate });
  const explorer = await Explorer.open(undefined, ramBytes);
  const { finals, endless, bound } = explorer.explore(setup, options);
  const stuck = finals.filter((final) => final.stuck.length);
  const wrong = finals.filter((final) => !final.stuck.length && !holds(final.values));
  return { explorer, setup, holds, finals, stuck, wrong, clean: !endless && !bound };
}

/** Entries, predicate. */
const RIGHT: [string[], string?][] = [
  [["peterson(0,1)", "peterson(1,1)"], "peterson_count == 2"],
  [["peterson(0,3)", "peterson(1,3)"], "peterson_count == 6"],
  [["dekker(0)", "dekker(1)"], "dekker_count == 2"],
  [["ticket", "ticket", "ticket"], "ticket_count == 3"],
  [["mcs(0)", "mcs(1)", "mcs(2)"], "mcs_count == 3"],
  [["deque_owner", "deque_thief", "deque_thief"], "deque_ok"],
  [["sleep_wait", "sleep_wake"]],
  [["lend", "borrow"], "lent == 0"],
];

it.each(RIGHT)("%j is right, with and without reduction", async (entries, predicate) => {
  for (const reduce of [true, false]) {
    const { finals, stuck, wrong, clean } = await explore(entries, predicate, { reduce });
    expect(clean).toBe(true);
    expect(finals.length).toBeGreaterThan(0);
    expect([stuck.length, wrong.length]).toEqual([0, 0]);
  }
});

const WRONG: [string[], string][] = [
  [["peterson_unfenced(0,1)", "peterson_unfenced(1,1)"], "peterson_count == 2"],
  [["dekker_unfenced(0)", "dekker_unfenced(1)"], "dekker_count == 2"],
  [["ticket_unlocked", "ticket_unlocked"], "ticket_count == 2"],
  [["mcs_unlocked(0)", "mcs_unlocked(1)"], "mcs_count == 2"],
  [["deque_owner_unfenced", "deque_thief"], "deque_ok"],
];

it.each(WRONG)("%j is wrong, and a short schedule shows it", async (entries, predicate) => {
  const { explorer, wrong, holds, clean } = await explore(entries, predicate);
  expect(clean).toBe(true);
  expect(wrong.length).toBeGreaterThan(0);
  const short = explorer.minimise(
    wrong[0].schedule, (values, stuck) => !stuck.length && !holds(values),
  );
  expect(short.length).toBeLessThan(wrong[0].schedule.length);
  const again = parseSchedule(scheduleText(short));
  expect(again).toEqual(short);
  const run = explorer.replay(again)!;
  expect(holds(run.values)).toBe(false);
  // The whole run by its own decisions ends in the same state.
  expect(explorer.replay(run.schedule)!.values).toEqual(run.values);
  expect(explorer.replay(run.schedule)!.schedule).toEqual(run.schedule);
  // Every decision matters.
  for (let i = 0; i < short.length; i++) {
    const less = explorer.replay(short.toSpliced(i, 1))!;
    expect(less.stuck.length > 0 || holds(less.values)).toBe(true);
  }
});

it("without store buffers the unfenced locks are right", async () => {
  for (const [entries, predicate] of WRONG.slice(0, 2)) {
    expect((await explore(entries, predicate, { model: "sc" })).wrong).toEqual([]);
  }
});

it("a missed wake-up is a thread that sleeps for ever", async () => {
  const pairs = [
    ["sleep_wait_unfenced", "sleep_wake"], ["sleep_wait", "sleep_wake_unfenced"],
  ];
  for (const pair of pairs) {
    const { stuck } = await explore(pair);
    expect(stuck.map((final) => final.stuck.map(({ thread, pending }) => [thread, pending])))
      .toEqual([[[0, PENDING_SLEEP]]]);
  }
});

it("two locks in different orders are a deadlock", async () => {
  const { stuck } = await explore(["lock_ab", "lock_ba"]);
  expect(stuck[0].stuck.map(({ pending }) => pending)).toEqual([PENDING_LOCK, PENDING_LOCK]);
});

it("random runs find the unfenced lock's bug, and depend on the seed alone", async () => {
  const [entries, predicate] = WRONG[0];
  const { explorer, setup, holds, finals } = await explore(entries, predicate);
  const known = new Set(finals.map(({ values }) => values.join()));
  for (const depth of [0, 3]) {
    const walk = (seed: bigint) => explorer.walk(setup, { runs: 3000, seed, depth });
    const first = walk(7n);
    const schedules = first.finals.map(({ schedule }) => scheduleText(schedule));
    const counts = first.finals.map(({ values, count }) => [values.join(), count]);
    expect(first.finals.every(({ values }) => known.has(values.join()))).toBe(true);
    const wrong = first.finals.find(({ values }) => !holds(values))!;
    expect(wrong, `depth ${depth}`).toBeDefined();
    expect(holds(explorer.replay(wrong.schedule)!.values)).toBe(false);
    const second = walk(7n);
    expect(second.finals.map(({ values, count }) => [values.join(), count])).toEqual(counts);
    expect(second.finals.map(({ schedule }) => scheduleText(schedule))).toEqual(schedules);
    expect(walk(8n).finals.map(({ values, count }) => [values.join(), count])).not.toEqual(counts);
  }
});

it.each([
  ["nothing", "no symbol nothing"],
  ["peterson(", "write a function"],
  ["peterson(x)", "write a number or &symbol"],
  ["peterson(&nothing)", "no symbol nothing"],
])("--entry %s is refused", (entry, message) => {
  expect(() => parseCall(entry, elf, NAME)).toThrow(message);
});

it.each([
  ["peterson_count ==", "its end"],
  ["nothing == 1", "no symbol nothing"],
  ["peterson_wants:4[2] == 1", "has no element 2"],
  ["peterson_count $ 1", "what is"],
])("--predicate %s is refused", (predicate, message) => {
  const calls = [parseCall("peterson(0,1)", elf, NAME)];
  expect(() => functionSetup(elf, NAME, calls, { predicate })).toThrow(message);
});

it("what a search that was cut short found is a run that a whole search finds, too", async () => {
  const entries = ["m7_release", "m7_acquire"];
  const whole = await explore(entries);
  const known = new Set(whole.stuck.map(({ values }) => values.join()));
  let failures = 0;
  for (const statesMax of [5, 8, 12, 20, 30, 50, 80]) {
    const { explorer, stuck, clean } = await explore(entries, undefined, { statesMax });
    expect(clean).toBe(false);
    const shared = explorer.sharedWords();
    for (const { values, schedule } of stuck) {
      expect(known).toContain(values.join());
      const short = explorer.minimise(schedule, (_, waiting) => waiting.length > 0);
      const run = explorer.replay(short)!;
      expect(run.stuck.length).toBeGreaterThan(0);
      // Each buffered store of the log is there before it commits.
      expect(run.steps.length).toBeGreaterThan(short.length);
      expect(explorer.sharedWords()).toEqual(shared);
      failures++;
    }
  }
  expect(failures).toBeGreaterThan(0);
});

const WORDS: [string, bigint[], number[], bigint][] = [
  ["u == 0xffffffff", [-1n], [4], 1n], ["u == -1", [-1n], [4], 1n], ["-1 != u", [-1n], [4], 0n],
  ["b == 256", [0n], [1], 0n], ["b == 255", [-1n], [1], 1n], ["a:8[1] + a:8[0] == 3", [1n, 2n],
    [8, 8], 1n], ["x < 0", [-1n], [4], 1n], ["x == y", [-1n, 4294967295n], [4, 8], 0n],
];

it.each(WORDS)("%s", (text, values, sizes, expected) => {
  expect(expressionOf(text).evaluate(values, sizes)).toBe(expected);
});
