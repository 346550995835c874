/* The state by exchange before the store of `waiter`: that one may be in the store buffer. */
#define VARIANT x6b
#define PUT_AND_WAKE(dio) put_then_wake(dio)
#define PUBLISH(dio) \
	do { \
		xchg_labelled(W5, current->state, (u64)TASK_UNINTERRUPTIBLE); \
		store_labelled(W7, (dio)->waiter, current); \
	} while (0)
#include "refcount-publish.h"
