/*
 * A sleeper publishes two things, its entry in the list and its state, and only then looks at the
 * condition; a waker publishes the condition and then looks for entries and states. Each side
 * needs a full fence between what it stores and what it loads. add_wait_queue_exclusive() by
 * itself gives the sleeper none: its last stores, the entry and the unlock, may still be in the
 * store buffer when it returns. set_current_state() does, because it exchanges.
 */
#include "wait.h"

#include "../arch/probe.h"
#include "panic.h"
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

bool default_wake_function(wait_queue_t *wait, void *key)
{
	(void)key;
	return try_to_wake_up(wait->private, TASK_NORMAL);
}

/* At the tail, under the lock; the same stores in the same order as __list_add(), the last one
 * named. On an empty list that last store is the head's `next`, which is what a waker without the
 * lock reads. */
static __always_inline void enlist(wait_queue_head_t *queue, wait_queue_t *wait)
{
	struct list_head *entry = &wait->task_list, *head = &queue->task_list, *prev;

	prev = head->prev;
	WRITE_ONCE(head->prev, entry);	/* 1b */
	WRITE_ONCE(entry->next, head);	/* 1c */
	WRITE_ONCE(entry->prev, prev);	/* 1d */
	store_labelled(1e, prev->next, entry);
}

noinline void add_wait_queue_exclusive(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags;

	WRITE_ONCE(wait->flags, wait->flags | WQ_FLAG_EXCLUSIVE);
	flags = spin_lock_irqsave(&queue->lock); /* 1a */
	enlist(queue, wait);
	spin_unlock_irqrestore(&queue->lock, flags); /* 1f */
}

noinline void add_wait_queue_exclusive_xchg(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags;

	WRITE_ONCE(wait->flags, wait->flags | WQ_FLAG_EXCLUSIVE);
	flags = spin_lock_irqsave(&queue->lock);
	enlist(queue, wait);
	spin_unlock_xchg(&queue->lock);
	irq_restore(flags);
}

/* The state is exchanged after the insertion and before the unlock: one fence for both. */
static __always_inline u64 prepare(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags;

	WRITE_ONCE(wait->flags, wait->flags | WQ_FLAG_EXCLUSIVE);
	flags = spin_lock_irqsave(&queue->lock);
	if (list_empty(&wait->task_list))
		enlist(queue, wait);
	xchg_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE);
	return flags;
}

noinline void prepare_to_wait_exclusive(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags = prepare(queue, wait);

	spin_unlock_irqrestore(&queue->lock, flags);
}

noinline void prepare_to_wait_exclusive_xchg(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags = prepare(queue, wait);

	spin_unlock_xchg(&queue->lock);
	irq_restore(flags);
}

/* At the tail, neither exclusive nor named. */
void add_wait_queue(wait_queue_head_t *queue, wait_queue_t *wait)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	list_add_tail(&wait->task_list, &queue->task_list);
	spin_unlock_irqrestore(&queue->lock, flags);
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
void wake_up_locked(wait_queue_head_t *queue, void *key)
{
	struct list_head *at, *following;

	ASSERT_SPIN_LOCKED(&queue->lock);
	list_for_each_safe(at, following, &queue->task_list) {
		wait_queue_t *wait = list_entry(at, wait_queue_t, task_list);
		u32 entry_flags = wait->flags;

		if (wait->func(wait, key) && entry_flags & WQ_FLAG_EXCLUSIVE)
			break;
	}
}

noinline void wake_up_key(wait_queue_head_t *queue, void *key)
{
	u64 flags = spin_lock_irqsave(&queue->lock);

	wake_up_locked(queue, key);
	spin_unlock_irqrestore(&queue->lock, flags);
}

noinline void wake_up(wait_queue_head_t *queue)
{
	wake_up_key(queue, NULL);
}
