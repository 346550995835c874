// A machine drawn as nested boxes in at most 80 columns, as lstopo does it: package, last-level
// cache, L2, L1 with the threads of its core; below, how they are connected and how far apart they
// are.
import { type Cluster, numberOf, type Preset } from "../machine/preset.ts";

/** Lines of text, all of one width. */
type Block = string[];

const COLUMNS = 80;
/** A box is this much wider than what is in it. */
const BORDER = 4;
/** Packages of one shape beyond this number are listed and not drawn. */
const DRAWN_MAX = 4;

export function drawMachine(preset: Preset): string {
  const packages = [...new Set(preset.clusters.map((cluster) => cluster.package))];
  const clustersOf = (index: number) => preset.clusters.filter((c) => c.package === index);
  const shape = (index: number) =>
    clustersOf(index).map(({ units }) => units.map((unit) => unit.length).join()).join(";");
  const alike = packages.every((index) => shape(index) === shape(packages[0]));
  const drawn = alike && packages.length > DRAWN_MAX ? packages.slice(0, 1) : packages;
  const blocks = drawn.map((index) => {
    const dies = clustersOf(index).map((cluster) => drawCluster(preset, cluster));
    return box(`package ${index}`, flow(dies, COLUMNS - BORDER));
  });
  const rest = packages.filter((index) => !drawn.includes(index)).map((index) => {
    const cpus = clustersOf(index).flatMap((cluster) => cluster.cpus);
    return `  package ${index}: the same with CPUs ${ranges(cpus)}`;
  });
  const lines = [...flow(blocks, COLUMNS), ...rest, ...fabric(preset), ...latencies(preset)];
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** The cores on one last-level cache. */
function drawCluster(preset: Preset, cluster: Cluster): Block {
  const l3 = preset.numbers.has("l3.sets");
  const units = cluster.units.map((unit) => {
    const l1 = box(size(preset, "L1"), [`cpu${unit.join()}`.padEnd(5)]);
    return l3 ? box(size(preset, "L2"), l1) : l1;
  });
  return box(size(preset, l3 ? "L3" : "L2"), flow(units, COLUMNS - 2 * BORDER));
}

/** "L2 4 MiB" */
function size(preset: Preset, level: string): string {
  const field = level.toLowerCase();
  const lines = numberOf(preset, `${field}.sets`) * numberOf(preset, `${field}.ways`);
  const kibibytes = (lines * 64) >> 10;
  return kibibytes % 1024 === 0 ? `${level} ${kibibytes >> 10} MiB` : `${level} ${kibibytes} KiB`;
}

function box(title: string, inner: Block): Block {
  const width = Math.max(...inner.map((line) => line.length), title.length + 1);
  const head = `+ ${title} ${"-".repeat(width - title.length - 1)}-+`;
  const body = inner.map((line) => `| ${line.padEnd(width)} |`);
  return [head, ...body, `+${"-".repeat(head.length - 2)}+`];
}

/** Side by side within `columns`, in rows of equal length. */
function flow(blocks: Block[], columns: number): Block {
  const width = Math.max(...blocks.map((block) => block[0].length)) + 1;
  const most = Math.max(1, Math.floor((columns + 1) / width));
  const rows = Math.ceil(blocks.length / most);
  const each = Math.ceil(blocks.length / rows);
  return Array.from({ length: rows }, (_, i) => blocks.slice(i * each, (i + 1) * each))
    .filter((row) => row.length > 0)
    .flatMap(besides);
}

function besides(blocks: Block[]): Block {
  const height = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, i) =>
    blocks.map((block) => block[i] ?? " ".repeat(block[0].length)).join(" "),
  );
}

/** "0-3, 8" */
function ranges(numbers: number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const n of sorted) {
    const last = runs[runs.length - 1];
    if (last && last[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(", ");
}

/** Who is connected to what. */
function fabric(preset: Preset): string[] {
  const buses = [...new Set(preset.clusters.map((cluster) => cluster.bus))];
  const lines = buses.map((bus) => {
    const onBus = preset.clusters.filter((cluster) => cluster.bus === bus);
    const packages = ranges([...new Set(onBus.map((cluster) => cluster.package))]);
    const memories = preset.homes.filter((home) => home.bus === bus).length;
    const own = memories === 1 ? "a memory controller" : `${memories} memory controllers`;
    return `  bus ${bus}: package ${packages}, ${preset.homes.length === 1 ? MEMORY : own}`;
  });
  if (preset.homes.length > 1) {
    lines.push(`  pages of 4 KiB are dealt out to the ${preset.homes.length} memories in turn`);
  }
  const apart = preset.hops.filter((pair) => pair.includes(0)).map(([a, b]) => (a === 0 ? b : a));
  if (apart.length > 0) lines.push(`  two hops from package 0: packages ${ranges(apart)}`);
  return lines;
}

/** One on all buses. */
const MEMORY = "memory controller";

/** Distances in cycles: a row for each that the machine has. */
function latencies(preset: Preset): string[] {
  const n = (field: string) => numberOf(preset, field);
  const l3 = preset.numbers.has("l3.sets");
  const hits = [`L1 ${n("cost.l1")}`, `L2 ${n("latency.l2")}`];
  if (l3) hits.push(`L3 ${n("latency.l3")}`);
  const remote = preset.homes.length > 1 ? `, ${n("latency.dramRemote")} remote` : "";
  const rows = [`  ${n("megahertz") / 1000} GHz; cycles: ${hits.join(", ")}, DRAM ` +
    `${n("latency.dram")}${remote}`];
  const far: [string, string][] = [
    [`same ${l3 ? "L3" : "L2"}`, "sibling"], ["same package", "die"], ["other package", "socket"],
    ["two hops away", "far"],
  ];
  const { clusters } = preset;
  const has: Record<string, boolean> = {
    sibling: clusters.some((cluster) => cluster.units.length > 1),
    die: clusters.some((a, i) => clusters.some((b, j) => i < j && a.package === b.package)),
    socket: clusters.some((cluster) => cluster.package !== clusters[0].package),
    far: preset.hops.length > 0,
  };
  for (const [name, field] of far) {
    if (!has[field]) continue;
    const row = ["Load", "Upgrade", "Own"].map((what) => n(`latency.${field}${what}`));
    const [load, upgrade, own] = row;
    rows.push(`  from a cache, ${name.padEnd(13)} load ${load}, upgrade ${upgrade}, own ${own}`);
  }
  return rows;
}
