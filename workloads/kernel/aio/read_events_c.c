/* Variant c: the state by a plain store: it may become visible after the ring was read. */
#define VARIANT c
#define SET_STATE(queue, wait) store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#include "read_events.h"
