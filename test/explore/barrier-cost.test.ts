// What placements cost, and how often the broken ones fail, on a machine: functions that sleep wait
// there, and a sleeper whom nobody wakes is a failure.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { packageRoot } from "../../src/core/root.ts";
import { COLD, costOf, costProgram } from "../../src/engine/barrier-cost.ts";
import { loadPreset } from "../../src/engine/files.ts";
import { TimingEngine } from "../../src/engine/litmus/timing.ts";
import { Machine } from "../../src/engine/machine.ts";
import { readElf } from "../../src/machine/elf.ts";
import { numberOf } from "../../src/machine/preset.ts";
import { type Kind, patchSites, readSites } from "../../src/machine/sites.ts";
import { farthestPair } from "../../src/machine/topology.ts";
import type { Measured } from "../../src/report/barriers.ts";
import { frontOf, placementChart } from "../../src/report/barriers-chart.ts";

afterAll(() => Machine.shutdown());

const NAME = "explore.elf";
const image = {
  name: NAME, bytes: readFileSync(join(packageRoot(), "workloads", "prebuilt", NAME)),
};
const sites = readSites(image);
const RUNS = 2000;
const SAMPLE = { machine: "clovertown", runs: RUNS, seed: 1n };

function cost(entries: string, placement: [string, Kind][], predicate?: string, cpus?: number[]) {
  const patched = patchSites(image, sites, new Map(placement));
  return costOf(patched, { entries, predicate }, SAMPLE, { cpus });
}

const CASE_001 = "c001_complete,c001_wait";

it("a sleeper that nobody wakes is a failure, of the broken placements only", async () => {
  const broken = await cost(CASE_001, [["001.fence", "sfence"]]);
  expect(broken.runs).toBe(RUNS);
  expect(broken.failures).toBeGreaterThan(0);
  const patched = await cost(CASE_001, [["001.fence", "mfence"], ["001.state", "xchg"]]);
  expect(patched.failures).toBe(0);
  // A lost wake-up takes 2,000 reads; such runs do not count as cost.
  expect(broken.p99).toBeLessThan(20_000);
  expect(patched.p99).toBeLessThan(20_000);
});

it("takes as many runs of each seed", async () => {
  const entries = "wq_wake(2),wq_wait(2)";
  const of = (seed: bigint, seeds?: number) =>
    costOf(image, { entries }, { machine: "conroe", runs: 100, seed, seeds });
  const [first, second, both] = [await of(1n), await of(2n), await of(1n, 2)];
  expect(both.runs).toBe(200);
  expect(both.failures).toBe(0);
  const [low, high] = [first.median!, second.median!].sort((a, b) => a - b);
  expect(both.median).toBeGreaterThanOrEqual(low);
  expect(both.median).toBeLessThanOrEqual(high);
});

it("lines that another CPU wrote last are fetched in every run, hot ones in none", async () => {
  const transfer = numberOf(loadPreset("clovertown"), "latency.socketOwn");
  const { cpus } = farthestPair(loadPreset("clovertown"))!;
  const cyclesOf = async (lines: "hot" | "remote", seed: bigint) => {
    const { program } = costProgram(image, { entries: "aio_complete_24_k7" }, { lines, cpus });
    const { states } = await new TimingEngine({ cpus }).run(
      program, { machine: "clovertown", runs: 100, seed });
    const warm = states.filter(({ values }) => values[0] !== COLD);
    return warm.flatMap(({ values, count }) => Array<number>(count).fill(Number(values[0])));
  };
  for (const seed of [1n, 2n]) {
    const hot = (await cyclesOf("hot", seed)).sort((a, b) => a - b);
    const remote = await cyclesOf("remote", seed);
    // In the first runs the code itself is nowhere yet.
    expect([hot.length, remote.length]).toEqual([96, 96]);
    expect(hot.at(-1)).toBeLessThan(hot[0] + transfer / 2);
    // Four lines, one after the other.
    expect(Math.min(...remote)).toBeGreaterThan(hot[0] + 3 * transfer);
  }
});

it("a function that only returns costs nothing: the clock is taken off", async () => {
  const entries = "aio_complete_24_k7";
  const bytes = Uint8Array.from(image.bytes);
  const elf = readElf(bytes, NAME);
  const { lin } = elf.symbols.get(entries)!;
  const start = elf.segments.find(({ lin: first, data }) =>
    lin >= first && lin < first + BigInt(data.length))!;
  const code = start.data.subarray(Number(lin - start.lin), Number(lin - start.lin) + 32);
  const at = Buffer.from(bytes).indexOf(code);
  bytes[at] = 0xc3; // ret
  const empty = { name: NAME, bytes };
  for (const machine of ["clovertown", "zen"]) {
    const { cpus } = farthestPair(loadPreset(machine))!;
    for (const lines of ["hot", "remote"] as const) {
      const cost = await costOf(
        empty, { entries }, { machine, runs: 32, seed: 1n }, { alone: { lines, cpus } });
      expect(cost).toMatchObject({ runs: 32, measured: 32 });
      expect(cost.clock, `${machine} ${lines}`).toBeGreaterThan(20);
      expect(Math.abs(cost.median!), `${machine} ${lines}`).toBeLessThan(8);
    }
  }
});

it("in program order nobody is lost", async () => {
  const { failures } = await costOf(
    image, { entries: CASE_001 }, SAMPLE, { memory: "sc" });
  expect(failures).toBe(0);
});

it("a predicate is asked at the end; without one nothing fails that does not sleep", async () => {
  const unfenced = "dekker_unfenced(0),dekker_unfenced(1)";
  const counted = await cost(unfenced, [], "dekker_count == 2");
  expect(counted.failures).toBeGreaterThan(0);
  expect((await cost(unfenced, [])).failures).toBe(0);
});

it("the front is what nothing beats in cost and in failures", () => {
  const places = [[10, 5], [12, 5], [11, 3], [20, 0], [19, 4], [25, 0], [10, 6]]
    .map(([cycles, risk]) => ({ cycles, risk }));
  expect(frontOf(places).map(({ cycles }) => cycles)).toEqual([10, 11, 20]);
});

it("who failed once is not below who never failed, and only a proof is at 0", () => {
  const at = (kind: Kind, verdict: Measured["verdict"], failures: number, median: number) => ({
    placement: new Map([["s", kind]]), verdict, minimal: false,
    cost: { runs: 1000, measured: 1000 - failures, clock: 0, failures, median, p99: median },
  });
  const drawing = placementChart("x", [["conroe", [
    at("none", "broken", 0, 10), at("sfence", "broken", 1, 20), at("lfence", "broken", 2, 9),
    at("mfence", "safe", 0, 30),
  ]]]);
  // Each is drawn once for its verdict, and once more if it is on the front.
  const titles = [...drawing.matchAll(/<title>(.*?)<\/title>/g)].map(([, text]) => text);
  const drawn = (kind: string) => titles.filter((text) => text.startsWith(kind)).length;
  expect([drawn("s=lfence"), drawn("none"), drawn("s=sfence"), drawn("s=mfence")])
    .toEqual([2, 2, 1, 2]);
  expect(drawing).toContain("upper 95 % bound");
});

it("a chart shows every placement once, broken ones above 0", () => {
  const measured: Measured[] = [
    { placement: new Map([["a<b", "none"]]), verdict: "broken", minimal: false,
      cost: { runs: 1000, measured: 1000, clock: 0, failures: 0, median: 10, p99: 20 } },
    { placement: new Map([["a<b", "mfence"]]), verdict: "safe", minimal: true,
      cost: { runs: 1000, measured: 1000, clock: 0, failures: 0, median: 30, p99: 40 } },
    { placement: new Map([["a<b", "sfence"]]), verdict: "broken", minimal: false,
      cost: { runs: 9, measured: 0, clock: 0, failures: 9 } },
  ];
  const drawing = placementChart("x & y", [["conroe", measured]]);
  expect(drawing).toContain("x &#38; y");
  expect(drawing).not.toContain("a<b");
  const titles = [...drawing.matchAll(/<title>(.*?)<\/title>/g)].map(([, text]) => text);
  expect(titles.filter((text) => text.startsWith("none"))).toHaveLength(2);
  expect(titles.filter((text) => text.startsWith("a&#60;b=mfence: safe"))).toHaveLength(2);
});
