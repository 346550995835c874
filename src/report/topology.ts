// A machine drawn as nested boxes: package, L2, CPUs, with the bus below, in at most 80 columns.
import { numberOf, type Preset } from "../machine/preset.ts";

/** Lines of text, all of one width. */
type Block = string[];

export function drawMachine(preset: Preset): string {
  const kilobytes = (level: string) =>
    (numberOf(preset, `${level}.sets`) * numberOf(preset, `${level}.ways`) * 64) >> 10;
  const l2 = `L2 ${kilobytes("l2") >> 10} MiB`;
  const packages = [...new Set(preset.clusters.map((cluster) => cluster.package))];
  const blocks = packages.map((index) => {
    const clusters = preset.clusters.filter((cluster) => cluster.package === index);
    const dies = clusters.map((cluster) => box(l2, besides(cluster.cpus.map(cpu))));
    return box(`package ${index}`, besides(dies));
  });
  return besides(blocks).concat(fabric(preset)).join("\n");
}

function cpu(number: number): Block {
  return [`cpu${number}`.padEnd(5)];
}

function box(title: string, inner: Block): Block {
  const width = Math.max(inner[0].length, title.length + 1);
  const head = `+ ${title} ${"-".repeat(width - title.length - 1)}-+`;
  const body = inner.map((line) => `| ${line.padEnd(width)} |`);
  return [head, ...body, `+${"-".repeat(head.length - 2)}+`];
}

function besides(blocks: Block[]): Block {
  const height = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: height }, (_, i) =>
    blocks.map((block) => block[i] ?? " ".repeat(block[0].length)).join(" "),
  );
}

/** Who is connected to what. */
function fabric(preset: Preset): Block {
  const buses = [...new Set(preset.clusters.map((cluster) => cluster.bus))];
  const lines = buses.map((bus) => {
    const onBus = preset.clusters.filter((cluster) => cluster.bus === bus);
    const packages = [...new Set(onBus.map((cluster) => cluster.package))];
    return `  bus ${bus}: package ${packages.join(", ")}, memory controller`;
  });
  const megahertz = numberOf(preset, "megahertz");
  const dram = numberOf(preset, "latency.dram");
  return [...lines, `  ${megahertz / 1000} GHz, L1 ${numberOf(preset, "cost.l1")}, ` +
    `L2 ${numberOf(preset, "latency.l2")}, DRAM ${dram} cycles`];
}
