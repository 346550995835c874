/* Variant d: a plain store and SFENCE, which does not make the load of step 2 wait. */
#define VARIANT d
#define SET_STATE(queue, wait)                                                                     \
	do {                                                                                       \
		store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE);                       \
		sfence();                                                                  \
	} while (0)
#include "read_events.h"
