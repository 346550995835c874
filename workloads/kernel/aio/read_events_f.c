/* Variant f: a plain store and MFENCE. Right. */
#define VARIANT f
#define SET_STATE(queue, wait)                                                                     \
	do {                                                                                       \
		store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE);                       \
		smp_mb();                                                                  \
	} while (0)
#include "read_events.h"
