// The state hash: 64 bits over everything that is state and nothing that is not: registers, RAM,
// store buffers, TLBs, cache tags with states and LRU, APICs, inboxes, the hub, what the disks
// hold, one replica of the home agents, clocks and the window. Decoded code, filters, counters,
// traces and what only speeds a look-up are left out.
import {
  CORE_INBOX, CORE_L1D, CORE_L1I, CORE_LAPIC, CORE_MEM, CORE_TLB, CORE_TLB_BYTES, MACHINE_BASE,
  M_CLUSTERS, M_CPUS, M_DISKS, M_HOME_BASES, M_HUB_BASE, M_MEMORY_MODEL, M_NOW, M_RAM_BASE,
  M_RAM_BYTES, M_SEED,
} from "../abi";
import { hubBytes } from "../device/hub";
import { BLOCK_BYTES, storageBlocks, storageKeys, storageUsed } from "../device/storage";
import { Cpu } from "../isa/cpu";
import { Line } from "../memory/cache";
import { Cluster, Loss, Request, pendingLine, sharedOf } from "../memory/cluster";
import { Core, coreOf } from "../memory/core";
import { homeBytes } from "../memory/home";
import { MSHR_FREE, MSHR_LIMIT, Mshr } from "../memory/mshr";
import {
  adversarial, l1Sets, l1Ways, l2Sets, l2Ways, loadParameters, param, rfoPrefetch, windowCycles,
} from "../memory/params";
import { sharedCacheBytes } from "../memory/shared-cache";
import { Store } from "../memory/store";

let hash: u64 = 0;

/** Begins a hash. */
export function beginHash(start: u64): void {
  hash = start;
}

/** The hash of what was put in since beginHash(). */
export function endHash(): u64 {
  return hash;
}

// @ts-ignore: decorator
@inline
export function word(value: u64): void {
  hash = rotl(hash ^ (value * 0x9e3779b97f4a7c15), 29) * 0xbf58476d1ce4e5b9;
}

/** `bytes` from `base`, a multiple of 8. */
export function range(base: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 8) word(load<u64>(base + at));
}

/** What the disks hold, in the order in which it was first written. */
function storage(): void {
  const used = storageUsed();
  range(storageKeys(), <usize>used << 3);
  range(storageBlocks(), <usize>used * BLOCK_BYTES);
}

/** A CPU with all that is its own but the lines of its caches. */
export function hashCpu(core: usize): void {
  const c = Core.of(core);
  // Registers; FS and GS bases with the flags; from the CPL to the exception in flight. Between and
  // behind them are temporaries that are dead between instructions.
  range(core, offsetof<Cpu>("zero"));
  range(core + offsetof<Cpu>("fsBase"), offsetof<Cpu>("needRead") - offsetof<Cpu>("fsBase"));
  range(core + offsetof<Cpu>("rip"), offsetof<Cpu>("writePhys") - offsetof<Cpu>("rip"));
  word(Cpu.of(core).cpl);
  range(core + CORE_LAPIC, CORE_MEM - CORE_LAPIC);
  range(core + CORE_TLB, CORE_TLB_BYTES);
  word(c.clock);
  word((<u64>c.stall << 32) | c.run);
  word((<u64>c.ioState << 32) | (c.recheck << 1) | c.selfModified);
  word(c.ioValue);
  word(c.instructions);
  word(c.sbLastCommit);
  word(c.headOwned);
  word(c.ipis);
  if (c.sibling) {
    word((<u64>c.lastLocked << 32) | c.turn);
    word(c.lockedUntil);
  }
  // What only some machines have is hashed there only.
  if (adversarial) word(c.stores);
  if (rfoPrefetch) word(c.sbAsked);
  for (let i: u32 = 0; i < c.sbCount; i++) {
    const e = Store.at(core, c.sbHead + i);
    word((<u64>e.phys << 16) | e.size);
    word(e.issue);
    word(e.value);
  }
  for (let i: u32 = 0; i < MSHR_LIMIT; i++) {
    const m = Mshr.at(core, i);
    if (m.status == MSHR_FREE) continue;
    range(changetype<usize>(m), offsetof<Mshr>("home"));
    word(m.home);
    word(m.order);
  }
  range(core + CORE_INBOX, <usize>c.inboxCount << 4);
}

function hashLines(base: usize, count: u32): void {
  for (let slot: u32 = 0; slot < count; slot++) {
    const line = Line.at(base, slot);
    if (!line.state) continue;
    word((<u64>slot << 40) | ((<u64>line.tag << 8) | line.state));
    word(line.lru);
  }
}

/** What is under way; behind the lists' ends is what was there before, which is no state. */
function hashLists(cluster: Cluster): void {
  range(changetype<usize>(Request.at(cluster, 0)), <usize>cluster.requests << 4);
  range(changetype<usize>(Loss.at(cluster, 0)), <usize>cluster.losses * Loss.BYTES);
  for (let i: u32 = 0; i < cluster.pending; i++) word(pendingLine(cluster, i));
}

/** The hash of a machine that is stopped, at a window boundary. */
export function stateHash(): u64 {
  loadParameters();
  beginHash(0x736d70626f78);
  word(windowCycles);
  word(param(M_MEMORY_MODEL));
  word(load<u64>(MACHINE_BASE + M_SEED));
  word(load<u64>(MACHINE_BASE + M_NOW));
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    const core = coreOf(cpu);
    hashCpu(core);
    if (Core.of(core).thread) continue;
    hashLines(core + CORE_L1D, l1Sets * l1Ways);
    hashLines(core + CORE_L1I, l1Sets * l1Ways);
    hashLines(Core.of(core).l2, l2Sets * l2Ways);
  }
  for (let id: u32 = 0; id < param(M_CLUSTERS); id++) {
    const cluster = Cluster.of(id);
    word((<u64>cluster.requests << 40) | (<u64>cluster.losses << 20) | cluster.pending);
    hashLists(cluster);
    range(sharedOf(cluster), sharedCacheBytes());
  }
  range(param(M_HUB_BASE), hubBytes(param(M_DISKS)));
  storage();
  range(param(M_HOME_BASES), homeBytes());
  range(param(M_RAM_BASE), param(M_RAM_BYTES));
  return hash;
}
