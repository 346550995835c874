// The machines and programs of the determinism tests: a row each. A new machine is a row here.
import { join } from "node:path";
import { packageRoot } from "../../src/core/root.ts";
import { type CreateOptions, Machine } from "../../src/engine/machine.ts";
import { type IrqPolicy, parseDisks } from "../../src/machine/disks.ts";
import type { Snapshot } from "../../src/engine/snapshot.ts";

export interface Row {
  machine: string;
  image: string;
  /** Kernel parameters and the program's words. */
  append?: string;
  exit: number | "hang";
  /** Number of disks, and words for all of them. */
  disks?: [number, string];
  irq?: IrqPolicy;
  /** Numbers of workers other than one; default 2, 3 and 4. */
  workers?: number[];
}

/** 32 CPUs. */
const WIDE32 = join(packageRoot(), "test", "determinism", "wide32.json");

const w001 = (pair: string) => `-- w001 W001i ${pair} rounds=600 spin=14`;

export const ROWS: Row[] = [
  { machine: "uni1", image: "hello", exit: 0, workers: [2] },
  { machine: "conroe", image: "w001", append: `v001k=0 ${w001("s=0 r=1")}`, exit: 0 },
  { machine: "conroe", image: "sb", append: "-- sb a=0 b=1 n=200", exit: 0 },
  { machine: "clovertown", image: "hello", exit: 0 },
  { machine: "clovertown", image: "bench", append: "-- bench scale=1", exit: 0, workers: [2] },
  { machine: "clovertown", image: "w001", append: `v001k=0 ${w001("s=0 r=2")}`, exit: "hang" },
  { machine: "clovertown", image: "w001", append: `v001k=7 ${w001("s=0 r=2")}`, exit: 0 },
  { machine: "clovertown", image: "mp", append: "-- mp a=0 b=2 n=200", exit: 0 },
  {
    machine: "clovertown", image: "aiostress", append: "-- aiostress disks=3 requests=60 depth=4",
    disks: [3, "model=uniform:5-20"], exit: 0, workers: [2, 3],
  },
  // Several CPUs submit to one disk, and each gets the interrupts of its own.
  {
    machine: "clovertown", image: "w003", irq: "submitter", disks: [1, "model=instant"], exit: 0,
    append: "fs=1 v003=f1 -- w003 rounds=12 oracle=8 iozone=0 pdflush=0 ls=0 bytes=8192",
    workers: [2, 3],
  },
  { machine: "clovertown", image: "wm", append: "-- wm m=1 x=mb y=or s=0 r=2 rounds=300", exit: 0,
    workers: [2] },
  { machine: "conroe", image: "wm", append: "-- wm m=7 x=or y=mb s=0 r=1 rounds=300", exit: 0,
    workers: [2] },
  { machine: "clovertown", image: "wm", append: "-- wm m=2 x=wake-first s=0 r=1 rounds=300",
    exit: 0, workers: [2] },
  { machine: WIDE32, image: "hello", exit: 0 },
  // SMT, an L3, several home agents, early requests for ownership, hops
  { machine: "illumos32", image: "hello", exit: 0, workers: [2] },
  { machine: "illumos32", image: "sb", append: "-- sb a=3 b=28 n=200", exit: 0, workers: [2] },
  { machine: "skylake-sp", image: "pingpong", append: "-- pingpong a=0 b=48 n=100", exit: 0,
    workers: [2] },
  { machine: "westmere-ex", image: "mp", append: "-- mp a=0 b=16 n=200", exit: 0, workers: [3] },
  { machine: "zen", image: "w001", append: `v001k=0 ${w001("s=0 r=8")}`, exit: 0, workers: [4] },
  { machine: "quad4", image: "bench", append: "-- bench scale=1", exit: 0, workers: [2] },
  { machine: WIDE32, image: "pingpong", append: "-- pingpong a=5 b=28 n=100", exit: 0 },
];

export function nameOf({ machine, image, append = "" }: Row): string {
  const name = machine.replace(/^.*\/|\.json$/g, "");
  const [parameters, words] = append.split("-- ");
  return `${name}: ${[parameters.trim(), words ?? image].join(" ").trim()}`;
}

/** What must be the same. */
export interface End {
  exit: number | string;
  cycles: bigint;
  instructions: bigint;
  stateHash: bigint;
}

export function open(row: Row, more: Partial<CreateOptions> = {}, snapshot?: Snapshot) {
  const { machine, image, append, disks, irq: irqPolicy } = row;
  const drives = disks && parseDisks(...disks);
  const options = { machine, image, append, disks: drives, irqPolicy, workers: 1, ...more };
  return Machine.create(options, snapshot);
}

/** From where the machine is to its end. */
export async function finish(machine: Machine): Promise<End> {
  const { exit, cycles, instructions, stateHash } = await machine.run();
  machine.close();
  return { exit, cycles, instructions, stateHash };
}

export async function run(row: Row, more: Partial<CreateOptions> = {}): Promise<End> {
  return finish(await open(row, more));
}
