// The ramdisk of the harness, and what it leaves behind: the layout of workloads/harness/job.h.
import type { CountedState, Program } from "../program.ts";

const MAGIC = 0x31424f4a54494c53n;
const WORD = 8;
const HEADER_WORDS = 10;
const THREAD_WORDS = 17;
const PIECE_WORDS = 4;
const OBSERVED_WORDS = 5;
export const THREADS_MAX = 64;
export const OBSERVED_MAX = 256;

export interface Job {
  program: Program;
  runs: number;
  runsPerBatch: number;
  seed: bigint;
  /** CPU of each thread, for each batch. */
  places: number[][];
  /** Cycles after which a run that has not ended is given up. */
  patienceCycles: number;
  /** Linear address of the harness's thread_exit. */
  exit: bigint;
}

/** Behind the code of a thread: JMP to the address that follows it. */
function tailOf(exit: bigint): Uint8Array {
  const tail = Uint8Array.of(0xff, 0x25, 0, 0, 0, 0, ...new Array(WORD).fill(0));
  new DataView(tail.buffer).setBigUint64(6, exit, true);
  return tail;
}

export function writeJob(job: Job): Uint8Array {
  const { program, places } = job;
  const { threads, memory, observed } = program;
  const tail = tailOf(job.exit);
  const pieces = [
    ...threads.map(({ address, code }) => (
      { address, data: Uint8Array.of(...code, ...tail), variable: false })),
    ...(program.code ?? []).map((piece) => ({ ...piece, variable: false })),
    ...memory.map(({ address, initial }) => ({ address, data: initial, variable: true })),
  ];
  const words = HEADER_WORDS + threads.length * THREAD_WORDS + pieces.length * PIECE_WORDS +
    observed.length * OBSERVED_WORDS;
  const align = (bytes: number) => Math.ceil(bytes / WORD) * WORD;
  const placeBytes = align(places.length * threads.length);
  const contents = words * WORD + placeBytes;
  const sizes = pieces.map(({ data }) => align(data.length));
  const file = new Uint8Array(sizes.reduce((sum, size) => sum + size, contents));
  const view = new DataView(file.buffer);
  let at = 0;
  const put = (...values: (bigint | number)[]) => {
    for (const value of values) view.setBigUint64((at += WORD) - WORD, BigInt(value), true);
  };
  put(MAGIC, threads.length, pieces.length, observed.length, places.length, memory.length);
  put(job.runs, job.runsPerBatch, job.seed, job.patienceCycles);
  for (const { address, registers } of threads) put(address, ...registers);
  let offset = contents;
  pieces.forEach(({ address, data, variable }, i) => {
    put(address, data.length, offset, variable ? 1 : 0);
    file.set(data, offset);
    offset += sizes[i];
  });
  for (const what of observed) {
    if (what.kind === "register") put(0, what.thread, what.register, 0, what.size);
    else put(1, 0, 0, memory[what.variable].address + BigInt(what.offset), what.size);
  }
  file.set(places.flat(), at);
  return file;
}

/** By STATUS_* of job.h. */
export const STATUS = ["running", "done", "fault", "stuck", "full"] as const;

export interface JobResult {
  status: (typeof STATUS)[number];
  runs: number;
  late: number;
  thread: number;
  rip: bigint;
  cpu: number;
  vector: number;
  states: CountedState[];
}

/** Reads `result` and `histogram`, given where they are in guest RAM. */
export function readRuns(ram: DataView, result: number): number {
  return Number(ram.getBigUint64(result + WORD, true));
}

export function readResult(
  ram: DataView, result: number, histogram: { at: number; bytes: number },
): JobResult {
  const word = (index: number) => ram.getBigUint64(result + index * WORD, true);
  const number = (index: number) => Number(word(index));
  const [found, entryWords] = [number(3), number(4)];
  const states: CountedState[] = [];
  const entryBytes = entryWords * WORD;
  for (let at = 0; states.length < found && at + entryBytes <= histogram.bytes; at += entryBytes) {
    const value = (index: number) => ram.getBigUint64(histogram.at + at + index * WORD, true);
    const count = Number(value(0));
    if (count === 0) continue;
    const values = Array.from({ length: entryWords - 1 }, (_, i) => value(i + 1));
    states.push({ values, count });
  }
  return {
    status: STATUS[number(0)] ?? "running", runs: number(1), late: number(2), states,
    thread: number(5), rip: word(6), cpu: number(7), vector: number(8),
  };
}
