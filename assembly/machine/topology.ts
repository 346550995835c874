// Lays the machine out in the shared memory from the parameters in the machine block, and brings it
// to reset. The core blocks of a cluster lie together, siblings side by side, with one unused place
// after each cluster: a host core that speculates past the end of its cores does not touch a peer's
// (measured: a third of the speed).
import { check } from "../check";
import {
  BUS_COUNTERS_BYTES, CLUSTER_COUNTERS_BYTES, CORE_BYTES, MACHINE_BASE, MACHINE_BYTES, M_BUSES,
  M_BUS_COUNTERS, M_CLUSTERS, M_CLUSTER_BASES, M_CLUSTER_COUNTERS, M_CORES, M_CPUS, M_CPU_CLUSTER,
  M_CPU_UNIT, M_DECODE_BASES, M_DISKS, M_HISTORY_BASE, M_HOME_BASES, M_HUB_BASE, M_MAILBOX_BASES,
  M_NOW, M_PROGRESS, M_RAM_BASE, M_RAM_BYTES, M_STORAGE_BASE, M_TRACE_BASES, M_UNIT_LIMIT,
  M_WORKERS, M_WORKER_LIMIT, RUN_PARKED,
} from "../abi";
import { hubBytes, hubReset } from "../device/hub";
import { lapicReset } from "../device/lapic";
import { storageBytes } from "../device/storage";
import { resetLongMode } from "../isa/cpu";
import { decodeBytes } from "../isa/fetch";
import { Cluster, addCore, clusterBytes, unitAt } from "../memory/cluster";
import { Core, coreOf } from "../memory/core";
import { historyBytes } from "../memory/history";
import { homeBytes } from "../memory/home";
import {
  apicId, emptyMask, l2Sets, loadParameters, param, paramByte, windowCycles,
} from "../memory/params";
import { privateCacheBytes } from "../memory/private-cache";
import { NEVER } from "../memory/protocol";
import { traceBytes } from "../memory/trace";
import { musterAll } from "./crew";
import { mailboxBytes } from "./mailbox";

const PAGE: usize = 4096;

let end: usize = 0;

/** Takes `bytes` from the top of what is laid out so far, page aligned. */
function take(bytes: usize): usize {
  const base = end;
  end = (end + bytes + PAGE - 1) & ~(PAGE - 1);
  return base;
}

// @ts-ignore: decorator
@inline
function place(table: i32, index: u32, base: usize): void {
  store<u32>(<usize>(MACHINE_BASE + table) + (<usize>index << 2), <u32>base);
}

/**
 * Fills the address tables of the machine block; returns the bytes of shared memory that the
 * machine needs.
 */
export function layout(): usize {
  loadParameters();
  end = <usize>(MACHINE_BASE + MACHINE_BYTES);
  const clusters = param(M_CLUSTERS);
  const cpus = param(M_CPUS);
  for (let cluster: u32 = 0; cluster < clusters; cluster++) {
    let members: u32 = 0;
    let units: u32 = 0;
    for (let cpu: u32 = 0; cpu < cpus; cpu++) {
      if (clusterOf(cpu) != cluster) continue;
      members++;
      units = max(units, paramByte(M_CPU_UNIT, cpu) + 1);
    }
    place(M_CLUSTER_BASES, cluster, take(clusterBytes() + <usize>units * privateCacheBytes()));
    let core = take(<usize>(members + 1) * CORE_BYTES);
    for (let unit: u32 = 0; unit < <u32>M_UNIT_LIMIT; unit++) {
      for (let cpu: u32 = 0; cpu < cpus; cpu++) {
        if (clusterOf(cpu) != cluster || paramByte(M_CPU_UNIT, cpu) != unit) continue;
        place(M_CORES, cpu, core);
        core += CORE_BYTES;
      }
    }
  }
  place(M_CLUSTER_COUNTERS, 0, take(<usize>clusters * CLUSTER_COUNTERS_BYTES));
  place(M_HUB_BASE, 0, take(hubBytes(param(M_DISKS))));
  place(M_RAM_BASE, 0, take(param(M_RAM_BYTES)));
  const workers = min<u32>(param(M_WORKERS), M_WORKER_LIMIT);
  for (let worker: u32 = 0; worker < workers; worker++) {
    place(M_HOME_BASES, worker, take(homeBytes()));
    place(M_DECODE_BASES, worker, take(decodeBytes()));
    place(M_MAILBOX_BASES, worker, take(mailboxBytes()));
    place(M_TRACE_BASES, worker, take(traceBytes()));
    // The I/O hub has a link of its own, behind the buses.
    place(M_BUS_COUNTERS, worker, take(<usize>(param(M_BUSES) + 1) * BUS_COUNTERS_BYTES));
  }
  place(M_HISTORY_BASE, 0, take(historyBytes()));
  // Last, because most of it is never touched.
  place(M_STORAGE_BASE, 0, take(storageBytes()));
  return end;
}

// @ts-ignore: decorator
@inline
function clusterOf(cpu: u32): u32 {
  return paramByte(M_CPU_CLUSTER, cpu);
}

/**
 * Brings every component to reset: all CPUs parked. The memory must be zero above the machine
 * block.
 */
export function reset(): void {
  layout();
  const clusters = param(M_CLUSTERS);
  for (let id: u32 = 0; id < clusters; id++) {
    const cluster = Cluster.of(id);
    cluster.id = id;
    cluster.nextLoss = NEVER;
  }
  for (let unit: u32 = 0; unit < <u32>M_UNIT_LIMIT; unit++) addUnits(unit);
  const cpus = param(M_CPUS);
  for (let cpu: u32 = 0; cpu < cpus; cpu++) {
    const core = coreOf(cpu);
    const c = Core.of(core);
    c.nextGrant = NEVER;
    c.sbMask = emptyMask;
    resetLongMode(core, 0, 0, 0);
    lapicReset(core, apicId(cpu), cpu == 0);
    c.run = RUN_PARKED;
    c.recheck = 1;
  }
  check(cpus > 0);
  hubReset(param(M_HUB_BASE));
  // Cycle 0 is never inside a window: a message may be dated one cycle before the first one.
  store<u64>(MACHINE_BASE + M_NOW, windowCycles);
  memory.fill(<usize>(MACHINE_BASE + M_PROGRESS), 0, <usize>M_WORKER_LIMIT << 7);
  musterAll();
}

/** Enters the CPUs of unit number `unit` of every cluster, in the order of their numbers. */
function addUnits(unit: u32): void {
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) {
    if (paramByte(M_CPU_UNIT, cpu) != unit) continue;
    const cluster = Cluster.of(clusterOf(cpu));
    const core = coreOf(cpu);
    const c = Core.of(core);
    c.cpu = cpu;
    c.cluster = cluster.id;
    c.slot = cluster.cores;
    c.unit = unit;
    const first = cluster.units == unit;
    addCore(cluster, core, first);
    c.caches = <u32>unitAt(cluster, unit);
    if (l2Sets) {
      const arrays = changetype<usize>(cluster) + clusterBytes();
      c.l2 = <u32>(arrays + <usize>unit * privateCacheBytes());
    }
    if (first) continue;
    check(!Core.of(c.caches).sibling);
    c.thread = 1;
    c.sibling = c.caches;
    Core.of(c.caches).sibling = <u32>core;
  }
}
