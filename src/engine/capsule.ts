// A capsule (.sbx): everything that a run depends on, and what came out, so that it can be run
// again elsewhere and compared. Sections of the container (container.ts):
//
//     META  JSON: schema, the machine with all its numbers, seed, memory model, options,
//           checkpoints, the end
//     IMGE  the image      KRNL  the kernel that runs it, if the image is a user program
//     PART  hashes of the machine's parts at each checkpoint (checkpoint.ts)
//     SNAP  the machine's state at one cycle, optional (snapshot.ts)
import { DISKS_MAX, parseDisk, parsePolicy, printDisk } from "../machine/disks.ts";
import { InputError, type Preset, presetDocument, readPreset } from "../machine/preset.ts";
import { readElf } from "../machine/elf.ts";
import { MEMORY_MODELS, type MemoryModel } from "../machine/topology.ts";
import type { ImageFile } from "../machine/image.ts";
import { type Checkpoint, packParts, unpackParts } from "./checkpoint.ts";
import { pack, unpack } from "./container.ts";
import { openImage } from "./host.ts";
import { type CreateOptions, KERNEL_IMAGE, presetOf, type RunResult } from "./machine.ts";
import type { Snapshot } from "./snapshot.ts";

const SCHEMA = "smpbox-capsule-1";

/** How the recorded run ended. */
export type End = Pick<RunResult, "exit" | "cycles" | "instructions" | "stateHash">;

export interface Capsule {
  options: CreateOptions & { machine: Preset; image: ImageFile };
  /** From the start on, in order. */
  checkpoints: Checkpoint[];
  end: End;
  snapshot?: Snapshot;
}

/** A capsule of a run with `options`; images and machine are read now. */
export async function capsuleOf(
  options: CreateOptions,
  { exit, cycles, instructions, stateHash }: End,
  checkpoints: Checkpoint[] = [],
  snapshot?: Snapshot,
): Promise<Capsule> {
  const image = await openImage(options.image);
  const isKernel = readElf(image.bytes, image.name).kind === "kernel";
  const { seed, memory, append, maxCycles, windowCycles, disks, irqPolicy } = options;
  if (disks?.some(({ file }) => file !== undefined)) {
    throw new InputError("a capsule does not hold the files behind disks: record without file=");
  }
  return {
    options: {
      machine: await presetOf(options),
      image,
      kernel: isKernel ? undefined : await openImage(options.kernel ?? KERNEL_IMAGE),
      seed, memory, append, maxCycles, windowCycles, disks, irqPolicy,
    },
    checkpoints,
    end: { exit, cycles, instructions, stateHash },
    snapshot,
  };
}

const hex = (value: bigint) => `0x${value.toString(16)}`;
const own = (bytes: Uint8Array) => new Uint8Array(bytes);

export async function encodeCapsule({ options, checkpoints, end, snapshot }: Capsule) {
  const { image, seed = 1n, memory = "tso", append = "", maxCycles = 0n, windowCycles } = options;
  const { disks, irqPolicy } = options;
  const kernel = options.kernel === undefined ? undefined : await openImage(options.kernel);
  const meta = {
    schema: SCHEMA,
    machine: presetDocument(options.machine),
    image: image.name,
    kernel: kernel?.name,
    seed: hex(seed),
    memory,
    append,
    maxCycles: hex(maxCycles),
    windowCycles,
    disks: disks?.map(printDisk),
    irqPolicy,
    checkpoints: checkpoints.map(({ cycle, stateHash }) => ({
      cycle: hex(cycle), stateHash: hex(stateHash),
    })),
    end: {
      exit: end.exit,
      cycles: hex(end.cycles),
      instructions: hex(end.instructions),
      stateHash: hex(end.stateHash),
    },
    snapshotAt: snapshot && hex(snapshot.now),
  };
  const sections = new Map([
    ["META", new TextEncoder().encode(JSON.stringify(meta))],
    ["IMGE", own(image.bytes)],
  ]);
  if (kernel) sections.set("KRNL", own(kernel.bytes));
  if (checkpoints.length) sections.set("PART", packParts(checkpoints));
  if (snapshot) sections.set("SNAP", snapshot.bytes);
  return pack(sections);
}

/** Throws an InputError, one sentence, for a file that is not a sound capsule. */
export async function decodeCapsule(file: Uint8Array<ArrayBuffer>): Promise<Capsule> {
  const sections = await unpack(file);
  const section = (name: string) => {
    const bytes = sections.get(name);
    if (!bytes) throw new InputError(`the capsule has no section ${name}: record it again`);
    return bytes;
  };
  let meta: Record<string, unknown>;
  try {
    meta = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section("META")));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError("the capsule's description is not JSON: record it again");
  }
  if (meta?.schema !== SCHEMA) throw new InputError(`the capsule's schema is not ${SCHEMA}`);
  const machine = readPreset(meta.machine, () => {
    throw new InputError("the capsule's machine has a parent: record it again");
  });
  const end = asObject(meta.end, "end");
  const { exit } = end;
  if (typeof exit !== "number" && typeof exit !== "string") throw wrong("end.exit");
  const list = Array.isArray(meta.checkpoints) ? meta.checkpoints : [];
  const hashes = list.map((item, i) => {
    const { cycle, stateHash } = asObject(item, `checkpoints[${i}]`);
    return { cycle: asU64(cycle, "cycle"), stateHash: asU64(stateHash, "stateHash") };
  });
  const { memory, windowCycles } = meta;
  if (!isMemoryModel(memory)) throw wrong("memory");
  if (windowCycles !== undefined && typeof windowCycles !== "number") throw wrong("windowCycles");
  const snapshot = sections.get("SNAP");
  return {
    options: {
      machine,
      image: { name: asText(meta.image, "image"), bytes: section("IMGE") },
      kernel: meta.kernel === undefined
        ? undefined
        : { name: asText(meta.kernel, "kernel"), bytes: section("KRNL") },
      seed: asU64(meta.seed, "seed"),
      memory,
      append: asText(meta.append, "append"),
      maxCycles: asU64(meta.maxCycles, "maxCycles"),
      windowCycles,
      ...disksOf(meta),
    },
    checkpoints: hashes.length ? unpackParts(section("PART"), hashes) : [],
    end: {
      exit: exit as End["exit"],
      cycles: asU64(end.cycles, "end.cycles"),
      instructions: asU64(end.instructions, "end.instructions"),
      stateHash: asU64(end.stateHash, "end.stateHash"),
    },
    snapshot: snapshot && { now: asU64(meta.snapshotAt, "snapshotAt"), bytes: snapshot },
  };
}

const wrong = (field: string) => new InputError(`the capsule's ${field} is wrong: record it again`);

const isMemoryModel = (value: unknown): value is MemoryModel =>
  MEMORY_MODELS.some((model) => model === value);

function disksOf({ disks, irqPolicy }: Record<string, unknown>) {
  if (disks === undefined) return {};
  if (!Array.isArray(disks) || disks.length > DISKS_MAX) throw wrong("disks");
  return {
    disks: disks.map((disk) => parseDisk(asText(disk, "disks"))),
    irqPolicy: irqPolicy === undefined ? undefined : parsePolicy(asText(irqPolicy, "irqPolicy")),
  };
}

function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw wrong(field);
  return value as Record<string, unknown>;
}

function asText(value: unknown, field: string): string {
  if (typeof value !== "string") throw wrong(field);
  return value;
}

function asU64(value: unknown, field: string): bigint {
  if (typeof value !== "string" || !/^0x[0-9a-f]{1,16}$/.test(value)) throw wrong(field);
  return BigInt(value);
}
