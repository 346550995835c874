// One instance of the explore engine: its memory, the guest's RAM in it, and an address space that
// maps the linear pages a program uses to physical pages one after the other.
import * as abi from "../../assembly/abi.ts";
import { MEMORY_PAGES_MAX, PAGE_BYTES } from "../core/instance.ts";

/** The functions and counters that assembly/explore.ts exports. */
export interface ExploreExports {
  decodeBytes(): number;
  open(core: number, decoded: number, from: number, states: number, to: number): void;
  begin(core: number, threads: number, observed: number): number;
  resetThread(core: number, rip: bigint, cr3: bigint): void;
  setThread(
    core: number, index: number, observed: number, stackLin: bigint, stackHost: number,
    stackBytes: number,
  ): void;
  configure(statesMax: number, reduce: number, bufferEntries: number, model: number): void;
  search(slice: number): number;
  searchOn(slice: number): number;
  walk(runs: number, from: bigint, seed: bigint, depth: number, slice: number): number;
  walkOn(slice: number): number;
  openReplay(): void;
  replay(list: number, count: number, logFrom: number, logTo: number): number;
  room(bytes: number): number;
  clear(at: number, bytes: number): void;
  ready(): void;
  keepCore(core: number): number;
  share(word: number): void;
  sharedWord(index: number): number;
  logLength: WebAssembly.Global;
  replayed: WebAssembly.Global;
  replayedLength: WebAssembly.Global;
  runsCut: WebAssembly.Global;
  runsDone: WebAssembly.Global;
  outcomes: WebAssembly.Global;
  endless: WebAssembly.Global;
  storesInLoop: WebAssembly.Global;
  statesSeen: WebAssembly.Global;
  transitions: WebAssembly.Global;
  searches: WebAssembly.Global;
  stateCount: WebAssembly.Global;
  instructions: WebAssembly.Global;
  sharedCount: WebAssembly.Global;
}

export const CORE_ADDRESS = 0x200000;
const DECODE_ADDRESS = 0x300000;
const RAM_ADDRESS = 0xd00000;
const GUEST_PAGE = 4096;
/** For what is learnt of a program; the rest up to the memory's end is for states. */
const LEARNT_BYTES = 512 << 20;
/** Present, writable, user, accessed and dirty: a walk never has to write. */
const TABLE_ENTRY = 0x67n;
/** Every cost is one cycle: time means nothing here. */
const COSTS = [
  abi.M_COST_L1, abi.M_COST_FORWARD, abi.M_COST_MFENCE, abi.M_COST_SFENCE, abi.M_COST_LFENCE,
  abi.M_COST_LOCK, abi.M_COST_XCHG, abi.M_COST_PAUSE, abi.M_COST_RDTSC, abi.M_COST_CPUID,
  abi.M_COST_PUSHF, abi.M_COST_POPF, abi.M_COST_CALL, abi.M_COST_INTERRUPT, abi.M_COST_IRET,
  abi.M_COST_SYSCALL,
];

export class ExploreBox {
  readonly memory = new WebAssembly.Memory({
    initial: RAM_ADDRESS / PAGE_BYTES, maximum: MEMORY_PAGES_MAX, shared: true,
  });
  readonly exports: ExploreExports;
  readonly ramBytes: number;
  #view: DataView;
  #bytes: Uint8Array;
  /** Physical address of the next free page, and the pages in use by their linear address. */
  #nextPage = 0;
  readonly #pages = new Map<number, number>();

  constructor(module: WebAssembly.Module, ramBytes = 1 << 20, memoryBytes = 0xff000000) {
    this.memory.grow(Math.ceil(ramBytes / PAGE_BYTES));
    this.ramBytes = ramBytes;
    this.#view = new DataView(this.memory.buffer);
    this.#bytes = new Uint8Array(this.memory.buffer);
    const abort = () => {
      throw new Error("a check of the explore engine failed");
    };
    const { memory } = this;
    const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
    this.exports = instance.exports as unknown as ExploreExports;
    const parameters: [number, number][] = [
      [abi.M_CPUS, 1], [abi.M_WINDOW_CYCLES, 1], [abi.M_QUANTUM_CYCLES, 1],
      [abi.M_CORES, CORE_ADDRESS], [abi.M_RAM_BASE, RAM_ADDRESS], [abi.M_RAM_BYTES, ramBytes],
      [abi.M_TSC_KHZ, 1_000_000],
    ];
    for (const [at, value] of parameters) this.view.setUint32(abi.MACHINE_BASE + at, value, true);
    for (const at of COSTS) this.view.setUint32(abi.MACHINE_BASE + at, 1, true);
    const arena = RAM_ADDRESS + ramBytes;
    if (DECODE_ADDRESS + this.exports.decodeBytes() > RAM_ADDRESS) {
      throw new Error("the decoded lines overlap RAM");
    }
    const states = Math.min(arena + LEARNT_BYTES, arena + memoryBytes / 4);
    const end = Math.min(arena + memoryBytes, 0xffff0000);
    this.exports.open(CORE_ADDRESS, DECODE_ADDRESS, arena, states, end);
    this.clear();
  }

  /** The engine grows the memory: a view made before may be too short. */
  get view(): DataView {
    if (this.#view.buffer !== this.memory.buffer) this.#view = new DataView(this.memory.buffer);
    return this.#view;
  }

  get bytes(): Uint8Array {
    if (this.#bytes.buffer !== this.memory.buffer) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }

  /** An empty address space; its top table is the first page. */
  clear(): void {
    this.exports.clear(RAM_ADDRESS, Math.max(this.#nextPage, GUEST_PAGE));
    this.#nextPage = GUEST_PAGE;
    this.#pages.clear();
  }

  readonly cr3 = 0n;

  #newPage(): number {
    const page = this.#nextPage;
    this.#nextPage += GUEST_PAGE;
    if (this.#nextPage > this.ramBytes) {
      throw new Error(`the program needs more than ${this.ramBytes >> 20} MiB of memory`);
    }
    return page;
  }

  /** Physical address of a linear one; its page is made if there is none. */
  physicalOf(lin: bigint): number {
    const page = Number(BigInt.asUintN(52, lin) >> 12n);
    let phys = this.#pages.get(page);
    if (phys === undefined) {
      phys = this.#map(lin);
      this.#pages.set(page, phys);
    }
    return phys + Number(lin & 0xfffn);
  }

  #map(lin: bigint): number {
    let table = 0;
    for (let shift = 39n; shift > 12n; shift -= 9n) {
      const at = RAM_ADDRESS + table + Number((lin >> shift) & 511n) * 8;
      const entry = this.view.getBigUint64(at, true);
      if (entry) {
        table = Number(entry & 0xffffffff000n);
      } else {
        table = this.#newPage();
        this.view.setBigUint64(at, BigInt(table) | TABLE_ENTRY, true);
      }
    }
    const page = this.#newPage();
    const at = RAM_ADDRESS + table + Number((lin >> 12n) & 511n) * 8;
    this.view.setBigUint64(at, BigInt(page) | TABLE_ENTRY, true);
    return page;
  }

  /** Linear address of a physical one, for messages. */
  linearOf(phys: number): bigint {
    for (const [page, at] of this.#pages) {
      if (at !== (phys & ~0xfff)) continue;
      return BigInt.asUintN(64, (BigInt(page) << 12n) + BigInt(phys & 0xfff));
    }
    return BigInt(phys);
  }

  /** Copies `data` to linear address `lin`. */
  write(lin: bigint, data: Uint8Array): void {
    for (let done = 0; done < data.length;) {
      const at = lin + BigInt(done);
      const room = GUEST_PAGE - Number(at & 0xfffn);
      this.bytes.set(data.subarray(done, done + room), this.hostOf(at));
      done += room;
    }
  }

  /** Makes the pages of `bytes` at `lin`. */
  reserve(lin: bigint, bytes: number): void {
    for (let at = lin & ~0xfffn; at < lin + BigInt(bytes); at += 4096n) this.physicalOf(at);
  }

  /** Offset of a linear address in the engine's memory. */
  hostOf(lin: bigint): number {
    return RAM_ADDRESS + this.physicalOf(lin);
  }

  setRegisters(values: BigUint64Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    this.bytes.set(bytes, CORE_ADDRESS + abi.CORE_CPU + abi.CPU_REGISTERS);
  }
}
