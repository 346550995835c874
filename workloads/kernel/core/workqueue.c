/*
 * Work queues: one kernel thread per CPU and queue, which runs what was queued on that CPU, in
 * order, in a context that may sleep. A piece of work is queued at most once at a time: `pending`
 * is cleared before it runs, so work queued while it runs, runs again.
 */
#include "workqueue.h"

#include "../arch/cpu.h"
#include "panic.h"
#include "sched.h"
#include "slab.h"

static noreturn void worker_thread(void *data)
{
	struct worker *worker = data;

	for (;;) {
		wait_queue_t wait;
		struct work *work = NULL;
		u64 flags;

		init_waitqueue_entry(&wait, current);
		add_wait_queue(&worker->more, &wait);
		for (;;) {
			/* An exchange: the list is read after entry and state are visible. */
			set_current_state(TASK_INTERRUPTIBLE);
			note_sleep(SMPBOX_SLEEP_IDLE, worker, 0, 0);
			if (!list_empty(&worker->works))
				break;
			schedule();
		}
		set_current_state(TASK_RUNNING);
		remove_wait_queue(&worker->more, &wait);

		flags = spin_lock_irqsave(&worker->lock);
		if (!list_empty(&worker->works)) {
			work = list_first_entry(&worker->works, struct work, entry);
			list_del_init(&work->entry);
			WRITE_ONCE(work->pending, 0);
		}
		spin_unlock_irqrestore(&worker->lock, flags);
		if (work)
			work->function(work->data);
	}
}

void workqueue_init(struct workqueue *queue, const char *name)
{
	for (u32 cpu = 0; cpu < nr_cpus; cpu++) {
		struct worker *worker = &queue->worker[cpu];

		spin_lock_init(&worker->lock);
		INIT_LIST_HEAD(&worker->works);
		init_waitqueue_head(&worker->more);
		kthread_create(worker_thread, worker, name, 1ul << cpu);
	}
}

void init_work(struct work *work, void (*function)(void *), void *data)
{
	INIT_LIST_HEAD(&work->entry);
	work->function = function;
	work->data = data;
	work->pending = 0;
}

static void insert_work(struct workqueue *queue, struct work *work)
{
	u64 flags = irq_save();
	struct worker *worker = &queue->worker[this_cpu()->number];

	spin_lock(&worker->lock);
	list_add_tail(&work->entry, &worker->works);
	spin_unlock(&worker->lock);
	/* wake_up() takes the queue's lock: a locked instruction after the store above. */
	wake_up(&worker->more);
	irq_restore(flags);
}

/* On the caller's CPU. False: it is queued already. */
bool queue_work(struct workqueue *queue, struct work *work)
{
	if (xchg(&work->pending, 1u))
		return false;
	insert_work(queue, work);
	return true;
}

static void delayed_work_timer(void *data)
{
	struct delayed_work *delayed = data;

	insert_work(delayed->queue, &delayed->work);
}

void init_delayed_work(struct delayed_work *delayed, void (*function)(void *), void *data)
{
	init_work(&delayed->work, function, data);
	timer_setup(&delayed->timer, delayed_work_timer, delayed);
}

/* After `ns` nanoseconds, on the CPU that is the caller's now. */
bool queue_delayed_work(struct workqueue *queue, struct delayed_work *delayed, u64 ns)
{
	if (xchg(&delayed->work.pending, 1u))
		return false;
	delayed->queue = queue;
	timer_start(&delayed->timer, ns);
	return true;
}
