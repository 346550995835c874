// The disks of a run as data: how big, how fast, what fails, what is behind them; and their place
// in the machine block (assembly/device/disk.ts). One specification is a list of words:
//
//     size=2T  model=instant|sas15k|ssd|uniform:15-40|list:20,35,50  file=PATH
//     error=read:100-200  error=write:7-7:timeout  gone=50
//
// Times are in microseconds, sectors have 512 bytes, `gone` counts commands from 1.
import * as abi from "../../assembly/abi.ts";
import { InputError } from "./preset.ts";

export type Direction = "read" | "write" | "both";

export interface ErrorRange {
  first: bigint;
  last: bigint;
  direction: Direction;
  kind: "media" | "timeout";
}

export interface Disk {
  /** Sectors of 512 bytes. */
  sectors: bigint;
  model: "instant" | "uniform" | "sas15k" | "ssd" | "list";
  /** Microseconds: the bounds of `uniform` and `ssd`, the values of `list`. */
  times: number[];
  errors: ErrorRange[];
  /** The command at which the drive is gone. */
  gone?: bigint;
  /** Contents that were never written come from here; the file itself is not changed. */
  file?: string;
}

export type IrqPolicy = keyof typeof POLICIES;

const POLICIES = {
  "fixed": abi.IRQ_FIXED,
  "round-robin": abi.IRQ_ROUND_ROBIN,
  "submitter": abi.IRQ_SUBMITTER,
  "same-die": abi.IRQ_SAME_DIE,
  "far-die": abi.IRQ_FAR_DIE,
  "seeded": abi.IRQ_SEEDED,
};
export const POLICY_NAMES = Object.keys(POLICIES);

const MODELS = {
  instant: abi.SERVICE_INSTANT,
  uniform: abi.SERVICE_UNIFORM,
  sas15k: abi.SERVICE_SAS15K,
  ssd: abi.SERVICE_SSD,
  list: abi.SERVICE_LIST,
};
const KINDS = { media: 1, timeout: 2 };
const DIRECTIONS = { read: 1, write: 2, both: 3 };

export const DISKS_DEFAULT = 30;
export const DISKS_MAX = abi.M_DISK_LIMIT;
const SECTOR_BYTES = 512n;
const SIZE_DEFAULT = 2n << 40n;
const SIZE_MAX = 1n << 57n;
const SSD_TIMES = [75, 100];
const UNITS: Record<string, bigint> = {
  "": 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n, P: 1n << 50n,
};

/** A disk of 2 TiB that answers at once, changed by the words of `specification`. */
export function parseDisk(specification: string, base: Disk = defaultDisk()): Disk {
  const disk: Disk = { ...base, errors: [...base.errors] };
  for (const word of specification.split(/\s+/).filter(Boolean)) {
    const [key, value] = [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)];
    if (key === "size") disk.sectors = parseSize(value) / SECTOR_BYTES;
    else if (key === "model") Object.assign(disk, parseModel(value));
    else if (key === "file") disk.file = value;
    else if (key === "error") disk.errors.push(parseError(value));
    else if (key === "gone") disk.gone = parseCount(value, "gone");
    else throw new InputError(`disk "${word}": use size=, model=, file=, error= or gone=`);
  }
  if (disk.errors.length > abi.DISK_RANGE_LIMIT) {
    throw new InputError(`disk error=: at most ${abi.DISK_RANGE_LIMIT} ranges`);
  }
  return disk;
}

/** The words that parseDisk() makes the disk of. */
export function printDisk({ sectors, model, times, errors, gone, file }: Disk): string {
  const list = { uniform: `:${times.join("-")}`, ssd: `:${times.join("-")}`, list: `:${times}` };
  const words = [`size=${sectors * SECTOR_BYTES}`];
  words.push(`model=${model}${model in list ? list[model as keyof typeof list] : ""}`);
  for (const { direction, first, last, kind } of errors) {
    words.push(`error=${direction}:${first}-${last}:${kind}`);
  }
  if (gone !== undefined) words.push(`gone=${gone}`);
  if (file !== undefined) words.push(`file=${file}`);
  return words.join(" ");
}

export function defaultDisk(): Disk {
  return { sectors: SIZE_DEFAULT / SECTOR_BYTES, model: "instant", times: [], errors: [] };
}

/** `count` disks, changed by `words`. */
export function parseDisks(count: number, ...words: string[]): Disk[] {
  if (!Number.isInteger(count) || count < 0 || count > DISKS_MAX) {
    throw new InputError(`--disks must be 0 to ${DISKS_MAX}`);
  }
  return changeDisks(Array.from({ length: count }, defaultDisk), words);
}

/** Each text of `changes` is a list of words for all disks; "3:model=ssd gone=9" is for one. */
export function changeDisks(disks: readonly Disk[], changes: readonly string[] = []): Disk[] {
  let changed = [...disks];
  for (const text of changes) {
    const [, number, words] = /^(?:(\d+):)?(.*)$/s.exec(text)!;
    if (number === undefined) {
      changed = changed.map((disk) => parseDisk(words, disk));
    } else if (changed[Number(number)]) {
      changed[Number(number)] = parseDisk(words, changed[Number(number)]);
    } else {
      throw new InputError(`--disk "${text}": there are disks 0 to ${changed.length - 1} only`);
    }
  }
  return changed;
}

/** Are there commands that one of them cannot do? */
export const failCommands = (disks: readonly Disk[]): boolean =>
  disks.some(({ errors, gone }) => errors.length > 0 || Boolean(gone));

export function parsePolicy(name: string): IrqPolicy {
  if (Object.hasOwn(POLICIES, name)) return name as IrqPolicy;
  throw new InputError(`--irq ${name}: use ${POLICY_NAMES.join(", ")}`);
}

/** Writes the disks into the machine block; `megahertz` turns microseconds into cycles. */
export function writeDisks(
  block: DataView, disks: readonly Disk[], policy: IrqPolicy, megahertz: number,
): void {
  block.setUint32(abi.M_DISKS, disks.length, true);
  block.setUint32(abi.M_IRQ_POLICY, POLICIES[policy], true);
  let listed = 0;
  disks.forEach((disk, index) => {
    const at = abi.M_DISK_PARAMS + index * abi.DISK_PARAM_BYTES;
    const put = (offset: number, value: number) => block.setUint32(at + offset, value, true);
    block.setBigUint64(at + abi.DISK_SECTORS, disk.sectors, true);
    block.setBigUint64(at + abi.DISK_GONE_AT, disk.gone ?? 0n, true);
    put(abi.DISK_MODEL, MODELS[disk.model]);
    const cycles = disk.times.map((time) => Math.round(time * megahertz));
    if (disk.model === "list") {
      if (listed + cycles.length > abi.M_DISK_LIST_LIMIT) {
        throw new InputError(`disk model=list: at most ${abi.M_DISK_LIST_LIMIT} times in all`);
      }
      put(abi.DISK_LIST_AT, listed);
      put(abi.DISK_LIST_COUNT, cycles.length);
      for (const time of cycles) block.setUint32(abi.M_DISK_LISTS + 4 * listed++, time, true);
    } else {
      put(abi.DISK_MIN, cycles[0] ?? 0);
      put(abi.DISK_MAX, cycles[1] ?? 0);
    }
    disk.errors.forEach((range, i) => {
      const entry = at + abi.DISK_RANGES + i * abi.DISK_RANGE_BYTES;
      block.setBigUint64(entry, range.first, true);
      block.setBigUint64(entry + 8, range.last, true);
      block.setUint8(entry + 16, KINDS[range.kind]);
      block.setUint8(entry + 17, DIRECTIONS[range.direction]);
    });
    block.setUint8(abi.M_DISK_BACKED + index, disk.file === undefined ? 0 : 1);
  });
}

function parseSize(text: string): bigint {
  const match = /^(\d+)([KMGTP]?)$/.exec(text);
  const bytes = match ? BigInt(match[1]) * UNITS[match[2]] : 0n;
  if (bytes < SECTOR_BYTES || bytes > SIZE_MAX || bytes % SECTOR_BYTES) {
    throw new InputError(`disk size=${text}: a multiple of 512 bytes, such as 64M or 2T`);
  }
  return bytes;
}

function parseModel(text: string): Pick<Disk, "model" | "times"> {
  const [name, rest] = text.split(":");
  const times = (rest ?? "").split(/[-,]/).filter(Boolean).map(Number);
  const sound = times.every((time) => Number.isFinite(time) && time >= 0 && time <= 1e6);
  const model = name as Disk["model"];
  if (sound && (name === "instant" || name === "sas15k") && !rest) return { model, times: [] };
  if (sound && name === "ssd" && !rest) return { model, times: SSD_TIMES };
  const bounded = times.length === 2 && times[0] <= times[1];
  if (sound && bounded && (name === "uniform" || name === "ssd")) {
    return { model, times };
  }
  if (sound && name === "list" && times.length > 0) return { model, times };
  throw new InputError(
    `disk model=${text}: use instant, sas15k, ssd, uniform:MIN-MAX or list:T,T,... (microseconds)`,
  );
}

function parseError(text: string): ErrorRange {
  const match = /^(read|write|both):(\d+)-(\d+)(?::(media|timeout))?$/.exec(text);
  if (match && BigInt(match[2]) <= BigInt(match[3])) {
    return {
      direction: match[1] as Direction,
      first: BigInt(match[2]),
      last: BigInt(match[3]),
      kind: (match[4] ?? "media") as ErrorRange["kind"],
    };
  }
  throw new InputError(`disk error=${text}: write read|write|both:FIRST-LAST[:media|timeout]`);
}

function parseCount(text: string, field: string): bigint {
  if (/^[1-9]\d{0,17}$/.test(text)) return BigInt(text);
  throw new InputError(`disk ${field}=${text}: must be a whole number from 1`);
}
