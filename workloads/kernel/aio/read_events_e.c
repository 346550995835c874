/* Variant e: a plain store and LFENCE, which does not wait for the store buffer. */
#define VARIANT e
#define SET_STATE(queue, wait)                                                                     \
	do {                                                                                       \
		store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE);                       \
		lfence();                                                                  \
	} while (0)
#include "read_events.h"
