// Where the boxes of a machine stand: cores in the cache that a cluster shares, clusters in their
// package. In pixels, each relative to the box that it is in.
import type { Cluster, Preset } from "../../machine/preset.ts";

export const PAD = 10;
export const HEAD = 18;

interface Box {
  width: number;
  height: number;
}

export interface Placed<T> extends Box {
  x: number;
  y: number;
  what: T;
}

/** Boxes from left to right, `columns` to a row. */
export function flow<T>(items: readonly (Box & { what: T })[], columns: number) {
  const placed: Placed<T>[] = [];
  let [x, y, high, wide] = [0, 0, 0, 0];
  items.forEach((item, i) => {
    if (i && i % columns === 0) [x, y, high] = [0, y + high + PAD, 0];
    placed.push({ ...item, x, y });
    x += item.width + PAD;
    high = Math.max(high, item.height);
    wide = Math.max(wide, x - PAD);
  });
  return { placed, width: wide, height: y + high };
}

/** In a box with a head of its own. */
function within<T>({ placed, width, height }: ReturnType<typeof flow<T>>) {
  const inside = placed.map((box) => ({ ...box, x: box.x + PAD, y: box.y + HEAD + PAD }));
  return { inside, width: width + 2 * PAD, height: height + HEAD + 2 * PAD };
}

/** The packages of a machine; `core` is the box of one core; how many boxes go into a row. */
export function packagesOf(
  { clusters }: Pick<Preset, "clusters">, core: (threads: readonly number[]) => Box,
  coreColumns: number, clusterColumns: number,
) {
  const boxOf = (cluster: Cluster) => {
    const cores = cluster.units.map((unit) => ({ ...core(unit), what: unit }));
    const { inside, ...box } = within(flow(cores, Math.min(coreColumns, cores.length)));
    return { ...box, what: { cluster: clusters.indexOf(cluster), cores: inside } };
  };
  return [...new Set(clusters.map((cluster) => cluster.package))].map((index) => {
    const own = clusters.filter((cluster) => cluster.package === index);
    const { inside, ...box } = within(flow(own.map(boxOf), clusterColumns));
    return { ...box, what: { index, clusters: inside } };
  });
}
