/*
 * Interrupt threads: one per CPU, which runs what the CPU's interrupts left, as a thread, so that
 * it may block on a mutex. It runs before everything else on its CPU, also in the middle of a
 * system call: the interrupted task stays first on the queue, pinned under it, and goes on when the
 * interrupt thread has finished or blocks. Meanwhile the pinned task runs on no CPU, which is what
 * those see who wait for a mutex that it holds.
 */
#include "ithread.h"

#include "../arch/cpu.h"
#include "../arch/probe.h"
#include "panic.h"
#include "sched.h"

struct ithread {
	struct task *task;
	struct list_head works; /* of this CPU, reached with interrupts off */
} __cacheline_aligned;

static struct ithread ithreads[CPUS_MAX];

static void ithread_main(void *data)
{
	struct ithread *self = data;

	for (;;) {
		struct ithread_work *work = NULL;
		u64 flags = irq_save();

		if (!list_empty(&self->works)) {
			work = list_first_entry(&self->works, struct ithread_work, list);
			list_del_init(&work->list);
		} else {
			/* Work comes from this CPU only, and interrupts are off until it sleeps. */
			note_sleep(SMPBOX_SLEEP_IDLE, self, 0, 0);
			WRITE_ONCE(current->state, TASK_INTERRUPTIBLE);
			schedule();
		}
		irq_restore(flags);
		if (work)
			work->function(work);
	}
}

/* From an interrupt or a softirq of this CPU. */
void ithread_queue(struct ithread_work *work)
{
	u64 flags = irq_save();
	struct ithread *ithread = &ithreads[this_cpu()->number];

	list_add_tail(&work->list, &ithread->works);
	try_to_wake_up(ithread->task, TASK_INTERRUPTIBLE);
	irq_restore(flags);
}

/* On the way out of an interrupt that came in the kernel, with interrupts off. Who holds a spin
 * lock keeps the CPU: the interrupt thread waits for the next interrupt, or for his way out. */
void ithread_preempt(void)
{
	struct cpu *cpu = this_cpu();
	const struct task *task = ithreads[cpu->number].task;

	if (!task || cpu->in_softirq || cpu->locks_held || current == cpu->rq.idle || current->pins)
		return;
	if (READ_ONCE(cpu->need_resched) && READ_ONCE(task->on_rq)) {
		MARK_POINT(PINNED);
		schedule();
	}
}

void ithreads_init(void)
{
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		struct task *task;

		INIT_LIST_HEAD(&ithreads[cpu].works);
		task = kthread_create(ithread_main, &ithreads[cpu], "ithread", 1ul << cpu);
		task->pins = true;
		ithreads[cpu].task = task;
	}
}
