// A machine drawn as nested boxes: packages, the last-level cache that a group of cores shares,
// cores with their threads, and the disks behind the I/O hub; the CPUs that run are marked.
import type { Preset } from "../../machine/preset.ts";
import { flow, HEAD, packagesOf, PAD } from "./machine-boxes.ts";

const CORE = { width: 58, height: 34 };
const COLUMNS = 4;
const DISK = { side: 12, gap: 4 };

interface Props {
  preset: Preset;
  chosen: readonly number[];
  disks?: number;
}

export function MachineView({ preset, chosen, disks = 0 }: Props) {
  const boxes = packagesOf(preset, () => CORE, COLUMNS, 2);
  const all = flow(boxes, 2);
  const level = preset.numbers.has("l3.sets") ? "L3" : "L2";
  const label = `${preset.name}: ${boxes.length} packages, ${preset.clusters.length} ${level} ` +
    `caches, ${disks} disks; CPUs ${chosen.join(" and ")} are marked`;
  const columns = Math.floor((all.width - 2 * PAD) / (DISK.side + DISK.gap));
  const rows = Math.ceil(disks / columns);
  const hub = disks ? HEAD + rows * (DISK.side + DISK.gap) + PAD : 0;
  const height = all.height + (disks ? PAD + hub : 0);
  return (
    <svg viewBox={`-1 -1 ${all.width + 2} ${height + 2}`} width={all.width} role="img"
      aria-label={label}>
      {all.placed.map(({ x, y, width, height, what: { index, clusters } }) => (
        <g key={index} transform={`translate(${x},${y})`}>
          <rect class="box" width={width} height={height} rx="4" />
          <text x={PAD} y={HEAD - 3}>package {index}</text>
          {clusters.map((cluster) => (
            <g key={cluster.what.cluster} transform={`translate(${cluster.x},${cluster.y})`}>
              <rect class="cache" width={cluster.width} height={cluster.height} rx="3" />
              <text x={PAD} y={HEAD - 3}>{level}</text>
              {cluster.what.cores.map((core) => (
                <g key={core.what[0]} transform={`translate(${core.x},${core.y})`}>
                  <rect class={core.what.some((cpu) => chosen.includes(cpu)) ? "chosen" : "core"}
                    width={core.width} height={core.height} rx="2" />
                  <text x={core.width / 2} y={core.height / 2 + 4} text-anchor="middle">
                    cpu {core.what.join(", ")}
                  </text>
                </g>
              ))}
            </g>
          ))}
        </g>
      ))}
      {disks > 0 && (
        <g transform={`translate(0,${all.height + PAD})`}>
          <rect class="box" width={all.width} height={hub} rx="4" />
          <text x={PAD} y={HEAD - 3}>{disks} {disks === 1 ? "disk" : "disks"}</text>
          {Array.from({ length: disks }, (_, disk) => (
            <rect key={disk} class="core" width={DISK.side} height={DISK.side} rx="2"
              x={PAD + (disk % columns) * (DISK.side + DISK.gap)} data-disk={disk}
              y={HEAD + Math.floor(disk / columns) * (DISK.side + DISK.gap)}>
              <title>disk {disk}</title>
            </rect>
          ))}
        </g>
      )}
    </svg>
  );
}
