/* Two plain stores and SFENCE, which orders stores with stores and nothing else. */
#define VARIANT x6
#define PUT_AND_WAKE(dio) put_then_wake(dio)
#define PUBLISH(dio) \
	do { \
		store_labelled(W7, (dio)->waiter, current); \
		store_labelled(W5, current->state, (u64)TASK_UNINTERRUPTIBLE); \
		sfence(); \
	} while (0)
#include "refcount-publish.h"
