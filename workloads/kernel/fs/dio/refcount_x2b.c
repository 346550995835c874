/* bio_lock around the decrement only. */
#define VARIANT x2b
#define PUT_AND_WAKE(dio) put_and_wake_x2b(dio)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline int put_and_wake_x2b(struct dio *dio)
{
	bool holds = load_labelled(E1, dio->waiter) != NULL;
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	int left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;

	spin_unlock_irqrestore(&dio->bio_lock, flags);

	if (left == 1 && holds)
		try_to_wake_up(load_labelled(E3, dio->waiter), TASK_NORMAL);
	return left;
}

#include "refcount.h"
