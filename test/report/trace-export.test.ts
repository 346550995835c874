// The Perfetto export, read back by another reader and compared with the records that it was made
// of: tracks, nesting, durations. And recording changes nothing in the machine.
import { afterAll, describe, expect, it } from "vitest";
import {
  TRACE_BUS, TRACE_COMMIT, TRACE_GRANT, TRACE_ISSUE, TRACE_LINE, TRACE_LOAD, TRACE_POINT,
} from "../../src/core/trace.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { buildTimeline, EVENTS } from "../../src/report/timeline.ts";
import { perfettoFile, SLICE_BEGIN, SLICE_END } from "../../src/report/trace-export.ts";
import { decode, readPerfetto } from "./perfetto-reader.ts";

afterAll(() => Machine.shutdown());

const MEGAHERTZ = 2333n;
const ns = (cycle: bigint) => (cycle * 1000n) / MEGAHERTZ;

/** A run that is traced from cycle `from` to `to`: its records, and the file read back. */
async function traced(names: string[], options: Partial<CreateOptions> = {}) {
  const machine = await Machine.create({
    image: "w001", counters: true, append: "v001k=0 -- w001 W001i s=0 r=2 rounds=40", workers: 1,
    traceEvents: 1 << 18, traceKinds: names.reduce((bits, name) => bits | EVENTS[name], 0),
    ...options,
  });
  const { cycles, instructions, stateHash } = await machine.run();
  const events = machine.view.trace();
  const lost = machine.view.traceLost;
  const loads = machine.counters().cpus.reduce((sum, cpu) => sum + cpu.loads.total, 0);
  const timeline = buildTimeline(events, machine.preset, "box", machine.view.now);
  machine.close();
  const file = Buffer.concat([...perfettoFile(timeline, Number(MEGAHERTZ))]);
  const end = { cycles, instructions, stateHash };
  return { end, events, lost, loads, slices: readPerfetto(file), file };
}

const WINDOW = { traceFrom: 5_000_000n, traceTo: 5_200_000n, maxCycles: 5_200_000n };

describe("the file", async () => {
  const { events, slices, lost } = await traced(["stores", "lines", "bus", "marks"], WINDOW);
  const of = (kind: number) => events.filter((event) => event.kind === kind);

  it("has everything that was recorded in the window", () => {
    expect(lost).toBe(0);
    for (const kind of [TRACE_COMMIT, TRACE_GRANT, TRACE_LINE, TRACE_BUS, TRACE_POINT]) {
      expect(of(kind).length, `kind ${kind}`).toBeGreaterThan(0);
    }
    const early = events.filter(({ time }) => time < WINDOW.traceFrom || time >= WINDOW.traceTo);
    expect(early).toEqual([]);
  });

  it("nests box, sockets, cores and their parts", () => {
    const part = "cpu[0-7] > (instructions|L1|(store buffer|L2) > \\d+)";
    const shared = "L2 of cpu\\d,\\d( > \\d+)?";
    const bus = "bus [01] > (transactions|address|data) > \\d+";
    const path = new RegExp(`^box > (socket [01] > (${part}|${shared})|${bus})$`);
    for (const slice of slices) expect(slice.path).toMatch(path);
    // Package 1 has CPUs 2, 3, 6, 7
    const cpus = slices.flatMap(({ path: p }) => /socket 1 > cpu(\d)/.exec(p)?.[1] ?? []);
    expect([...new Set(cpus)].sort()).toEqual(expect.arrayContaining(["2"]));
    expect(cpus.every((cpu) => "2367".includes(cpu))).toBe(true);
  });

  it("never has a slice over another one's end", () => {
    expect(slices.filter(({ depth }) => depth > 0)).toEqual([]);
  });

  it.each([0, 2])("shows each store of CPU %i for as long as it was in the buffer", (cpu) => {
    const shown = slices
      .filter(({ path }) => path.includes(`cpu${cpu} > store buffer`))
      .filter(({ details }) => typeof details.cycles === "bigint")
      .map(({ begin, end, details }) => ({ begin, end, cycles: details.cycles }));
    const commits = of(TRACE_COMMIT).filter((event) => event.cpu === cpu);
    const expected = commits.map(({ time, extra }) => {
      const issue = time - BigInt(extra);
      return { begin: ns(issue), end: ns(time), cycles: BigInt(extra) };
    });
    const byTime = (a: { begin: bigint; end: bigint }, b: { begin: bigint; end: bigint }) =>
      Number(a.begin - b.begin || a.end - b.end);
    expect(shown.sort(byTime)).toEqual(expected.sort(byTime));
    // The buffer is a FIFO, so the i-th commit is that of the i-th issue.
    const issues = of(TRACE_ISSUE).filter((event) => event.cpu === cpu);
    const first = commits.findIndex(({ time, extra }) => time - BigInt(extra) >= WINDOW.traceFrom);
    commits.slice(first).forEach(({ time, extra, phys, value }, i) => {
      expect(time - BigInt(extra)).toBe(issues[i].time);
      expect([phys, value]).toEqual([issues[i].phys, issues[i].value]);
    });
  });

  it("shows the marks as instants, with the exact cycle", () => {
    const marks = slices.filter(({ name, instant }) => instant && name.startsWith("mark "));
    const expected = of(TRACE_POINT).map(({ time, label }) => [`mark ${label}`, time]);
    expect(marks.map(({ name, details }) => [name, details.cycle])).toEqual(expected);
  });

  it("has a bus transaction for each line that came from outside the cluster", () => {
    const onBus = slices.filter(({ path }) => /^box > bus . > transactions/.test(path));
    expect(onBus.length).toBe(of(TRACE_BUS).length);
  });
});

it("a store that is not visible at the end is shown to the end", async () => {
  const { events, slices } = await traced(["stores"], WINDOW);
  const issued = events.filter(({ kind }) => kind === TRACE_ISSUE).length;
  const inside = events.filter(
    ({ kind, time, extra }) => kind === TRACE_COMMIT && time - BigInt(extra) >= WINDOW.traceFrom,
  ).length;
  const open = slices.filter(({ details }) => details.cycles === "not visible at the end");
  expect(open.length).toBe(issued - inside);
});

it("recording changes no cycle, whatever is recorded", async () => {
  const short = { maxCycles: 4_000_000n };
  const changes = new Map([["core.rfoPrefetch", 10]]);
  for (const options of [short, { ...short, changes }]) {
    const plain = await traced([], { ...options, traceEvents: 0 });
    expect(plain.events).toEqual([]);
    const all = await traced(Object.keys(EVENTS), { ...options, traceEvents: 1024 });
    expect(all.end).toEqual(plain.end);
    expect(all.loads).toBe(plain.loads);
    expect(all.events.length + all.lost).toBeGreaterThan(10_000);
  }
});

it("every load is recorded once, where it was bound", async () => {
  const { events, loads, lost } = await traced(["loads"], { maxCycles: 1_500_000n });
  expect(lost).toBe(0);
  expect(events.filter(({ kind }) => kind === TRACE_LOAD).length).toBe(loads);
});

it("the reader sees a damaged file", async () => {
  const { file } = await traced(["stores"], WINDOW);
  expect(() => decode(file.subarray(0, file.length - 3))).toThrow();
  // The type (field 9) of the last end of a slice: another one begins there now.
  const type = Buffer.from(file).lastIndexOf(Buffer.from([9 << 3, SLICE_END]));
  file[type + 1] = SLICE_BEGIN;
  expect(() => readPerfetto(file)).toThrow(/open on box/);
});
