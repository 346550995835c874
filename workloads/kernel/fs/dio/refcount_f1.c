/* Decrement and look under bio_lock, the wake-up after its release. The task is still there: it has
 * said under the lock that it waits, and nobody else wakes it. */
#define VARIANT f1
#define GET(dio) get_locked(dio)
#define PUT(dio) put_locked(dio)
#define PUT_AND_WAKE(dio) put_locked_then_wake(dio)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline int put_locked_then_wake(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	int left = load_labelled(E2, dio->refcount.counter) - 1;
	struct task *waiter = NULL;

	store_labelled(E2, dio->refcount.counter, left);
	if (left == 1)
		waiter = load_labelled(E1, dio->waiter);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	if (waiter)
		try_to_wake_up(waiter, TASK_NORMAL);
	return left;
}

#include "refcount.h"
