// Cases on the timing engine, where an instruction stalls and runs again: nothing is in the caches
// or in the TLB, or the store buffer is full of stores to lines that are far away. The outcome must
// be what it is without all that.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as abi from "../../assembly/abi.ts";
import { begun, GDT_LIMIT, LINUX_GDT, outcome, USER_MIN, userBox } from "./emulate.ts";
import { USER_CS, USER_SS } from "./families-transfer.ts";
import { FS_BASE, TABLE_FIELDS } from "./flat-box.ts";
import { GATE_STACK, IDT, TSS } from "./gates.ts";
import { DATA_BYTES, SILICON_CODE, SILICON_DATA, States } from "./state.ts";

interface ReplayExports {
  layoutBytes(): number;
  setup(): void;
  begin(rip: bigint, cr3: bigint, cs: number, ss: number): number;
  press(phys: bigint, size: number, value: bigint): number;
  runOne(rip: bigint, times: bigint, windows: number): number;
  settle(windows: number): number;
  getFlags(core: number): number;
  setFlags(core: number, flags: number): void;
  setCpl(core: number, cpl: number): void;
}

const REPLAY = fileURLToPath(new URL("../../build/replay.wasm", import.meta.url));

/** The fewest that a machine may have: the frame of an exception is six words. */
export const STORE_BUFFER = 6;
const PARAMETERS: Record<string, number> = {
  M_CPUS: 1, M_CLUSTERS: 1, M_PACKAGES: 1, M_BUSES: 1, M_RAM_BYTES: 128 << 20, M_WORKERS: 1,
  M_HOST_CORES: 1, M_WINDOW_CYCLES: 1, M_QUANTUM_CYCLES: 1, M_CHECK: 0, M_SEED: 1,
  M_SB_ENTRIES: STORE_BUFFER, M_RETIRE_DELAY: 1, M_HOLD: 1, M_TSC_KHZ: 2333000,
  M_L1_SETS: 64, M_L1_WAYS: 8, M_L2_SETS: 4096, M_L2_WAYS: 16,
  M_COST_L1: 1, M_COST_FORWARD: 1, M_COST_MFENCE: 1, M_COST_SFENCE: 1, M_COST_LFENCE: 1,
  M_COST_LOCK: 1, M_COST_XCHG: 1, M_COST_PAUSE: 1, M_COST_PUSHF: 1, M_COST_POPF: 1, M_COST_CALL: 1,
  M_COST_INTERRUPT: 2, M_COST_IRET: 1, M_COST_SYSCALL: 1,
  M_LAT_L2: 2, M_LAT_SIBLING_LOAD: 3, M_LAT_SIBLING_UPGRADE: 3, M_LAT_SIBLING_OWN: 3,
  M_LAT_DIE_LOAD: 4, M_LAT_DIE_UPGRADE: 4, M_LAT_DIE_OWN: 4, M_LAT_SOCKET_LOAD: 4,
  M_LAT_SOCKET_UPGRADE: 4, M_LAT_SOCKET_OWN: 4, M_LAT_DRAM: 5, M_LAT_IPI: 5, M_LAT_UNCACHED: 5,
};

const PAGE = 4096;
/** Everything that a case touches lies in pages that no case before had: nobody has their lines. */
const FRESH = 32 << 20;
const enum Page { PML4, PDPT, PD, PT_LOW, PT_DATA, IDT, TSS, GDT, STACK, CODE, DATA, FAR, COUNT }
/** Present, writable, user; accessed and dirty are for the CPU to set, or set already. */
const PRESENT = 7;
const USED = 0x60;
const SUPERVISOR = ~4;
const LARGE = 0x80;
/** The 2 MiB around code and data. */
const DATA_REGION = SILICON_CODE >>> 21;

/** Loads of AL from the lines where operands are, 7 bytes each: what comes before a case. */
const LINES = [-64, 0, 64].map((offset) => SILICON_DATA + DATA_BYTES / 2 + offset);
const PRELUDE = LINES.flatMap((lin) =>
  [0x8a, 0x04, 0x25, ...[0, 8, 16, 24].map((bit) => (lin >> bit) & 0xff)]);
const LOAD_BYTES = 7;
/**
 * How much a case finds in its place. Cold: the page tables have neither accessed nor dirty bits,
 * each of which the CPU sets by a locked access, so that the buffer has drained before the
 * instruction is there. Warm: they have them; all loads and fetches are still far away. Hot: the
 * data is in the L1D, so that the first store of the instruction meets a full buffer.
 */
const enum Mode { COLD, WARM, HOT, COUNT }

/** As often as emulate() steps. */
const TIMES = 64n;
const WINDOWS_MAX = 20_000;
const NOT_ENDED = 0x80000000;

export class ReplayBox {
  private readonly memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  private readonly exports: ReplayExports;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly ram: number;
  private next = Infinity;
  /** Physical address of each Page of the case. */
  private pages: number[] = [];
  private readonly tables: { low: Uint8Array; data: Uint8Array; pd: Uint8Array };
  private readonly segments = userBox();
  /** STALL_* (assembly/memory/core.ts) that were met, as a mask, and by how many cases. */
  stalls = 0;
  stalled = 0;

  /** `file` is another build of the module: a mutant. */
  constructor(file = REPLAY) {
    const module = new WebAssembly.Module(readFileSync(file));
    const abort = () => { throw new Error("abort"); };
    this.exports = new WebAssembly.Instance(module, {
      env: { memory: this.memory, abort }, host: { diskRead: abort },
    })
      .exports as unknown as ReplayExports;
    this.writeParameters();
    this.memory.grow(Math.ceil((this.exports.layoutBytes() >>> 0) / 65536) - 63);
    this.bytes = new Uint8Array(this.memory.buffer);
    this.view = new DataView(this.memory.buffer);
    this.ram = this.view.getUint32(abi.MACHINE_BASE + abi.M_RAM_BASE, true);
    const identity = (first: number, bytes: number, flags: number) => {
      const table = new BigUint64Array(512);
      for (let i = 0; i < 512; i++) table[i] = BigInt(first + i * bytes + flags);
      return new Uint8Array(table.buffer);
    };
    this.tables = {
      low: identity(0, PAGE, PRESENT),
      data: identity(DATA_REGION << 21, PAGE, PRESENT),
      pd: identity(0, 2 << 20, PRESENT | LARGE),
    };
  }

  private writeParameters(): void {
    const view = new DataView(this.memory.buffer);
    const constants = abi as unknown as Record<string, number>;
    for (const [name, value] of Object.entries(PARAMETERS)) {
      view.setUint32(abi.MACHINE_BASE + constants[name]!, value, true);
    }
  }

  /** The machine as new, when its RAM is used up. */
  private renew(): void {
    this.bytes.fill(0, abi.MACHINE_BASE);
    this.writeParameters();
    this.exports.setup();
    this.next = FRESH;
  }

  /** Fresh pages for a case, and an address space that has them in place of the usual ones. */
  private map(s: States, mode: Mode): bigint {
    if (this.next + Page.COUNT * PAGE > PARAMETERS.M_RAM_BYTES!) this.renew();
    const first = this.next;
    this.next += Page.COUNT * PAGE;
    this.pages = Array.from({ length: Page.COUNT }, (_, i) => first + i * PAGE);
    const flags = mode === Mode.COLD ? PRESENT : PRESENT | USED;
    const at = (page: Page) => this.ram + this.pages[page]!;
    const entry = (table: Page, index: number, page: Page, rights = ~0) => {
      const value = BigInt(this.pages[page]! | (flags & rights));
      this.view.setBigUint64(at(table) + 8 * index, value, true);
    };
    this.bytes.set(this.tables.pd, at(Page.PD));
    this.bytes.set(this.tables.low, at(Page.PT_LOW));
    this.bytes.set(this.tables.data, at(Page.PT_DATA));
    entry(Page.PML4, 0, Page.PDPT);
    entry(Page.PDPT, 0, Page.PD);
    entry(Page.PD, 0, Page.PT_LOW, SUPERVISOR);
    entry(Page.PD, DATA_REGION, Page.PT_DATA);
    const copies: [Page, number][] = [[Page.IDT, IDT], [Page.TSS, TSS], [Page.GDT, LINUX_GDT]];
    for (const [page, lin] of copies) {
      entry(Page.PT_LOW, lin / PAGE, page);
      this.bytes.set(this.segments.slice(lin, PAGE), at(page));
    }
    entry(Page.PT_LOW, GATE_STACK / PAGE - 1, Page.STACK);
    entry(Page.PT_DATA, (SILICON_CODE >>> 12) & 511, Page.CODE);
    entry(Page.PT_DATA, (SILICON_DATA >>> 12) & 511, Page.DATA);
    const code = [...PRELUDE, ...s.code];
    this.bytes.set(code, at(Page.CODE) + SILICON_CODE % PAGE - PRELUDE.length);
    this.bytes.set(s.data, at(Page.DATA));
    return BigInt(this.pages[Page.PML4]!);
  }

  /**
   * A full store buffer. Its youngest store is to the data of the case, to byte `at` its own value:
   * a load of more than that byte has to wait for it.
   */
  private press(s: States, at: number): void {
    for (let i = 1; i < STORE_BUFFER; i++) {
      this.exports.press(BigInt(this.pages[Page.FAR]! + i * 64), 8, 0n);
    }
    this.exports.press(BigInt(this.pages[Page.DATA]! + at), 1, BigInt(s.data[at]!));
  }

  /** Runs the prelude of a mode; returns the core block. */
  private prelude(mode: Mode, cr3: bigint): number {
    const { exports } = this;
    const first = SILICON_CODE - (mode === Mode.HOT ? PRELUDE.length : 0);
    const core = exports.begin(BigInt(first), cr3, USER_CS, USER_SS);
    for (let rip = first; rip < SILICON_CODE; rip += LOAD_BYTES) {
      exports.runOne(BigInt(rip), TIMES, WINDOWS_MAX);
    }
    return core;
  }

  /** Replays case `s`; `at`: a byte of its data. The outcome goes into `out`. */
  private one(s: States, out: States, mode: Mode, at: number): void {
    const { exports } = this;
    const rip = BigInt(SILICON_CODE);
    const core = this.prelude(mode, this.map(s, mode));
    begun(this.bytes.subarray(core), s);
    const set = (field: number, value: number) => this.view.setUint32(core + field, value, true);
    set(TABLE_FIELDS.gdtBase, LINUX_GDT);
    set(TABLE_FIELDS.gdtLimit, GDT_LIMIT);
    set(TABLE_FIELDS.idtBase, IDT);
    set(TABLE_FIELDS.idtLimit, 0xfff);
    set(TABLE_FIELDS.trBase, TSS);
    set(TABLE_FIELDS.trLimit, 0x67);
    exports.setFlags(core, s.flags & 0x8d5);
    set(abi.CPU_RFLAGS, (s.flags & ~0x8d5) | 2);
    exports.setCpl(core, 3);
    this.press(s, at);
    let stalls = exports.runOne(rip, TIMES, WINDOWS_MAX);
    const gone = this.view.getBigUint64(core + abi.CPU_RIP, true);
    if (gone < BigInt(USER_MIN)) stalls |= exports.runOne(gone, TIMES, WINDOWS_MAX);
    this.stalls |= stalls;
    if (stalls) this.stalled++;
    const settled = !(stalls & NOT_ENDED) && exports.settle(WINDOWS_MAX);
    const stack = this.ram + this.pages[Page.STACK]! + PAGE - GATE_STACK;
    const data = this.ram + this.pages[Page.DATA]!;
    outcome(s, out, {
      rip: settled ? Number(this.view.getBigUint64(core + abi.CPU_RIP, true)) : 0,
      flags: this.view.getUint32(core + abi.CPU_RFLAGS, true) | exports.getFlags(core),
      regs: this.bytes.subarray(core, core + 128),
      bases: this.bytes.subarray(core + FS_BASE, core + FS_BASE + 16),
      data: this.bytes.subarray(data, data + DATA_BYTES),
      stack: (lin) => this.view.getBigUint64(stack + lin, true),
    });
  }

  /** As emulate(): the cases in turn in each mode, which another seed shifts. */
  replay(cases: States, seed = 0): States {
    const out = new States(cases.count);
    for (let i = 0; i < cases.count; i++) {
      // Somewhere around the middle, where operands are
      const at = DATA_BYTES / 2 - 64 + (i * 37) % 128;
      this.one(cases.select(i), out.select(i), (i + seed) % Mode.COUNT, at);
    }
    return out;
  }
}
