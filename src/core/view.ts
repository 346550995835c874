// Typed access to a machine in shared memory, by the offsets of abi.ts. Fields that workers change
// while they run are read atomically.
import * as abi from "../../assembly/abi.ts";

export interface TraceEvent {
  time: bigint;
  cpu: number;
  /** TRACE_* */
  kind: number;
  label: number;
  size: number;
  phys: bigint;
  value: bigint;
  /** By kind (TRACE_* of abi.ts): cycles since the store's issue, for example. */
  extra: number;
}

/** Architectural state of one CPU. */
export interface CpuState {
  /** RUN_* */
  run: number;
  rip: bigint;
  /** rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15. */
  registers: bigint[];
  fsBase: bigint;
  gsBase: bigint;
  cpl: number;
  interruptsOn: boolean;
  cr2: bigint;
  cr3: bigint;
  /** Of the instruction that the core does not know: RUN_UNIMPLEMENTED. */
  badRip: bigint;
  badBytes: Uint8Array;
}

/** An instruction that a CPU began (assembly/memory/history.ts). */
export interface Executed {
  rip: bigint;
  /** Instructions that the CPU had completed before. */
  count: bigint;
}

const EFLAGS_IF = 1n << 9n;
const BAD_BYTES = 15;

const TRACE_HEADER_BYTES = 32;
const TRACE_RECORD_BYTES = 32;

export class MachineView {
  readonly memory: WebAssembly.Memory;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
  }

  u32(offset: number): number {
    return Atomics.load(new Uint32Array(this.memory.buffer), (abi.MACHINE_BASE + offset) >>> 2);
  }

  u64(offset: number): bigint {
    return Atomics.load(new BigUint64Array(this.memory.buffer), (abi.MACHINE_BASE + offset) >>> 3);
  }

  get cpus(): number {
    return this.u32(abi.M_CPUS);
  }

  /** Guest RAM. */
  get ram(): Uint8Array {
    const base = this.u32(abi.M_RAM_BASE);
    return new Uint8Array(this.memory.buffer, base, this.u32(abi.M_RAM_BYTES));
  }

  get stopReason(): number {
    return this.u32(abi.M_STOP_REASON);
  }

  get now(): bigint {
    return this.u64(abi.M_NOW);
  }

  get instructions(): bigint {
    return this.u64(abi.M_INSTRUCTIONS);
  }

  requestStop(): void {
    const words = new Uint32Array(this.memory.buffer);
    Atomics.store(words, (abi.MACHINE_BASE + abi.M_STOP_REQUEST) >>> 2, 1);
  }

  /** So many workers take part from the beginning; before any of them starts. */
  musterWorkers(count: number): void {
    this.wantWorkers(count);
    new Uint32Array(this.memory.buffer)[(abi.MACHINE_BASE + abi.M_CREW) >>> 2] = count;
  }

  /** So many workers shall take part from some boundary on. */
  wantWorkers(count: number): void {
    const words = new Uint32Array(this.memory.buffer);
    Atomics.store(words, (abi.MACHINE_BASE + abi.M_WANTED) >>> 2, count);
  }

  cpu(index: number): CpuState {
    const core = this.u32(abi.M_CORES + index * 4);
    const view = new DataView(this.memory.buffer, core);
    const u64 = (offset: number) => view.getBigUint64(offset, true);
    return {
      run: view.getUint32(abi.CORE_RUN, true),
      rip: u64(abi.CPU_RIP),
      registers: Array.from({ length: 16 }, (_, i) => u64(abi.CPU_REGISTERS + i * 8)),
      fsBase: u64(abi.CPU_FS_BASE),
      gsBase: u64(abi.CPU_GS_BASE),
      cpl: view.getUint32(abi.CPU_CPL, true),
      interruptsOn: (u64(abi.CPU_RFLAGS) & EFLAGS_IF) !== 0n,
      cr2: u64(abi.CPU_CR2),
      cr3: u64(abi.CPU_CR3),
      badRip: u64(abi.CPU_BAD_RIP),
      badBytes: new Uint8Array(this.memory.buffer, core + abi.CPU_BAD_BYTES, BAD_BYTES).slice(),
    };
  }

  /** Stores that are not visible yet, of all CPUs. */
  get storesWaiting(): number {
    let count = 0;
    const view = new DataView(this.memory.buffer);
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      count += view.getUint32(this.u32(abi.M_CORES + cpu * 4) + abi.CORE_SB_COUNT, true);
    }
    return count;
  }

  private hub(offset: number): number {
    const base = this.u32(abi.M_HUB_BASE);
    return Atomics.load(new Uint32Array(this.memory.buffer), (base + offset) >>> 2);
  }

  /** The byte written to the exit port, if one was. */
  get exitCode(): number | undefined {
    return this.hub(abi.HUB_EXITED) ? this.hub(abi.HUB_EXIT_CODE) : undefined;
  }

  /** Bytes of console output so far, modulo 2^32. */
  get consoleWritten(): number {
    return this.hub(abi.HUB_CONSOLE_WRITTEN);
  }

  /** Console output from count `from` to `written`; what the ring has overwritten is lost. */
  console(from: number, written = this.consoleWritten): Uint8Array {
    const count = Math.min((written - from) >>> 0, abi.HUB_CONSOLE_BYTES);
    const ring = this.u32(abi.M_HUB_BASE) + abi.HUB_CONSOLE;
    const bytes = new Uint8Array(this.memory.buffer);
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      out[i] = bytes[ring + (((written - count + i) >>> 0) & (abi.HUB_CONSOLE_BYTES - 1))];
    }
    return out;
  }

  /** The instructions that a CPU began last, oldest first, as far as M_HISTORY says. */
  history(cpu: number): Executed[] {
    const capacity = this.u32(abi.M_HISTORY);
    if (capacity === 0) return [];
    const bytes = abi.HISTORY_HEADER_BYTES + abi.HISTORY_ENTRY_BYTES * capacity;
    const view = new DataView(this.memory.buffer, this.u32(abi.M_HISTORY_BASE) + cpu * bytes);
    const written = Number(view.getBigUint64(0, true));
    const entries: Executed[] = [];
    for (let i = Math.max(0, written - capacity); i < written; i++) {
      const at = abi.HISTORY_HEADER_BYTES + (i % capacity) * abi.HISTORY_ENTRY_BYTES;
      entries.push({ rip: view.getBigUint64(at, true), count: view.getBigUint64(at + 8, true) });
    }
    return entries;
  }

  /** Trace records that later ones have overwritten. */
  get traceLost(): number {
    const capacity = this.u32(abi.M_TRACE_EVENTS);
    const workers = Math.min(this.u32(abi.M_WORKERS), abi.M_WORKER_LIMIT);
    const view = new DataView(this.memory.buffer);
    let lost = 0;
    for (let worker = 0; worker < workers; worker++) {
      const base = this.u32(abi.M_TRACE_BASES + worker * 4);
      const written = base === 0 ? 0 : Number(view.getBigUint64(base, true));
      lost += Math.max(0, written - capacity);
    }
    return lost;
  }

  /**
   * All workers' trace records that `keep` wants, oldest first. Only on a stopped machine.
   */
  trace(keep: (kind: number, label: number) => boolean = () => true): TraceEvent[] {
    const capacity = this.u32(abi.M_TRACE_EVENTS);
    if (capacity === 0) return [];
    const view = new DataView(this.memory.buffer);
    const events: TraceEvent[] = [];
    const workers = Math.min(this.u32(abi.M_WORKERS), abi.M_WORKER_LIMIT);
    for (let worker = 0; worker < workers; worker++) {
      const base = this.u32(abi.M_TRACE_BASES + worker * 4);
      if (base === 0) continue;
      const written = Number(view.getBigUint64(base, true));
      for (let i = Math.max(0, written - capacity); i < written; i++) {
        const at = base + TRACE_HEADER_BYTES + (i % capacity) * TRACE_RECORD_BYTES;
        const kind = view.getUint16(at + 10, true);
        const label = view.getUint16(at + 12, true);
        if (!keep(kind, label)) continue;
        events.push({
          time: view.getBigUint64(at, true),
          cpu: view.getUint16(at + 8, true),
          kind,
          label,
          size: view.getUint16(at + 14, true),
          phys: BigInt(view.getUint32(at + 16, true)),
          extra: view.getUint32(at + 20, true),
          value: view.getBigUint64(at + 24, true),
        });
      }
    }
    // A sort is stable: records of one worker with equal times keep their order.
    return events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  }
}
