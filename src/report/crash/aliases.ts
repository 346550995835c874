// What the session of the bug report of case 003 (Red Hat bug 451819, a crash(8) session on Linux
// 2.6.9) calls a thing, and what this kernel calls the same, so that its commands may be pasted.
// A name that an image has itself is never looked up here.
import { bare, type Type, type Types } from "../../machine/dwarf/types.ts";

/** Types of Linux 2.6.9, with the files that define them there. */
const TYPES: Record<string, string> = {
  // include/linux/sched.h
  "struct task_struct": "struct task",
  "struct mm_struct": "struct mm",
  // kernel/sched.c
  "struct runqueue": "struct rq",
  // include/linux/jbd.h, journal-head.h
  "struct handle_s": "struct handle",
  handle_t: "struct handle",
  "struct transaction_s": "struct transaction",
  transaction_t: "struct transaction",
  "struct journal_s": "struct journal",
  journal_t: "struct journal",
  // include/linux/wait.h
  "struct __wait_queue_head": "wait_queue_head_t",
  "struct __wait_queue": "struct wait_queue",
  // mm/slab.c
  "struct kmem_cache_s": "struct kmem_cache",
  kmem_cache_t: "struct kmem_cache",
  // include/linux/fs.h
  "struct address_space": "struct mapping",
};

/** Variables of which each CPU has one, as 2.6.9 calls them: members of struct cpu here. */
export const PER_CPU: Record<string, string> = { per_cpu__runqueues: "rq" };

/** Members that hold an enum's values in a plain number: the enum that says what they mean. */
const ENUMS: Record<string, string> = { "struct transaction.t_state": "enum t_state" };

const NO_SUPERBLOCK =
  "this kernel has one file system without a superblock; px &fs_journal is its journal";
const NO_TIMES = "this kernel keeps no such time; how long a writer was blocked is told by the " +
  "report of case 003, from the trace";
/** What the session shows and this kernel has not; members by this kernel's names. */
const ABSENT: Record<string, string> = {
  "struct super_block": NO_SUPERBLOCK,
  "struct ext3_sb_info": NO_SUPERBLOCK,
  "struct rq.timestamp_last_tick": NO_TIMES,
  "struct task.last_ran": NO_TIMES,
};

/** A type by its name in Linux 2.6.9, with or without the word struct. */
export function aliased(types: Types, name: string): Type | undefined {
  const key = [name, `struct ${name}`].find((one) => Object.hasOwn(TYPES, one));
  return key === undefined ? undefined : types.find(TYPES[key]);
}

/** The names by which `types` know something only here. */
export const aliasNames = (types: Types): string[] =>
  Object.keys(TYPES).filter((name) => !types.find(name) && types.find(TYPES[name]));

/** "; why there is none", of a type, or of a member as in "struct task.last_ran"; or nothing. */
export function whyAbsent(name: string): string {
  const key = [name, `struct ${name}`].find((one) => Object.hasOwn(ABSENT, one));
  return key === undefined ? "" : `; ${ABSENT[key]}`;
}

/** The type by which the member of `whole` called `name` is shown. */
export function shownAs(types: Types, whole: Type, name: string, type: Type): Type {
  const of = bare(whole);
  const key = of.kind === "struct" ? `struct ${of.name}.${name}` : "";
  return (Object.hasOwn(ENUMS, key) ? types.find(ENUMS[key]) : undefined) ?? type;
}
