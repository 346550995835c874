// The state of a stopped machine, copied out of the shared memory and into another one. What it
// covers is assembly/machine/snapshot.ts's business; here pages of zeros are left out and the rest
// is compressed.
//
//     shape [SHAPE_BYTES] | now u64 | instructions u64 | blocks u32 | pages u32 |
//     pages x (index u32, 4096 bytes)
//
// Pages are numbered through four ranges, one behind the other: from the first cluster to the end
// of RAM, a replica of the home agents, the keys of the disks' blocks, their contents.
import * as abi from "../../assembly/abi.ts";
import type { CoreExports } from "../core/instance.ts";
import { InputError } from "../machine/preset.ts";
import { deflate, inflate } from "./compress.ts";

const PAGE = 4096;
const KEY_BYTES = 8;
/** The parts of the machine block that describe the machine: offset, bytes. */
const SHAPE: ReadonlyArray<readonly [number, number]> = [
  [0, abi.M_CORES],
  [abi.M_HOME_PACKAGE, abi.M_HOME_LIMIT],
  [abi.M_HOME_BUS, abi.M_HOME_LIMIT],
  [abi.M_PACKAGE_FAR, 4 * abi.M_CLUSTER_LIMIT],
  [abi.M_DISK_PARAMS, abi.M_DISK_LIMIT * abi.DISK_PARAM_BYTES],
  [abi.M_DISK_LISTS, 4 * abi.M_DISK_LIST_LIMIT],
];
const SHAPE_BYTES = SHAPE.reduce((sum, [, bytes]) => sum + bytes, 0);
/** Words among them that the host may choose anew: they change nothing in the machine. */
const FREE_WORDS = [
  abi.M_WORKERS, abi.M_HOST_CORES, abi.M_TRACE, abi.M_TRACE_EVENTS, abi.M_CHECK,
  abi.M_MAX_CYCLES, abi.M_MAX_CYCLES + 4, abi.M_HISTORY, abi.M_COUNTERS,
  abi.M_TRACE_FROM, abi.M_TRACE_FROM + 4, abi.M_TRACE_TO, abi.M_TRACE_TO + 4,
];
const HEADER_BYTES = SHAPE_BYTES + 24;

/** A machine between two windows. */
export interface Snapshot {
  /** The boundary, in cycles. */
  now: bigint;
  /** The form described above, compressed. */
  bytes: Uint8Array<ArrayBuffer>;
}

const pagesOf = (bytes: number) => Math.ceil(bytes / PAGE);

function shapeOf(memory: ArrayBufferLike): Uint8Array<ArrayBuffer> {
  const shape = new Uint8Array(SHAPE_BYTES);
  let at = 0;
  for (const [offset, bytes] of SHAPE) {
    shape.set(new Uint8Array(memory, abi.MACHINE_BASE + offset, bytes), at);
    at += bytes;
  }
  // All of them are in the first part, which begins at offset 0.
  for (const offset of FREE_WORDS) shape.fill(0, offset, offset + 4);
  return shape;
}

/** Address and size of the ranges, in a machine whose layout is done. */
function rangesOf(memory: ArrayBufferLike, core: CoreExports, blocks: number) {
  const view = new DataView(memory, abi.MACHINE_BASE, abi.MACHINE_BYTES);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const first = u32(abi.M_CLUSTER_BASES);
  return [
    { base: first, bytes: u32(abi.M_RAM_BASE) + u32(abi.M_RAM_BYTES) - first },
    { base: u32(abi.M_HOME_BASES), bytes: core.replicaBytes() >>> 0 },
    { base: core.diskKeysAt() >>> 0, bytes: blocks * KEY_BYTES },
    { base: core.diskBlocksAt() >>> 0, bytes: blocks * PAGE },
  ];
}

/** Takes the state of a machine that rewind() has made ready to go on. */
export async function takeSnapshot(
  memory: ArrayBufferLike,
  core: CoreExports,
): Promise<Snapshot> {
  const view = new DataView(memory, abi.MACHINE_BASE, abi.MACHINE_BYTES);
  const blocks = core.diskBlocks();
  const now = view.getBigUint64(abi.M_NOW, true);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let index = 0;
  for (const { base, bytes } of rangesOf(memory, core, blocks)) {
    // A copy of its own: streams do not take shared memory.
    const copy = new Uint8Array(bytes);
    copy.set(new Uint8Array(memory, base, bytes));
    const words = new Uint32Array(copy.buffer, 0, bytes >>> 2);
    for (let at = 0; at < bytes; at += PAGE, index++) {
      if (words.subarray(at >>> 2, (at + PAGE) >>> 2).every((word) => word === 0)) continue;
      const page = new Uint8Array(4 + PAGE);
      new DataView(page.buffer).setUint32(0, index, true);
      page.set(copy.subarray(at, at + PAGE), 4);
      parts.push(page);
    }
  }
  const header = new Uint8Array(HEADER_BYTES);
  header.set(shapeOf(memory));
  const fields = new DataView(header.buffer, SHAPE_BYTES);
  fields.setBigUint64(0, now, true);
  fields.setBigUint64(8, view.getBigUint64(abi.M_INSTRUCTIONS, true), true);
  fields.setUint32(16, blocks, true);
  fields.setUint32(20, parts.length, true);
  const whole = new Uint8Array(await new Blob([header, ...parts]).arrayBuffer());
  return { now, bytes: await deflate(whole) };
}

/**
 * Puts the state into a machine that is just set up and has zeroed memory; its workers may be
 * others. Throws an InputError when it is not a snapshot of such a machine.
 */
export async function putSnapshot(
  memory: ArrayBufferLike,
  core: CoreExports,
  snapshot: Snapshot,
): Promise<void> {
  const damaged = () => new InputError("the snapshot is damaged: take it again");
  const whole = await inflate(snapshot.bytes, 2 ** 31).catch(() => {
    throw damaged();
  });
  if (whole.length < HEADER_BYTES) throw damaged();
  if (!shapeOf(memory).every((byte, i) => byte === whole[i])) {
    throw new InputError("the snapshot is of another machine: restore it with the same options");
  }
  const view = new DataView(memory, abi.MACHINE_BASE, abi.MACHINE_BYTES);
  const fields = new DataView(whole.buffer, SHAPE_BYTES);
  const blocks = fields.getUint32(16, true);
  const pages = fields.getUint32(20, true);
  const room = view.getUint32(abi.M_STORAGE_BLOCKS, true);
  if (blocks > room || whole.length !== HEADER_BYTES + pages * (4 + PAGE)) throw damaged();
  const ranges = rangesOf(memory, core, blocks);
  let range = 0;
  let first = 0;
  let last = -1;
  for (let at = HEADER_BYTES; at < whole.length; at += 4 + PAGE) {
    const index = new DataView(whole.buffer, at).getUint32(0, true);
    if (index <= last) throw damaged();
    last = index;
    while (range < ranges.length && index - first >= pagesOf(ranges[range].bytes)) {
      first += pagesOf(ranges[range++].bytes);
    }
    if (range === ranges.length) throw damaged();
    const { base, bytes } = ranges[range];
    const offset = (index - first) * PAGE;
    const page = whole.subarray(at + 4, at + 4 + Math.min(PAGE, bytes - offset));
    new Uint8Array(memory, base + offset, page.length).set(page);
  }
  view.setBigUint64(abi.M_NOW, fields.getBigUint64(0, true), true);
  view.setBigUint64(abi.M_INSTRUCTIONS, fields.getBigUint64(8, true), true);
  core.restoreDisks(blocks);
  core.rewind();
}
