/*
 * A sleeper publishes two things, its entry in the list and its state, and only then looks at the
 * condition; a waker publishes the condition and then looks for entries and states. Each side
 * needs a full fence between what it stores and what it loads. add_wait_queue_exclusive() by
 * itself gives the sleeper none: its last stores, the entry and the unlock, may still be in the
 * store buffer when it returns. set_current_state() does, because it exchanges.
 */
#include "wait.h"

#include "../arch/probe.h"
#include "sched.h"

void init_waitqueue_head(wait_queue_head_t *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->task_list);
}

void init_waitqueue_entry(wait_queue_t *wait, struct task *task)
{
	wait->flags = 0;
	wait->private = task;
	wait->func = default_wake_function;
}

bool default_wake_function(wait_queue_t *wait)
{
	return try_to_wake_up(wait->private, TASK_NORMAL);
}

/* Adds at the tail; the same stores in the same order as __list_add(), the last one named. On an
 * empty list that last store is the head's `next`, which is what a waker without the lock reads.
 * */
noinline void add_wait_queue_exclusive(wait_queue_head_t *queue, wait_queue_t *wait)
{
	struct list_head *entry = &wait->task_list, *head = &queue->task_list, *prev;
	u64 flags;

	WRITE_ONCE(wait->flags, wait->flags | WQ_FLAG_EXCLUSIVE);
	flags = spin_lock_irqsave(&queue->lock); /* 1a */
	prev = head->prev;
	WRITE_ONCE(head->prev, entry);	/* 1b */
	WRITE_ONCE(entry->next, head);	/* 1c */
	WRITE_ONCE(entry->prev, prev);	/* 1d */
	store_labelled(1e, prev->next, entry);
	spin_unlock_irqrestore(&queue->lock, flags); /* 1f */
}

noinline void remove_wait_queue(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	list_del(&wait->task_list);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/*
 * The lock is held and interrupts are off throughout, so an entry that is being walked stays in
 * the list and its task stays asleep or about to sleep: remove_wait_queue() waits for the lock.
 */
noinline void wake_up(wait_queue_head_t *queue)
{
	u64 flags = spin_lock_irqsave(&queue->lock);
	struct list_head *at, *following;

	list_for_each_safe(at, following, &queue->task_list) {
		wait_queue_t *wait = list_entry(at, wait_queue_t, task_list);
		u32 entry_flags = wait->flags;

		if (wait->func(wait) && entry_flags & WQ_FLAG_EXCLUSIVE)
			break;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}
