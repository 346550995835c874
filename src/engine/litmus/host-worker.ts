// A thread of the host engine. Thread 0 leads: it prepares each round, wakes the others, counts.
import { parentPort, workerData } from "node:worker_threads";
import { ARRIVED, FAILED, type HostLayout, ROUND, STOP } from "./host-layout.ts";
import { Rounds } from "./host-rounds.ts";
import type { CountedState, Program } from "../program.ts";

export interface HostJob {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  program: Program;
  layout: HostLayout;
  thread: number;
  runs: number;
  seed: bigint;
}

export interface HostResult {
  states: CountedState[];
  runs: number;
  /** Why a thread was stopped: message of its WebAssembly trap. */
  trap?: string;
}

type Run = (
  order: number, counters: number, results: number, base: number, count: number, stride: number,
) => void;

const job = workerData as HostJob;
const { memory, layout, thread, program } = job;
const control = new Int32Array(memory.buffer);
const instance = new WebAssembly.Instance(job.module, { env: { memory } });
const run = instance.exports[`run${thread}`] as Run;
let trap: string | undefined;

/** This thread's part of a round. */
function takePart(count: number): void {
  const { orders, counters, results, base, stride } = layout;
  try {
    run(orders[thread], counters, results[thread], base, count, stride);
  } catch (error) {
    trap ??= `P${thread}: ${(error as Error).message}`;
    Atomics.store(control, FAILED, thread + 1);
  }
}

function waitWhile(word: number, value: number): void {
  while (Atomics.load(control, word) === value) Atomics.wait(control, word, value);
}

function lead(): HostResult {
  const rounds = new Rounds(program, layout, memory, job.seed);
  const others = program.threads.length - 1;
  let done = 0;
  let round = 0;
  while (done < job.runs && Atomics.load(control, STOP) === 0) {
    const count = Math.min(layout.instances, job.runs - done);
    rounds.prepare();
    Atomics.store(control, ARRIVED, 0);
    // The number of the round, and how many instances it has, in one word.
    round++;
    Atomics.store(control, ROUND, round * (layout.instances + 1) + count);
    Atomics.notify(control, ROUND);
    takePart(count);
    for (let arrived = 0; (arrived = Atomics.load(control, ARRIVED)) < others;) {
      Atomics.wait(control, ARRIVED, arrived);
    }
    if (Atomics.load(control, FAILED)) break;
    rounds.collect(count);
    done += count;
  }
  Atomics.store(control, ROUND, -1);
  Atomics.notify(control, ROUND);
  return { states: rounds.states, runs: done, trap };
}

function follow(): HostResult {
  let last = 0;
  for (;;) {
    waitWhile(ROUND, last);
    last = Atomics.load(control, ROUND);
    if (last < 0) return { states: [], runs: 0, trap };
    takePart(last % (layout.instances + 1));
    Atomics.add(control, ARRIVED, 1);
    Atomics.notify(control, ARRIVED);
  }
}

parentPort?.postMessage(thread === 0 ? lead() : follow());
