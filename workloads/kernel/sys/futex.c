/*
 * Futexes, private to a process. The word is read, and the sleeper put into its bucket, under the
 * bucket's lock; a waker has stored the word before its system call and takes the same lock. So
 * either the sleeper reads the new word, or the waker finds the sleeper: no fence beyond the
 * lock's own is needed.
 */
#include "futex.h"

#include "../arch/usercopy.h"
#include "../core/sched.h"
#include "errno.h"

struct futex_waiter {
	struct list_head list;
	struct task *task;
	u32 *word;
	bool woken;
};

static struct bucket {
	spinlock_t lock;
	struct list_head waiters;
} __cacheline_aligned buckets[FUTEX_BUCKETS];

void futex_init(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spin_lock_init(&buckets[i].lock);
		INIT_LIST_HEAD(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(const u32 *word)
{
	return &buckets[((u64)word >> 2) % FUTEX_BUCKETS];
}

long futex_wait(u32 __user *word, u32 value)
{
	struct bucket *bucket = bucket_of(word);
	struct futex_waiter waiter = { .task = current, .word = word };
	long error;
	u32 now;

	spin_lock(&bucket->lock);
	error = copy_from_user(&now, word, sizeof(now));
	if (error || now != value) {
		spin_unlock(&bucket->lock);
		return error ? error : -EAGAIN;
	}
	list_add_tail(&waiter.list, &bucket->waiters);
	spin_unlock(&bucket->lock);

	note_sleep(SMPBOX_SLEEP_FUTEX, word, 0, 0);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter.woken) || signal_pending(current))
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);

	/* A waker touches the waiter only under the lock, so it is done with it after this. */
	spin_lock(&bucket->lock);
	if (!waiter.woken)
		list_del(&waiter.list);
	spin_unlock(&bucket->lock);
	return waiter.woken ? 0 : -EINTR;
}

long futex_wake(u32 __user *word, u32 count)
{
	struct bucket *bucket = bucket_of(word);
	struct list_head *at, *following;
	u32 woken = 0;

	spin_lock(&bucket->lock);
	list_for_each_safe(at, following, &bucket->waiters) {
		struct futex_waiter *waiter = list_entry(at, struct futex_waiter, list);

		if (waiter->word != word || waiter->task->process != current->process)
			continue;
		if (woken == count)
			break;
		list_del(&waiter->list);
		WRITE_ONCE(waiter->woken, true);
		try_to_wake_up(waiter->task, TASK_INTERRUPTIBLE);
		woken++;
	}
	spin_unlock(&bucket->lock);
	return woken;
}
