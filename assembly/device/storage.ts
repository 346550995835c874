// What the disks hold: 4 KiB blocks, present once written, in a pool behind the machine. A block
// that was never written reads as the host's file, if the disk has one, or as zeros; to read takes
// no block of the pool, so what a full pool fails is writes to further blocks, and nothing else.
import { M_DISK_BACKED, M_DISKS, M_STORAGE_BASE, M_STORAGE_BLOCKS } from "../abi";
import { param, paramByte } from "../memory/params";

// @ts-ignore: decorator
@external("host", "diskRead")
declare function hostDiskRead(disk: u32, block: f64, address: usize): void;

export const BLOCK_BYTES: u32 = 4096;
const KEY_BYTES: usize = 8;

/**
 * At M_STORAGE_BASE, with N blocks in the pool.
 *
 *     0 | used u64 | 8 | keys u64[N] in the order of first write | hash table u32[2N] | blocks |
 *     for each disk a block of its file | u64 for each: 1 + which one
 *
 * The blocks of the files are copies: no state of the machine.
 */
// @ts-ignore: decorator
@inline
function tableAt(): usize {
  return <usize>param(M_STORAGE_BASE) + 8 + <usize>param(M_STORAGE_BLOCKS) * KEY_BYTES;
}

export function storageBytes(): usize {
  const blocks = <usize>param(M_STORAGE_BLOCKS);
  const copies = <usize>param(M_DISKS) * (BLOCK_BYTES + 8);
  return 8 + blocks * (KEY_BYTES + 8) + (blocks + 1) * BLOCK_BYTES + copies;
}

/** Keys of the blocks used, in the order of first write, a u64 each. */
export function storageKeys(): usize {
  return <usize>param(M_STORAGE_BASE) + 8;
}

/** The blocks, one behind the other in the same order. */
// @ts-ignore: decorator
@inline
export function storageBlocks(): usize {
  const table = tableAt() + <usize>param(M_STORAGE_BLOCKS) * 8;
  return (table + BLOCK_BYTES - 1) & ~<usize>(BLOCK_BYTES - 1);
}

// @ts-ignore: decorator
@inline
function blockAt(index: u32): usize {
  return storageBlocks() + <usize>index * BLOCK_BYTES;
}

/** The block of the file behind `disk` that was read last. */
// @ts-ignore: decorator
@inline
function copyAt(disk: u32): usize {
  return blockAt(param(M_STORAGE_BLOCKS)) + <usize>disk * BLOCK_BYTES;
}

// @ts-ignore: decorator
@inline
function copiedAt(disk: u32): usize {
  return copyAt(param(M_DISKS)) + (<usize>disk << 3);
}

/** Blocks used so far: what a snapshot and the state hash cover, with their keys. */
export function storageUsed(): u32 {
  return param(M_STORAGE_BLOCKS) ? load<u32>(<usize>param(M_STORAGE_BASE)) : 0;
}

/** After keys and contents of `used` blocks were copied in: they are found again. */
export function restoreStorage(used: u32): void {
  if (!param(M_STORAGE_BLOCKS)) return;
  store<u32>(<usize>param(M_STORAGE_BASE), used);
  for (let i: u32 = 0; i < used; i++) enter(i + 1, load<u64>(storageKeys() + (<usize>i << 3)));
}

/** Makes everything zero that was written, or read from files. */
export function clearStorage(): void {
  for (let disk: u32 = 0; disk < param(M_DISKS); disk++) {
    if (!load<u64>(copiedAt(disk))) continue;
    store<u64>(copiedAt(disk), 0);
    memory.fill(copyAt(disk), 0, BLOCK_BYTES);
  }
  const used = storageUsed();
  if (!used) return;
  memory.fill(storageBlocks(), 0, <usize>used * BLOCK_BYTES);
  memory.fill(<usize>param(M_STORAGE_BASE), 0, storageBlocks() - <usize>param(M_STORAGE_BASE));
}

/**
 * Host address of block `block` of `disk`, to be read until the next call; 0: never written, and no
 * file behind the disk.
 */
export function findBlock(disk: u32, block: u64): usize {
  const index = lookUp(disk, block);
  if (index) return blockAt(index - 1);
  return paramByte(M_DISK_BACKED, disk) ? copyOf(disk, block) : 0;
}

/** The block as the file has it. Lines of one block are mostly read one after the other. */
function copyOf(disk: u32, block: u64): usize {
  const at = copyAt(disk);
  if (load<u64>(copiedAt(disk)) == block + 1) return at;
  hostDiskRead(disk, <f64>block, at);
  store<u64>(copiedAt(disk), block + 1);
  return at;
}

/** Host address of a block that is to be written; 0: the pool is full. */
export function writableBlock(disk: u32, block: u64): usize {
  const index = lookUp(disk, block);
  return index ? blockAt(index - 1) : takeBlock(disk, block);
}

// @ts-ignore: decorator
@inline
function keyOf(disk: u32, block: u64): u64 {
  return ((<u64>disk + 1) << 48) | block;
}

// @ts-ignore: decorator
@inline
function slotOf(key: u64): u32 {
  return <u32>((key * 0x9e3779b97f4a7c15) >> 33) % (2 * param(M_STORAGE_BLOCKS));
}

/** 1 + index of the block, or 0. */
function lookUp(disk: u32, block: u64): u32 {
  const key = keyOf(disk, block);
  const slots = 2 * param(M_STORAGE_BLOCKS);
  if (!slots) return 0;
  let slot = slotOf(key);
  let index = load<u32>(tableAt() + (<usize>slot << 2));
  while (index && load<u64>(<usize>param(M_STORAGE_BASE) + (<usize>index << 3)) != key) {
    slot = slot + 1 == slots ? 0 : slot + 1;
    index = load<u32>(tableAt() + (<usize>slot << 2));
  }
  return index;
}

function takeBlock(disk: u32, block: u64): usize {
  const base = <usize>param(M_STORAGE_BASE);
  const used = load<u32>(base);
  if (used == param(M_STORAGE_BLOCKS)) return 0;
  store<u32>(base, used + 1);
  const key = keyOf(disk, block);
  store<u64>(base + ((<usize>used + 1) << 3), key);
  enter(used + 1, key);
  const at = blockAt(used);
  if (paramByte(M_DISK_BACKED, disk)) hostDiskRead(disk, <f64>block, at);
  return at;
}

function enter(index: u32, key: u64): void {
  const slots = 2 * param(M_STORAGE_BLOCKS);
  let slot = slotOf(key);
  while (load<u32>(tableAt() + (<usize>slot << 2))) slot = slot + 1 == slots ? 0 : slot + 1;
  store<u32>(tableAt() + (<usize>slot << 2), index);
}
