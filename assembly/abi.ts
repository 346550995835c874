// Where everything lives in the shared memory: the one file that the core and its host both read.
// Plain numeric constants only, so that asc, tsc and a bundler all take it. Offsets and sizes in
// bytes, times in core cycles. No machine state lives in globals: every worker is an instance of
// its own.

// ---- Engines: the value of the compile-time constant ENGINE, one memory port each -----
export const ENGINE_TIMING: i32 = 0;
export const ENGINE_FLAT: i32 = 1;
/** The timing engine with random accesses in place of instructions */
export const ENGINE_STRESS: i32 = 2;
/** Every interleaving of x86-TSO in place of a machine: assembly/explore/ */
export const ENGINE_EXPLORE: i32 = 3;
/** The timing engine with accesses chosen one by one, to reach every state of the protocol */
export const ENGINE_REACH: i32 = 4;

// ---- Shared memory, from the bottom ---------------------------------------------------
/** asc's static data (constant tables, the same in every instance) ends below this address. */
export const MACHINE_BASE: i32 = 0x100000;
export const MACHINE_BYTES: i32 = 0x10000;

// ---- Machine block: parameters written by the host before setup() ---------------------
// One u32 each unless said otherwise, at MACHINE_BASE + offset.
export const M_CPUS: i32 = 0x000;
export const M_CLUSTERS: i32 = 0x004;
export const M_PACKAGES: i32 = 0x008;
export const M_BUSES: i32 = 0x00c;
export const M_RAM_BYTES: i32 = 0x010;
export const M_WINDOW_CYCLES: i32 = 0x014;
export const M_QUANTUM_CYCLES: i32 = 0x018;
export const M_MEMORY_MODEL: i32 = 0x01c;
export const M_SEED: i32 = 0x020; // u64
export const M_WORKERS: i32 = 0x028;
export const M_HOST_CORES: i32 = 0x02c;
export const M_TRACE: i32 = 0x030; // kinds of events to record: bit k = TRACE_* k; 0: none
export const M_TRACE_EVENTS: i32 = 0x034; // capacity of the trace ring
export const M_TSC_KHZ: i32 = 0x038;
export const M_HOMES: i32 = 0x03c; // home agents: M_HOME_PACKAGE, M_HOME_BUS
export const M_MAX_CYCLES: i32 = 0x040; // u64; 0: no budget
export const M_HISTORY: i32 = 0x04c; // instructions to remember of each CPU, 0 for none
export const M_CHECK: i32 = 0x048; // 1: check coherence after every window (one worker only)
export const M_COUNTERS: i32 = 0x198; // 1: count what stores did, too: it costs some speed
export const M_TRACE_FROM: i32 = 0x050; // u64: events before this cycle are not recorded
export const M_TRACE_TO: i32 = 0x058; // u64: nor are those from this one on; 0: no end

/** Low bits of an APIC ID that number the threads of a core; the CPUs of a package. */
export const M_APIC_CORE_SHIFT: i32 = 0x060;
export const M_APIC_PACKAGE_SHIFT: i32 = 0x064;

// Core parameters
export const M_SB_ENTRIES: i32 = 0x080;
export const M_RETIRE_DELAY: i32 = 0x084;
export const M_RFO_PREFETCH: i32 = 0x088;
export const M_L1_SETS: i32 = 0x08c;
export const M_L1_WAYS: i32 = 0x090;
export const M_L2_SETS: i32 = 0x094;
export const M_L2_WAYS: i32 = 0x098;
export const M_HOLD: i32 = 0x09c;
/** The shared cache of a cluster is its L3, and each unit has an L2; 0 sets: it is the L2. */
export const M_L3_SETS: i32 = 0x0a0;
export const M_L3_WAYS: i32 = 0x0a4;
/** A host that lets so many CPUs execute at a time, for so many cycles; 0: no such host. */
export const M_SLICE_RUNNING: i32 = 0x0a8;
export const M_SLICE_CYCLES: i32 = 0x0ac;

// Costs of instructions, cycles
export const M_COST_L1: i32 = 0x0c0;
export const M_COST_FORWARD: i32 = 0x0c4;
export const M_COST_MFENCE: i32 = 0x0c8;
export const M_COST_SFENCE: i32 = 0x0cc;
export const M_COST_LFENCE: i32 = 0x0d0;
export const M_COST_LOCK: i32 = 0x0d4;
export const M_COST_XCHG: i32 = 0x0d8;
export const M_COST_PAUSE: i32 = 0x0dc;
export const M_COST_RDTSC: i32 = 0x0e0;
export const M_COST_CPUID: i32 = 0x0e4;
export const M_COST_PUSHF: i32 = 0x0e8;
export const M_COST_POPF: i32 = 0x0ec;
export const M_COST_CALL: i32 = 0x0f0; // call and ret
export const M_COST_INTERRUPT: i32 = 0x0f8; // interrupt or exception entry
export const M_COST_IRET: i32 = 0x0fc;
export const M_COST_SYSCALL: i32 = 0x100;
/** More for a locked access after one of the SMT sibling to the same line */
export const M_COST_LOCK_SIBLING: i32 = 0x104;

// Latencies, cycles from request to use ("load") or to the snoop response ("own")
export const M_LAT_L2: i32 = 0x140;
export const M_LAT_SIBLING_LOAD: i32 = 0x144; // line M or E in another L1 of the cluster
export const M_LAT_SIBLING_UPGRADE: i32 = 0x148;
export const M_LAT_SIBLING_OWN: i32 = 0x14c;
export const M_LAT_DIE_LOAD: i32 = 0x150; // other cluster, same package
export const M_LAT_DIE_UPGRADE: i32 = 0x154;
export const M_LAT_DIE_OWN: i32 = 0x158;
export const M_LAT_SOCKET_LOAD: i32 = 0x15c; // other package
export const M_LAT_SOCKET_UPGRADE: i32 = 0x160;
export const M_LAT_SOCKET_OWN: i32 = 0x164;
export const M_LAT_DRAM: i32 = 0x168;
export const M_BUS_ADDRESS: i32 = 0x16c; // cycles that a transaction occupies the address bus
export const M_BUS_DATA: i32 = 0x170;
export const M_SNOOP_STALL: i32 = 0x174;
export const M_LAT_IPI: i32 = 0x178;
export const M_LAT_UNCACHED: i32 = 0x17c; // round trip of an I/O or uncached access
export const M_LAT_L3: i32 = 0x184;
export const M_LAT_FAR_LOAD: i32 = 0x188; // other package, two hops away
export const M_LAT_FAR_UPGRADE: i32 = 0x18c;
export const M_LAT_FAR_OWN: i32 = 0x190;
export const M_LAT_DRAM_REMOTE: i32 = 0x194; // memory of another package's home agent
export const M_IPI_JITTER: i32 = 0x180; // seeded spread of an interrupt message's arrival

// Disks
export const M_DISKS: i32 = 0x19c;
export const M_DISK_LIMIT: i32 = 60;
export const M_IRQ_POLICY: i32 = 0x1a0; // IRQ_*: the chipset's choice in lowest-priority delivery
export const M_STORAGE_BLOCKS: i32 = 0x1a4; // 4 KiB blocks that the disks can hold in all
export const M_LAT_DMA_OWN: i32 = 0x1a8; // ownership of a line for the I/O hub
export const M_DISK_BACKED: i32 = 0x1c0; // u8[60]: 1 = a file of the host is behind it

// Topology tables: u8 per CPU or per cluster
export const M_CPU_CLUSTER: i32 = 0x200; // [64]
export const M_CLUSTER_PACKAGE: i32 = 0x240; // [64]
export const M_CLUSTER_BUS: i32 = 0x280; // [64]
/** Index of a CPU's physical core within its cluster; CPUs with the same one are SMT siblings. */
export const M_CPU_UNIT: i32 = 0x2c0; // [64]
export const M_HOME_PACKAGE: i32 = 0x510; // [16] per home agent
export const M_HOME_BUS: i32 = 0x520; // [16]
export const M_HOME_LIMIT: i32 = 16;
export const M_CPU_APIC: i32 = 0x540; // u8[64], APIC ID of each CPU
/** Per package, u32: bit p = package p is two hops away. */
export const M_PACKAGE_FAR: i32 = 0x580; // [32]
export const M_CPU_LIMIT: i32 = 64;
export const M_CLUSTER_LIMIT: i32 = 32;
export const M_UNIT_LIMIT: i32 = 16; // physical cores in a cluster
export const M_THREAD_LIMIT: i32 = 2; // CPUs in a physical core

// Addresses computed by setup(), u32 each
export const M_CORES: i32 = 0x300; // [64] base of each CPU's core block
export const M_CLUSTER_BASES: i32 = 0x400; // [32]
export const M_HOME_BASES: i32 = 0x480; // [8] the home agents' replica of each worker
export const M_DECODE_BASES: i32 = 0x4a0; // [8] the decoded-instruction cache of each worker
export const M_MAILBOX_BASES: i32 = 0x4c0; // [8] outgoing messages of each worker
export const M_TRACE_BASES: i32 = 0x4e0; // [8] trace ring of each worker
export const M_RAM_BASE: i32 = 0x500;
export const M_HUB_BASE: i32 = 0x504;
export const M_HISTORY_BASE: i32 = 0x508; // rings of all CPUs: memory/history.ts
export const M_CLUSTER_COUNTERS: i32 = 0x50c; // CLUSTER_COUNTERS_BYTES for each cluster
export const M_BUS_COUNTERS: i32 = 0x640; // [8] BUS_COUNTERS_BYTES a bus, counted by each worker
export const M_STORAGE_BASE: i32 = 0x530; // device/storage.ts
export const M_WORKER_LIMIT: i32 = 8;

// Run control: written and polled while the workers run
export const M_STOP_REQUEST: i32 = 0x600; // host: 1 = stop at the next window boundary (cancelled)
export const M_STOP_REASON: i32 = 0x604; // STOP_*
export const M_NOW: i32 = 0x608; // u64, virtual time in cycles
export const M_INSTRUCTIONS: i32 = 0x610; // u64, over all CPUs
// Which of the M_WORKERS threads take part: machine/crew.ts
export const M_WANTED: i32 = 0x6c0; // host: how many from some boundary on
export const M_CREW: i32 = 0x6c4; // how many do; CREW_DISMISSED once the machine has stopped
export const M_CREW_WINDOWS: i32 = 0x6c8; // what a worker that joins has to know: windows so far
export const M_CREW_START: i32 = 0x6d0; // u64, first cycle of the next one
export const M_CREW_DIGEST: i32 = 0x6d8; // u64, of the home agents' results
export const CREW_DISMISSED: i32 = 0xff;
export const M_PROGRESS: i32 = 0x800; // [8] a line of 128 bytes for each worker: machine/barrier.ts

// Drives: device/disk.ts, src/machine/disks.ts
export const M_DISK_PARAMS: i32 = 0x2000; // [60] of DISK_PARAM_BYTES
export const DISK_PARAM_BYTES: i32 = 144;
export const DISK_SECTORS: i32 = 0; // u64, sectors of 512 bytes
export const DISK_GONE_AT: i32 = 8; // u64, the command at which the drive is gone; 0: never
export const DISK_MODEL: i32 = 16; // SERVICE_*
export const DISK_MIN: i32 = 20; // cycles
export const DISK_MAX: i32 = 24;
export const DISK_LIST_AT: i32 = 28; // index of the first service time in M_DISK_LISTS
export const DISK_LIST_COUNT: i32 = 32;
/** Sector ranges that fail: first, last u64; kind u8 (FAULT_*), directions u8 (1 read, 2 write). */
export const DISK_RANGES: i32 = 40;
export const DISK_RANGE_BYTES: i32 = 24;
export const DISK_RANGE_LIMIT: i32 = 4;
export const M_DISK_LISTS: i32 = 0x4200; // u32[1024], service times in cycles
export const M_DISK_LIST_LIMIT: i32 = 1024;
export const SERVICE_INSTANT: i32 = 0;
export const SERVICE_UNIFORM: i32 = 1; // DISK_MIN to DISK_MAX
export const SERVICE_SAS15K: i32 = 2;
export const SERVICE_SSD: i32 = 3; // DISK_MIN to DISK_MAX, and the transfer
export const SERVICE_LIST: i32 = 4;
export const IRQ_FIXED: i32 = 0; // the lowest CPU addressed
export const IRQ_ROUND_ROBIN: i32 = 1;
export const IRQ_SUBMITTER: i32 = 2; // the CPU that wrote QueueNotify
export const IRQ_SAME_DIE: i32 = 3;
export const IRQ_FAR_DIE: i32 = 4;
export const IRQ_SEEDED: i32 = 5;

// ---- Why a run ended (M_STOP_REASON, the value of runWorker) --------------------------
export const STOP_RUNNING: i32 = 0;
export const STOP_EXIT: i32 = 1; // byte written to the exit port, or power-off
export const STOP_QUIESCENT: i32 = 2; // nothing can happen any more
export const STOP_BUDGET: i32 = 3; // M_MAX_CYCLES reached: the machine can go on
export const STOP_CANCELLED: i32 = 4; // M_STOP_REQUEST
export const STOP_SHUTDOWN: i32 = 5; // triple fault
export const STOP_UNIMPLEMENTED: i32 = 6; // a CPU is in RUN_UNIMPLEMENTED
export const STOP_INTERNAL: i32 = 7; // a check of the emulator itself failed

// ---- History: a ring of M_HISTORY entries for each CPU, after a count of those written ---
export const HISTORY_HEADER_BYTES: i32 = 64;
/** 0 | rip u64 | 8 | instructions that the CPU had completed before u64 | 16 */
export const HISTORY_ENTRY_BYTES: i32 = 16;

// ---- I/O hub block, at the address in M_HUB_BASE: device/hub.ts -----------------------
export const HUB_EXITED: i32 = 0x00; // u32, 1 once the exit port was written
export const HUB_EXIT_CODE: i32 = 0x04; // u32
export const HUB_POWER_OFF: i32 = 0x08; // u32, 1 once the sleep register asked for S5
export const HUB_CONSOLE_WRITTEN: i32 = 0x0c; // u32, bytes put into the console ring since reset
export const HUB_CONSOLE: i32 = 0x40; // the console ring
export const HUB_CONSOLE_BYTES: i32 = 0x10000; // a power of two
export const HUB_IOAPIC: i32 = 0x10080; // device/ioapic.ts
export const HUB_EVENTS: i32 = 0x10400; // device/events.ts: up to 16384 of 40 bytes
export const HUB_DMA: i32 = 0xb0600; // device/dma.ts
export const HUB_DISKS: i32 = 0xc2400; // device/virtio.ts: one after another, of these bytes:
export const DISK_COMMANDS: i32 = 0x180; // commands, by their head descriptors
export const DISK_COMMAND_LIMIT: i32 = 128;
export const DISK_COMMAND_BYTES: i32 = 0x220; // a head of 64 and up to 30 segments of 16
export const DISK_COMMAND_ACTIVE: i32 = 0x2c; // u32, 1 from its arrival to its report
export const DISK_BYTES: i32 = DISK_COMMANDS + DISK_COMMAND_LIMIT * DISK_COMMAND_BYTES;
/** With IRQ_SUBMITTER only, behind the disks: device/notify.ts, one for each. */
export const NOTICE_BYTES: i32 = 320;
/** Source number of the I/O hub's messages: after every CPU. */
export const HUB_SOURCE: i32 = 0x100;

// ---- Core block: one per CPU, at the addresses in M_CORES -----------------------------
export const CORE_CPU: i32 = 0x0000; // isa/cpu.ts: architectural state
/** u64 ANDed to the running limit after a store: 0 makes execute() leave after the instruction. */
export const CORE_LIMIT_MASK: i32 = 0x03f8;
export const CORE_LAPIC: i32 = 0x0400; // device/lapic.ts
export const CORE_MEM: i32 = 0x0800; // memory/core.ts: clock, stall
export const CORE_SB: i32 = 0x0c00; // memory/store.ts: 64 entries of 32 bytes
export const CORE_FILTER: i32 = 0x1400; // memory/filter.ts: 512 entries of 16 bytes
export const CORE_FETCH: i32 = 0x3400; // isa/fetch.ts: 256 entries of 16 bytes
export const CORE_TLB: i32 = 0x4400; // isa/paging.ts: 640 entries of 16 bytes
export const CORE_TLB_BYTES: i32 = 0x2800;
export const CORE_CODE_PAGES: i32 = 0x6c00; // memory/l1.ts: 8192 bits, classes of pages with code
/** The L1s are those of a unit's first thread; in the block of a second one they are unused. */
export const CORE_L1D: i32 = 0x7000; // memory/cache.ts: up to 1024 lines of 16 bytes
export const CORE_L1I: i32 = 0xb000; // up to 1024 lines of 16 bytes
export const CORE_INBOX: i32 = 0xf180; // memory/inbox.ts: 128 entries of 16 bytes
export const CORE_MSHR: i32 = 0xf980; // memory/mshr.ts: 24 registers of 40 bytes
export const CORE_COUNTERS: i32 = 0xfd40; // memory/counters.ts: CC_*
/**
 * Not a multiple of 4096, so that hot fields of different cores do not collide in the host's cache.
 */
export const CORE_BYTES: i32 = 0x10640;

// Fields at CORE_CPU that the host reads for its reports (isa/cpu.ts; a test compares the offsets)
export const CPU_REGISTERS: i32 = 0; // u64[16], in the order of their encoding
export const CPU_FS_BASE: i32 = 160; // u64
export const CPU_GS_BASE: i32 = 168; // u64
export const CPU_CPL: i32 = 220; // u32
export const CPU_RIP: i32 = 224; // u64
export const CPU_RFLAGS: i32 = 232; // u64, without the status flags, which are lazy
export const CPU_CR2: i32 = 248; // u64
export const CPU_CR3: i32 = 256; // u64
export const CPU_BAD_RIP: i32 = 480; // u64, of the instruction that stopped RUN_UNIMPLEMENTED
export const CPU_BAD_BYTES: i32 = 488; // 15 bytes
export const CORE_CLOCK: i32 = 0x0800; // u64
export const CORE_RUN: i32 = 0x0814; // u32 RUN_*, in CORE_MEM
export const CORE_INSTRUCTIONS: i32 = 0x0840; // u64
export const CORE_STORES: i32 = 0x08b0; // u64, stores that entered the store buffer
export const CORE_SB_HEAD: i32 = 0x0820; // u32, index of the oldest entry, not yet wrapped
export const CORE_SB_COUNT: i32 = 0x0824; // u32
export const CORE_LOAD_HITS: i32 = 0x08c0; // u64, L1 hits that the instruction loop found itself
export const CORE_CACHES: i32 = 0x0890; // u32, core block of the unit's first thread: with its L1s
export const CORE_L2: i32 = 0x08a8; // u32, the unit's private L2: lines of 16 bytes; or 0
export const CORE_LAPIC_IRR: i32 = 0x0460; // u32[8], vectors requested; then those in service
export const CLUSTER_SHARED: i32 = 0x9d00; // the shared cache of a cluster: lines of 32 bytes
/** The I/O APIC: u64 of lines that a device holds active, messages sent; entries u64[64]. */
export const HUB_IOAPIC_ASSERTED: i32 = 0x10088;
export const HUB_IOAPIC_SENT: i32 = 0x10090;
export const HUB_IOAPIC_ENTRIES: i32 = 0x100a0;

// ---- Why a core is not executing (memory/core.ts: Core.run) ---------------------------
export const RUN_RUNNING: i32 = 0;
export const RUN_HALTED: i32 = 1; // HLT: until an interrupt
export const RUN_PARKED: i32 = 2; // application processor waiting for the MADT mailbox
export const RUN_SHUTDOWN: i32 = 3; // triple fault
/** An instruction outside the ISA: its bytes and address are in the CPU. */
export const RUN_UNIMPLEMENTED: i32 = 4;

// ---- Where an access was served: the source of a grant ---------------------------------
export const SERVED_L1: i32 = 0;
export const SERVED_BUFFER: i32 = 1; // forwarded from the store buffer
export const SERVED_L2: i32 = 2; // private L2, below a shared L3
export const SERVED_LLC: i32 = 3; // the cluster's shared cache
export const SERVED_SIBLING: i32 = 4; // another L1 of the cluster
export const SERVED_DIE: i32 = 5; // another cluster of the package
export const SERVED_SOCKET: i32 = 6; // another package
export const SERVED_FAR: i32 = 7; // another package, two hops away
export const SERVED_DRAM: i32 = 8;
export const SERVED_DRAM_REMOTE: i32 = 9;
export const SERVED_HOME: i32 = 10; // ownership only, of a line that no other cluster has
/** Added to one of the others: the line was owned there (E or M); without it, it was shared. */
export const HITM: i32 = 16;
/** Cells of a table of counters by source. */
export const SOURCE_LIMIT: i32 = 32;

// ---- Why a core did not execute: STALL_* of memory/core.ts, and the others -------------
export const WAIT_LOAD: i32 = 1;
export const WAIT_FETCH: i32 = 2;
export const WAIT_FULL: i32 = 3;
export const WAIT_FENCE_DRAIN: i32 = 4; // MFENCE whose store buffer is not empty
export const WAIT_LOCK: i32 = 5; // for the line of a locked access
export const WAIT_PARTIAL: i32 = 6;
export const WAIT_IO: i32 = 7;
export const WAIT_LOCK_DRAIN: i32 = 8; // a locked access whose store buffer is not empty
export const WAIT_SC: i32 = 9; // sequential consistency: the store before is not visible
export const WAIT_SELF_MODIFIED: i32 = 10;
export const WAIT_HALTED: i32 = 11;
export const WAIT_PARKED: i32 = 12;
export const WAIT_SERIAL_DRAIN: i32 = 13; // the same of a serialising instruction, IRET, I/O
export const WAIT_ENTRY_DRAIN: i32 = 14; // the same of the entry of an interrupt or exception
export const WAIT_SLICE: i32 = 15; // for its turn on the host
export const WAIT_LIMIT: i32 = 16;

// ---- Counters of a core: u64 each, at CORE_COUNTERS + offset ---------------------------
export const CC_LOADS: i32 = 0x000; // [SOURCE_LIMIT]
export const CC_STORES: i32 = 0x100; // [SOURCE_LIMIT], without those to an owned line
export const CC_LOCKED: i32 = 0x200; // [SOURCE_LIMIT]
export const CC_OCCUPANCY: i32 = 0x300; // [64] stores by how many were in the buffer with it
export const CC_RESIDENCE: i32 = 0x500; // [32] stores by the bits of their cycles in the buffer
export const CC_WAITS: i32 = 0x600; // [WAIT_LIMIT] cycles
export const CC_FIRST_COMMIT: i32 = 0x688; // memory/counters.ts alone
export const CC_RESIDENCE_SUM: i32 = 0x690; // cycles
export const CC_RESIDENCE_MAX: i32 = 0x698;
export const CC_UPGRADES: i32 = 0x6a0;
export const CC_INTERRUPTS: i32 = 0x6a8;
export const CC_COMMITS: i32 = 0x700; // [64] memory/counters.ts alone

// ---- Counters of a cluster and of a bus: u64 each --------------------------------------
export const CLUSTER_EVICTIONS: i32 = 0;
export const CLUSTER_WRITEBACKS: i32 = 8; // evictions of modified lines
export const CLUSTER_INVALIDATIONS: i32 = 16; // lines that another cluster took
export const CLUSTER_DOWNGRADES: i32 = 24; // lines that another cluster read
export const CLUSTER_HANDOVERS: i32 = 32; // lines that went from one sibling to another
/** A worker writes its own clusters' only: two of the host's lines each. */
export const CLUSTER_COUNTERS_BYTES: i32 = 128;
export const BUS_TRANSACTIONS: i32 = 0; // that began here
export const BUS_SNOOPS: i32 = 8; // of transactions of other buses
export const BUS_ADDRESS_CYCLES: i32 = 16; // occupied
export const BUS_DATA_CYCLES: i32 = 24;
export const BUS_WAITED_CYCLES: i32 = 32; // transactions for the address bus
export const BUS_COUNTERS_BYTES: i32 = 64;

// ---- Memory models --------------------------------------------------------------------
export const MEMORY_TSO: i32 = 0;
export const MEMORY_SC: i32 = 1;
/** x86-TSO as `tso`, with adversarial drains: memory/adversary.ts */
export const MEMORY_TSO_ADV: i32 = 2;

// ---- Marks: 0F 1F 84 00 disp32 with disp = 0x5B000000 | kind << 16 | id ---------------
export const MARK_TAG: i32 = 0x5b;
export const MARK_LABEL: i32 = 1; // names the next memory access of this CPU
export const MARK_POINT: i32 = 2; // names this point of the program
/** The explore engine's schedule(): blocked until the u32 at [RAX] is SLEEP_RUNNING in memory. */
export const MARK_SLEEP: i32 = 3;
export const SLEEP_RUNNING: i32 = 0;

// ---- Explore engine: its models; what a thread is about to do (memory/explore-port.ts) ----
export const EXPLORE_TSO: i32 = 0;
export const EXPLORE_SC: i32 = 1;
/** A load that a buffered store covers in part waits for it, as on every processor we know. */
export const EXPLORE_STALL: i32 = 2;
export const PENDING_NONE: i32 = 0;
export const PENDING_LOAD: i32 = 1;
export const PENDING_LOCK: i32 = 2;
export const PENDING_FENCE: i32 = 3; // waits for its store buffer only
export const PENDING_SLEEP: i32 = 4;
export const PENDING_STEP: i32 = 5; // nothing shared: goes on when its store buffer has room
export const PENDING_END: i32 = 6;
export const PENDING_FAULT: i32 = 7; // an exception that nobody handles, or not in the ISA
export const PENDING_ENDLESS: i32 = 8; // a loop without an access that another thread could end
export const PENDING_BLOCKED: i32 = 9; // asleep on a word that nobody else writes

// What a step did, one record of 32 bytes each (memory/replay-log.ts)
export const LOG_EXECUTE: i32 = 1; // an instruction began: value is its linear address
export const LOG_LOAD: i32 = 2;
export const LOG_FORWARD: i32 = 3; // a load out of the own store buffer
export const LOG_STORE: i32 = 4; // into the store buffer
export const LOG_LOCKED: i32 = 5; // a store of a locked access, into memory
export const LOG_COMMIT: i32 = 6; // the oldest buffered store became visible
export const LOG_PRIVATE: i32 = 7; // a store that no other thread can see
export const LOG_RECORD_BYTES: i32 = 32;
export const EXPLORE_THREADS_MAX: i32 = 16;
