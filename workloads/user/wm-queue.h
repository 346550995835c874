/*
 * wM1: a wait queue whose waker looks by waitqueue_active(), with the variants of case 001. A
 * sleeper publishes two words: his entry in the queue, and the state of his task. A fence that
 * stands between the two, or a lock that orders only the first one, loses the second.
 */
#ifndef WM_QUEUE_H
#define WM_QUEUE_H

#include "wm.h"

/* What the work is about, in all workloads of two threads. */
static struct {
	u32 word;
} LINE_ALIGNED item;

/* wait_queue_head: its lock and its list, of which there is one entry or none. */
static struct {
	u32 lock, entry;
} LINE_ALIGNED head;

/* The scheduler's lock, which both try_to_wake_up() and schedule() take. */
static struct {
	u32 lock;
} LINE_ALIGNED runqueue;

/* What the waker has, beside the fences: it looks under the queue's lock; it does not look, and
 * always wakes. */
enum { LOOK_LOCKED = OR + 1, ALWAYS };
/* What the sleeper has, beside the fences, where OR is the state by a locked instruction behind
 * the queue's lock: under that lock; before it; plain, and the lock released by a locked
 * instruction; plain, and the work read by one. */
enum { IN_QUEUE = OR + 1, BEFORE, UNLOCK, READ };

/* try_to_wake_up() for the entry of the queue: was somebody asleep? */
COPY bool queue_wake(void)
{
	bool woken = false;

	take(&head.lock);
	if (load_labelled(ASLEEP, head.entry)) {
		take(&runqueue.lock);
		if (load_labelled(TASK, the_task.state) == INTERRUPTIBLE) {
			store_labelled(RESET, the_task.state, RUNNING);
			woken = true;
		}
		release(&runqueue.lock);
	}
	release(&head.lock);
	return woken;
}

/* Work n is there: has somebody to be woken? */
ALWAYS_INLINE bool queue_publish(u32 n, u32 how)
{
	bool active;

	store(&item.word, n);
	if (how == OR)
		xchg_labelled(PUBLISH, work.word, n);
	else
		store_labelled(PUBLISH, work.word, n);
	fence(how);
	if (how == ALWAYS)
		return queue_wake();
	if (how == LOOK_LOCKED)
		take(&head.lock);
	active = load_labelled(ASLEEP, head.entry);
	if (how == LOOK_LOCKED)
		release(&head.lock);
	return active && queue_wake();
}

/* Enters the queue to sleep until work n: is it there already? */
ALWAYS_INLINE bool queue_enlist(u32 n, u32 how)
{
	if (how == BEFORE)
		xchg_labelled(STATE, the_task.state, INTERRUPTIBLE);
	take(&head.lock);
	store_labelled(ENLIST, head.entry, 1);
	if (how == IN_QUEUE)
		xchg_labelled(STATE, the_task.state, INTERRUPTIBLE);
	if (how == UNLOCK)
		__atomic_exchange_n(&head.lock, 0, __ATOMIC_SEQ_CST);
	else
		release(&head.lock);
	if (how == OR)
		xchg_labelled(STATE, the_task.state, INTERRUPTIBLE);
	else if (how != IN_QUEUE && how != BEFORE)
		store_labelled(STATE, the_task.state, INTERRUPTIBLE);
	fence(how);
	if (how == READ)
		return load_locked_labelled(CHECK, work.word) == n;
	return load_labelled(CHECK, work.word) == n;
}

/* schedule(): nobody has woken it meanwhile. */
static bool queue_sleeps(void)
{
	bool sleeps;

	take(&runqueue.lock);
	sleeps = the_task.state == INTERRUPTIBLE;
	release(&runqueue.lock);
	return sleeps;
}

/* finish_wait() */
static void queue_leave(void)
{
	store_labelled(RESET, the_task.state, RUNNING);
	take(&head.lock);
	store_labelled(RESET, head.entry, 0);
	release(&head.lock);
}

#define QUEUE_WAKER(name, how)                                                                     \
	COPY bool m1_publish_##name(u32 n)                                                         \
	{                                                                                          \
		return queue_publish(n, how);                                                      \
	}
QUEUE_WAKER(none, NONE)
QUEUE_WAKER(wmb, WMB)
QUEUE_WAKER(rmb, RMB)
QUEUE_WAKER(mb, MB)
QUEUE_WAKER(or, OR)
QUEUE_WAKER(lock, LOOK_LOCKED)
QUEUE_WAKER(wake, ALWAYS)

static const struct variant m1_publishers[] = {
	{ "none", m1_publish_none }, { "wmb", m1_publish_wmb }, { "rmb", m1_publish_rmb },
	{ "mb", m1_publish_mb },     { "or", m1_publish_or },	{ "lock", m1_publish_lock },
	{ "wake", m1_publish_wake },
};

#define QUEUE_SLEEPER(name, how)                                                                   \
	COPY bool m1_enlist_##name(u32 n)                                                          \
	{                                                                                          \
		return queue_enlist(n, how);                                                       \
	}
QUEUE_SLEEPER(none, NONE)
QUEUE_SLEEPER(wmb, WMB)
QUEUE_SLEEPER(rmb, RMB)
QUEUE_SLEEPER(mb, MB)
QUEUE_SLEEPER(or, OR)
QUEUE_SLEEPER(queued, IN_QUEUE)
QUEUE_SLEEPER(before, BEFORE)
QUEUE_SLEEPER(unlock, UNLOCK)
QUEUE_SLEEPER(read, READ)

static const struct variant m1_sleepers[] = {
	{ "none", m1_enlist_none },	{ "wmb", m1_enlist_wmb },
	{ "rmb", m1_enlist_rmb },	{ "mb", m1_enlist_mb },
	{ "or", m1_enlist_or },		{ "queued", m1_enlist_queued },
	{ "before", m1_enlist_before }, { "unlock", m1_enlist_unlock },
	{ "read", m1_enlist_read },
};

#endif
