// A machine whose CPUs take turns on a host that has fewer: each executes in its own slices only, a
// program still does all its work, and the number of workers still does not show.
import { afterAll, describe, expect, it } from "vitest";
import { TRACE_ALL_LOADS, TRACE_LOAD } from "../../assembly/trace-kinds.ts";
import { Machine } from "../../src/engine/machine.ts";
import { finish, type Row } from "./workloads.ts";

const CYCLES = 20_000n;
const RUNNING = 2;
/** Cycles of the longest instruction, and of the load that it may wait for. */
const LATE = 1500n;
const changes = new Map([["timeSlice.running", RUNNING], ["timeSlice.cycles", Number(CYCLES)]]);
const open = ({ machine, image, append }: Row, workers: number, more = {}) =>
  Machine.create({ machine, image, append, workers, changes, ...more });

afterAll(() => Machine.shutdown());

describe.each<Row>([
  { machine: "clovertown", image: "contend", append: "-- contend lock=1 copies=8 n=20", exit: 0 },
  { machine: "xeon-ht", image: "contend", append: "-- contend lock=1 copies=4 n=20", exit: 0 },
])("$machine, two CPUs at a time", (row) => {
  it("one executes in its slices only", { timeout: 120_000 }, async () => {
    const from = 200n * CYCLES;
    const machine = await open(row, 1, {
      counters: true,
      traceEvents: 1 << 20, traceKinds: TRACE_ALL_LOADS | (1 << TRACE_LOAD), traceFrom: from,
    });
    const end = await machine.run();
    const { cpus } = machine.view;
    const turns = BigInt(cpus / RUNNING);
    const events = machine.view.trace();
    const waited = machine.counters().cpus.map(({ cycles }) => cycles.slice);
    machine.close();
    expect(end.exit).toBe(row.exit);
    const outside = events.filter(({ time, cpu }) => {
      const turn = (at: bigint) => Number((at / CYCLES) % turns) === Math.floor(cpu / RUNNING);
      return !turn(time) && !turn(time - LATE);
    });
    expect(events.length).toBeGreaterThan(1000);
    expect(new Set(events.map(({ cpu }) => cpu)).size).toBe(cpus);
    expect(outside).toEqual([]);
    // One that is halted at the end of its slice does not wait for the next.
    for (const cycles of waited) expect(cycles).toBeGreaterThan(0);
    const sum = waited.reduce((all, cycles) => all + cycles, 0);
    expect(sum).toBeGreaterThan(cpus * Number(CYCLES));
  });

  it("ends alike with any number of workers", { timeout: 120_000 }, async () => {
    const whole = await finish(await open(row, 1));
    expect(whole.exit).toBe(row.exit);
    expect(await finish(await open(row, 2))).toEqual(whole);
  });
});

it("a host with a CPU for each changes nothing", { timeout: 120_000 }, async () => {
  const options = { machine: "conroe", image: "sb", append: "-- sb a=0 b=1 n=50", workers: 1 };
  const enough = new Map([["timeSlice.running", 2], ["timeSlice.cycles", Number(CYCLES)]]);
  expect(await finish(await Machine.create({ ...options, changes: enough })))
    .toEqual(await finish(await Machine.create(options)));
});
