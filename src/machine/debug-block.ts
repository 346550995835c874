// Reads the bundled kernel's debug block (workloads/include/smpbox-debug.h) from the RAM of a
// stopped machine: tasks, AIO contexts, counters, the panic message. The offsets inside tasks and
// contexts come from the block itself.
import { type Elf, physicalOf } from "./elf.ts";
import { translate } from "./page-walk.ts";

const MAGIC = 0x4244584f42504d53n; // "SMPBOXDB"
const VERSION = 1;
const LIST_MAX = 4096;
const TEXT_MAX = 512;
const PAGE_BYTES = 4096;

export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_DEAD = 64;
export const SLEEP_PAUSE = 1;
export const SLEEP_AIO = 2;
export const SLEEP_AIO_DRAIN = 3;
export const SLEEP_FUTEX = 4;
export const SLEEP_DISK = 6;
export const SLEEP_MUTEX = 7;
export const SLEEP_CV = 8;
export const SLEEP_T_LOCKED = 9;
export const SLEEP_UPDATES = 10;
/** By SMPBOX_SLEEP_*. */
export const SLEEP_NAMES = [
  "none", "pause", "read_events", "io_destroy", "futex", "idle", "disk", "mutex", "cv",
  "T_LOCKED", "t_updates",
];

export interface Task {
  /** Kernel address. */
  address: bigint;
  pid: number;
  cpu: number;
  state: number;
  comm: string;
  /** Physical address of its page tables. */
  pgd: bigint;
  sleepKind: number;
  sleepObject: bigint;
  sleepI: bigint;
  sleepMinNr: bigint;
}

export interface Kioctx {
  /** Kernel address: the name by which a sleeping task refers to it. */
  address: bigint;
  waitNextPhys: bigint;
  /** Is nobody queued on kioctx.wait? */
  waitEmpty: boolean;
  reqsActive: number;
  head: number;
  tail: number;
  ringTail: number;
  /** Slots of the ring. */
  slots: number;
  ringPhys: bigint;
}

export interface Counters {
  completions: bigint;
  bEmpty: bigint;
  bWaiters: bigint;
  finalPuts: bigint;
  sleeps: bigint;
  wakeups: bigint;
  ipis: bigint;
  syscalls: bigint;
  mutexBlocks: bigint;
  /** aio_port_callback(): calls; I000a and I000b; requests taken again before it returned. */
  callbacks: bigint;
  readsFreed: bigint;
  readsTaken: bigint;
  takenEarly: bigint;
}

const COUNTER_NAMES = [
  "completions", "bEmpty", "bWaiters", "finalPuts", "sleeps", "wakeups", "ipis", "syscalls",
  "mutexBlocks", "callbacks", "readsFreed", "readsTaken", "takenEarly",
] as const;

export class DebugBlock {
  private readonly view: DataView;
  private readonly at: number;
  /** A kernel address minus this is the physical address. */
  readonly base: bigint;

  private constructor(view: DataView, at: number) {
    this.view = view;
    this.at = at;
    this.base = view.getBigUint64(at + 16, true);
  }

  /** The block of `kernel` in `ram`; undefined for another kernel, or before it has written one. */
  static find(ram: Uint8Array, kernel: Elf): DebugBlock | undefined {
    const symbol = kernel.symbols.get("smpbox_debug");
    const phys = symbol && physicalOf(kernel, symbol.lin);
    if (phys === undefined || phys + 168n > BigInt(ram.length)) return undefined;
    const view = new DataView(ram.buffer, ram.byteOffset, ram.byteLength);
    const at = Number(phys);
    if (view.getBigUint64(at, true) !== MAGIC) return undefined;
    if (view.getUint32(at + 8, true) !== VERSION) return undefined;
    return new DebugBlock(view, at);
  }

  /** The kernel's last words, if it panicked. */
  get panic(): string | undefined {
    const message = this.word64(24);
    return message === 0n ? undefined : this.text(this.offsetOf(message), TEXT_MAX);
  }

  get booted(): boolean {
    return this.word32(76) === 1;
  }

  tasks(): Task[] {
    const field = this.offsets(80, 10);
    return this.list(32, 64).map((address) => {
      const at = this.offsetOf(address);
      return {
        address,
        pid: this.u32(at + field[0]),
        cpu: this.u32(at + field[2]),
        state: Number(this.u64(at + field[3])),
        comm: this.text(at + field[4], 16),
        pgd: this.u64(at + field[5]),
        sleepKind: this.u32(at + field[6]),
        sleepObject: this.u64(at + field[7]),
        sleepI: this.u64(at + field[8]),
        sleepMinNr: this.u64(at + field[9]),
      };
    });
  }

  kioctxs(): Kioctx[] {
    const field = this.offsets(120, 12);
    return this.list(40, 68).map((address) => {
      const at = this.offsetOf(address);
      const ring = this.offsetOf(this.u64(at + field[6]));
      const waitNext = this.u64(at + field[3]);
      return {
        address,
        waitNextPhys: BigInt(at + field[3]),
        waitEmpty: waitNext === address + BigInt(field[3]),
        reqsActive: this.u32(at + field[5]),
        head: this.u32(ring + field[10]),
        tail: this.u32(ring + field[11]),
        ringTail: this.u32(at + field[9]),
        slots: this.u32(at + field[8]),
        ringPhys: BigInt(ring),
      };
    });
  }

  /** Memory of the task's process at `lin`; undefined where nothing is mapped. */
  readUser(task: Task, lin: bigint, bytes: number): Uint8Array | undefined {
    const out = new Uint8Array(bytes);
    for (let done = 0; done < bytes; ) {
      const at = translate(this.view, task.pgd, lin + BigInt(done));
      if (at === undefined) return undefined;
      const count = Math.min(bytes - done, PAGE_BYTES - (at % PAGE_BYTES));
      out.set(new Uint8Array(this.view.buffer, this.view.byteOffset + at, count), done);
      done += count;
    }
    return out;
  }

  /** Kernel memory; empty outside of RAM. */
  kernelMemory(address: bigint, bytes: number): DataView {
    const at = this.offsetOf(address);
    const sound = this.inside(at, bytes);
    const { buffer, byteOffset } = this.view;
    return new DataView(buffer, byteOffset + (sound ? at : 0), sound ? bytes : 0);
  }

  /** Sums over all CPUs. */
  counters(): Counters {
    const sums = {} as Counters;
    const first = this.offsetOf(this.word64(48));
    COUNTER_NAMES.forEach((name, i) => {
      sums[name] = 0n;
      for (let cpu = 0; cpu < this.word32(60); cpu++) {
        sums[name] += this.u64(first + cpu * this.word32(56) + i * 8);
      }
    });
    return sums;
  }

  private list(pointer: number, limit: number): bigint[] {
    const first = this.offsetOf(this.word64(pointer));
    const count = Math.min(this.word32(limit), LIST_MAX);
    const items: bigint[] = [];
    for (let i = 0; i < count; i++) {
      const address = this.u64(first + i * 8);
      if (address !== 0n) items.push(address);
    }
    return items;
  }

  private offsets(start: number, count: number): number[] {
    return Array.from({ length: count }, (_, i) => this.word32(start + i * 4));
  }

  private offsetOf(address: bigint): number {
    return Number(BigInt.asUintN(64, address - this.base));
  }

  private word32(offset: number): number {
    return this.u32(this.at + offset);
  }

  private word64(offset: number): bigint {
    return this.u64(this.at + offset);
  }

  private u32(at: number): number {
    return this.inside(at, 4) ? this.view.getUint32(at, true) : 0;
  }

  private u64(at: number): bigint {
    return this.inside(at, 8) ? this.view.getBigUint64(at, true) : 0n;
  }

  /** A damaged guest may hold any pointer: outside of RAM everything reads as 0. */
  private inside(at: number, bytes: number): boolean {
    return at >= 0 && at + bytes <= this.view.byteLength;
  }

  private text(at: number, max: number): string {
    let text = "";
    for (let i = 0; i < max && this.inside(at + i, 1); i++) {
      const letter = this.view.getUint8(at + i);
      if (letter === 0) break;
      text += String.fromCharCode(letter);
    }
    return text;
  }
}
