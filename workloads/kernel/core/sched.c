/*
 * Scheduler. A task sleeps by setting its state and calling schedule(); it is woken by
 * try_to_wake_up() on any CPU. Both decide under the run queue's lock of the CPU that the task
 * belongs to, so a wake-up either finds the task still on the queue and makes it RUNNING before
 * schedule() looks, or finds it gone and puts it back. There is no tick: a task runs until it
 * sleeps, yields, or a wake-up on its CPU asks for a turn.
 */
#include "sched.h"

#include "../arch/apic.h"
#include "../arch/probe.h"
#include "../sys/errno.h"
#include "mm.h"
#include "panic.h"

extern struct task *switch_to(struct task *prev, struct task *next);

static void enqueue(struct rq *rq, struct task *task)
{
	ASSERT_SPIN_LOCKED(&rq->lock);
	if (task->pins)
		list_add(&task->run_list, &rq->queue);
	else
		list_add_tail(&task->run_list, &rq->queue);
	rq->nr_running++;
	task->on_rq = 1;
}

static void dequeue(struct rq *rq, struct task *task)
{
	ASSERT_SPIN_LOCKED(&rq->lock);
	list_del_init(&task->run_list);
	rq->nr_running--;
	task->on_rq = 0;
}

static bool may_run_on(const struct task *task, u32 cpu)
{
	return task->cpus_allowed >> cpu & 1;
}

/*
 * The flag is set by an exchange, so it is visible before the interrupt is sent, and only the CPU
 * that changed it sends one. Whoever finds it set relies on that interrupt: it may still be on
 * its way, but it comes.
 */
void resched_cpu(u32 number)
{
	struct cpu *cpu = &cpus[number];

	if (xchg(&cpu->need_resched, 1u) == 0 && cpu != this_cpu()) {
		this_cpu()->counters.ipis++;
		apic_send(cpu->apic_id, VECTOR_RESCHEDULE);
	}
}

/* The CPU with the fewest tasks among those allowed; the caller's own if it is as good as any. */
static u32 choose_cpu(const struct task *task, u32 preferred)
{
	u32 best = CPUS_MAX;

	if (may_run_on(task, preferred))
		best = preferred;
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		if (!may_run_on(task, cpu))
			continue;
		if (best == CPUS_MAX || READ_ONCE(cpus[cpu].rq.nr_running) <
						READ_ONCE(cpus[best].rq.nr_running))
			best = cpu;
	}
	return best;
}

/* Puts a RUNNING task that is on no queue onto that of `task->cpu`. */
static void activate(struct task *task)
{
	struct rq *rq = &cpus[task->cpu].rq;
	u64 flags = spin_lock_irqsave(&rq->lock);

	enqueue(rq, task);
	spin_unlock(&rq->lock);
	resched_cpu(task->cpu);
	irq_restore(flags);
}

void wake_up_new_task(struct task *task)
{
	task->cpu = choose_cpu(task, this_cpu()->number);
	activate(task);
}

noinline bool try_to_wake_up(struct task *task, u64 states)
{
	u64 flags = irq_save();
	bool woken = false;
	struct rq *rq;

	/* The task may have moved between the look at its CPU and the lock; once it sleeps it
	 * stays. */
	for (;;) {
		rq = &cpus[READ_ONCE(task->cpu)].rq;
		spin_lock(&rq->lock);
		if (rq == &cpus[READ_ONCE(task->cpu)].rq)
			break;
		spin_unlock(&rq->lock);
	}
	if (READ_ONCE(task->state) & states) {
		if (!task->on_rq) {
			enqueue(rq, task);
			woken = true;
		}
		WRITE_ONCE(task->state, TASK_RUNNING);
	}
	spin_unlock(&rq->lock);
	if (woken) {
		MARK_POINT(WAKE);
		this_cpu()->counters.wakeups++;
		resched_cpu(task->cpu);
	}
	irq_restore(flags);
	return woken;
}

/* Runs on the stack of the task that has just been switched to, with the lock that the old one
 * took. */
static void finish_task_switch(struct task *prev)
{
	struct cpu *cpu = this_cpu();

	spin_unlock(&cpu->rq.lock);
	if (prev->state == TASK_DEAD) {
		task_free(prev);
	} else if (prev->state == TASK_RUNNING && !prev->on_rq && prev != cpu->rq.idle) {
		/* It may not run here any more. Only now that its registers are saved may another
		 * CPU take it. */
		prev->cpu = choose_cpu(prev, prev->cpu);
		activate(prev);
	}
}

/* Whether the running task leaves the queue: because it sleeps, is dead, or may not stay on this
 * CPU. */
static bool leaves(struct task *task, u32 cpu)
{
	u64 state = READ_ONCE(task->state);

	if (state == TASK_RUNNING)
		return !may_run_on(task, cpu);
	if (state == TASK_INTERRUPTIBLE && signal_pending(task)) {
		WRITE_ONCE(task->state, TASK_RUNNING);
		return false;
	}
	return true;
}

static void context_switch(struct cpu *cpu, struct task *prev, struct task *next)
{
	/* Published before it runs: mutex.c asks who runs where. */
	WRITE_ONCE(cpu->curr, next);
	smp_mb();
	next->switches++;
	cpu->kernel_sp = (u64)next->stack + KSTACK_PAGES * PAGE_SIZE;
	cpu->tss.rsp[0] = cpu->kernel_sp;
	/* The idle task touches no user memory and keeps the page tables of whoever ran before. */
	if (next->pgd_phys && next->pgd_phys != read_cr3())
		write_cr3(next->pgd_phys);
	finish_task_switch(switch_to(prev, next));
}

/* An interrupt thread goes first: the task under it keeps its place. */
static bool pinned_by_first(const struct rq *rq, const struct task *prev)
{
	return list_first_entry(&rq->queue, struct task, run_list)->pins && !prev->pins;
}

/* Whoever holds a spin lock and sleeps lets others spin for as long as he sleeps. */
static void check_no_lock_held(const struct cpu *cpu)
{
	if (unlikely(cpu->locks_held))
		panic("%s[%d] calls schedule() while CPU %u holds %u spin lock%s", cpu->curr->comm,
		      cpu->curr->pid, cpu->number, cpu->locks_held,
		      cpu->locks_held == 1 ? "" : "s");
}

noinline void schedule(void)
{
	u64 flags = irq_save();
	struct cpu *cpu = this_cpu();
	struct rq *rq = &cpu->rq;
	struct task *prev = cpu->curr, *next = rq->idle;

	check_no_lock_held(cpu);
	spin_lock(&rq->lock);
	if (prev != rq->idle) {
		if (leaves(prev, cpu->number)) {
			dequeue(rq, prev);
		} else if (!pinned_by_first(rq, prev)) {
			/* Its turn is over: the others come first. */
			list_del_init(&prev->run_list);
			list_add_tail(&prev->run_list, &rq->queue);
		}
	}
	WRITE_ONCE(cpu->need_resched, 0);
	if (!list_empty(&rq->queue))
		next = list_first_entry(&rq->queue, struct task, run_list);
	if (next != prev)
		context_switch(cpu, prev, next);
	else
		spin_unlock(&rq->lock);
	/* need_resched was cleared above, but it may have been meant for this task: let it look
	 * again on its way out. */
	if (signal_pending(current))
		WRITE_ONCE(this_cpu()->need_resched, 1);
	irq_restore(flags);
}

noinline void io_schedule(void)
{
	/* The same queue's count goes down again, wherever the task wakes up. */
	atomic_t *nr_iowait = &this_cpu()->rq.nr_iowait;

	atomic_inc(nr_iowait);
	schedule();
	atomic_dec(nr_iowait);
}

void sched_yield(void)
{
	schedule();
}

long sched_setaffinity(u64 mask)
{
	u64 started = nr_cpus == 64 ? ~0ul : (1ul << nr_cpus) - 1;

	if (!(mask & started))
		return -EINVAL;
	current->cpus_allowed = mask;
	if (!may_run_on(current, this_cpu()->number))
		schedule();
	return 0;
}

void schedule_tail(struct task *prev)
{
	finish_task_switch(prev);
	irq_disable();
	exit_to_user();
}

void exit_to_user(void)
{
	for (;;) {
		if (signal_pending(current)) {
			irq_enable();
			do_exit(current->process->exit_code);
		}
		if (!READ_ONCE(this_cpu()->need_resched))
			return;
		schedule();
	}
}

/*
 * need_resched is read with interrupts off and HLT comes with STI, so an interrupt that arrives
 * after the look ends the HLT. Nothing else runs here: a machine whose CPUs all stand in this HLT
 * is quiescent.
 */
noreturn void cpu_idle(void)
{
	for (;;) {
		irq_disable();
		while (!READ_ONCE(this_cpu()->need_resched)) {
			safe_halt();
			irq_disable();
		}
		schedule();
	}
}

void sched_init(void)
{
	for (u32 number = 0; number < CPUS_MAX; number++) {
		struct rq *rq = &cpus[number].rq;

		spin_lock_init(&rq->lock);
		INIT_LIST_HEAD(&rq->queue);
	}
}
