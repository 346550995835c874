// Checkpoints of a run: the state hash at a boundary, and hashes of the machine's parts there, of
// lines only those that changed since the checkpoint before.
//
//     checkpoints x (cpus u32, lines u32, cpus x (hash u64, RIP u64), lines x (line u32, hash u32))
import { InputError } from "../machine/preset.ts";
import type { Components } from "./session.ts";

export interface Checkpoint {
  /** The boundary, in cycles. */
  cycle: bigint;
  stateHash: bigint;
  cpus: Array<{ hash: bigint; rip: bigint }>;
  /**
   * Hash of each line that changed since the checkpoint before; all others are as there. The first
   * one follows a machine in which every hash is 0, as of a line of zeros that nobody has touched.
   */
  lines: Map<number, number>;
}

/** What differs first between a checkpoint and a machine. */
export interface Difference {
  cpu?: { index: number; recordedRip: bigint };
  /** Physical address of the line. */
  line?: number;
}

const LINE_SHIFT = 6;

/** The lines of `now` that are not as `before`. */
export function changedLines(before: Uint32Array, now: Uint32Array): Map<number, number> {
  const changed = new Map<number, number>();
  for (let line = 0; line < now.length; line++) {
    if (now[line] !== before[line]) changed.set(line, now[line]);
  }
  return changed;
}

/** Leaves out every second checkpoint but the first, which is the start. */
export function thinOut(checkpoints: Checkpoint[]): Checkpoint[] {
  const kept = [checkpoints[0]];
  for (let i = 2; i < checkpoints.length; i += 2) {
    const lines = new Map([...checkpoints[i - 1].lines, ...checkpoints[i].lines]);
    kept.push({ ...checkpoints[i], lines });
  }
  return kept;
}

/** The first CPU and the first line in which `found` is not as recorded at checkpoint `index`. */
export function firstDifference(
  checkpoints: readonly Checkpoint[],
  index: number,
  found: Components,
): Difference {
  const recorded = new Uint32Array(found.lines.length);
  for (const { lines } of checkpoints.slice(0, index + 1)) {
    for (const [line, hash] of lines) recorded[line] = hash;
  }
  const line = recorded.findIndex((hash, i) => hash !== found.lines[i]);
  const { cpus } = checkpoints[index];
  const cpu = cpus.findIndex(({ hash }, i) => hash !== found.cpus[i]);
  return {
    cpu: cpu < 0 ? undefined : { index: cpu, recordedRip: cpus[cpu].rip },
    line: line < 0 ? undefined : line * 2 ** LINE_SHIFT,
  };
}

export function packParts(checkpoints: readonly Checkpoint[]): Uint8Array<ArrayBuffer> {
  const sizes = checkpoints.map(({ cpus, lines }) => 8 + cpus.length * 16 + lines.size * 8);
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const u32 = (value: number) => view.setUint32((at += 4) - 4, value, true);
  const u64 = (value: bigint) => view.setBigUint64((at += 8) - 8, value, true);
  for (const { cpus, lines } of checkpoints) {
    u32(cpus.length);
    u32(lines.size);
    for (const { hash, rip } of cpus) [hash, rip].forEach(u64);
    for (const entry of lines) entry.forEach(u32);
  }
  return bytes;
}

/** Adds the parts to the hashes of the checkpoints. Throws an InputError if they do not fit. */
export function unpackParts(
  bytes: Uint8Array<ArrayBuffer>,
  hashes: ReadonlyArray<Pick<Checkpoint, "cycle" | "stateHash">>,
): Checkpoint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const u32 = () => view.getUint32((at += 4) - 4, true);
  const u64 = () => view.getBigUint64((at += 8) - 8, true);
  try {
    const checkpoints = hashes.map((hash) => {
      const [cpus, lines] = [u32(), u32()];
      if (cpus * 16 + lines * 8 > bytes.length - at) throw new RangeError();
      return {
        ...hash,
        cpus: Array.from({ length: cpus }, () => ({ hash: u64(), rip: u64() })),
        lines: new Map(Array.from({ length: lines }, () => [u32(), u32()] as const)),
      };
    });
    if (at !== bytes.length) throw new RangeError();
    return checkpoints;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError("the capsule's checkpoints do not fit: record it again");
  }
}
