/* bio_lock around the look only. */
#define VARIANT x2
#define PUT_AND_WAKE(dio) put_and_wake_x2(dio)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline int put_and_wake_x2(struct dio *dio)
{
	u64 flags = spin_lock_irqsave(&dio->bio_lock);
	bool holds = load_labelled(E1, dio->waiter) != NULL;
	int left;

	spin_unlock_irqrestore(&dio->bio_lock, flags);
	left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;

	if (left == 1 && holds)
		try_to_wake_up(load_labelled(E3, dio->waiter), TASK_NORMAL);
	return left;
}

#include "refcount.h"
