/* The decrement, then bio_lock and the look: nobody is forgotten, but the dio may be gone. */
#define VARIANT x4
#define PUT_AND_WAKE(dio) put_then_wake_locked(dio)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline int put_then_wake_locked(struct dio *dio)
{
	int left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;
	u64 flags;

	if (left != 1)
		return left;
	flags = spin_lock_irqsave(&dio->bio_lock);
	if (load_labelled(E3, dio->waiter))
		try_to_wake_up(dio->waiter, TASK_NORMAL);
	spin_unlock_irqrestore(&dio->bio_lock, flags);
	return left;
}

#include "refcount.h"
