// The timing engine for litmus programs: the threads run on the box, on the CPUs of a preset, many
// times, under the bundled harness (workloads/harness). The program is data to it: no compiler is
// needed. What is seen depends on the program, the machine, the seed and the number of runs only.
import { type Elf, hex, physicalOf, readElf } from "../../machine/elf.ts";
import { cpuCount, InputError, type Preset } from "../../machine/preset.ts";
import { loadPreset, openImage } from "../host.ts";
import { Machine } from "../machine.ts";
import type { Engine, EngineOptions, Outcome, Program } from "../program.ts";
import {
  type JobResult, OBSERVED_MAX, readResult, readRuns, THREADS_MAX, writeJob,
} from "./timing-job.ts";

const IMAGE = "harness";
const RAM_MIB = 48;
export const RUNS_DEFAULT = 100_000;
const RUNS_MAX = 1_000_000_000;
/** Threads change their CPUs so often, but not after every few runs. */
const BATCHES_MAX = 200;
const BATCH_RUNS_MIN = 16;
/** No run of a test takes so long, unless it never ends. */
const PATIENCE_CYCLES = 3_000_000;

export interface TimingOptions {
  /** CPUs of the threads: thread t runs on cpus[t modulo length]. Default: random ones. */
  cpus?: number[];
  changes?: ReadonlyMap<string, number>;
  workers?: number | "auto";
  memory?: "tso" | "sc";
}

export class TimingEngine implements Engine {
  readonly name = "timing";
  readonly #options: TimingOptions;
  #harness: Elf | undefined;

  constructor(options: TimingOptions = {}) {
    this.#options = options;
  }

  async run(program: Program, options: EngineOptions): Promise<Outcome> {
    // RAM that no test reaches would have to be cleared and hashed for every test.
    const changes = new Map([["ramMiB", RAM_MIB], ...(this.#options.changes ?? [])]);
    const preset = await loadPreset(options.machine ?? "clovertown", changes);
    const runs = options.runs ?? RUNS_DEFAULT;
    const seed = options.seed ?? 1n;
    check(program, runs);
    this.#harness ??= readElf((await openImage(IMAGE)).bytes, IMAGE);
    const runsPerBatch = Math.max(BATCH_RUNS_MIN, Math.ceil(runs / BATCHES_MAX));
    const batches = Math.ceil(runs / runsPerBatch);
    const places = placesFor(preset, program.threads.length, batches, seed, this.#options.cpus);
    const job = writeJob({
      program, runs, runsPerBatch, seed, places,
      patienceCycles: PATIENCE_CYCLES,
      exit: addressOf(this.#harness, "thread_exit"),
    });
    const machine = await Machine.create({
      machine: preset, image: IMAGE, ramdisk: job, seed,
      workers: this.#options.workers ?? 1,
      memory: this.#options.memory,
    });
    try {
      const { exit, reason, hostSeconds } = await machine.run({
        signal: options.signal,
        onProgress: () => options.onProgress?.(runsOf(machine)),
      });
      if (typeof exit !== "number" && exit !== "cancelled") {
        throw new Error(`${program.name} on ${preset.name}: ${reason}`);
      }
      if (typeof exit === "number" && exit !== 0) {
        throw new Error(`${program.name}: the harness ended with ${exit}: a bug of smpbox`);
      }
      const result = resultOf(machine);
      return {
        states: result.states,
        ...troubleOf(program, machine, result, runs),
        model: modelLine(preset, program, places, result),
        seconds: hostSeconds,
      };
    } finally {
      machine.close();
    }
  }
}

function check(program: Program, runs: number): void {
  const { name, threads, observed } = program;
  if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX) {
    throw new InputError(`--runs must be a whole number from 1 to ${RUNS_MAX}`);
  }
  if (threads.length > THREADS_MAX || observed.length > OBSERVED_MAX) {
    const limit = `${THREADS_MAX} threads and ${OBSERVED_MAX} observed values`;
    throw new InputError(`${name}: the timing engine takes at most ${limit}`);
  }
}

/** A row per batch. More threads than CPUs share them, evenly. */
export function placesFor(
  preset: Preset, threads: number, batches: number, seed: bigint, fixed?: number[],
): number[][] {
  const count = cpuCount(preset);
  const wrong = fixed?.find((cpu) => cpu >= count);
  if (wrong !== undefined) throw new InputError(`${preset.name} has only CPUs 0 to ${count - 1}`);
  const random = generator(seed);
  return Array.from({ length: batches }, () => {
    const cpus = fixed ?? Array.from({ length: count }, (_, cpu) => cpu);
    const row = fixed ? cpus : shuffle(cpus, random);
    return Array.from({ length: threads }, (_, t) => row[t % row.length]);
  });
}

function shuffle(items: number[], random: (below: number) => number): number[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random(i + 1);
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** SplitMix64, as in the harness. */
function generator(seed: bigint): (below: number) => number {
  let state = BigInt.asUintN(64, seed);
  const step = (value: bigint, shift: bigint, factor: bigint) =>
    BigInt.asUintN(64, (value ^ (value >> shift)) * factor);
  return (below) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    const mixed = step(step(state, 30n, 0xbf58476d1ce4e5b9n), 27n, 0x94d049bb133111ebn);
    return Number((mixed ^ (mixed >> 31n)) % BigInt(below));
  };
}

function addressOf(elf: Elf, name: string): bigint {
  const symbol = elf.symbols.get(name);
  if (!symbol) throw new Error(`${IMAGE} lacks ${name}: run npm run build:guest`);
  return symbol.lin;
}

function placeOf({ kernel }: Machine, name: string): number {
  return Number(physicalOf(kernel, addressOf(kernel, name)));
}

function resultOf(machine: Machine): JobResult {
  const bytes = machine.kernel.symbols.get("histogram")!.bytes;
  const histogram = { at: placeOf(machine, "histogram"), bytes };
  return readResult(machine.ramView(), placeOf(machine, "result"), histogram);
}

/** So far. */
function runsOf(machine: Machine): number {
  return readRuns(machine.ramView(), placeOf(machine, "result"));
}

/** What went wrong, in the terms of an Outcome. */
function troubleOf(
  program: Program, machine: Machine, result: JobResult, runs: number,
): Pick<Outcome, "bound" | "stuck"> {
  const { status, thread } = result;
  const bound = result.runs < runs ? `stopped after ${result.runs} of ${runs} runs` : undefined;
  if (status === "full") return { bound: `${bound}: too many different final states` };
  if (status !== "stuck" && status !== "fault") return { bound };
  const rip = result.rip || machine.view.cpu(result.cpu).rip;
  const { address, code } = program.threads[thread];
  const inside = rip >= address && rip <= address + BigInt(code.length);
  const where = inside ? `its offset ${rip - address}` : hex(rip);
  const what = status === "fault"
    ? `takes exception ${result.vector} at ${where}`
    : `has not ended after ${PATIENCE_CYCLES} cycles; it is at ${where}`;
  return { bound, stuck: `P${thread} ${what}` };
}

function modelLine(
  preset: Preset, program: Program, places: number[][], { late }: JobResult,
): string {
  const { length } = program.threads;
  const count = cpuCount(preset);
  const placements = new Set(places.map((row) => row.join()));
  const cpus = placements.size === 1
    ? `on CPU${length === 1 ? "" : "s"} ${places[0].join()}`
    : `on ${placements.size} choices of its ${count} CPUs`;
  const turns = length > count || new Set(places[0]).size < length;
  const sharing = turns ? ", threads of one CPU taking turns" : "";
  return `in-order approximation; ${length} thread${length === 1 ? "" : "s"} ${cpus}${sharing}; ` +
    `${late} late starts`;
}
