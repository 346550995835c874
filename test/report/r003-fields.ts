// What the bug report's session of case 003 shows, by name, and how report R003 is measured against
// it: what is the same in both dumps has to be the same here, and what is not follows from a rule
// that both dumps keep.
import type { Dump } from "./crash-session.ts";

/** What this report or this kernel calls what the session calls so. */
const NAMES: Record<string, string> = {
  "refcount.counter": "refcount", "bio_lock.lock": "bio_lock", "pages[]": "pages",
  "map_bh.b_size": "b_size", "map_bh.b_blocknr": "b_blocknr", "map_bh.b_bdev": "b_bdev",
};
/** All that a dump shows, rows of tables by "ps.RSS"; of several files the one with this number. */
export function named(dump: Dump, fd = dump.fields.aio_fildes): Record<string, string> {
  const { fields, tables, stacks: [writer], sys } = dump;
  const rows = Object.entries(tables).flatMap(([table, all]) => {
    const row = table === "files" ? all.find(({ FD }) => BigInt(FD) === BigInt(fd)) : all[0];
    return Object.entries(row ?? {}).map(([column, value]) => [`${table}.${column}`, value]);
  });
  return {
    ...Object.fromEntries(Object.entries(fields).map(([name, value]) =>
      [NAMES[name] ?? name, value])),
    ...Object.fromEntries(rows),
    "bt.PID": `${writer.pid}`, "bt.CPU": `${writer.cpu}`, "bt.TASK": `0x${writer.task}`,
    "sys.CPUS": sys.CPUS, "sys.MEMORY": `${kibOf(sys.MEMORY)}`,
  };
}

/** "31.5 GB" */
function kibOf(text: string): number {
  const [size, unit] = text.split(" ");
  return Number(size) * 2 ** (unit === "GB" ? 20 : 10);
}

/** Is the field what a dump has? */
export const isSame = (wanted: string, number: bigint, text: string) =>
  (numberIn(wanted) === undefined ? text === wanted : number === numberIn(wanted));

/** Digits, also with one behind a point, in tenths; undefined for a word. */
export const numberIn = (value: string) =>
  (/^(0x[0-9a-f]+|\d+|\d+\.\d)$/.test(value) ? BigInt(value.replace(".", "")) : undefined);

const GARBAGE = "the map_bh of the dumps was never written: what lay there before";
/** Fields that are not compared, and why. */
export const ELSEWHERE: Record<string, string> = {
  start_zero_done: "none: a file's new blocks are not zeroed at their edges",
  boundary: "none: the map has no indirect blocks",
  end_io: "none: the file system is told by the result",
  "map_bh.b_state": "none: blocks are mapped without a buffer_head",
  "map_bh.b_private": "none: blocks are mapped without a buffer_head",
  ...Object.fromEntries(["b_this_page", "b_page", "b_count.counter", "b_data", "b_end_io",
    "b_assoc_buffers.next", "b_assoc_buffers.prev"].map((name) => [`map_bh.${name}`, GARBAGE])),
  "bio_lock.magic": "spin locks here have no field for debugging",
  aio_data: "the program's own",
  timestamp_last_tick: "taken from the trace: seconds blocked",
  last_ran: "taken from the trace: seconds blocked",
  s_fs_info: "one file system without a superblock: the variable fs_journal",
  s_journal: "one file system without a superblock: the variable fs_journal",
  "ps.PPID": "none: no process starts another one here; its place has the TGID",
  "files.DENTRY": "none: a name leads to an inode without a dentry; its place has the count",
  "mount.VFSMOUNT": "none: one file system at one place; its place has the journal",
  "mount.SUPERBLK": "none: one file system without a superblock; its place has the disk",
  "mount.TYPE": "minifs has of ext3 what the bug needs",
};

/** Lines of sys that are not here, and why. */
export const SYS_ELSEWHERE: Record<string, string> = {
  DATE: "none: a machine has no clock of the day; UPTIME is its own",
  NODENAME: "none: a machine has no name; MACHINE is its preset's",
  RELEASE: "one kernel, which the package has; KERNEL names its image",
  VERSION: "one kernel, which the package has; PARAMETERS say which of its variants",
};

const KEPT = "what the program kept there; a system call does not look at it";
/** Registers at the system call that are not compared, of one task by its name, and why. */
export const REGISTERS_ELSEWHERE: Record<string, string> = {
  RIP: "where the program's own code calls the kernel", RSP: "where the program's stack is",
  RFLAGS: "what the program's last instructions left",
  RAX: "-ENOSYS in one dump, which was traced; ORIG_RAX has the number of the call",
  RCX: "in one dump -1, as it was traced; the return address here, as SYSCALL leaves it",
  CS: "the selectors are the kernel's own", SS: "the selectors are the kernel's own",
  ...Object.fromEntries(["RBX", "RBP", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"]
    .map((name) => [name, KEPT])),
  "oracle.RDI": "which io_context: an address of the program's",
  "oracle.RDX": "where the pointers to its struct iocb are: on the program's stack",
  "ls.RDI": "which descriptor: how many files the program has opened before",
  "ls.RSI": "where its buffer is", "ls.RDX": "how large its buffer is",
};

export type Numbers = (name: string) => bigint;
/** What has a value of its own in each dump, and what that follows from. */
export const RULES: Record<string, (of: Numbers) => boolean> = {
  inode: (of) => of("inode") !== 0n,
  iocb: (of) => of("iocb") !== 0n,
  get_blocks: (of) => of("get_blocks") !== 0n,
  b_bdev: (of) => of("b_bdev") !== 0n,
  b_blocknr: (of) => of("b_blocknr") !== 0n,
  journal_info: (of) => of("journal_info") !== 0n,
  h_transaction: (of) => of("h_transaction") === of("j_running_transaction"),
  j_running_transaction: (of) => of("j_running_transaction") !== 0n,
  waiter: (of) => of("waiter") === of("task"),
  i_size: (of) => of("i_size") >= of("aio_offset") + of("size"),
  block_in_file: (of) => of("block_in_file") * 512n === of("aio_offset") + of("result"),
  final_block_in_request: (of) =>
    of("final_block_in_request") * 512n === of("aio_offset") + of("size"),
  // The second sector of a block, and six more: up to the block's end.
  cur_page_block: (of) => of("cur_page_block") === of("b_blocknr") * 8n + 2n,
  final_block_in_bio: (of) => of("final_block_in_bio") === of("cur_page_block") + 6n,
  next_block_for_io: (of) => of("next_block_for_io") === of("final_block_in_bio"),
  curr_user_address: (of) => of("curr_user_address") === of("aio_buf") + (of("curr_page") << 12n),
  aio_buf: (of) => of("aio_buf") % 4096n === 0xe00n,
  aio_offset: (of) => of("aio_offset") % 4096n === 0x200n,
  // Each writer that hangs has a handle; all others wait for the transaction.
  t_updates: (of) => of("t_updates") + of("waiting") === of("tasks"),
  // What one command says of the writer, and what another one does.
  "bt.PID": (of) => of("bt.PID") !== 0n,
  "bt.CPU": (of) => of("bt.CPU") < of("sys.CPUS"),
  "bt.TASK": (of) => of("bt.TASK") === of("waiter"),
  "ps.PID": (of) => of("ps.PID") === of("bt.PID"),
  "ps.CPU": (of) => of("ps.CPU") === of("bt.CPU"),
  "ps.TASK": (of) => of("ps.TASK") === of("waiter"),
  "ps.VSZ": (of) => of("ps.VSZ") >= of("ps.RSS"),
  "ps.RSS": (of) => of("ps.RSS") > 0n && of("ps.RSS") < of("sys.MEMORY"),
  // In tenths of a percent.
  "ps.%MEM": (of) =>
    of("ps.%MEM") === BigInt(Math.round(Number(of("ps.RSS") * 1000n) / Number(of("sys.MEMORY")))),
  "runqueue.CPU": (of) => of("runqueue.CPU") === of("bt.CPU"),
  "runqueue.at": (of) => of("runqueue.at") !== 0n,
  aio_fildes: (of) => of("aio_fildes") === of("files.FD"),
  "files.FD": (of) => of("files.FD") === of("aio_fildes"),
  "files.FILE": (of) => of("files.FILE") !== 0n,
  "files.INODE": (of) => of("files.INODE") === of("inode"),
  "iocb.at": (of) => of("iocb.at") !== 0n,
  "dio.at": (of) => of("dio.at") !== 0n,
  "sys.MEMORY": (of) => of("sys.MEMORY") !== 0n,
  "seconds blocked": (of) => of("seconds blocked") ===
    (of("timestamp_last_tick") - of("last_ran")) / 1_000_000_000n,
};

/** Words with a value of their own in each dump. */
export const TEXTS: Record<string, (of: (name: string) => string) => boolean> = {
  "mount.DEVNAME": (of) => /^\/dev\/\w+$/.test(of("mount.DEVNAME")),
  "mount.DIRNAME": (of) => /^\/\w+$/.test(of("mount.DIRNAME")),
  "files.PATH": (of) => of("files.PATH").startsWith(`${of("mount.DIRNAME")}/`),
};

/**
 * What follows from how much is written, which is 100000 in both dumps, and as much in the run of
 * that size; the run that hangs writes less at a time.
 */
export const OF_SIZE: Record<string, (of: Numbers) => boolean> = {
  aio_nbytes: (of) => of("aio_nbytes") > of("result"),
  size: (of) => of("size") === of("aio_nbytes"),
  total_pages: (of) => of("total_pages") === (of("aio_buf") % 4096n + of("size") + 4095n) / 4096n,
  pages_in_io: (of) => of("pages_in_io") === of("total_pages") + 1n,
  // As many as the request has room for are looked up at a time.
  curr_page: (of) => of("curr_page") ===
    (of("total_pages") < of("pages") ? of("total_pages") : of("pages")),
  head: (of) => of("head") === of("curr_page"),
  tail: (of) => of("tail") === of("curr_page"),
};

/** The same as in the second dump where the first write of its size to the same place is. */
export const OF_PLACE = [
  "aio_offset", "block_in_file", "final_block_in_request", "b_blocknr", "cur_page_block",
  "final_block_in_bio", "next_block_for_io",
];
/** Of a writer that sleeps with reason: its bio is under way, and nobody commits. */
export const UNDER_WAY: Record<string, string> = { refcount: "0x2", t_state: "T_RUNNING" };
/** What is of the hang, and not of the request. */
export const OF_HANG = ["t_updates", "seconds blocked"];

/** Of a backtrace: what does here what that function did; null: nothing has to. */
export const COUNTERPARTS: Record<string, string | null> = {
  __blockdev_direct_IO: "direct_io_refcount", ext3_direct_IO: "direct_write",
  generic_file_direct_IO: "direct_write", generic_file_direct_write: "direct_write",
  __generic_file_aio_write_nolock: "minifs_direct_aio",
  generic_file_aio_write_nolock: "minifs_direct_aio",
  generic_file_aio_write: "minifs_direct_aio", ext3_file_write: "minifs_direct_aio",
  aio_pwrite: "aio_try", io_submit_one: "sys_io_submit", tracesys: "syscall_dispatch",
  system_call: "syscall_entry", ext3_dirty_inode: "minifs_dirty_inode",
  __mark_inode_dirty: "minifs_dirty_inode", update_atime: "minifs_readdir",
  vfs_readdir: "minifs_readdir",
  // A thread of this kernel begins in its function.
  kernel_thread: null,
};
