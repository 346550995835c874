/* Two plain stores, and the look: the stores may still be in the store buffer. */
#define VARIANT x5
#define PUT_AND_WAKE(dio) put_then_wake(dio)
#define PUBLISH(dio) \
	do { \
		store_labelled(W7, (dio)->waiter, current); \
		store_labelled(W5, current->state, (u64)TASK_UNINTERRUPTIBLE); \
	} while (0)
#include "refcount-publish.h"
