/* Variant h: wait.lock released by an exchange, the state by a plain store: the entry is published,
 * the state is not. */
#define VARIANT h
#define ENLIST(queue, wait) add_wait_queue_exclusive_xchg(queue, wait)
#define SET_STATE(queue, wait) store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#include "read_events.h"
