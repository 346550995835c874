// What a placement of barriers costs: the functions run together on a machine of the box many
// times, under the harness of the litmus tests, each between two RDTSC. One of their CPUs, each in
// turn, has set the variables and has the lines; one alone has them or not (barrier-lines.ts).
// The time of a function ends with its last instruction: stores that are still in its buffer have
// cost nothing unless a fence waited for them. What an empty function takes in its place is the
// clock's own time (RDTSC, arguments, call) and is taken off.
import { type Elf, hex, readElf } from "../machine/elf.ts";
import type { ImageFile } from "../machine/image.ts";
import { InputError } from "../machine/input.ts";
import { type Alone, handover, LINE, MFENCE, u32 } from "./barrier-lines.ts";
import { functionSetup, parseCalls } from "./explore-function.ts";
import { TimingEngine, type TimingOptions } from "./litmus/timing.ts";
import type { Question } from "./explore-image.ts";
import type { CountedState, Observed, Program, ThreadCode } from "./program.ts";
import { endsHere, SPIN_BYTES, spinning } from "./sleep-spin.ts";

export interface Cost {
  runs: number;
  /**
   * Runs in which a sleeper was not woken, or the predicate does not hold; undefined if nothing
   * in the image sleeps and there is no predicate, or it is a function.
   */
  failures?: number;
  /** Runs that did not fail: the cycles are theirs. */
  measured: number;
  /** Cycles of all functions together, without those of the clock; undefined without any run. */
  median?: number;
  /** The 95 % interval of the median, by ranks. */
  medianCi95?: [number, number];
  p99?: number;
  /** Median cycles of empty functions, measured in the same way: what was taken off. */
  clock: number;
}

const TEST_MEMORY = 0x1000000n;
const STUBS = TEST_MEMORY;
const PAGE = 0x1000n;
const STACKS = 0x2c00000n;
const STACK_BYTES = 0x1000;
const R12 = 12;
const MOV_IMM = [[0x48, 0xb8], [0x48, 0xb9], [0x48, 0xba], [0x48, 0xbb], [], [], [0x48, 0xbe],
  [0x48, 0xbf], [0x49, 0xb8], [0x49, 0xb9]];
/** Loops in place of sleeps, and the count of those who were not woken. */
const SLEEPS = STUBS + 0x100000n;
const SLEEP_WORDS = STUBS + 0x200000n;
const HANDOVER = STUBS + 0x300000n;
/**
 * A function that only returns, in a page that no TLB has in the set of the stubs' page; and the
 * count of runs, where nobody executes.
 */
const EMPTY = STUBS + 0x433000n;
const EMPTY_CODE = Uint8Array.of(0xc3);
const COUNT = EMPTY + PAGE;
/** The first runs, in which the code itself is in no cache yet, do not count. */
const WARM = 4;
/** In place of the cycles of such a run. */
export const COLD = 0xffffffffn;
const RAX = 0;
const RSP = 4;
const ARGUMENTS = [7, 6, 2, 1, 8, 9];

/** `before`; RDTSC; the arguments; CALL; RDTSC; the difference in R12; `after`. */
function stubOf(
  target: bigint, args: readonly bigint[], before: readonly number[], after: readonly number[],
): Uint8Array {
  const load = (register: number, value: bigint) => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    return [...MOV_IMM[register], ...bytes];
  };
  return Uint8Array.of(
    ...before,
    0x0f, 0x31, 0x41, 0x89, 0xc4, // rdtsc; mov %eax, %r12d
    ...args.flatMap((value, i) => load(ARGUMENTS[i], value)),
    ...load(RAX, target), 0xff, 0xd0, // call *%rax
    0x0f, 0x31, 0x44, 0x29, 0xe0, 0x41, 0x89, 0xc4, // rdtsc; sub %r12d, %eax; mov %eax, %r12d
    ...after,
  );
}

/** incl count; cmpl $WARM, count; ja 1f; mov $COLD, %r12d; 1: */
const WARMED = [
  0xff, 0x04, 0x25, ...u32(COUNT), 0x83, 0x3c, 0x25, ...u32(COUNT), WARM, 0x77, 6,
  0x41, 0xbc, ...u32(COLD),
];

/** `empty`: with a function that only returns in place of each. */
export function costProgram(
  image: ImageFile, { entries, predicate }: Question, alone?: Alone, empty = false,
) {
  const elf = readElf(image.bytes, image.name);
  const calls = parseCalls(entries, elf, image.name);
  const expression = predicate !== undefined && !elf.symbols.has(predicate);
  const asked = functionSetup(elf, image.name, calls, expression ? { predicate } : {});
  const memory = variablesOf(elf, image.name);
  const { code, sleeps } = spinning(elf, calls.length, SLEEPS, SLEEP_WORDS);
  const after = sleeps ? endsHere(SLEEP_WORDS) : [];
  // Where it runs alone, stores of the harness that are under way are none of its cost.
  const given = alone?.lines === "remote" ? handover(memory, HANDOVER) : undefined;
  const before = given?.wait ?? (alone ? MFENCE : []);
  const threads = calls.map(({ function: name, args }, i): ThreadCode => {
    const target = empty ? EMPTY : elf.symbols.get(name)!.lin;
    const code = stubOf(target, args, before, i ? after : [...after, ...WARMED]);
    const registers = new BigUint64Array(16);
    const stack = STACKS + BigInt(i) * BigInt(STACK_BYTES);
    registers[RSP] = stack + BigInt(STACK_BYTES - 64);
    return {
      address: STUBS + BigInt(i) * PAGE, code, offsets: [0], end: code.length, registers,
      pointers: [], relocations: [], texts: [name],
    };
  });
  const observed: Observed[] = threads.map((_, thread) =>
    ({ kind: "register", thread, register: R12, size: 4 }));
  for (const what of asked.setup.watched.slice(calls.length)) {
    if (what.kind !== "memory") continue;
    const variable = memory.findIndex(({ address, initial }) =>
      what.lin >= address && what.lin < address + BigInt(initial.length));
    if (variable < 0) throw new InputError(`--predicate: ${hex(what.lin)} is not writable`);
    const offset = Number(what.lin - memory[variable].address);
    observed.push({ kind: "memory", variable, offset, size: what.size as 1 | 2 | 4 | 8 });
  }
  if (sleeps) {
    const initial = new Uint8Array(SPIN_BYTES);
    observed.push({ kind: "memory", variable: memory.length, offset: 0, size: 4 });
    memory.push({ name: "sleep", address: SLEEP_WORDS, initial, pointers: [] });
  }
  if (given) {
    memory.push(given.words);
    threads.push(given.writer(STUBS + BigInt(threads.length) * PAGE));
  }
  const own = [
    { address: EMPTY, data: EMPTY_CODE }, { address: COUNT, data: new Uint8Array(LINE) },
  ];
  const program: Program = {
    name: image.name, threads, code: [...code, ...own], memory, observed,
  };
  const fails = (values: bigint[]) =>
    (sleeps && values.at(-1) !== 0n) || (expression && !asked.holds(values));
  return { program, fails: sleeps || expression ? fails : undefined };
}

/** Whole lines, as the harness wants them. */
function variablesOf(elf: Elf, name: string): Program["memory"] {
  for (const { lin } of elf.segments) {
    if (lin >= TEST_MEMORY) continue;
    throw new InputError(`${name} is linked at ${hex(lin)}, where the harness is; link it with ` +
      "-Wl,-Ttext-segment=0x2000000, which smpbox cflags has");
  }
  return elf.segments.filter(({ writable }) => writable).map(({ lin, data, memoryBytes }, i) => {
    const initial = new Uint8Array(Math.ceil(memoryBytes / 64) * 64);
    initial.set(data);
    return { name: `segment${i}`, address: lin, initial, pointers: [] };
  });
}

/** What is run: so many runs of each seed, from the first one on. */
export interface Sample {
  machine: string;
  runs: number;
  seed: bigint;
  seeds?: number;
}

export interface CostOptions extends TimingOptions {
  /** Cycles of this function alone. */
  of?: number;
  /** The only one, on a CPU that stays the same, its lines in this state. */
  alone?: Alone;
  /** From clockOf() of the same question, if it is known. */
  clock?: number;
}

/** Runs of the image as it is, on CPUs that change by chance unless they are given. */
export async function costOf(
  image: ImageFile, question: Question, sample: Sample, options: CostOptions = {},
): Promise<Cost> {
  const clock = options.clock ?? await clockOf(image, question, sample, options);
  return costOfCalls(image, question, sample, { ...options, clock });
}

/** What an empty function takes in place of each: the same for all with as many arguments. */
export async function clockOf(
  image: ImageFile, question: Question, sample: Sample, options: CostOptions = {},
): Promise<number> {
  const { median } = await costOfCalls(image, question, sample, { ...options, clock: 0 }, true);
  return median!;
}

function costOfCalls(
  image: ImageFile, question: Question, sample: Sample,
  { of, alone, clock = 0, ...options }: CostOptions, empty = false,
): Promise<Cost> {
  const { program, fails } = costProgram(image, question, alone, empty);
  const [first, last] = alone ? [0, 0] : [of ?? 0, of ?? program.threads.length - 1];
  const cyclesOf = (values: bigint[]) => values.slice(first, last + 1);
  const cold = (values: bigint[]) => values[0] === COLD;
  return programCost(
    program, { fails: empty ? undefined : fails, cyclesOf, cold, clock }, sample,
    { ...options, ...(alone && { cpus: [...alone.cpus] }) });
}

export interface Reading {
  /** Which final states fail. */
  fails?: (values: bigint[]) => boolean;
  /** Which values in one are cycles. */
  cyclesOf: (values: bigint[]) => bigint[];
  /** Which runs do not count, if the program marks them. */
  cold?: (values: bigint[]) => boolean;
  clock: number;
}

/** Of any program. */
export async function programCost(
  program: Program, { fails, cyclesOf, cold, clock }: Reading,
  { machine, runs, seed, seeds = 1 }: Sample, options: TimingOptions = {},
): Promise<Cost> {
  const engine = new TimingEngine(options);
  const states: CountedState[] = [];
  for (let i = 0; i < seeds; i++) {
    const own = BigInt.asUintN(64, seed + BigInt(i));
    const outcome = await engine.run(
      program, { machine, runs: cold ? runs + WARM : runs, seed: own });
    if (outcome.bound || outcome.stuck) {
      throw new InputError(`${program.name} on ${machine}: ${outcome.stuck ?? outcome.bound}; ` +
        "a function must end on its own, within 3000000 cycles");
    }
    states.push(...outcome.states.filter(({ values }) => !cold?.(values)));
  }
  const good = states.filter(({ values }) => !fails?.(values)).map(({ values, count }) => ({
    cycles: cyclesOf(values).reduce((sum, value) => sum + Number(value), -clock), count,
  })).sort((a, b) => a.cycles - b.cycles);
  const sum = (list: readonly { count: number }[]) =>
    list.reduce((total, { count }) => total + count, 0);
  const measured = sum(good);
  const at = (share: number) => {
    let left = share * measured;
    return good.find(({ count }) => (left -= count) <= 0)?.cycles;
  };
  // The rank of the true median is binomial: 95 % of it lie within 1.96 deviations.
  const spread = 1.96 / 2 / Math.sqrt(measured);
  const [low, high] = [at(Math.max(0, 0.5 - spread)), at(Math.min(1, 0.5 + spread))];
  const total = sum(states);
  return {
    runs: total, measured, median: at(0.5), p99: at(0.99), clock,
    medianCi95: low === undefined || high === undefined ? undefined : [low, high],
    failures: fails && total - measured,
  };
}
