// The trace is complete: read back from the file, it has as many of everything as the counters
// say, and the changes of the lines add up to what the caches hold at the end.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as abi from "../../assembly/abi.ts";
import type { Counters } from "../../src/core/counters.ts";
import { packageRoot } from "../../src/core/root.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { parseDisks } from "../../src/machine/disks.ts";
import { numberOf, type Preset } from "../../src/machine/preset.ts";
import { buildTimeline, EVENTS } from "../../src/report/timeline.ts";
import { perfettoFile } from "../../src/report/trace-export.ts";
import { compileEntry } from "../support/compile.ts";
import { readPerfetto, type Slice } from "./perfetto-reader.ts";

afterAll(() => Machine.shutdown());

const { exports } = compileEntry("test/report/assembly/caches.ts");
const at = (name: string) => (exports[name] as () => number)();

/** Caches so small that lines leave all of them. */
const SMALL = { "l1.sets": 4, "l1.ways": 8, "l2.sets": 16, "l2.ways": 8 };
const RUNS: Record<string, Partial<CreateOptions>> = {
  "two cores on an L2, stores too": {
    traceKinds: EVENTS.stores | EVENTS.lines | EVENTS.bus,
    machine: "clovertown", image: "pingpong", append: "-- pingpong n=20 a=0 b=4",
    changes: new Map(Object.entries(SMALL)),
  },
  "two threads a core, an L2 each and an L3, two home agents": {
    machine: join(packageRoot(), "test", "report", "two-sockets.json"), image: "pingpong",
    append: "-- pingpong n=20 a=0 b=6",
  },
  "disks": {
    machine: "clovertown", image: "aiostress", append: "-- aiostress disks=2 requests=10 depth=2",
    disks: parseDisks(2),
  },
};

/** Seen in every one of them. */
const CAUSES = [
  "fill", "served", "store", "lock", "evicted", "written back", "dirty copy", "sibling reads",
  "sibling writes", "cluster reads", "cluster writes",
];

async function traced(options: Partial<CreateOptions>) {
  const machine = await Machine.create({
    workers: 1, counters: true, traceEvents: 1 << 21, traceKinds: EVENTS.lines | EVENTS.bus,
    ...options, image: options.image!,
  });
  await machine.run();
  const { view, preset } = machine;
  expect(view.traceLost).toBe(0);
  const timeline = buildTimeline(view.trace(), preset, "box", view.now);
  const megahertz = numberOf(preset, "megahertz");
  const slices = readPerfetto(Buffer.concat([...perfettoFile(timeline, megahertz)]));
  const result = { slices, counters: machine.counters(), preset, held: heldLines(machine) };
  machine.close();
  return result;
}

/** "path line" to the state, of all valid lines of all caches. */
function heldLines({ view, preset }: Machine): Map<string, string> {
  const memory = new DataView(view.memory.buffer);
  const held = new Map<string, string>();
  const array = (path: string, base: number, count: number, bytes: number, stateAt: number) => {
    for (let i = 0; i < count; i++) {
      const state = memory.getUint8(base + i * bytes + stateAt);
      if (state === 0) continue;
      const line = memory.getUint32(base + i * bytes, true) * 64;
      held.set(`${path} 0x${line.toString(16)}`, "ISEM"[state]);
    }
  };
  const size = (level: string) =>
    numberOf(preset, `${level}.sets`) * numberOf(preset, `${level}.ways`);
  const last = preset.numbers.has("l3.sets") ? "l3" : "l2";
  preset.clusters.forEach(({ package: socket, cpus, units }, index) => {
    for (const unit of units) {
      const core = view.u32(abi.M_CORES + unit[0] * 4);
      const path = `box > socket ${socket} > cpu${unit.join()}`;
      const private_ = [at("lineBytes"), at("state")] as const;
      array(`L1D ${path} > L1`, core + abi.CORE_L1D, size("l1"), ...private_);
      array(`L1I ${path} > L1`, core + abi.CORE_L1I, size("l1"), ...private_);
      if (last === "l2") continue;
      array(`L2 ${path} > L2`, memory.getUint32(core + at("privateLevel2"), true), size("l2"),
        ...private_);
    }
    const cluster = view.u32(abi.M_CLUSTER_BASES + index * 4);
    const path = `box > socket ${socket} > ${last.toUpperCase()} of cpu${cpus.join()}`;
    array(`shared ${path}`, cluster + at("shared"), size(last), at("sharedLineBytes"),
      at("sharedState"));
  });
  return held;
}

/** Without the lane. */
const trackOf = ({ path }: Slice) => path.replace(/ > \d+$/, "");
const isChange = ({ instant, details }: Slice) => instant && "cache" in details;
const sum = (slices: Slice[], detail: string) =>
  slices.reduce((total, { details }) => total + Number(details[detail]), 0);

describe.each(Object.entries(RUNS))("%s", (_, options) => {
  let slices: Slice[];
  let counters: Counters;
  let preset: Preset;
  let held: Map<string, string>;
  const tracks = new Map<string, Slice[]>();
  beforeAll(async () => {
    ({ slices, counters, preset, held } = await traced(options));
    for (const slice of slices) {
      const track = trackOf(slice);
      const own = tracks.get(track) ?? [];
      tracks.set(track, own);
      own.push(slice);
    }
  }, 240_000);
  const on = (end: string) =>
    [...tracks].filter(([track]) => track.endsWith(` > ${end}`)).flatMap(([, own]) => own);

  it("accesses of each CPU", () => {
    const withStores = options.traceKinds !== undefined;
    for (const { cpu, stores, locked, upgrades } of counters.cpus) {
      const unit = preset.clusters.flatMap(({ units }) => units).find((u) => u.includes(cpu))!;
      const own = (part: string) =>
        on(`cpu${unit.join()} > ${unit.length === 1 ? part : `cpu${cpu} ${part}`}`);
      const committed = own("store buffer").filter(
        ({ details }) => typeof details.cycles === "bigint",
      );
      const isLocked = ({ name }: Slice) => name.startsWith("locked");
      const executed = own("instructions").filter(isLocked);
      expect(committed, `cpu${cpu}`).toHaveLength(withStores ? stores.total : 0);
      expect(executed, `cpu${cpu}`).toHaveLength(withStores ? locked.total : 0);
      if (unit.length > 1) continue;
      const asked = on(`cpu${cpu} > L2`).filter(({ name }) => name.includes("(has it in S)"));
      expect(asked, `cpu${cpu}`).toHaveLength(upgrades);
    }
  });

  it("lines of each cluster", () => {
    const last = preset.numbers.has("l3.sets") ? "L3" : "L2";
    for (const c of counters.clusters) {
      const { cpus } = preset.clusters[c.cluster];
      const track = on(`${last} of cpu${cpus.join()}`);
      const because = (...causes: string[]) =>
        track.filter((s) => isChange(s) && causes.includes(`${s.details.cause}`)).length;
      expect(because("evicted", "written back")).toBe(c.evictions);
      expect(because("written back")).toBe(c.writebacks);
      expect(because("cluster writes")).toBe(c.invalidations);
      expect(because("cluster reads")).toBe(c.downgrades);
      expect(track.filter(({ instant }) => !instant)).toHaveLength(c.handovers);
    }
  });

  it("transactions of each bus, and the cycles that they occupy it", () => {
    for (const b of counters.buses) {
      expect(on(`bus ${b.bus} > transactions`)).toHaveLength(b.transactions);
      const address = on(`bus ${b.bus} > address`);
      expect(address.filter(({ name }) => name.startsWith("snoop"))).toHaveLength(b.snoops);
      expect(sum(address, "cycles")).toBe(b.addressCycles);
      expect(sum(on(`bus ${b.bus} > data`), "cycles")).toBe(b.dataCycles);
      expect(sum(on(`bus ${b.bus} > transactions`), "waited")).toBe(b.waitedCycles);
      for (const phase of ["address", "data"]) {
        const lanes = new Set(on(`bus ${b.bus} > ${phase}`).map(({ path }) => path));
        expect(lanes.size, `${phase} phases overlap`).toBeLessThanOrEqual(1);
      }
    }
  });

  it("every change of a line: they add up to what the caches hold", () => {
    const balance = new Map<string, number>();
    const add = (key: string, by: number) => balance.set(key, (balance.get(key) ?? 0) + by);
    for (const slice of slices.filter(isChange)) {
      const [line, states] = slice.name.split(" ");
      const cache = `${slice.details.cache} ${trackOf(slice)} ${line}`;
      if (states[0] !== "I") add(`${cache} ${states[0]}`, -1);
      if (states[2] !== "I") add(`${cache} ${states[2]}`, 1);
    }
    const left = [...balance].filter(([, count]) => count !== 0);
    expect(left.filter(([, count]) => count !== 1)).toEqual([]);
    const expected = [...held].map(([cache, state]) => `${cache} ${state}`);
    expect(left.map(([key]) => key).sort()).toEqual(expected.sort());
    const seen = new Set(slices.filter(isChange).map(({ details }) => details.cause));
    expect([...seen]).toEqual(expect.arrayContaining(CAUSES));
  });
});

it("is the same from two workers", { timeout: 240_000 }, async () => {
  const options = RUNS["two threads a core, an L2 each and an L3, two home agents"];
  const [one, two] = await Promise.all([1, 2].map((workers) => traced({ ...options, workers })));
  const lines = ({ slices }: { slices: Slice[] }) =>
    slices.map((s) => `${s.begin} ${s.end} ${trackOf(s)} ${s.name}`).sort();
  expect(lines(two)).toEqual(lines(one));
});
