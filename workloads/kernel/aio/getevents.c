/* io_getevents: the reaper. Its steps have the names of workloads/kernel/README.md. */
#include "../arch/probe.h"
#include "../arch/usercopy.h"
#include "../core/sched.h"
#include "../sys/errno.h"
#include "aio.h"

/* Takes the oldest event out of the ring. head is written only here, under ring_lock, but users
 * can write to the ring too: what is read from it is brought back into range. */
static noinline bool aio_read_evt(struct kioctx *ctx, struct io_event *event)
{
	struct aio_ring_info *info = &ctx->ring_info;
	struct aio_ring *ring = info->ring;
	u32 head = READ_ONCE(ring->head);
	bool got = false;

	if (head == load_labelled(2, ring->tail))
		return false;

	spin_lock(&info->ring_lock);
	head = READ_ONCE(ring->head);
	if (head >= info->nr)
		head = 0;
	if (head != READ_ONCE(ring->tail)) {
		*event = ring->io_events[head];
		if (++head >= info->nr)
			head = 0;
		smp_mb(); /* the event is read before its slot is given back */
		WRITE_ONCE(ring->head, head);
		got = true;
	}
	spin_unlock(&info->ring_lock);
	return got;
}

/*
 * Sleeps until there is an event. The entry is in the list (1e) and the state set by an exchange
 * (1g) before the ring is read (2): a completer that stored its tail, fenced and then found the
 * list empty did so before 1e was visible, so its tail was visible before 2.
 */
static long wait_for_event(struct kioctx *ctx, s64 i, s64 min_nr, struct io_event *event)
{
	wait_queue_t wait;
	bool got = false;
	long error = 0;

	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_AIO, ctx, i, min_nr);

	add_wait_queue_exclusive(&ctx->wait, &wait);
	for (;;) {
		xchg_labelled(1g, current->state, (u64)TASK_INTERRUPTIBLE);
		got = aio_read_evt(ctx, event);
		if (got || i >= min_nr)
			break;
		if (unlikely(READ_ONCE(ctx->dead))) {
			error = -EINVAL;
			break;
		}
		MARK_POINT(SLEEP);
		this_cpu()->counters.sleeps++;
		/* It counts as waiting for I/O only while there is some. */
		if (READ_ONCE(ctx->reqs_active))
			io_schedule();
		else
			schedule();
		if (signal_pending(current)) {
			error = -EINTR;
			break;
		}
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&ctx->wait, &wait);
	return got ? 1 : error;
}

static noinline long read_events(struct kioctx *ctx, s64 min_nr, s64 nr,
				 struct io_event __user *events, bool may_wait)
{
	struct io_event event;
	long result = 0;
	s64 i = 0;

	while (i < nr) {
		if (!aio_read_evt(ctx, &event)) {
			if (i >= min_nr || !may_wait)
				break;
			if (!list_empty(&ctx->run_list)) {
				aio_run_all_iocbs(ctx);
				continue;
			}
			result = wait_for_event(ctx, i, min_nr, &event);
			if (result <= 0)
				break;
		}
		result = copy_to_user(&events[i], &event, sizeof(event));
		if (result)
			break;
		i++;
	}
	return i ? i : result;
}

/* Without a timeout it waits for min_nr events; with one of zero it takes what is there. There is
 * no timer for others. */
long sys_io_getevents(u64 ctx_id, s64 min_nr, s64 nr, struct io_event __user *events,
		      const s64 __user *timeout)
{
	s64 time[2] = { 0, 0 };
	struct kioctx *ctx;
	long result;

	if (min_nr < 0 || nr < min_nr)
		return -EINVAL;
	if (timeout && copy_from_user(time, timeout, sizeof(time)))
		return -EFAULT;
	if (time[0] || time[1])
		return -EINVAL;
	ctx = lookup_ioctx(ctx_id);
	if (!ctx)
		return -EINVAL;
	result = read_events(ctx, min_nr, nr, events, !timeout);
	put_ioctx(ctx);
	return result;
}
