// What the host says about a thread before a search, and where it begins.
import { EXPLORE_THREADS_MAX } from "../abi";
import { allocate } from "../memory/arena";

/**
 *     0 | index | 4 | observed: bit per register | 8 | stackLin u64 | 16 | stackHost | 20 |
 *     stackBytes, 0 without a stack | 24 | state: initial Cpu, as copyState() puts it | 28
 */
@unmanaged
export class Thread {
  index: u32;
  observed: u32;
  stackLin: u64;
  stackHost: u32;
  stackBytes: u32;
  state: u32;
  static readonly BYTES: usize = 32;
}

let threads: usize = 0;
export let threadCount: u32 = 0;

export function openThreads(count: u32): void {
  threadCount = min(count, <u32>EXPLORE_THREADS_MAX);
  threads = allocate(Thread.BYTES * <usize>threadCount);
  memory.fill(threads, 0, Thread.BYTES * <usize>threadCount);
  for (let i: u32 = 0; i < threadCount; i++) threadAt(i).index = i;
}

// @ts-ignore: decorator
@inline
export function threadAt(index: u32): Thread {
  return changetype<Thread>(threads + Thread.BYTES * <usize>index);
}
