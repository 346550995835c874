/* io_getevents: its arguments and its time limit. The reaper itself is read_events.h. */
#include "../arch/usercopy.h"
#include "../core/panic.h"
#include "../core/sched.h"
#include "../sys/errno.h"
#include "aio.h"

#define NS_PER_SECOND 1000000000
#define SECONDS_MAX 1000000 /* longer counts as that: it is beyond every run */

static void timeout(void *data)
{
	struct aio_timeout *to = data;

	/* The reaper sets its state by an exchange before it looks at timed_out, and try_to_wake_up
	 * reads the state behind the run queue's lock. */
	WRITE_ONCE(to->timed_out, 1);
	try_to_wake_up(to->task, TASK_INTERRUPTIBLE);
}

/* When it is about to wait for the first time. */
void aio_start_timeout(struct aio_timeout *to)
{
	if (!to->limited || to->started)
		return;
	to->started = 1;
	to->task = current;
	timer_setup(&to->timer, timeout, to);
	timer_start(&to->timer, to->ns);
}

static long read_timeout(struct aio_timeout *to, const s64 __user *user_timeout)
{
	s64 time[2];

	to->limited = to->started = to->timed_out = 0;
	if (!user_timeout)
		return 0;
	if (copy_from_user(time, user_timeout, sizeof(time)))
		return -EFAULT;
	if (time[0] < 0 || time[1] < 0 || time[1] >= NS_PER_SECOND)
		return -EINVAL;
	if (time[0] > SECONDS_MAX)
		time[0] = SECONDS_MAX;
	to->limited = 1;
	to->ns = time[0] * NS_PER_SECOND + time[1];
	/* With a limit of zero it takes what is there. */
	to->timed_out = to->ns == 0;
	return 0;
}

long sys_io_getevents(u64 ctx_id, s64 min_nr, s64 nr, struct io_event __user *events,
		      const s64 __user *user_timeout)
{
	struct aio_timeout to;
	struct kioctx *ctx;
	long result;

	if (min_nr < 0 || nr < min_nr)
		return -EINVAL;
	result = read_timeout(&to, user_timeout);
	if (result)
		return result;
	ctx = lookup_ioctx(ctx_id);
	if (!ctx)
		return -EINVAL;
	result = read_events(ctx, min_nr, nr, events, &to);
	if (to.started)
		timer_cancel_sync(&to.timer); /* it is on this stack */
	put_ioctx(ctx);
	return result;
}
