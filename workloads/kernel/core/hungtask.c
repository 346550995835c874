/*
 * Each look notes how often every task has been given a CPU. Who sleeps at two looks, with the same
 * number, has slept all the time in between. A sleep that nothing interrupts, for a disk or the
 * journal or a mutex, ought to be shorter than that. One in io_getevents may be of any length,
 * unless an event is in the ring (invariants.c).
 */
#include "hungtask.h"

#include "invariants.h"
#include "panic.h"
#include "task.h"
#include "timer.h"

#define NS_PER_US 1000

/* Of the task in each slot, at the last look. */
static struct seen {
	int pid;
	bool asleep;
	bool broken; /* I001 */
	u64 switches;
} seen[TASKS_MAX];

static struct timer timer;
static u64 interval_us;

static void look_at(u32 slot, struct task *task)
{
	const struct seen before = seen[slot];
	u64 state = READ_ONCE(task->state);
	u64 switches = READ_ONCE(task->switches);
	bool same = before.pid == task->pid && before.switches == switches;

	seen[slot] = (struct seen){
		.pid = task->pid,
		.asleep = state == TASK_UNINTERRUPTIBLE && !READ_ONCE(task->on_rq),
		.broken = state == TASK_INTERRUPTIBLE && sleeps_beside_event(task),
		.switches = switches,
	};
	if (!same)
		return;
	if (before.broken && seen[slot].broken)
		panic("I001: %s[%d] has slept in io_getevents for %lu us, and an event is in "
		      "the ring", task->comm, task->pid, interval_us);
	if (before.asleep && seen[slot].asleep)
		panic("hung task: %s[%d] has slept for %lu us, for a reason of kind %u, object %lx",
		      task->comm, task->pid, interval_us, task->sleep.kind,
		      task->sleep.object);
}

static void look(void *data)
{
	(void)data;
	for_each_task(look_at);
	timer_start(&timer, interval_us * NS_PER_US);
}

void hungtask_init(u64 microseconds)
{
	interval_us = microseconds;
	if (!interval_us)
		return;
	timer_setup(&timer, look, NULL);
	timer_start(&timer, interval_us * NS_PER_US);
}
