/* A fence between the look and the decrement. */
#define VARIANT x1
#define PUT_AND_WAKE(dio) put_and_wake_x1(dio)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline int put_and_wake_x1(struct dio *dio)
{
	bool holds = load_labelled(E1, dio->waiter) != NULL;
	int left;

	smp_mb();
	left = add_locked_labelled(E2, dio->refcount.counter, -1) - 1;

	if (left == 1 && holds)
		try_to_wake_up(load_labelled(E3, dio->waiter), TASK_NORMAL);
	return left;
}

#include "refcount.h"
