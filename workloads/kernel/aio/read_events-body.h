/* The body of one copy: read_events.h includes it for each way of releasing wait.lock. */

/*
 * Sleeps until there is an event. In variant a the entry is in the list (1e) and the state set by
 * an exchange (1g) before the ring is read (2): a completer that stored its tail, fenced and then
 * found the list empty did so before 1e was visible, so its tail was visible before 2.
 */
static long WAIT_FOR_EVENT(struct kioctx *ctx, s64 i, s64 min_nr, struct io_event *event,
			   const struct aio_timeout *to)
{
	wait_queue_t wait;
	bool got = false;
	long error = 0;

	init_waitqueue_entry(&wait, current);
	note_sleep(SMPBOX_SLEEP_AIO, ctx, i, min_nr);

	BEFORE_LIST();
	ENLIST(&ctx->wait, &wait);
	for (;;) {
		SET_STATE(&ctx->wait, &wait);
		got = AIO_READ_EVT(ctx, event);
		if (got || i >= min_nr)
			break;
		if (unlikely(READ_ONCE(ctx->dead))) {
			error = -EINVAL;
			break;
		}
		if (unlikely(READ_ONCE(to->timed_out)))
			break;
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
		AFTER_SLEEP();
	}
	set_current_state(TASK_RUNNING);
	remove_wait_queue(&ctx->wait, &wait);
	return got ? 1 : error;
}

noinline long READ_EVENTS(struct kioctx *ctx, s64 min_nr, s64 nr, struct io_event __user *events,
			  struct aio_timeout *to)
{
	struct io_event event;
	long result = 0;
	s64 i = 0;

	while (i < nr) {
		if (!AIO_READ_EVT(ctx, &event)) {
			if (i >= min_nr || to->timed_out)
				break;
			if (!list_empty(&ctx->run_list)) {
				aio_run_all_iocbs(ctx);
				continue;
			}
			aio_start_timeout(to);
			result = WAIT_FOR_EVENT(ctx, i, min_nr, &event, to);
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

#undef READ_EVENTS
#undef WAIT_FOR_EVENT
#undef ADD_WAIT_QUEUE
#undef PREPARE_TO_WAIT
