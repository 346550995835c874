// The drive behind a controller: how long a command takes, and which ones fail. Parameters per disk
// are in the machine block (src/machine/disks.ts writes them); times there in cycles.
import {
  DISK_GONE_AT, DISK_LIST_AT, DISK_LIST_COUNT, DISK_MAX, DISK_MIN, DISK_MODEL, DISK_PARAM_BYTES,
  DISK_RANGES, DISK_RANGE_BYTES, DISK_RANGE_LIMIT, DISK_SECTORS, M_DISK_LISTS, M_DISK_PARAMS,
  M_SEED, M_TSC_KHZ, MACHINE_BASE, SERVICE_INSTANT, SERVICE_LIST, SERVICE_SAS15K, SERVICE_SSD,
} from "../abi";
import { param } from "../memory/params";
import { draw, drawBelow } from "../random";

/** The disks' streams of random numbers. */
const STREAM: u64 = 0x2000;

/** What a range of sectors does to a command that touches it. */
export const FAULT_NONE: u32 = 0;
export const FAULT_MEDIA: u32 = 1;
export const FAULT_TIMEOUT: u32 = 2;

// @ts-ignore: decorator
@inline
function paramsOf(disk: u32): usize {
  return <usize>(MACHINE_BASE + M_DISK_PARAMS) + <usize>disk * DISK_PARAM_BYTES;
}

/** Size of the disk in sectors of 512 bytes. */
export function diskSectors(disk: u32): u64 {
  return load<u64>(paramsOf(disk) + DISK_SECTORS);
}

/** Cycles of `us` microseconds. */
// @ts-ignore: decorator
@inline
export function microseconds(us: u64): u64 {
  return (us * <u64>param(M_TSC_KHZ)) / 1000;
}

/** One command at a time: those behind wait. */
export function diskSerial(disk: u32): bool {
  return load<u32>(paramsOf(disk) + DISK_MODEL) == SERVICE_SAS15K;
}

/**
 * Cycles of service of the `ordinal`-th command; `from`: the sector after the last one served, for
 * the seek.
 */
export function serviceTime(disk: u32, ordinal: u64, from: u64, sector: u64, sectors: u32): u64 {
  const model = load<u32>(paramsOf(disk) + DISK_MODEL);
  if (model == SERVICE_INSTANT) return 0;
  if (model == SERVICE_LIST) {
    const count = load<u32>(paramsOf(disk) + DISK_LIST_COUNT);
    const at = load<u32>(paramsOf(disk) + DISK_LIST_AT) + <u32>((ordinal - 1) % <u64>count);
    return <u64>load<u32>(<usize>(MACHINE_BASE + M_DISK_LISTS) + (<usize>at << 2));
  }
  const seed = load<u64>(MACHINE_BASE + M_SEED);
  const stream = STREAM + disk;
  if (model == SERVICE_SAS15K) {
    // A seek of 0.4 ms to the next track and 7 ms over the whole disk, growing with the root of the
    // distance; half a turn of 4 ms on average; 125 MB/s.
    const turn = draw(seed, stream, ordinal) % microseconds(4000);
    const transfer = microseconds((<u64>sectors * 512) / 125);
    if (from == sector) return transfer;
    const distance = from < sector ? sector - from : from - sector;
    const share = Math.sqrt(<f64>distance / <f64>diskSectors(disk));
    return microseconds(400) + <u64>(<f64>microseconds(6600) * share) + turn + transfer;
  }
  const least = load<u32>(paramsOf(disk) + DISK_MIN);
  const spread = load<u32>(paramsOf(disk) + DISK_MAX) - least + 1;
  const time = <u64>(least + drawBelow(seed, stream, ordinal, spread));
  // 500 MB/s on top.
  if (model == SERVICE_SSD) return time + microseconds((<u64>sectors * 512) / 500);
  return time;
}

/** The drive is gone when its `ordinal`-th command comes, counted from 1. */
export function isGone(disk: u32, ordinal: u64): bool {
  const goneAt = load<u64>(paramsOf(disk) + DISK_GONE_AT);
  return goneAt != 0 && ordinal >= goneAt;
}

/** FAULT_* of a read or write. */
export function faultOf(disk: u32, write: bool, sector: u64, sectors: u32): u32 {
  for (let i = 0; i < DISK_RANGE_LIMIT; i++) {
    const range = paramsOf(disk) + DISK_RANGES + <usize>i * DISK_RANGE_BYTES;
    const kind = load<u8>(range, 16);
    if (!kind) continue;
    const wanted: u8 = write ? 2 : 1;
    if (!(load<u8>(range, 17) & wanted)) continue;
    const first = load<u64>(range);
    const last = load<u64>(range, 8);
    if (sector <= last && sector + sectors > first) return kind;
  }
  return FAULT_NONE;
}
