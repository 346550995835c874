/*
 * The debug block: what the host reads, on a stopped machine, to list tasks, evaluate invariants
 * and count rounds without parsing DWARF. It is the symbol `smpbox_debug` of the kernel image.
 *
 * Every address in it is a kernel virtual address; physical = virtual - kernel_base (the kernel
 * maps the first GiB of memory at one constant offset). Memory of a process is found by walking
 * the page tables from the physical address in the task's `pgd` field (4-level, 4 KiB user
 * pages).
 *
 *       0 | magic u64 "SMPBOXDB"   | 8 | version u32 | 12 | bytes u32 (of this block)
 *      16 | kernel_base u64        | 24 | panic u64: 0, or the address of a zero-terminated message
 *      32 | tasks u64: address of u64[task_limit], 0 for a free slot
 *      40 | kioctxs u64: address of u64[kioctx_limit], 0 for a free slot
 *      48 | counters u64: address of CPU 0's struct smpbox_counters
 *      56 | counter_stride u32 | 60 | cpus u32 (started)
 *      64 | task_limit u32     | 68 | kioctx_limit u32
 *      72 | variant_001k u32: the completer in use (0, 7)
 *      76 | booted u32: 1 once user programs may run
 *      80 | task offsets u32[10] | 120 | kioctx offsets u32[12]
 *     168 |
 */
#ifndef SMPBOX_DEBUG_H
#define SMPBOX_DEBUG_H

#define SMPBOX_DEBUG_MAGIC 0x4244584f42504d53ul
#define SMPBOX_DEBUG_VERSION 1

/* Values of the task field `state`; a sleeping task is neither RUNNING nor DEAD. */
#define SMPBOX_TASK_RUNNING 0
#define SMPBOX_TASK_INTERRUPTIBLE 1
#define SMPBOX_TASK_UNINTERRUPTIBLE 2
#define SMPBOX_TASK_DEAD 64

/* Values of the task field `sleep_kind`: why the task sleeps, valid while it does. */
#define SMPBOX_SLEEP_NONE 0
#define SMPBOX_SLEEP_PAUSE 1 /* pause(): for ever */
#define SMPBOX_SLEEP_AIO 2   /* read_events: object = kioctx, i events taken, min_nr wanted */
#define SMPBOX_SLEEP_AIO_DRAIN 3 /* io_destroy: until reqs_active is 0; object = kioctx */
#define SMPBOX_SLEEP_FUTEX 4 /* object = user address of the word */
#define SMPBOX_SLEEP_IDLE 5  /* a thread of the kernel without work: not a hang */
#define SMPBOX_SLEEP_MUTEX 7 /* an adaptive mutex; object = it */
#define SMPBOX_SLEEP_CV 8    /* a condition variable; object = it */
#define SMPBOX_SLEEP_DISK 6  /* a direct or cached read or write; object = its dio or page */
#define SMPBOX_SLEEP_T_LOCKED 9 /* a new handle; object = the transaction that is being closed */
#define SMPBOX_SLEEP_UPDATES 10 /* kjournald, for the last handle; object = the transaction */

/*
 * Invariant I001, to be evaluated when every CPU is halted and nothing is pending: no task is
 * INTERRUPTIBLE with sleep_kind AIO, sleep_i < sleep_min_nr and ring.head != ring.tail of its
 * kioctx. A task that breaks it sleeps for ever although its event is in the ring.
 */
struct smpbox_debug {
	unsigned long magic;
	unsigned int version;
	unsigned int bytes;
	unsigned long kernel_base;
	unsigned long panic;
	unsigned long tasks;
	unsigned long kioctxs;
	unsigned long counters;
	unsigned int counter_stride;
	unsigned int cpus;
	unsigned int task_limit;
	unsigned int kioctx_limit;
	unsigned int variant_001k;
	unsigned int booted;

	/* Byte offsets within a task. Widths: pid, tgid, cpu u32; state, pgd u64; comm char[16];
	 * sleep_kind u32; sleep_i, sleep_min_nr u64; sleep_object u64. */
	struct {
		unsigned int pid, tgid, cpu, state, comm, pgd;
		unsigned int sleep_kind, sleep_object, sleep_i, sleep_min_nr;
	} task;

	/* Byte offsets within a kioctx. users, dead, ctx_lock, reqs_active, ring_lock, ring_nr,
	 * ring_tail are u32; wait_next (wait.task_list.next) u64; user_id (the aio_context_t)
	 * u64; ring u64 is the kernel address of the aio_ring, in which ring_head_in_ring and
	 * ring_tail_in_ring are the offsets of the u32 head and tail that the reaper and the
	 * completer share. */
	struct {
		unsigned int users, dead, user_id, wait_next, ctx_lock, reqs_active;
		unsigned int ring, ring_lock, ring_nr, ring_tail;
		unsigned int ring_head_in_ring, ring_tail_in_ring;
	} kioctx;
};

/* One per CPU, counter_stride apart; counted after the lock is released, outside every race
 * window. */
struct smpbox_counters {
	unsigned long completions; /* aio_complete calls */
	unsigned long b_empty;	   /* B found nobody waiting */
	unsigned long b_waiters;   /* B found a waiter */
	unsigned long final_puts;  /* aio_complete dropped the last reference: a fence */
	unsigned long sleeps;	   /* read_events called schedule */
	unsigned long wakeups;	   /* try_to_wake_up made a task runnable */
	unsigned long ipis;	   /* reschedule interrupts sent */
	unsigned long syscalls;
	unsigned long mutex_blocks; /* mutex_enter went to sleep */
	/* aio_port_callback, of illumos's AIO: */
	unsigned long callbacks;
	unsigned long reads_freed; /* I000a: 1.7 read a request that 1.5 had freed */
	unsigned long reads_taken; /* I000b: and that somebody had taken again */
	unsigned long taken_early; /* somebody took it before the callback returned */
};

#endif
