// The drawings of the machines: every CPU is in them once, and they fit a terminal.
import { expect, it } from "vitest";
import { loadPreset, presetNames } from "../../src/engine/files.ts";
import { drawMachine } from "../../src/report/topology.ts";

it.each(presetNames())("%s fits 80 columns and has every CPU", (name) => {
  const preset = loadPreset(name);
  const text = drawMachine(preset);
  for (const line of text.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  const lists = [...text.matchAll(/cpu([\d,]+)/g)].map(([, list]) => list.split(","));
  const drawn = lists.flat().map(Number);
  const named = [...text.matchAll(/the same with CPUs ([\d, -]+)/g)].flatMap(([, list]) =>
    list.split(", ").flatMap((run) => {
      const [first, last = first] = run.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    }),
  );
  const cpus = preset.clusters.flatMap((cluster) => cluster.cpus).sort((a, b) => a - b);
  expect([...drawn, ...named].sort((a, b) => a - b)).toEqual(cpus);
});

it("draws packages, caches, cores and threads as nested boxes", () => {
  expect(drawMachine(loadPreset("xeon-ht"))).toBe(
    [
      "+ package 0 ---------+ + package 1 ---------+",
      "| + L2 4 MiB ------+ | | + L2 4 MiB ------+ |",
      "| | + L1 32 KiB -+ | | | | + L1 32 KiB -+ | |",
      "| | | cpu0,2     | | | | | | cpu1,3     | | |",
      "| | +------------+ | | | | +------------+ | |",
      "| +----------------+ | | +----------------+ |",
      "+--------------------+ +--------------------+",
      "  bus 0: package 0-1, memory controller",
      "  2.333 GHz; cycles: L1 3, L2 14, DRAM 275",
      "  from a cache, other package load 141, upgrade 113, own 149",
    ].join("\n"),
  );
});
