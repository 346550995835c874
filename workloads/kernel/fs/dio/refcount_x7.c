/* The store, then the state by exchange: ordered, but the dio may be gone when E looks. */
#define VARIANT x7
#define PUT_AND_WAKE(dio) put_then_wake(dio)
#define PUBLISH(dio) \
	do { \
		store_labelled(W7, (dio)->waiter, current); \
		xchg_labelled(W5, current->state, (u64)TASK_UNINTERRUPTIBLE); \
	} while (0)
#include "refcount-publish.h"
