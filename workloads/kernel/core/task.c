/* Creation and end of tasks and processes. Memory of a process is not given back: the machine
 * stops when its last process ends. */
#include "task.h"

#include "../aio/aio.h"
#include "../fs/file.h"
#include "../sys/abi.h"
#include "../sys/errno.h"
#include "mm.h"
#include "page.h"
#include "panic.h"
#include "sched.h"
#include "../arch/x86.h"
#include "slab.h"
#include "string.h"

_Static_assert(offsetof(struct task, kernel_sp) == TASK_KERNEL_SP, "TASK_KERNEL_SP");

struct task *tasks[TASKS_MAX];
static DEFINE_SPINLOCK(tasks_lock);
static int next_pid = 1;
static atomic_t live_processes;
static int machine_exit_code; /* the first failure among the processes, or 0 */

static struct kmem_cache task_cache = KMEM_CACHE(struct task);
static struct kmem_cache process_cache = KMEM_CACHE(struct process);

extern char ret_from_fork[];

/* Gives the task a pid and a place in the table. */
static bool task_register(struct task *task)
{
	u64 flags = spin_lock_irqsave(&tasks_lock);
	bool found = false;

	for (u32 i = 0; i < TASKS_MAX && !found; i++) {
		if (tasks[i])
			continue;
		task->pid = next_pid++;
		tasks[i] = task;
		found = true;
	}
	spin_unlock_irqrestore(&tasks_lock, flags);
	return found;
}

static void task_unregister(struct task *task)
{
	u64 flags = spin_lock_irqsave(&tasks_lock);

	for (u32 i = 0; i < TASKS_MAX; i++)
		if (tasks[i] == task)
			tasks[i] = NULL;
	spin_unlock_irqrestore(&tasks_lock, flags);
}

void for_each_task(void (*look)(u32 slot, struct task *task))
{
	u64 flags = spin_lock_irqsave(&tasks_lock);

	for (u32 i = 0; i < TASKS_MAX; i++)
		if (tasks[i])
			look(i, tasks[i]);
	spin_unlock_irqrestore(&tasks_lock, flags);
}

static struct task *task_alloc(void)
{
	struct task *task = kmem_cache_alloc(&task_cache);

	memset(task, 0, sizeof(*task));
	INIT_LIST_HEAD(&task->run_list);
	task->cpus_allowed = ~0ul;
	return task;
}

/* The idle task is the context that the CPU runs in already; it has pid 0 and is not in the
 * table. */
struct task *idle_task_create(u32 cpu, u8 *stack)
{
	struct task *task = task_alloc();

	task->cpu = cpu;
	task->stack = stack;
	strlcpy(task->comm, "idle", sizeof(task->comm));
	return task;
}

struct task *task_create(struct process *process, const struct pt_regs *regs, const char *comm)
{
	struct task *task = task_alloc();
	struct pt_regs *frame;
	u64 *sp;

	if (!task_register(task)) {
		kmem_cache_free(&task_cache, task);
		return NULL;
	}
	task->stack = page_alloc(KSTACK_PAGES);
	strlcpy(task->comm, comm, sizeof(task->comm));
	task->tgid = task->pid;
	if (process) {
		task->process = process;
		task->pgd_phys = virt_to_phys(process->mm.pgd);
		atomic_inc(&process->threads);
		if (!process->pid)
			process->pid = task->pid;
		task->tgid = process->pid;
	}

	/* What switch_to will pop: six registers and where to go. */
	frame = (struct pt_regs *)(task->stack + KSTACK_PAGES * PAGE_SIZE) - 1;
	*frame = *regs;
	sp = (u64 *)frame;
	*--sp = (u64)ret_from_fork;
	sp -= 6;
	memset(sp, 0, 6 * sizeof(*sp));
	task->kernel_sp = (u64)sp;
	return task;
}

/* A thread of the kernel: it has no user memory and keeps the page tables of whoever ran before. */
struct task *kthread_create(void (*function)(void *), void *data, const char *comm,
			    u64 cpus_allowed)
{
	struct pt_regs regs = {
		.rip = (u64)function,
		.rdi = (u64)data,
		.cs = KERNEL_CS,
		.ss = KERNEL_DS,
		.rflags = EFLAGS_FIXED | EFLAGS_IF,
	};
	struct task *task = task_create(NULL, &regs, comm);
	struct pt_regs *frame;

	if (!task)
		panic("no room for the kernel thread %s", comm);
	/* As after a call: the return address would be at the top of the stack. */
	frame = (struct pt_regs *)(task->stack + KSTACK_PAGES * PAGE_SIZE) - 1;
	frame->rsp = (u64)task->stack + KSTACK_PAGES * PAGE_SIZE - sizeof(u64);
	task->cpus_allowed = cpus_allowed;
	wake_up_new_task(task);
	return task;
}

/* By finish_task_switch, on the CPU that has left the dead task's stack. */
void task_free(struct task *task)
{
	task_unregister(task);
	page_free(task->stack, KSTACK_PAGES);
	kmem_cache_free(&task_cache, task);
}

struct process *process_create(void)
{
	struct process *process = kmem_cache_alloc(&process_cache);

	memset(process, 0, sizeof(*process));
	mm_init(&process->mm);
	spin_lock_init(&process->files_lock);
	atomic_inc(&live_processes);
	return process;
}

/*
 * A new thread of the calling process: same memory, same files, the caller's registers except for
 * the result and the stack pointer. Separate address spaces would need fork, which this kernel
 * does not have.
 */
long do_clone(struct pt_regs *regs)
{
	struct pt_regs child = *regs;
	struct task *task;

	if (!(regs->rdi & CLONE_VM) || !(regs->rdi & CLONE_THREAD) || !regs->rsi)
		return -EINVAL;
	child.rax = 0;
	child.rsp = regs->rsi;
	task = task_create(current->process, &child, current->comm);
	if (!task)
		return -EAGAIN;
	task->cpus_allowed = current->cpus_allowed;
	wake_up_new_task(task);
	return task->pid;
}

bool signal_pending(const struct task *task)
{
	return task->process && READ_ONCE(task->process->exiting);
}

static noreturn void machine_exit(void)
{
	outb(EXIT_PORT, machine_exit_code);
	panic("port %x did not end the machine", EXIT_PORT);
}

noreturn void do_exit(int code)
{
	struct process *process = current->process;

	if (atomic_dec_and_test(&process->threads)) {
		if (!process->exiting)
			process->exit_code = code;
		exit_aio(&process->mm);
		exit_files(process);
		if (process->exit_code && !machine_exit_code)
			machine_exit_code = process->exit_code;
		if (atomic_dec_and_test(&live_processes))
			machine_exit();
	}
	irq_disable();
	current->state = TASK_DEAD;
	schedule();
	panic("a dead task ran");
}

/*
 * The other threads find out on their way to user mode: those asleep are woken, the CPUs that run
 * one are interrupted. A thread that is in neither place looks at need_resched before it leaves
 * the kernel.
 */
noreturn void exit_group(int code)
{
	struct process *process = current->process;
	u64 flags = spin_lock_irqsave(&tasks_lock);

	if (!process->exiting) {
		process->exit_code = code;
		WRITE_ONCE(process->exiting, true);
		smp_mb();
		for (u32 i = 0; i < TASKS_MAX; i++) {
			struct task *task = tasks[i];

			if (!task || task->process != process || task == current)
				continue;
			if (!try_to_wake_up(task, TASK_INTERRUPTIBLE))
				resched_cpu(task->cpu);
		}
	}
	spin_unlock_irqrestore(&tasks_lock, flags);
	do_exit(code);
}
