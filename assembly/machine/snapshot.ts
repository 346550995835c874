// A stopped machine is all of its state, between two windows: the host may copy it out of the
// shared memory and into another one, with another number of workers, and go on. The state lies in
// one piece, from the first cluster to the end of RAM, with a replica of the home agents and what
// the disks hold: messages have all arrived at a boundary. The only addresses in it are those that
// layout() gives every machine of this shape, and those of decoded lines, which runWorker() sets
// anew.
import {
  MACHINE_BASE, M_CPUS, M_DECODE_BASES, M_PROGRESS, M_STOP_REASON, M_STOP_REQUEST,
  M_WORKER_LIMIT, M_WORKERS, STOP_RUNNING,
} from "../abi";
import {
  clearStorage, restoreStorage, storageBlocks, storageKeys, storageUsed,
} from "../device/storage";
import { decodeBytes, orphanFetches } from "../isa/fetch";
import { coreOf } from "../memory/core";
import { homeBytes } from "../memory/home";
import { loadParameters, param, paramAt } from "../memory/params";
import { musterAll } from "./crew";

/** Bytes of the home agents' replica, at the addresses in M_HOME_BASES. */
export function replicaBytes(): u32 {
  loadParameters();
  return <u32>homeBytes();
}

/** Blocks of 4 KiB that the disks hold: a key of 8 bytes for each, and its contents. */
export function diskBlocks(): u32 {
  loadParameters();
  return storageUsed();
}

export function diskKeysAt(): u32 {
  return <u32>storageKeys();
}

export function diskBlocksAt(): u32 {
  return <u32>storageBlocks();
}

/** Makes the contents of the disks zero: the memory goes to another machine. */
export function clearDisks(): void {
  loadParameters();
  clearStorage();
}

/**
 * Makes a stopped machine ready to go on. Decoded code goes, because a new instance numbers its
 * lines anew. The filters of the cores stay: each entry stands for a line that the core has and a
 * translation that its TLB has, so that with it or without it the next access costs the same.
 */
export function rewind(): void {
  loadParameters();
  for (let cpu: u32 = 0; cpu < param(M_CPUS); cpu++) orphanFetches(coreOf(cpu));
  for (let worker: u32 = 0; worker < workers(); worker++) {
    memory.fill(paramAt(M_DECODE_BASES, worker), 0, decodeBytes());
  }
  memory.fill(<usize>(MACHINE_BASE + M_PROGRESS), 0, <usize>M_WORKER_LIMIT << 7);
  store<u32>(MACHINE_BASE + M_STOP_REQUEST, 0);
  store<u32>(MACHINE_BASE + M_STOP_REASON, STOP_RUNNING);
  musterAll();
}

/** After keys and contents of `blocks` blocks of the disks were copied in. */
export function restoreDisks(blocks: u32): void {
  loadParameters();
  restoreStorage(blocks);
}

function workers(): u32 {
  return min<u32>(param(M_WORKERS), M_WORKER_LIMIT);
}
