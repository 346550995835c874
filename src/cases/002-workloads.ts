// Case 002's variants and workloads as data.

export const VARIANTS: Record<string, string> = {
  bug: "result is the count and the error, as up to Linux 2.6.16-rc",
  fix2006: "the error has a word of its own, io_error: the upstream fix",
  f1: "the error is stored and read under bio_lock",
  dio2620: "one reference count, and only the last one reports, as from 2.6.20 on",
  x1: "bio_lock around the accesses to result (D1 and S3)",
  x2: "result by locked instructions",
  x3: "the completion reports errors, too",
  x4: "fences around everything that touches result",
};
export const ALIASES: Record<string, string> = {
  fixed: "dio2620", f0: "fix2006", f2: "dio2620",
};

export const RECORD_SECTORS = 128;
const BAD = 9 * RECORD_SECTORS;
/** Of each request, in all workloads. */
export const RECORD_BYTES = RECORD_SECTORS * 512;

export interface Workload {
  what: string;
  /** Disks. */
  files: number;
  /** Words of the program, and of the kernel. */
  words: string;
  kernel: string;
  /** What is wrong with the disks. */
  disk(rounds: number): string[];
  /**
   * Not w002 on raw disks but w003 on the file system: each of its writes is cut short by a hole,
   * and what is under way of it is on sectors that fail.
   */
  holes?: boolean;
}

/** Writes of each log: only the first one is cut short where it was written before. */
export const HOLE_ROUNDS = 1;

const badWrites = (first: number, last: number) => `error=write:${first}-${last}`;
/** The first half of every sixteenth record: the first bio of two. */
const badFirstHalves = Array.from({ length: 4 }, (_, i) => {
  const first = (16 * i + 3) * RECORD_SECTORS;
  return badWrites(first, first + RECORD_SECTORS / 2 - 1);
});

/**
 * The file system gives its blocks away from GOAL on, and to each file RESERVED_BLOCKS of them in
 * advance (workloads/kernel/fs/minifs_map.c): these are the first ones of four logs.
 */
const GOAL = 4096;
const RESERVED_BLOCKS = 4096;
const BLOCK_SECTORS = 8;
const LOGS = 4;
const badFirstBlocks = Array.from({ length: LOGS }, (_, i) => {
  const first = (GOAL + i * RESERVED_BLOCKS) * BLOCK_SECTORS;
  return badWrites(first, first + BLOCK_SECTORS - 1);
});
/** One write of each log, from the second sector of its first block on. */
const log = (logs: number) => `rounds=${HOLE_ROUNDS} oracle=${logs} iozone=0 pdflush=0 ls=0 ` +
  `bytes=${RECORD_BYTES} offset=${0xb00200}`;
/** Its block has been written; the write is the second command. */
const AT_THE_WRITE = 2;

export const WORKLOADS: Record<string, Workload> = {
  W002a: {
    what: "the second of two drives is pulled while writes are under way",
    files: 2, words: "", kernel: "",
    disk: (rounds) => ["model=uniform:5-50", `1:gone=${Math.max(1, rounds >> 1)}`],
  },
  W002b: {
    what: "some sectors cannot be written",
    files: 1, words: "", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
  W002c: {
    what: "some sectors cannot be read",
    files: 1, words: "", kernel: "",
    disk: () => ["model=uniform:5-50", `error=read:${BAD}-${BAD + 2 * RECORD_SECTORS}`],
  },
  W002m: {
    what: "each record is two bios, on a fast disk, and some of the first ones fail",
    files: 1, words: "stages=5", kernel: "max_sectors=64",
    disk: () => ["model=uniform:0.1-2", ...badFirstHalves],
  },
  W002s: {
    what: "pwrite and pread, and some sectors cannot be written",
    files: 1, words: "sync=1", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
  W002t: {
    what: "as W002b, in a program that waits no longer than 10 ms, and then destroys the context",
    files: 1, words: "timeout=10000", kernel: "",
    disk: () => ["model=uniform:5-50", badWrites(BAD, BAD + 2 * RECORD_SECTORS)],
  },
  W002h: {
    what: "four writes into holes of files, whose first blocks cannot be written",
    files: 1, words: `${log(LOGS)} bad=1`, kernel: `fs=1 fs_goal=${GOAL}`,
    disk: () => ["model=uniform:5-50", ...badFirstBlocks],
    holes: true,
  },
  W002g: {
    what: "one write into a hole of a file; the drive is pulled when it comes",
    files: 1, words: log(1), kernel: `fs=1 fs_goal=${GOAL}`,
    disk: () => ["model=uniform:5-50", `gone=${AT_THE_WRITE}`],
    holes: true,
  },
};
