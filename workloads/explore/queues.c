/* Wait queues elsewhere than in case 001: who looks at one without its lock, who holds the lock,
 * and who leaves one while it is being woken. The arguments say which fence each side has; the
 * matrix of `smpbox barriers M --matrix` has a row for each pair. */
#include "explore.h"

#define RUNNING 0
#define SLEEPING 1
#define POISON 0x6b

volatile int wq_lock, wq_queued, wq_state;

/* Under the queue's lock. */
inlined void wake_queued(void)
{
	take_lock(&wq_lock);
	if (wq_queued)
		wq_state = RUNNING;
	wq_lock = 0;
}

/* add_wait_queue() and the state: a plain store with a fence behind it, or set_current_state(). */
inlined void enqueue(enum fence kind)
{
	take_lock(&wq_lock);
	wq_queued = 1;
	wq_lock = 0;
	if (kind == LOCKED)
		xchg(&wq_state, SLEEPING);
	else
		wq_state = SLEEPING;
	fence(kind);
}

/* waitqueue_active() in front of wake_up(); with a full fence it is wq_has_sleeper(). */
volatile int wq_condition;

void wq_wake(enum fence kind)
{
	wq_condition = 1;
	fence(kind);
	if (wq_queued)
		wake_queued();
}

void wq_wait(enum fence kind)
{
	enqueue(kind);
	if (!wq_condition)
		SMPBOX_SLEEP_UNTIL_RUNNING(&wq_state);
}

/* wake_up_bit(): the bit is cleared by a plain store and a fence, or by a locked instruction. */
volatile int bit_locked = 1;

void bit_unlock(enum fence kind)
{
	if (kind == LOCKED)
		asm volatile("lock andl $~1, %0" : "+m"(bit_locked) : : "memory", "cc");
	else
		bit_locked = 0;
	fence(kind);
	if (wq_queued)
		wake_queued();
}

void bit_wait(enum fence kind)
{
	enqueue(kind);
	if (bit_locked)
		SMPBOX_SLEEP_UNTIL_RUNNING(&wq_state);
}

/* eventfd: the counter is under the queue's lock, and no fence is needed. */
volatile int event_count;

void event_write(enum fence kind)
{
	take_lock(&wq_lock);
	event_count = 1;
	fence(kind);
	if (wq_queued)
		wq_state = RUNNING;
	wq_lock = 0;
}

void event_read(enum fence kind)
{
	int sleeps;

	take_lock(&wq_lock);
	wq_queued = 1;
	wq_state = SLEEPING;
	fence(kind);
	sleeps = !event_count;
	wq_lock = 0;
	if (sleeps)
		SMPBOX_SLEEP_UNTIL_RUNNING(&wq_state);
}

/* fs/aio of 2024: the completer takes the entry off the queue and wakes its task, in this order or
 * the other; a waiter whose time is over sees without the lock that the entry is off the queue,
 * returns, and its stack is used for something else. */
volatile int stack_lock, stack_linked = 1, stack_task = 1, stack_late;

void stack_wake(enum fence kind, int wake_first)
{
	int task = 0;

	take_lock(&stack_lock);
	if (stack_linked) {
		if (wake_first)
			task = stack_task;
		fence(kind);
		stack_linked = 0;
		fence(kind);
		if (!wake_first)
			task = stack_task;
		if (task == POISON)
			stack_late = 1;
	}
	stack_lock = 0;
}

void stack_return(enum fence kind)
{
	if (stack_linked) {
		take_lock(&stack_lock);
		stack_linked = 0;
		stack_lock = 0;
	}
	fence(kind);
	stack_task = POISON;
}
