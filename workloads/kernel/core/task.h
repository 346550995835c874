/*
 * Tasks (threads) and the processes that they share.
 *
 *     struct task, by cache line:
 *       0 | state, on_rq, cpu, run_list      what a waker on another CPU reads and writes
 *      64 | kernel_sp, stack, process, ids   its own
 *     128 | sleep                            why it sleeps, for the host (include/smpbox-debug.h)
 */
#ifndef TASK_H
#define TASK_H

#include <smpbox-debug.h>

#include "../arch/atomic.h"
#include "../arch/cpu.h"
#include "../arch/irq.h"
#include "list.h"
#include "task-offsets.h"

#define TASK_RUNNING SMPBOX_TASK_RUNNING
#define TASK_INTERRUPTIBLE SMPBOX_TASK_INTERRUPTIBLE
#define TASK_UNINTERRUPTIBLE SMPBOX_TASK_UNINTERRUPTIBLE
#define TASK_DEAD SMPBOX_TASK_DEAD
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* Exit code of a process that an exception ended. */
#define EXIT_EXCEPTION 128

struct file;

/* An address space with the AIO contexts that live in it. */
struct mm {
	u64 *pgd;
	u64 mmap_next; /* where the next anonymous mapping goes */
	spinlock_t lock;

	rwlock_t ioctx_list_lock __cacheline_aligned;
	struct kioctx *ioctx_list;
};

struct process {
	struct mm mm;
	int pid;
	int exit_code;
	bool exiting;
	atomic_t threads;
	spinlock_t files_lock;
	struct file *files[FILES_MAX];
	struct aio *aio; /* aio/illumos */
};

struct sleep_reason {
	u32 kind;
	u32 pad;
	u64 object;
	u64 i;
	u64 min_nr;
};

struct task {
	u64 state;
	u32 on_rq;
	u32 cpu; /* whose run queue it is on, or was when it went to sleep */
	struct list_head run_list;

	u64 kernel_sp __cacheline_aligned;
	u8 *stack;
	u64 switches; /* times that it was given the CPU */
	struct process *process; /* NULL: of the kernel */
	u64 pgd_phys;
	int pid;
	int tgid;
	char comm[16];
	u64 cpus_allowed;
	bool pins; /* an interrupt thread: goes before the others, which stay where they are */
	struct handle *journal_info; /* the open handle (fs/journal.h) */
	struct kiocb *io_wait; /* whose try this is: it must not sleep (aio/retry.c) */

	struct sleep_reason sleep __cacheline_aligned;
} __cacheline_aligned;

/* The store is a full fence: what the task loads next, it loads after the state is visible. */
#define set_current_state(value) ((void)xchg(&current->state, (u64)(value)))

extern struct task *tasks[TASKS_MAX];

/* Ends the calling thread; with exit_group, all threads of its process with it. */
noreturn void do_exit(int code);
noreturn void exit_group(int code);

/* True when a sleep that may be interrupted must end: the process is going away. */
bool signal_pending(const struct task *task);

/* Calls `look` with each task; none of them ends meanwhile. */
void for_each_task(void (*look)(u32 slot, struct task *task));

struct task *idle_task_create(u32 cpu, u8 *stack);

/* A new task that will leave the kernel with `regs`; NULL when there are too many. `process` is
 * NULL for a thread of the kernel. */
struct task *task_create(struct process *process, const struct pt_regs *regs, const char *comm);
void task_free(struct task *task);
struct task *kthread_create(void (*function)(void *), void *data, const char *comm,
			    u64 cpus_allowed);

struct process *process_create(void);
long do_clone(struct pt_regs *regs);

/* For the host: why the current task is about to sleep. Plain stores to its own line. */
static inline void note_sleep(u32 kind, const void *object, u64 i, u64 min_nr)
{
	current->sleep = (struct sleep_reason){ kind, 0, (u64)object, i, min_nr };
}

#endif
