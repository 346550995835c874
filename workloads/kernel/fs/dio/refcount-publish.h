/* A waiter who says that it waits before it looks for the last time, for completions that decrement
 * before they look. PUBLISH stores `waiter` (W7) and the state (W5) in the variant's way. */
#define WAIT(dio, flags) wait_published(dio, flags)
#include "dio.h"

#include "../../core/sched.h"

static __always_inline void sleep_unlocked(struct dio *dio, u64 *flags);

static __always_inline void wait_published(struct dio *dio, u64 *flags)
{
	PUBLISH(dio);
	if (load_labelled(W6, dio->refcount.counter) > 1 && !READ_ONCE(dio->bio_list))
		sleep_unlocked(dio, flags);
	WRITE_ONCE(dio->waiter, NULL);
	set_current_state(TASK_RUNNING);
}

#include "refcount.h"
