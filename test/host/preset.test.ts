// Presets: the bundled ones are complete, and an error names the field.
import { describe, expect, it } from "vitest";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import {
  cpuCount, firstCpus, numberOf, presetDocument, readPreset,
} from "../../src/machine/preset.ts";
import { quantumOf, relationOf, windowOf } from "../../src/machine/topology.ts";

const none = (name: string): unknown => {
  throw new Error(`unexpected parent ${name}`);
};

const ONE_CLUSTER = { clusters: [{ package: 0, bus: 0, cpus: [0, 1] }] };

/** conroe as JSON with one number replaced or, with undefined, left out. */
function conroeWith(field: string, entry: unknown): unknown {
  const preset = loadPreset("conroe");
  const numbers: Record<string, unknown> = Object.fromEntries(preset.numbers);
  if (entry === undefined) delete numbers[field];
  else numbers[field] = entry;
  return { name: "x", topology: ONE_CLUSTER, numbers };
}

describe("bundled presets", () => {
  it.each(presetNames())("%s is valid", (name) => {
    expect(loadPreset(name).name).toBe(name);
  });

  it.each([
    ["nehalem-ep", 16], ["sandybridge-ep", 32], ["opteron-k8", 8], ["skylake-sp", 64], ["zen", 32],
    ["westmere-ex", 64], ["xeon-ht", 4], ["rhel16", 16], ["illumos32", 32], ["quad4", 4],
  ])("%s has %d CPUs", (name, cpus) => {
    expect(cpuCount(loadPreset(name))).toBe(cpus);
  });

  it("names siblings, caches and hops", () => {
    expect(relationOf(loadPreset("illumos32"), 0, 16)).toBe("same core");
    expect(relationOf(loadPreset("illumos32"), 0, 1)).toBe("same L3");
    expect(relationOf(loadPreset("illumos32"), 0, 8)).toBe("other socket");
    expect(relationOf(loadPreset("westmere-ex"), 0, 8)).toBe("other socket");
    expect(relationOf(loadPreset("westmere-ex"), 0, 16)).toBe("two hops");
    expect(relationOf(loadPreset("xeon-ht"), 1, 3)).toBe("same core");
  });

  it("clovertown has the map of the L5320", () => {
    const preset = loadPreset("clovertown");
    expect(cpuCount(preset)).toBe(8);
    expect(relationOf(preset, 0, 4)).toBe("same L2");
    expect(relationOf(preset, 0, 5)).toBe("same package");
    expect(relationOf(preset, 2, 7)).toBe("same package");
    expect(relationOf(preset, 1, 6)).toBe("other socket");
  });

  it("has the windows of the design", () => {
    expect(windowOf(loadPreset("clovertown"))).toBe(38);
    expect(windowOf(loadPreset("conroe"))).toBe(106);
    expect(quantumOf(loadPreset("clovertown"), 38)).toBe(9);
    expect(quantumOf(loadPreset("clovertown"), 8)).toBe(8);
    expect(quantumOf(loadPreset("uni1"), 106)).toBe(106);
    expect(() => windowOf(loadPreset("clovertown"), 78)).toThrow("1 to 77");
  });

  it.each(presetNames())("%s: siblings are no nearer than the cache between", (name) => {
    const preset = loadPreset(name);
    if (preset.clusters.every(({ units }) => units.length === 1)) return;
    const n = (field: string) => numberOf(preset, field);
    const shared = n(preset.numbers.has("l3.sets") ? "latency.l3" : "latency.l2");
    const rows = ["Load", "Upgrade", "Own"].map((row) => n(`latency.sibling${row}`));
    rows[0] -= n("latency.loadResidual");
    expect(Math.min(...rows)).toBeGreaterThan(shared);
    expect(rows[2]).toBeGreaterThan(rows[0]);
  });

  it.each(presetNames())("%s says where its topology comes from", (name) => {
    expect(loadPreset(name).origin?.source).toMatch(/./);
  });

  it("marks A only what was read: costs, hits of the caches, and all of Core 2", () => {
    const costs = ["l1", "mfence", "sfence", "lfence", "lock", "xchg"];
    const read = new Set([...costs.map((name) => `cost.${name}`), "latency.l2", "latency.l3"]);
    for (const name of ["nehalem-ep", "sandybridge-ep", "skylake-sp", "zen", "opteron-k8"]) {
      const others = [...loadPreset(name).numbers]
        .filter(([field, { confidence }]) => confidence === "A" && !read.has(field))
        .map(([field]) => field);
      expect(others, name).toEqual(name === "skylake-sp" ? ["cost.pause"] : []);
    }
    const western = [...loadPreset("westmere-ex").numbers.values()];
    expect(western.filter(({ confidence }) => confidence === "A")).toEqual([]);
  });

  it("rhel16 has clovertown's times outside of its dies", () => {
    const [parent, own] = [loadPreset("clovertown"), loadPreset("rhel16")];
    const scale = numberOf(own, "megahertz") / numberOf(parent, "megahertz");
    const outside = [...parent.numbers.keys()].filter(
      (field) => /^(bus|latency)\./.test(field) && !/sibling|latency.l2|Residual/.test(field),
    );
    expect(outside.length).toBe(13);
    for (const field of outside) {
      const wanted = numberOf(parent, field) * scale;
      expect(Math.abs(numberOf(own, field) - wanted), field).toBeLessThanOrEqual(1);
    }
  });

  it("uni1 takes over conroe's numbers", () => {
    expect(numberOf(loadPreset("uni1"), "latency.dram")).toBe(213);
  });
});

describe("--cpus", () => {
  it("keeps the first CPUs and drops empty clusters", () => {
    const preset = firstCpus(loadPreset("clovertown"), 5);
    expect(preset.clusters.map((cluster) => cluster.cpus)).toEqual([[0, 4], [1], [2], [3]]);
    expect(() => firstCpus(preset, 6)).toThrow("1 to 5");
  });

  it("drops the memories, buses and hops of packages without CPUs", () => {
    const preset = firstCpus(loadPreset("westmere-ex"), 20);
    expect(preset.homes).toEqual([0, 1, 2].map((index) => ({ package: index, bus: index })));
    expect(preset.hops).toEqual([[0, 2]]);
    // It is a machine that a file can describe, as the one in a capsule does.
    expect(readPreset(presetDocument(preset), none)).toEqual(preset);
  });

  it("numbers the packages that are left", () => {
    const document = presetDocument(loadPreset("nehalem-ep"));
    const topology = document.topology as { clusters: { package: number; bus: number }[] };
    for (const cluster of topology.clusters) cluster.package ^= 1;
    const preset = firstCpus(readPreset(document, none), 2);
    expect(preset.clusters).toMatchObject([{ package: 0, bus: 0, cpus: [0, 1] }]);
    expect(preset.homes).toEqual([{ package: 0, bus: 1 }]);
  });
});

describe("errors", () => {
  const read = (document: unknown) => () => readPreset(document, none);

  it.each([
    ["latency.dram", undefined, "numbers.latency.dram: missing"],
    ["latency.siblingOwn", undefined, "numbers.latency.siblingOwn: missing"],
    ["latency.dram", { value: 0.5, confidence: "A", source: "x" }, "numbers.latency.dram.value"],
    ["latency.dram", { value: 0, confidence: "A", source: "x" }, "from 1 to 10000"],
    ["latency.dram", { value: 5, confidence: "E", source: "x" }, "must be A, B, C or D"],
    ["latency.dram", { value: 5, confidence: "A" }, "source: say where"],
    ["latency.dam", { value: 5, confidence: "A", source: "x" }, "numbers.latency.dam: unknown"],
    ["l1.sets", { value: 65, confidence: "A", source: "x" }, "power of two"],
    ["l1.sets", { value: 256, confidence: "A", source: "x" }, "numbers.l1.sets: times l1.ways"],
    ["l2.sets", { value: 32, confidence: "A", source: "x" }, "l2.sets: the L2 is inclusive"],
    ["l2.sets", { value: 96, confidence: "A", source: "x" }, "numbers.l2.sets: must be a power"],
    ["megahertz", { value: 4295, confidence: "A", source: "x" }, "from 100 to 4294"],
    ["latency.dram", { value: -5, confidence: "A", source: "x" }, "numbers.latency.dram.value"],
    ["l3.sets", { value: 8192, confidence: "A", source: "x" }, "numbers.l3.ways: missing"],
  ])("%s = %j", (field, entry, message) => {
    expect(read(conroeWith(field, entry))).toThrow(message);
  });

  it.each([
    [[], "list of 1 to"],
    [[{ package: 0, bus: 0, cpus: [0, 0] }], "CPU 0 is listed twice"],
    [[{ package: 0, bus: 0, cpus: [1] }], "CPU 0 is missing"],
    [[{ package: -1, bus: 0, cpus: [0] }], "clusters[0].package"],
    [[{ package: 1, bus: 0, cpus: [0] }], "topology.clusters: package 0 is missing"],
    [[{ package: 0, bus: 0, cpus: [[0, 1, 2]] }], "topology.clusters[0].cpus[0]: must be a list"],
    [[{ package: 0, bus: 0, cpus: [[0], 64] }], "clusters[0].cpus[1]: must be a whole number"],
    [[{ package: 0, bus: 0, cpus: [0], cores: 2 }], "topology.clusters[0].cores: unknown field"],
    [[{ package: 0, bus: 0, cpus: Array.from({ length: 17 }, (_, i) => i) }], "1 to 16 items"],
  ])("topology %j", (clusters, message) => {
    expect(read({ name: "x", topology: { clusters }, numbers: {} })).toThrow(message);
  });

  it.each([
    [{ homes: [{ package: 1, bus: 0 }] }, "topology.homes[0].package: no cluster"],
    [{ homes: [{ package: 0, bus: 3 }] }, "topology.homes[0].bus: no cluster"],
    [{ hops: [[0, 1]] }, "topology.hops: must be a list of 0 to 0 items"],
    [{ nodes: 2 }, "topology.nodes: unknown field"],
    [{ homes: [{ package: 0, bus: 0 }, { package: 0, bus: 0 }] }, "latency.dramRemote: missing"],
  ])("topology %j", (more, message) => {
    const { numbers } = conroeWith("ramMiB", loadPreset("conroe").numbers.get("ramMiB")) as {
      numbers: unknown;
    };
    expect(read({ name: "x", topology: { ...ONE_CLUSTER, ...more }, numbers })).toThrow(message);
  });

  it("refuses an unknown field and a circle of parents", () => {
    expect(read({ name: "x", cores: 4 })).toThrow("cores: unknown field");
    const circle = { name: "x", derives: "x" };
    expect(() => readPreset(circle, () => circle)).toThrow("derives");
  });

  it("checks changes from the command line as well", () => {
    const changed = loadPreset("conroe", new Map([["core.retireDelay", 4]]));
    expect(numberOf(changed, "core.retireDelay")).toBe(4);
    expect(() => loadPreset("conroe", new Map([["core.x", 4]]))).toThrow("numbers.core.x");
    expect(() => loadPreset("nowhere")).toThrow("clovertown, conroe, illumos32");
  });
});
