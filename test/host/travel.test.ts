// Going back and forth in a run: the same states as of a machine that goes forward only, and frames
// between two boundaries that lead from one to the other.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { case001 } from "../../src/cases/001.ts";
import { LABEL } from "../../src/cases/001-trace.ts";
import { optionsOf } from "../../src/cases/runner.ts";
import { commandsUnderWay } from "../../src/core/inspect.ts";
import { TRACE_ISSUE } from "../../src/core/trace.ts";
import { advance, frameOf } from "../../src/engine/frame.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { Travel } from "../../src/engine/travel.ts";

const WINDOWS = 300;

afterAll(() => Machine.shutdown());

describe("a run of case 001", () => {
  let options: CreateOptions;
  let travel: Travel;

  beforeAll(async () => {
    options = await optionsOf(case001, {
      machine: "clovertown", variant: "k0", workload: "W001i", pair: [0, 1], seed: 1n, rounds: 100,
      memory: "tso",
    });
    travel = await Travel.open(options);
  });

  afterAll(() => travel.close());

  it("has the states of a run that goes forward only, wherever it comes from", async () => {
    const forward = await Machine.create(options);
    const middle = travel.result.cycles / 2n;
    const hashes = new Map<bigint, bigint>();
    for (let at = middle; at < middle + 400_000n; at += 120_000n) {
      await forward.runTo(at - (at % BigInt(travel.windowCycles)));
      hashes.set(forward.view.now, forward.stateHash());
    }
    forward.close();
    const cycles = [...hashes.keys()];
    for (const cycle of [...cycles, ...cycles.reverse()]) {
      await travel.to(cycle);
      expect(travel.now).toBe(cycle);
      expect(travel.machine.stateHash()).toBe(hashes.get(cycle));
    }
    await travel.to(travel.result.cycles);
    expect(travel.atEnd).toBe(true);
    expect(travel.machine.stateHash()).toBe(travel.result.stateHash);
  });

  it("is the same run with a snapshot on the way and the records of a part of it", async () => {
    const { time, count } = travel.records;
    const middle = BigInt(time[count >> 1]);
    const part = await Travel.open(
      { ...options, traceFrom: middle - 5000n, traceTo: middle + 5000n }, { first: middle });
    expect(part.result.stateHash).toBe(travel.result.stateHash);
    expect(part.result.cycles).toBe(travel.result.cycles);
    await part.to(middle);
    await travel.to(middle);
    expect(part.now).toBe(travel.now);
    expect(part.machine.stateHash()).toBe(travel.machine.stateHash());
    const inside = Number(middle) + 700;
    expect(part.frame(inside, [])).toEqual(travel.frame(inside, []));
    const own = Array.from(part.records.time);
    expect(own.length).toBeGreaterThan(100);
    const [from, to] = [travel.records.from(own[0]), travel.records.from(own.at(-1)! + 1)];
    expect(Array.from(travel.records.time.slice(from, to))).toEqual(own);
    part.close();
  });

  it("steps back to where it came from", async () => {
    await travel.to(travel.result.cycles / 3n);
    const visited: [bigint, bigint][] = [];
    for (let i = 0; i < 3; i++) {
      visited.push([travel.now, travel.machine.stateHash()]);
      await travel.step();
    }
    for (const [now, hash] of visited.reverse()) {
      await travel.back();
      expect([travel.now, travel.machine.stateHash()]).toEqual([now, hash]);
    }
  });

  it("leads by its records from each boundary to the next", async () => {
    const { stores, changes } = await followed(travel);
    expect(changes.lines).toBeGreaterThan(3);
    expect(changes.shared).toBeGreaterThan(3);
    expect(changes.privates).toBe(0);
    expect(stores).toBeGreaterThan(WINDOWS / 10);
  });

  it("leads so through private L2s, too", async () => {
    const other = await Travel.open(await optionsOf(case001, {
      machine: "nehalem-ep", variant: "k0", workload: "W001i", pair: [0, 4], seed: 1n, rounds: 100,
      memory: "tso",
    }));
    const { changes } = await followed(other);
    other.close();
    expect(Object.values(changes).every((count) => count > 3)).toBe(true);
  });
});

/** From boundary to boundary, each derived from the one before: what there was to be derived. */
async function followed(travel: Travel) {
  const { records } = travel;
  // Rounds of the ping-pong between the two, up to the last one.
  const { kind, label, time } = records;
  const stored = [...time].filter((_, i) => kind[i] === TRACE_ISSUE && label[i] === LABEL.A3);
  await travel.to(BigInt(stored.at(-1)! - (WINDOWS * travel.windowCycles) / 2));
  const watched = travel.machine.debugBlock()!.kioctxs().flatMap(
    ({ ringPhys, waitNextPhys }) => [Number(ringPhys), Number(waitNextPhys)]);
  const changes = { lines: 0, privates: 0, shared: 0 };
  let [before, stores] = [frameOf(travel.machine.view, watched), 0];
  for (let i = 0; i < WINDOWS; i++) {
    await travel.step();
    const after = frameOf(travel.machine.view, watched);
    expect(advance(before, records, after.cycle, travel.machine.preset)).toEqual(after);
    stores += after.buffers.flat().length;
    for (const level of ["lines", "privates", "shared"] as const) {
      changes[level] += String([...before[level]]) === String([...after[level]]) ? 0 : 1;
    }
    before = after;
  }
  return { stores, changes };
}

it("sees the commands that disks have under way", async () => {
  const machine = await Machine.create(await optionsOf(case001, {
    machine: "conroe", variant: "k0", workload: "W001iv", pair: [0, 1], seed: 1n, rounds: 20,
    memory: "tso",
  }));
  // One disk that takes 50 us for the one command a round: far longer than the steps here, and
  // idle while the kernel begins.
  const seen: number[][] = [];
  for (let cycle = 20_000n; seen.length < 2000; cycle += 20_000n) {
    const ended = await machine.runTo(cycle);
    seen.push(commandsUnderWay(machine.view));
    if (ended) break;
  }
  machine.close();
  expect(seen.every((disks) => disks.length === 1 && disks[0] <= 1)).toBe(true);
  expect(seen[0]).toEqual([0]);
  const busy = seen.filter(([count]) => count === 1).length;
  expect(busy).toBeGreaterThan(20);
  expect(busy).toBeLessThan(seen.length);
});
