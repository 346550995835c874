// A machine with an image, from power-on to the reason why it stopped.
import * as abi from "../../assembly/abi.ts";
import type { Executed, MachineView } from "../core/view.ts";
import { type Counters, readCounters } from "../core/counters.ts";
import { loadPreset, openImage } from "./host.ts";
import { WorkerPool } from "./pool.ts";
import { type Components, type Outcome, type RunHooks, Session } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";
import { DebugBlock } from "../machine/debug-block.ts";
import type { Disk, IrqPolicy } from "../machine/disks.ts";
import { disassembleOne, hexBytes } from "../machine/disassemble.ts";
import { DebugInfo } from "../machine/dwarf/image.ts";
import { type Elf, hex, type NamedSymbol, readElf, symbolIn } from "../machine/elf.ts";
import { checkUser, type ImageFile } from "../machine/image.ts";
import { readLinear } from "../machine/page-walk.ts";
import { firstCpus, InputError, numberOf, type Preset } from "../machine/preset.ts";
import type { MemoryModel } from "../machine/topology.ts";

export interface CreateOptions {
  /** Bundled preset, path of a JSON file, or a preset already read. Default clovertown. */
  machine?: string | Preset;
  /** Bundled image, path of an ELF file, or one already read. */
  image: string | ImageFile;
  /** The kernel that runs a user program; default the bundled one. */
  kernel?: string | ImageFile;
  /** For a kernel: what the boot loader gives it as ramdisk. */
  ramdisk?: Uint8Array;
  /** Only the first CPUs of the machine. */
  cpus?: number;
  seed?: bigint;
  workers?: number | "auto";
  /** Memory model; default `tso`. A report of a run under `tso-adv` must say so. */
  memory?: MemoryModel;
  /** Further kernel parameters, "key=value ...". */
  append?: string;
  maxCycles?: bigint;
  /** Records of trace to keep per worker; 0, the default, records nothing. */
  traceEvents?: number;
  /** Instructions to remember of each CPU: slower; see Machine.history(). */
  history?: number;
  /** Kinds of records, as in M_TRACE of abi.ts; default: labelled accesses, lines and marks. */
  traceKinds?: number;
  traceFrom?: bigint;
  traceTo?: bigint;
  windowCycles?: number;
  /** Count for counters(); costs some speed, changes no result. */
  counters?: boolean;
  /** Default: none. */
  disks?: readonly Disk[];
  /** The chipset's choice in lowest-priority delivery; default round-robin. */
  irqPolicy?: IrqPolicy;
  /** Check coherence after every window: slow, one worker only. */
  check?: boolean;
  /** Numbers of the preset to replace, e.g. "core.retireDelay". */
  changes?: ReadonlyMap<string, number>;
}

export interface RunResult extends Outcome {
  /** Guest exit code, or how the run ended without one. */
  exit: number | "hang" | "panic" | "budget" | "cancelled" | "unimplemented";
  /** One sentence about an end that is not a guest exit. */
  reason?: string;
  stateHash: bigint;
  mips: number;
}

export interface CpuPlace {
  cpu: number;
  state: string;
  rip: bigint;
  /** The address, with its function if it is in one. */
  where: string;
}

/** By RUN_* of abi.ts. */
const RUN_NAMES = ["running", "halted", "parked", "shut down", "at an unimplemented instruction"];
/** Runs the user programs. */
export const KERNEL_IMAGE = "kernel";

/** The machine that the options name. */
export async function presetOf(options: CreateOptions): Promise<Preset> {
  const { machine = "clovertown", changes, cpus } = options;
  const whole = typeof machine === "string" ? await loadPreset(machine, changes) : machine;
  return cpus === undefined ? whole : firstCpus(whole, cpus);
}

let pool: WorkerPool | undefined;

export class Machine {
  readonly preset: Preset;
  readonly kernel: Elf;
  /** The image: a user program, or the kernel itself. */
  readonly program: Elf;
  /** Types and source lines of the kernel, and of the program if there is one. */
  readonly debugInfo: { kernel: DebugInfo; program?: DebugInfo };
  private readonly session: Session;
  private readonly options: CreateOptions;

  private constructor(
    preset: Preset, kernel: Elf, program: Elf, debugInfo: Machine["debugInfo"], session: Session,
    options: CreateOptions,
  ) {
    this.preset = preset;
    this.kernel = kernel;
    this.program = program;
    this.debugInfo = debugInfo;
    this.session = session;
    this.options = options;
  }

  /** What it was told: the parameters of its kernel and program, and its memory model. */
  get told(): { append: string; memory: string } {
    const { append = "", memory = "tso" } = this.options;
    return { append: append.trim(), memory };
  }

  /**
   * Powers a machine on with the image loaded, or puts the state of `snapshot` into it, taken of a
   * machine with the same options but for workers, trace and budget. Throws an InputError that says
   * what to change.
   */
  static async create(options: CreateOptions, snapshot?: Snapshot): Promise<Machine> {
    const preset = await presetOf(options);
    const image = await openImage(options.image);
    const program = readElf(image.bytes, image.name);
    const isKernel = program.kind === "kernel";
    const runner = isKernel ? image : await openImage(options.kernel ?? KERNEL_IMAGE);
    const kernel = isKernel ? program : readElf(runner.bytes, runner.name);
    if (!isKernel) checkUser(program, image.name, numberOf(preset, "ramMiB") << 20);
    const seed = options.seed ?? 1n;
    pool ??= new WorkerPool();
    const session = await Session.create(
      pool,
      preset,
      {
        name: runner.name,
        kernel,
        ramdisk: isKernel ? options.ramdisk : image.bytes,
        commandLine: `seed=${seed} ${options.append ?? ""}`.trim(),
        disks: options.disks?.length,
      },
      {
        workers: options.workers ?? "auto",
        seed,
        memoryModel: options.memory ?? "tso",
        maxCycles: options.maxCycles,
        traceEvents: options.traceEvents,
        history: options.history,
        traceKinds: options.traceKinds,
        traceFrom: options.traceFrom,
        traceTo: options.traceTo,
        windowCycles: options.windowCycles,
        check: options.check,
        counters: options.counters,
        disks: options.disks,
        irqPolicy: options.irqPolicy,
      },
      snapshot,
    );
    const debugInfo = {
      kernel: new DebugInfo(runner.name, runner.bytes),
      program: isKernel ? undefined : new DebugInfo(image.name, image.bytes),
    };
    return new Machine(preset, kernel, program, debugInfo, session, options);
  }

  /** Runs to the end of the machine; call it once. */
  async run(hooks: RunHooks = {}): Promise<RunResult> {
    return this.resultOf(await this.session.run(hooks));
  }

  /**
   * Runs to the first window boundary at or after `cycle`, where the machine can be looked at,
   * saved and run again; undefined there, or the result when it ended before.
   */
  async runTo(cycle: bigint, hooks: RunHooks = {}): Promise<RunResult | undefined> {
    const outcome = await this.session.run(hooks, cycle);
    return outcome.stop === "running" ? undefined : this.resultOf(outcome);
  }

  /** The whole state of a machine that has not ended; give it to create() to go on elsewhere. */
  snapshot(): Promise<Snapshot> {
    return this.session.snapshot();
  }

  /** Hashes of the parts of the stopped machine. */
  components(): Components {
    return this.session.components();
  }

  private async resultOf(outcome: Outcome): Promise<RunResult> {
    const end = await this.describeEnd(outcome);
    const seconds = outcome.hostSeconds;
    return {
      ...outcome,
      ...end,
      stateHash: this.stateHash(),
      mips: seconds > 0 ? Number(outcome.instructions) / seconds / 1e6 : 0,
    };
  }

  /**
   * The last `count` instructions that each CPU of the stopped machine began, oldest first. To keep
   * them costs time, so they are not kept: the machine runs a second time from the start, and the
   * state hash tells that it was the same run. Undefined when it was not (the files have changed),
   * or when `signal` stopped it.
   */
  async history(count: number, signal?: AbortSignal): Promise<Executed[][] | undefined> {
    if (signal?.aborted) return undefined;
    const again = await this.again({ history: count });
    try {
      await again.session.run({ signal });
      if (again.stateHash() !== this.stateHash()) return undefined;
      return Array.from({ length: this.view.cpus }, (_, cpu) => again.view.history(cpu));
    } finally {
      again.close();
    }
  }

  /** The same machine once more, before it runs or at `snapshot`, with other ways to look at it. */
  again(more: Partial<CreateOptions>, snapshot?: Snapshot): Promise<Machine> {
    // The preset has been changed and cut already
    const same = { machine: this.preset, cpus: undefined, changes: undefined };
    return Machine.create({ ...this.options, ...same, ...more }, snapshot);
  }

  /** EFLAGS of a CPU of the stopped machine. */
  flagsOf(cpu: number): number {
    return this.session.flagsOf(cpu);
  }

  /** Hash of the whole state of the stopped machine. */
  stateHash(): bigint {
    return this.session.stateHash();
  }

  /** The stopped machine's memory. */
  get view(): MachineView {
    return this.session.view;
  }

  /** What the stopped machine's CPUs, caches and buses did; only with `counters: true`. */
  counters(): Counters {
    if (!this.options.counters) {
      throw new InputError("counters() needs a machine that was created with counters: true");
    }
    return readCounters(this.view);
  }

  /** The bundled kernel's debug block, if this kernel has one. */
  debugBlock(): DebugBlock | undefined {
    return DebugBlock.find(this.view.ram, this.kernel);
  }

  /** Contents of a variable of the kernel, by its symbol. */
  kernelVariable(name: string): DataView | undefined {
    const symbol = this.kernel.symbols.get(name);
    return symbol && this.debugBlock()?.kernelMemory(symbol.lin, symbol.bytes);
  }

  /** Contents of a variable of the user program, by its symbol; undefined if it cannot be read. */
  userVariable(name: string): DataView | undefined {
    const symbol = this.program.symbols.get(name);
    const block = this.debugBlock();
    if (!symbol || !block || this.program === this.kernel) return undefined;
    for (const task of block.tasks()) {
      const bytes = task.pgd ? block.readUser(task, symbol.lin, symbol.bytes) : undefined;
      if (bytes) return new DataView(bytes.buffer);
    }
    return undefined;
  }

  /** Releases the machine's memory for the next one. */
  close(): void {
    this.session.close();
  }

  /** Ends the worker threads; without it they end with the process. */
  static async shutdown(): Promise<void> {
    await pool?.close();
    pool = undefined;
  }

  /** Where every CPU of the stopped machine is. */
  cpus(): CpuPlace[] {
    return Array.from({ length: this.view.cpus }, (_, cpu) => {
      const state = this.view.cpu(cpu);
      const name = RUN_NAMES[state.run] ?? "in an unknown state";
      return { cpu, state: name, rip: state.rip, where: this.describe(state.rip) };
    });
  }

  /** The address, with its function if the kernel or the program has one there. */
  describe(lin: bigint): string {
    const found = this.symbolAt(lin);
    return found ? `${hex(lin)} (${found.name}+${hex(lin - found.lin)})` : hex(lin);
  }

  symbolAt(lin: bigint): NamedSymbol | undefined {
    return symbolIn(this.kernel, lin) ?? symbolIn(this.program, lin);
  }

  private async describeEnd(outcome: Outcome): Promise<Pick<RunResult, "exit" | "reason">> {
    const panic = this.debugBlock()?.panic;
    if (panic !== undefined) return { exit: "panic", reason: `the kernel panicked: ${panic}` };
    switch (outcome.stop) {
      case "exit":
        return { exit: outcome.exitCode ?? 0 };
      case "quiescent":
        this.requireSettled();
        return { exit: "hang", reason: "every CPU is halted and nothing is pending" };
      case "budget":
        return { exit: "budget", reason: "the cycle budget is used up" };
      case "cancelled":
        return { exit: "cancelled", reason: "interrupted" };
      case "shutdown":
        return { exit: "panic", reason: `triple fault on ${this.placeOf(abi.RUN_SHUTDOWN)}` };
      case "unimplemented":
        return { exit: "unimplemented", reason: await this.describeUnimplemented() };
      default:
        throw new Error(`the emulator stopped by itself (${outcome.stop}): a bug of smpbox`);
    }
  }

  /** A CPU that neither halts nor goes on waits for something that the emulator has lost. */
  private requireSettled(): void {
    const stuck = this.cpus().find(({ state }) => state === RUN_NAMES[abi.RUN_RUNNING]);
    if (!stuck) return;
    const place = `CPU ${stuck.cpu} at RIP ${stuck.where}`;
    throw new Error(`the machine is quiescent, but ${place} still waits: a bug of smpbox`);
  }

  private placeOf(run: number): string {
    const stopped = this.cpus().find(({ state }) => state === RUN_NAMES[run]);
    return stopped ? `CPU ${stopped.cpu} at RIP ${stopped.where}` : "an unknown CPU";
  }

  private async describeUnimplemented(): Promise<string> {
    const cpu = this.cpus().findIndex(({ state }) => state === RUN_NAMES[abi.RUN_UNIMPLEMENTED]);
    if (cpu < 0) return "an instruction is not implemented";
    const { rip, badRip, badBytes, cr3 } = this.view.cpu(cpu);
    const where = `CPU ${cpu} at RIP ${this.describe(rip)}`;
    // Otherwise the instruction is known, and what it does with a device's registers is not.
    const known = badRip !== rip;
    // The CPU tells its bytes unless the translation of its page is gone.
    const told = !known && badBytes.some((byte) => byte !== 0);
    const bytes = told ? badBytes : readLinear(this.ramView(), cr3, rip, badBytes.length);
    const line = await disassembleOne(bytes, rip);
    const what = known ? "this access to a device is not implemented" : "not implemented";
    return `${where}: ${what}: ${line.text} (${hexBytes(line.bytes)})`;
  }

  /** Guest RAM, for the functions that read numbers. */
  ramView(): DataView {
    const { buffer, byteOffset, byteLength } = this.view.ram;
    return new DataView(buffer, byteOffset, byteLength);
  }
}
