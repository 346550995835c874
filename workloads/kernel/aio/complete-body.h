/* The body of one copy: complete.h includes it once for each AIO_COMPLETE, LAYOUT and RELEASE. */
noinline bool AIO_COMPLETE(struct kiocb *iocb, s64 res, s64 res2)
{
	struct kioctx *ctx = iocb->ki_ctx;
	struct aio_ring_info *info = &ctx->ring_info;
	struct smpbox_counters *counters;
	struct list_head *first;
	struct io_event *event;
	struct aio_ring *ring;
	bool last;
	u64 flags;
	u32 tail;

	flags = spin_lock_irqsave(&ctx->ctx_lock); /* A0 */
	/* NULL: it is being run, and on no list. */
	if (iocb->ki_run_list.next && !list_empty(&iocb->ki_run_list))
		list_del_init(&iocb->ki_run_list);

	ring = info->ring;
	/* A cancelled one has been reported by io_cancel. */
	if (likely(!(iocb->ki_flags & KIF_CANCELLED))) {
		tail = READ_ONCE(info->tail);
		event = &ring->io_events[tail];
		if (++tail >= info->nr)
			tail = 0;
		store_labelled(A1, event->obj, iocb->ki_obj);
		WRITE_ONCE(event->data, iocb->ki_user_data);
		WRITE_ONCE(event->res, res);
		WRITE_ONCE(event->res2, res2);
		smp_wmb(); /* the event before the tail that announces it */
		BEFORE_TAIL();
		STORE_TAIL();
	}
	last = __aio_put_req(ctx, iocb);
	BETWEEN();
#if LAYOUT == 9
	RELEASE(&ctx->ctx_lock, flags);
#endif
	first = CHECK_AND_WAKE();
	AFTER_CHECK();
#if LAYOUT == 9
	/* In this layout a request holds its context. */
	if (last)
		put_ioctx(ctx);
#else
	RELEASE(&ctx->ctx_lock, flags);
#endif

	counters = &this_cpu()->counters;
	counters->completions++;
	counters->final_puts += last;
	if (first == &ctx->wait.task_list)
		counters->b_empty++;
	else
		counters->b_waiters++;
	return last;
}

#undef LAYOUT
#undef AIO_COMPLETE
#undef RELEASE
