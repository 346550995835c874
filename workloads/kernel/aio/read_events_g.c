/* Variant g: the state by exchange, but before the entry is in the list: nothing orders the entry
 * with step 2. */
#define VARIANT g
#define BEFORE_LIST() xchg_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE)
#define SET_STATE(queue, wait) barrier()
#define AFTER_SLEEP() set_current_state(TASK_INTERRUPTIBLE)
#include "read_events.h"
