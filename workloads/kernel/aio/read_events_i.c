/* Variant i: the state by a plain store, ring.tail read by a locked access. Right. */
#define VARIANT i
#define SET_STATE(queue, wait) store_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#define READ_TAIL(ctx, ring) load_locked_labelled(2, (ring)->tail)
#include "read_events.h"
